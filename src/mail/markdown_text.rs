//! The text part of an article, written from the tree of its Markdown and not from HTML without tags.
//!
//! Links stand as `text [1]`, their addresses numbered at the end. To write a new kind of block: [`block`];
//! of inline: [`inline`].

use comrak::nodes::{AstNode, ListType, NodeList, NodeValue, TableAlignment};

/// Longest line in characters: short enough to be quoted once within RFC 5322's 78.
pub const LINE_MAX_CHARS: usize = 76;
/// Narrowest column that deep nesting may leave, in characters.
const COLUMN_MIN_CHARS: usize = 20;
/// Headings of an article down to this level are underlined: `#` and `##`.
const UNDERLINED_LEVEL_MAX: u8 = 2;

/// Writes a document; `links` are its addresses in the order of their numbers.
pub(super) fn write<'a>(root: &'a AstNode<'a>, links: &[String]) -> String {
    let mut writer = Writer { links, listed: vec![false; links.len()] };
    let mut lines = writer.blocks(root, LINE_MAX_CHARS, true);
    let listed: Vec<String> = (links.iter().zip(&writer.listed).enumerate())
        .filter(|(_, (_, listed))| **listed)
        .map(|(index, (url, _))| format!("[{}] {}", index + 1, url))
        .collect();
    if !listed.is_empty() {
        lines.push(String::new());
        lines.extend(listed);
    }
    let mut text = lines.join("\n");
    if !text.is_empty() {
        text.push('\n');
    }
    text
}

/// The words below a node, without marks: the description of an image.
pub(super) fn plain<'a>(node: &'a AstNode<'a>) -> String {
    let mut text = String::new();
    for child in node.descendants() {
        match &child.data().value {
            NodeValue::Text(words) => text.push_str(words),
            NodeValue::Code(code) => text.push_str(&code.literal),
            NodeValue::SoftBreak | NodeValue::LineBreak => text.push(' '),
            _ => {}
        }
    }
    text.trim().to_owned()
}

/// Breaks text into lines at spaces, and where it has line breaks. A word that is too long (an address)
/// stays whole.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        let mut used = 0;
        for word in paragraph.split([' ', '\t']).filter(|word| !word.is_empty()) {
            let length = word.chars().count();
            if used > 0 && used + 1 + length > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            if used > 0 {
                line.push(' ');
                used += 1;
            }
            line.push_str(word);
            used += length;
        }
        lines.push(line);
    }
    lines
}

struct Writer<'l> {
    links: &'l [String],
    /// Which addresses the text refers to by number.
    listed: Vec<bool>,
}

impl Writer<'_> {
    fn blocks<'a>(&mut self, node: &'a AstNode<'a>, width: usize, spaced: bool) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for child in node.children() {
            let block = self.block(child, width.max(COLUMN_MIN_CHARS));
            if block.is_empty() {
                continue;
            }
            if spaced && !lines.is_empty() {
                lines.push(String::new());
            }
            lines.extend(block);
        }
        lines
    }

    fn block<'a>(&mut self, node: &'a AstNode<'a>, width: usize) -> Vec<String> {
        match &node.data().value {
            NodeValue::Paragraph => {
                let lines = wrap(&self.inlines(node), width);
                if lines.iter().all(String::is_empty) { Vec::new() } else { lines }
            }
            NodeValue::Heading(heading) => {
                let mut lines = wrap(&self.inlines(node), width);
                if heading.level <= UNDERLINED_LEVEL_MAX {
                    let longest = lines.iter().map(|line| line.chars().count()).max().unwrap_or(0);
                    lines.push("-".repeat(longest));
                }
                lines
            }
            NodeValue::BlockQuote => {
                let quote = |line: String| if line.is_empty() { ">".to_owned() } else { format!("> {line}") };
                self.blocks(node, width.saturating_sub(2), true).into_iter().map(quote).collect()
            }
            NodeValue::List(list) => self.list(node, list, width),
            NodeValue::CodeBlock(code) => {
                code.literal.lines().flat_map(|line| code_line(line, width)).collect()
            }
            NodeValue::ThematicBreak => vec!["* * *".to_owned()],
            NodeValue::Table(table) => self.table(node, &table.alignments, width),
            _ => self.blocks(node, width, true),
        }
    }

    fn list<'a>(&mut self, node: &'a AstNode<'a>, list: &NodeList, width: usize) -> Vec<String> {
        let mut lines: Vec<String> = Vec::new();
        for (index, item) in node.children().enumerate() {
            let marker = match list.list_type {
                ListType::Bullet => "- ".to_owned(),
                ListType::Ordered => format!("{}. ", list.start.saturating_add(index)),
            };
            let indent = " ".repeat(marker.len());
            let inside = self.blocks(item, width.saturating_sub(marker.len()), !list.tight);
            if !list.tight && !lines.is_empty() {
                lines.push(String::new());
            }
            if inside.is_empty() {
                lines.push(marker.trim_end().to_owned());
            }
            for (number, line) in inside.into_iter().enumerate() {
                lines.push(match (number, line.is_empty()) {
                    (0, _) => format!("{marker}{line}"),
                    (_, true) => line,
                    _ => format!("{indent}{line}"),
                });
            }
        }
        lines
    }

    /// In columns when it fits, else row by row as `heading: cell`.
    fn table<'a>(
        &mut self,
        node: &'a AstNode<'a>,
        alignments: &[TableAlignment],
        width: usize,
    ) -> Vec<String> {
        const GAP: &str = "  ";
        let rows: Vec<Vec<String>> = node
            .children()
            .map(|row| row.children().map(|cell| self.inlines(cell).replace('\n', " ")).collect())
            .collect();
        let Some((head, body)) = rows.split_first() else { return Vec::new() };
        let length = |cell: &String| cell.chars().count();
        let widths: Vec<usize> = (0..head.len())
            .map(|column| rows.iter().filter_map(|row| row.get(column)).map(length).max().unwrap_or(0))
            .collect();
        if widths.iter().sum::<usize>() + GAP.len() * widths.len().saturating_sub(1) > width {
            return table_as_list(head, body, width);
        }
        let line = |row: &Vec<String>| {
            let cells: Vec<String> = (row.iter().zip(&widths).enumerate())
                .map(|(column, (cell, width))| match alignments.get(column) {
                    Some(TableAlignment::Right) => format!("{cell:>width$}"),
                    Some(TableAlignment::Center) => format!("{cell:^width$}"),
                    _ => format!("{cell:<width$}"),
                })
                .collect();
            cells.join(GAP).trim_end().to_owned()
        };
        let rule = widths.iter().map(|width| "-".repeat(*width)).collect::<Vec<_>>().join(GAP);
        [line(head), rule].into_iter().chain(body.iter().map(line)).collect()
    }

    fn inlines<'a>(&mut self, node: &'a AstNode<'a>) -> String {
        node.children().map(|child| self.inline(child)).collect()
    }

    fn inline<'a>(&mut self, node: &'a AstNode<'a>) -> String {
        match &node.data().value {
            NodeValue::Text(text) => text.to_string(),
            NodeValue::Code(code) => code.literal.clone(),
            NodeValue::SoftBreak => " ".to_owned(),
            NodeValue::LineBreak => "\n".to_owned(),
            NodeValue::Strong => format!("*{}*", self.inlines(node)),
            NodeValue::Strikethrough => format!("~{}~", self.inlines(node)),
            NodeValue::Image(image) => {
                let description = plain(node);
                let description =
                    if description.is_empty() { String::new() } else { format!("[{description}]") };
                format!("{description} {}", image.title.trim()).trim().to_owned()
            }
            NodeValue::Link(link) => self.link(&self.inlines_of_link(node), &link.url),
            _ => self.inlines(node),
        }
    }

    fn inlines_of_link<'a>(&self, node: &'a AstNode<'a>) -> String {
        // Links do not nest (CommonMark 6.3), so that no number is given in here.
        Writer { links: self.links, listed: vec![false; self.links.len()] }.inlines(node)
    }

    fn link(&mut self, text: &str, url: &str) -> String {
        let bare = |address: &str| {
            let address = address.trim_end_matches('/');
            ["https://", "http://", "mailto:"]
                .iter()
                .find_map(|scheme| address.strip_prefix(scheme))
                .unwrap_or(address)
                .to_owned()
        };
        if bare(text) == bare(url) {
            return text.to_owned();
        }
        let Some(index) = self.links.iter().position(|link| link == url) else { return text.to_owned() };
        if let Some(listed) = self.listed.get_mut(index) {
            *listed = true;
        }
        format!("{text} [{}]", index + 1).trim_start().to_owned()
    }
}

fn table_as_list(head: &[String], body: &[Vec<String>], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    // A table of a heading alone still shows it.
    if body.is_empty() {
        return head.iter().flat_map(|cell| wrap(cell, width)).collect();
    }
    for row in body {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        for (title, cell) in head.iter().zip(row).filter(|(_, cell)| !cell.is_empty()) {
            let text = if title.is_empty() { cell.clone() } else { format!("{title}: {cell}") };
            lines.extend(wrap(&text, width));
        }
    }
    lines
}

/// Code keeps its spaces; a line that is too long goes on in the next, after a space where there is one.
fn code_line(line: &str, width: usize) -> Vec<String> {
    const INDENT: &str = "    ";
    if line.is_empty() {
        return vec![String::new()];
    }
    let most = width.saturating_sub(INDENT.len()).max(1);
    let mut rest: Vec<char> = line.chars().collect();
    let mut lines = Vec::new();
    while rest.len() > most {
        let space = rest[..most].iter().rposition(|c| *c == ' ').filter(|at| *at > 0);
        let tail = rest.split_off(space.map_or(most, |at| at + 1));
        lines.push(format!("{INDENT}{}", rest.iter().collect::<String>().trim_end()));
        rest = tail;
    }
    lines.push(format!("{INDENT}{}", rest.iter().collect::<String>()));
    lines
}
