//! Paragraphs, headings, lists, quotes and tables in the tree of pasted HTML.

use super::tree::{Element, Node, Tree, is_block};

/// Deepest list or quote: what is deeper stands at this level. The renderer takes no more than forty levels of anything.
const NESTING_MAX: usize = 10;
/// Most columns of a table; wider ones become paragraphs.
const COLUMNS_MAX: usize = 20;

/// How words look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Look {
    pub bold: bool,
    pub italic: bool,
    pub strike: bool,
    pub code: bool,
    /// Where they lead; empty: nowhere.
    pub link: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Span {
    Text(String, Look),
    Image { src: String, alt: String },
    Break,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    Paragraph(Vec<Span>),
    Heading(u8, Vec<Span>),
    List {
        is_ordered: bool,
        start: usize,
        items: Vec<Vec<Block>>,
    },
    Quote(Vec<Block>),
    Code(String),
    /// Rows of cells; the first row is the head.
    Table(Vec<Vec<Vec<Span>>>),
    Rule,
    /// A paragraph that Word means as an item of a list; [`gather`] makes lists of them.
    Item {
        level: usize,
        is_ordered: bool,
        content: Vec<Block>,
    },
}

/// What a document is made of, and how many pictures were left out.
pub fn find(tree: &Tree) -> (Vec<Block>, usize) {
    let mut finder = Finder { tree, pictures: 0 };
    let mut flow = Flow::default();
    for child in tree.children(Tree::ROOT) {
        finder.walk(*child, &Look::default(), 0, &mut flow);
    }
    (flow.finish(), finder.pictures)
}

/// The blocks found so far, and the words of the one that is open.
#[derive(Default)]
struct Flow {
    blocks: Vec<Block>,
    words: Vec<Span>,
}

impl Flow {
    /// Ends the paragraph that is open.
    fn flush(&mut self) {
        let words = std::mem::take(&mut self.words);
        let has_words = words.iter().any(|span| match span {
            Span::Text(text, _) => !text.trim().is_empty(),
            Span::Image { .. } => true,
            Span::Break => false,
        });
        if has_words {
            self.blocks.push(Block::Paragraph(words));
        }
    }

    fn push(&mut self, block: Block) {
        self.flush();
        self.blocks.push(block);
    }

    fn finish(mut self) -> Vec<Block> {
        self.flush();
        gather(self.blocks)
    }
}

struct Finder<'a> {
    tree: &'a Tree,
    pictures: usize,
}

impl Finder<'_> {
    fn walk(&mut self, id: usize, look: &Look, nesting: usize, flow: &mut Flow) {
        let tree = self.tree;
        let element = match tree.node(id) {
            Node::Text(text) => {
                flow.words.push(Span::Text(text.clone(), look.clone()));
                return;
            }
            Node::Element(element) => element,
        };
        if element.is_hidden || is_word_bullet(element) {
            return;
        }
        match element.name.as_str() {
            "br" => flow.words.push(Span::Break),
            "hr" => flow.push(Block::Rule),
            "img" => self.image(element, flow),
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = element.name.as_bytes().get(1).map_or(2, |digit| digit - b'0');
                self.heading(id, level, nesting, flow);
            }
            "p" if element.class.contains("MsoTitle") => self.heading(id, 1, nesting, flow),
            "pre" | "xmp" => {
                let mut text = String::new();
                self.raw(id, &mut text);
                if !text.trim().is_empty() {
                    flow.push(Block::Code(text));
                }
            }
            "blockquote" if nesting < NESTING_MAX => {
                let inside = self.inside(id, look, nesting + 1);
                flow.flush();
                if !inside.is_empty() {
                    flow.push(Block::Quote(inside));
                }
            }
            "ul" | "ol" | "menu" | "dir" if nesting < NESTING_MAX => self.list(id, look, nesting, flow),
            "table" => self.table(id, look, nesting, flow),
            "q" => {
                flow.words.push(Span::Text("“".to_owned(), look.clone()));
                self.walk_children(id, look, nesting, flow);
                flow.words.push(Span::Text("”".to_owned(), look.clone()));
            }
            name if is_block(name) || matches!(name, "td" | "th" | "caption" | "body" | "html") => {
                flow.flush();
                match word_item(element) {
                    Some(level) => {
                        let is_ordered = self.has_number(id);
                        let content = self.inside(id, look, nesting + 1);
                        if !content.is_empty() {
                            flow.push(Block::Item { level, is_ordered, content });
                        }
                    }
                    None => self.walk_children(id, &looks(element, look), nesting, flow),
                }
                flow.flush();
            }
            _ => self.walk_children(id, &looks(element, look), nesting, flow),
        }
    }

    fn walk_children(&mut self, id: usize, look: &Look, nesting: usize, flow: &mut Flow) {
        for child in self.tree.children(id) {
            self.walk(*child, look, nesting, flow);
        }
    }

    /// What stands in an element, by itself.
    fn inside(&mut self, id: usize, look: &Look, nesting: usize) -> Vec<Block> {
        let mut flow = Flow::default();
        self.walk_children(id, look, nesting, &mut flow);
        flow.finish()
    }

    fn image(&mut self, element: &Element, flow: &mut Flow) {
        let is_dot = |side: &str| matches!(side.trim(), "0" | "1" | "2");
        if is_dot(&element.width) || is_dot(&element.height) {
            return; // counts readers
        }
        let src = element.src.trim();
        if is_web(src) {
            let alt = element.alt.split_whitespace().collect::<Vec<_>>().join(" ");
            flow.words.push(Span::Image { src: src.to_owned(), alt });
        } else if !src.is_empty() {
            self.pictures += 1;
        }
    }

    /// A heading is bold by itself.
    fn heading(&mut self, id: usize, level: u8, nesting: usize, flow: &mut Flow) {
        let words = self.line(id, nesting);
        let plain = |span: Span| match span {
            Span::Text(text, look) => Span::Text(text, Look { bold: false, ..look }),
            Span::Break => Span::Text(" ".to_owned(), Look::default()),
            image @ Span::Image { .. } => image,
        };
        let words: Vec<Span> = words.into_iter().map(plain).collect();
        flow.flush();
        if words.iter().any(|span| matches!(span, Span::Text(text, _) if !text.trim().is_empty())) {
            flow.push(Block::Heading(level, words));
        } else {
            flow.words.extend(words);
            flow.flush();
        }
    }

    /// Everything in an element on one line.
    fn line(&mut self, id: usize, nesting: usize) -> Vec<Span> {
        let mut words = Vec::new();
        flatten(self.inside(id, &Look::default(), nesting), &mut words);
        words
    }

    fn list(&mut self, id: usize, look: &Look, nesting: usize, flow: &mut Flow) {
        let tree = self.tree;
        let Node::Element(list) = tree.node(id) else { return };
        let mut items: Vec<Vec<Block>> = Vec::new();
        for child in tree.children(id) {
            let is_item = matches!(tree.node(*child), Node::Element(element) if element.name == "li");
            if is_item {
                let Node::Element(element) = tree.node(*child) else { continue };
                if !element.is_hidden {
                    items.push(self.inside(*child, look, nesting + 1));
                }
                continue;
            }
            // A list in a list, beside its item instead of in it; or words where only items should be.
            let mut stray = Flow::default();
            self.walk(*child, look, nesting + 1, &mut stray);
            let stray = stray.finish();
            match items.last_mut() {
                Some(last) => last.extend(stray),
                None if !stray.is_empty() => items.push(stray),
                None => {}
            }
        }
        items.retain(|item| !item.is_empty());
        flow.flush();
        if !items.is_empty() {
            let start = list.start.trim().parse().unwrap_or(1).min(9999);
            flow.push(Block::List { is_ordered: list.name == "ol", start, items });
        }
    }

    fn table(&mut self, id: usize, look: &Look, nesting: usize, flow: &mut Flow) {
        flow.flush();
        let mut rows = Vec::new();
        self.rows(id, &mut rows);
        let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
        let is_layout =
            columns < 2 || rows.len() < 2 || rows.iter().flatten().any(|cell| self.holds_table(*cell));
        if is_layout || columns > COLUMNS_MAX {
            self.walk_children(id, look, nesting, flow);
            flow.flush();
            return;
        }
        for child in self.tree.children(id) {
            if matches!(self.tree.node(*child), Node::Element(element) if element.name == "caption") {
                self.walk(*child, look, nesting, flow);
            }
        }
        let mut written = Vec::new();
        for row in rows {
            let mut cells = Vec::new();
            for cell in row {
                let span = match self.tree.node(cell) {
                    Node::Element(element) => element.colspan.trim().parse().unwrap_or(1),
                    Node::Text(_) => 1,
                };
                cells.push(self.line(cell, nesting));
                let more = span.clamp(1_usize, COLUMNS_MAX) - 1;
                cells.extend((0..more).map(|_| Vec::new()));
            }
            written.push(cells);
        }
        written.retain(|row| row.iter().any(|cell| !cell.is_empty()));
        if !written.is_empty() {
            flow.push(Block::Table(written));
        }
        // What stands in a table and in none of its cells.
        self.strays(id, look, nesting, flow);
        flow.flush();
    }

    /// The cells of a table, row by row; those of tables inside it not.
    fn rows(&self, id: usize, rows: &mut Vec<Vec<usize>>) {
        for child in self.tree.children(id) {
            let Node::Element(element) = self.tree.node(*child) else { continue };
            match element.name.as_str() {
                "tr" if !element.is_hidden => {
                    let is_cell = |id: &&usize| {
                        matches!(self.tree.node(**id), Node::Element(cell)
                            if matches!(cell.name.as_str(), "td" | "th") && !cell.is_hidden)
                    };
                    rows.push(self.tree.children(*child).iter().filter(is_cell).copied().collect());
                }
                "tbody" | "thead" | "tfoot" => self.rows(*child, rows),
                _ => {}
            }
        }
    }

    fn strays(&mut self, id: usize, look: &Look, nesting: usize, flow: &mut Flow) {
        let tree = self.tree;
        for child in tree.children(id) {
            match tree.node(*child) {
                Node::Element(element) => match element.name.as_str() {
                    "td" | "th" | "caption" => {}
                    "tbody" | "thead" | "tfoot" | "tr" => self.strays(*child, look, nesting, flow),
                    _ => self.walk(*child, look, nesting, flow),
                },
                Node::Text(_) => self.walk(*child, look, nesting, flow),
            }
        }
    }

    fn holds_table(&self, id: usize) -> bool {
        self.tree.children(id).iter().any(|child| {
            matches!(self.tree.node(*child), Node::Element(element) if element.name == "table")
                || self.holds_table(*child)
        })
    }

    /// The text of an element as it stands.
    fn raw(&self, id: usize, text: &mut String) {
        for child in self.tree.children(id) {
            match self.tree.node(*child) {
                Node::Text(piece) => text.push_str(piece),
                Node::Element(element) if element.name == "br" => text.push('\n'),
                Node::Element(element) if element.is_hidden => {}
                Node::Element(element) => {
                    self.raw(*child, text);
                    if is_block(&element.name) && !text.ends_with('\n') {
                        text.push('\n');
                    }
                }
            }
        }
    }

    /// Whether the bullet that Word wrote into an item is a number or a letter.
    fn has_number(&self, id: usize) -> bool {
        self.tree.children(id).iter().any(|child| match self.tree.node(*child) {
            Node::Element(element) if is_word_bullet(element) => {
                let mut bullet = String::new();
                self.raw(*child, &mut bullet);
                let bullet = bullet.trim().trim_start_matches('(');
                let sign = bullet.trim_end_matches(['.', ')']);
                sign.len() < bullet.len()
                    && (sign.chars().all(|c| c.is_ascii_digit()) || sign.len() <= 4)
                    && sign.chars().all(|c| c.is_ascii_alphanumeric())
            }
            Node::Element(_) => self.has_number(*child),
            Node::Text(_) => false,
        })
    }
}

/// `<span style="mso-list:Ignore">·</span>`.
fn is_word_bullet(element: &Element) -> bool {
    element.style.contains("mso-list:ignore")
}

/// The level of a paragraph that is an item of a list for Word: `mso-list:l0 level2 lfo1`.
fn word_item(element: &Element) -> Option<usize> {
    let (_, rest) = element.style.split_once("mso-list:")?;
    let (_, level) = rest.split(';').next()?.split_once("level")?;
    let digits: String = level.chars().take_while(char::is_ascii_digit).take(2).collect();
    digits.parse().ok().map(|level: usize| level.clamp(1, NESTING_MAX))
}

fn is_web(url: &str) -> bool {
    let start: String = url.chars().take(8).flat_map(char::to_lowercase).collect();
    start.starts_with("http://") || start.starts_with("https://")
}

/// How the words in an element look.
fn looks(element: &Element, around: &Look) -> Look {
    let mut look = around.clone();
    match element.name.as_str() {
        "b" | "strong" => look.bold = true,
        "i" | "em" | "cite" | "dfn" | "var" => look.italic = true,
        "s" | "del" | "strike" => look.strike = true,
        "code" | "kbd" | "samp" | "tt" => look.code = true,
        "a" => {
            let url = element.href.trim();
            let is_mail = url.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("mailto:"));
            if is_web(url) || is_mail {
                look.link = url.to_owned();
            }
        }
        _ => {}
    }
    // Google Docs says everything by styles, and wraps the whole in a <b> that is not bold.
    for declaration in element.style.split(';') {
        let Some((property, value)) = declaration.split_once(':') else { continue };
        match (property, value) {
            ("font-weight", "normal" | "lighter" | "100" | "200" | "300" | "400" | "500") => {
                look.bold = false
            }
            ("font-weight", "bold" | "bolder" | "600" | "700" | "800" | "900") => look.bold = true,
            ("font-style", "italic" | "oblique") => look.italic = true,
            ("font-style", "normal") => look.italic = false,
            ("text-decoration" | "text-decoration-line", value) if value.contains("line-through") => {
                look.strike = true;
            }
            _ => {}
        }
    }
    look
}

/// Blocks on one line, with a space between them.
fn flatten(blocks: Vec<Block>, words: &mut Vec<Span>) {
    let space = || Span::Text(" ".to_owned(), Look::default());
    for block in blocks {
        if !words.is_empty() {
            words.push(space());
        }
        match block {
            Block::Paragraph(line) | Block::Heading(_, line) => {
                words.extend(line.into_iter().map(|span| if span == Span::Break { space() } else { span }));
            }
            Block::List { items, .. } => items.into_iter().for_each(|item| {
                words.push(Span::Text("• ".to_owned(), Look::default()));
                flatten(item, words);
                words.push(space());
            }),
            Block::Item { content, .. } | Block::Quote(content) => flatten(content, words),
            Block::Code(text) => words.push(Span::Text(text, Look { code: true, ..Look::default() })),
            Block::Table(rows) => rows.into_iter().flatten().for_each(|cell| {
                words.extend(cell);
                words.push(space());
            }),
            Block::Rule => {}
        }
    }
}

/// Makes lists of the paragraphs that Word means as items.
fn gather(blocks: Vec<Block>) -> Vec<Block> {
    let mut gathered = Vec::new();
    let mut items = Vec::new();
    for block in blocks {
        match block {
            Block::Item { level, is_ordered, content } => items.push((level, is_ordered, content)),
            other => {
                end_list(&mut items, &mut gathered);
                gathered.push(other);
            }
        }
    }
    end_list(&mut items, &mut gathered);
    gathered
}

type Item = (usize, bool, Vec<Block>);

fn end_list(items: &mut Vec<Item>, blocks: &mut Vec<Block>) {
    let mut rest = std::mem::take(items).into_iter().peekable();
    while let Some((level, ..)) = rest.peek() {
        let level = *level;
        blocks.push(nest(&mut rest, level));
    }
}

/// The items from here on that are of this level, with the deeper ones inside.
fn nest(rest: &mut std::iter::Peekable<std::vec::IntoIter<Item>>, level: usize) -> Block {
    let mut items: Vec<Vec<Block>> = Vec::new();
    let mut kind = None;
    while let Some((next, is_ordered, _)) = rest.peek() {
        let (next, is_ordered) = (*next, *is_ordered);
        if next < level || (next == level && kind.is_some_and(|kind| kind != is_ordered)) {
            break;
        }
        if next > level {
            let deeper = nest(rest, next);
            match items.last_mut() {
                Some(last) => last.push(deeper),
                None => items.push(vec![deeper]),
            }
            continue;
        }
        kind = Some(is_ordered);
        if let Some((_, _, content)) = rest.next() {
            items.push(content);
        }
    }
    Block::List { is_ordered: kind.unwrap_or(false), start: 1, items }
}
