//! Blocks as Markdown, in the dialect of [`crate::mail::markdown`]. Signs that mean something there are escaped where
//! they would.

use super::blocks::{Block, Look, Span};

/// The Markdown of blocks, with one blank line between them and no line end behind the last.
pub fn write(blocks: &[Block]) -> String {
    let mut text = String::new();
    for line in lines(blocks, false) {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// In an item of a list, a list stands right below the words that it belongs to.
fn lines(blocks: &[Block], is_item: bool) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    // Two lists of one kind that follow each other would be one, were their signs the same.
    let mut is_other_sign = false;
    let mut before: Option<&Block> = None;
    for block in blocks {
        let is_list = |block: &Block| matches!(block, Block::List { .. });
        is_other_sign = is_list(block) && before.is_some_and(is_list) && !is_other_sign;
        let written = one(block, is_other_sign);
        if written.is_empty() {
            continue;
        }
        // A list that begins with another number than one does not end a paragraph.
        let is_close = is_item
            && matches!(before, Some(Block::Paragraph(_)))
            && matches!(block, Block::List { is_ordered, start, .. } if !is_ordered || *start == 1);
        if !out.is_empty() && !is_close {
            out.push(String::new());
        }
        out.extend(written);
        before = Some(block);
    }
    out
}

fn one(block: &Block, is_other_sign: bool) -> Vec<String> {
    match block {
        Block::Paragraph(words) => paragraph(words),
        Block::Heading(level, words) => {
            let text = inline(words, Place::Heading);
            let text = text.trim_matches([' ', '#']);
            if text.is_empty() {
                Vec::new()
            } else {
                vec![format!("{} {text}", "#".repeat(usize::from(*level)))]
            }
        }
        Block::List { is_ordered, start, items } => list(*is_ordered, *start, items, is_other_sign),
        Block::Quote(inside) => lines(inside, false)
            .into_iter()
            .map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") })
            .collect(),
        Block::Code(text) => code(text),
        Block::Table(rows) => table(rows),
        Block::Rule => vec!["---".to_owned()],
        // Gathered to lists before; by itself it is what it holds.
        Block::Item { content, .. } => lines(content, false),
    }
}

fn paragraph(words: &[Span]) -> Vec<String> {
    let mut out = Vec::new();
    let mut open: Vec<String> = Vec::new();
    let parts: Vec<&[Span]> = words.split(|span| *span == Span::Break).collect();
    for part in parts {
        let line = inline(part, Place::Paragraph);
        if line.is_empty() {
            // Two breaks are the end of a paragraph.
            end_paragraph(&mut open, &mut out);
        } else {
            open.push(guard_start(&line));
        }
    }
    end_paragraph(&mut open, &mut out);
    out
}

fn end_paragraph(open: &mut Vec<String>, out: &mut Vec<String>) {
    let last = open.len().saturating_sub(1);
    if !open.is_empty() && !out.is_empty() {
        out.push(String::new());
    }
    for (at, mut line) in std::mem::take(open).into_iter().enumerate() {
        if at < last {
            line.push('\\');
        }
        out.push(line);
    }
}

fn list(is_ordered: bool, start: usize, items: &[Vec<Block>], is_other_sign: bool) -> Vec<String> {
    let items: Vec<Vec<String>> =
        items.iter().map(|item| lines(item, true)).filter(|item| !item.is_empty()).collect();
    let is_tight = items.iter().all(|item| !item.iter().any(String::is_empty));
    let mut out = Vec::new();
    for (number, item) in (start..).zip(items) {
        let sign = match (is_ordered, is_other_sign) {
            (true, false) => format!("{number}. "),
            (true, true) => format!("{number}) "),
            (false, false) => "- ".to_owned(),
            (false, true) => "* ".to_owned(),
        };
        if !is_tight && !out.is_empty() {
            out.push(String::new());
        }
        let indent = " ".repeat(sign.len());
        for (at, line) in item.into_iter().enumerate() {
            out.push(match (at, line.is_empty()) {
                (0, _) => format!("{sign}{line}"),
                (_, true) => String::new(),
                (_, false) => format!("{indent}{line}"),
            });
        }
    }
    out
}

/// A fence is longer than any row of its signs inside.
fn code(text: &str) -> Vec<String> {
    let text = text.replace("\r\n", "\n");
    let mut longest = 0;
    let mut row = 0;
    for c in text.chars() {
        row = if c == '`' { row + 1 } else { 0 };
        longest = longest.max(row);
    }
    let fence = "`".repeat(longest.max(2) + 1);
    let mut out = vec![fence.clone()];
    out.extend(text.trim_matches('\n').lines().map(|line| line.trim_end().to_owned()));
    out.push(fence);
    // A line without anything would end a list around it; one with a space does not, and shows nothing.
    out
}

fn table(rows: &[Vec<Vec<Span>>]) -> Vec<String> {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        let mut line = String::from("|");
        for column in 0..columns {
            let cell = row.get(column).map(|cell| inline(cell, Place::Cell)).unwrap_or_default();
            line.push(' ');
            line.push_str(&cell);
            line.push_str(if cell.is_empty() { "|" } else { " |" });
        }
        out.push(line);
        if at == 0 {
            out.push(format!("|{}", " --- |".repeat(columns)));
        }
    }
    out
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Paragraph,
    Heading,
    Cell,
}

/// Words on one line: white space folded, neighbours that look alike joined, signs escaped.
fn inline(words: &[Span], place: Place) -> String {
    let pieces = join(words);
    let mut out = String::new();
    let mut at = 0;
    while let Some((text, look)) = pieces.get(at) {
        // All neighbours that lead to the same place are one link.
        let end = if look.link.is_empty() {
            at + 1
        } else {
            pieces[at..]
                .iter()
                .position(|(_, other)| other.link != look.link)
                .map_or(pieces.len(), |n| at + n)
        };
        let next = pieces.get(end).and_then(|(text, _)| text.chars().next());
        if look.link.is_empty() {
            dressed(&mut out, text, look, next, place);
        } else {
            let mut inside = String::new();
            for (text, look) in &pieces[at..end] {
                dressed(&mut inside, text, look, None, place);
            }
            link(&mut out, &inside, &look.link);
        }
        at = end;
    }
    out.trim().to_owned()
}

/// An image keeps its place as a piece that starts with this sign, which no text holds.
const IMAGE: char = '\u{e000}';

fn join(words: &[Span]) -> Vec<(String, Look)> {
    let mut pieces: Vec<(String, Look)> = Vec::new();
    let mut ends_in_space = true;
    for span in words {
        let (text, look) = match span {
            Span::Text(text, look) => (fold(text, &mut ends_in_space), look.clone()),
            Span::Break => (fold(" ", &mut ends_in_space), Look::default()),
            Span::Image { src, alt } => {
                ends_in_space = false;
                (
                    format!("{IMAGE}![{}]({})", escape_image(alt), target(src)),
                    Look { code: true, ..Look::default() },
                )
            }
        };
        match pieces.last_mut() {
            Some((last, known)) if *known == look && !text.starts_with(IMAGE) && !last.starts_with(IMAGE) => {
                last.push_str(&text);
            }
            _ if text.is_empty() => {}
            _ => pieces.push((text, look)),
        }
    }
    pieces
}

/// White space as browsers show it: one space, and none at the beginning. A space that must not break stays, unless it
/// only holds a distance.
fn fold(text: &str, ends_in_space: &mut bool) -> String {
    let mut folded = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if matches!(c, '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{200b}' | '\u{ad}')
            || (c.is_control() && !c.is_whitespace())
        {
            continue; // signs of a font, and what cannot be seen
        }
        if c == '\u{a0}' && !*ends_in_space && rest.peek().is_some_and(|next| !next.is_whitespace()) {
            folded.push(c);
        } else if c.is_whitespace() {
            if !*ends_in_space {
                folded.push(' ');
            }
            *ends_in_space = true;
            continue;
        } else {
            folded.push(c);
        }
        *ends_in_space = false;
    }
    folded
}

/// Writes words with the signs of how they look, if the signs would be understood there.
fn dressed(out: &mut String, text: &str, look: &Look, next: Option<char>, place: Place) {
    if let Some(image) = text.strip_prefix(IMAGE) {
        out.push_str(image);
        return;
    }
    let inner = text.trim();
    if inner.is_empty() {
        out.push_str(text);
        return;
    }
    let lead = &text[..text.len() - text.trim_start().len()];
    let trail = &text[text.trim_end().len()..];
    out.push_str(lead);
    if look.code {
        code_span(out, inner, place);
    } else {
        let marks = match (look.bold, look.italic) {
            (true, true) => "***",
            (true, false) => "**",
            (false, true) => "*",
            (false, false) => "",
        };
        let strike = if look.strike { "~~" } else { "" };
        let before = out.chars().next_back();
        let after = if trail.is_empty() { next } else { Some(' ') };
        let is_fine = opens(before, inner.chars().next()) && opens(after, inner.chars().next_back());
        let has_marks = is_fine && !(marks.is_empty() && strike.is_empty());
        if has_marks {
            out.push_str(strike);
            out.push_str(marks);
        }
        escape(out, inner, place);
        if has_marks {
            out.push_str(marks);
            out.push_str(strike);
        }
    }
    out.push_str(trail);
}

/// Whether a mark between what is outside and what is inside is one (CommonMark, 6.2): not next to a sign inside, unless
/// there is a space outside. Marks next to marks are not written at all.
fn opens(outside: Option<char>, inside: Option<char>) -> bool {
    let is_sign = |c: char| !c.is_alphanumeric() && !c.is_whitespace();
    match outside {
        None => true,
        Some(c) if c.is_whitespace() => true,
        Some('*' | '~' | '\\' | '_') => false,
        Some(_) => inside.is_some_and(|c| !is_sign(c)),
    }
}

fn code_span(out: &mut String, text: &str, place: Place) {
    let text = if place == Place::Cell { text.replace('|', "\\|") } else { text.to_owned() };
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let pad = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    out.push_str(&format!("{fence}{pad}{text}{pad}{fence}"));
}

fn link(out: &mut String, inside: &str, url: &str) {
    let words = inside.trim();
    let lead = if inside.starts_with(' ') { " " } else { "" };
    let trail = if inside.ends_with(' ') && !words.is_empty() { " " } else { "" };
    if words.is_empty() {
        out.push_str(lead);
        return;
    }
    out.push_str(&format!("{lead}[{words}]({}){trail}", target(url)));
}

/// An address as the target of a link: what would end it is encoded.
fn target(url: &str) -> String {
    let mut target = String::with_capacity(url.len());
    for c in url.chars() {
        match c {
            ' ' | '\u{a0}' => target.push_str("%20"),
            '(' => target.push_str("%28"),
            ')' => target.push_str("%29"),
            '<' => target.push_str("%3C"),
            '>' => target.push_str("%3E"),
            '\\' => target.push_str("%5C"),
            '|' => target.push_str("%7C"),
            '`' => target.push_str("%60"),
            '{' => target.push_str("%7B"),
            '}' => target.push_str("%7D"),
            '*' => target.push_str("%2A"),
            c if c.is_control() || c.is_whitespace() => {}
            c => target.push(c),
        }
    }
    target
}

fn escape_image(alt: &str) -> String {
    let mut ends_in_space = true;
    let mut escaped = String::new();
    escape(&mut escaped, fold(alt, &mut ends_in_space).trim(), Place::Cell);
    escaped
}

/// Escapes what would be taken for Markdown in the middle of a line.
fn escape(out: &mut String, text: &str, place: Place) {
    let chars: Vec<char> = text.chars().collect();
    for (at, c) in chars.iter().copied().enumerate() {
        let next = chars.get(at + 1).copied();
        let before = at.checked_sub(1).and_then(|at| chars.get(at)).copied();
        let needs = match c {
            '\\' | '`' | '*' | '~' => true,
            '_' => !(before.is_some_and(char::is_alphanumeric) && next.is_some_and(char::is_alphanumeric)),
            '<' => next.is_none_or(|next| next.is_ascii_alphabetic() || matches!(next, '/' | '!' | '?')),
            '&' => next.is_some_and(|next| next.is_ascii_alphanumeric() || next == '#'),
            ']' => next.is_none_or(|next| matches!(next, '(' | '[' | ':')),
            '[' => place != Place::Paragraph,
            '!' => next.is_none_or(|next| next == '['),
            '|' => place == Place::Cell,
            '#' => place == Place::Heading,
            _ => false,
        };
        // A field of ours stays one; what only looks like one would be a mistake that nobody made.
        if c == '{' && out.ends_with('{') && !is_field(chars.get(at.saturating_sub(1)..).unwrap_or_default())
        {
            out.push(' ');
        }
        if needs {
            out.push('\\');
        }
        out.push(c);
    }
}

/// Whether a merge field that can be filled begins here.
fn is_field(chars: &[char]) -> bool {
    /// Longest fallback that is looked for.
    const FIELD_MAX_CHARS: usize = 80;
    let text: String = chars.iter().take(FIELD_MAX_CHARS).collect();
    let Some((field, _)) = text.strip_prefix("{{").and_then(|rest| rest.split_once("}}")) else {
        return false;
    };
    let fallback = field.strip_prefix("name|").unwrap_or_default().trim();
    field == "newsletter" || (!fallback.is_empty() && !fallback.contains(['{', '}', '|']))
}

/// Escapes what would be a heading, a list, a quote or a rule at the beginning of a line.
fn guard_start(line: &str) -> String {
    let Some(first) = line.chars().next() else { return String::new() };
    let rest = &line[first.len_utf8()..];
    if first.is_ascii_digit() {
        let digits = line.bytes().take_while(u8::is_ascii_digit).count();
        if digits <= 9 && line[digits..].starts_with(['.', ')']) {
            return format!("{}\\{}", &line[..digits], &line[digits..]);
        }
        return line.to_owned();
    }
    let is_guarded = match first {
        '#' | '>' | '=' | '|' | ':' => true,
        '-' | '+' => rest.is_empty() || rest.starts_with([' ', '-', '|', ':']),
        _ => false,
    };
    if is_guarded { format!("\\{line}") } else { line.to_owned() }
}
