//! HTML to a tree that is never deep, in one pass.
//!
//! Not the tree of a browser: misnested formatting is not repaired, because what a clipboard holds was written by a
//! program. What a writer leaves out (`</p>`, `</li>`, `</td>`) is closed where the next one begins.

use std::cell::RefCell;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use reqwest::Url;

/// Deepest element. What is deeper stands beside instead of inside; no document needs it, and everything that walks the
/// tree is recursive.
const DEPTH_MAX: usize = 60;

#[derive(Debug)]
pub enum Node {
    Text(String),
    Element(Box<Element>),
}

/// An element with what matters of its attributes.
#[derive(Debug, Default)]
pub struct Element {
    pub name: String,
    pub href: String,
    pub src: String,
    pub alt: String,
    /// In lower case, without spaces.
    pub style: String,
    pub class: String,
    pub start: String,
    pub width: String,
    pub height: String,
    pub colspan: String,
    pub is_hidden: bool,
    pub children: Vec<usize>,
}

static NOTHING: Node = Node::Text(String::new());

#[derive(Debug)]
pub struct Tree {
    nodes: Vec<Node>,
}

impl Tree {
    pub const ROOT: usize = 0;

    pub fn node(&self, id: usize) -> &Node {
        // Every id comes from the tree itself.
        self.nodes.get(id).unwrap_or(&NOTHING)
    }

    /// Makes relative addresses whole.
    pub fn resolve(&mut self, page: &Url) {
        for node in &mut self.nodes {
            let Node::Element(element) = node else { continue };
            for address in [&mut element.href, &mut element.src] {
                // What leads to a place on the page itself leads nowhere in a mail.
                let is_relative =
                    !address.is_empty() && !address.starts_with('#') && Url::parse(address).is_err();
                if let Some(whole) = is_relative.then(|| page.join(address).ok()).flatten() {
                    *address = whole.into();
                }
            }
        }
    }

    pub fn children(&self, id: usize) -> &[usize] {
        match self.node(id) {
            Node::Element(element) => &element.children,
            Node::Text(_) => &[],
        }
    }
}

/// Elements that hold nothing.
const VOID: [&str; 14] = [
    "area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track",
    "wbr",
];

/// Elements whose content nobody sees as text.
const UNSEEN: [&str; 15] = [
    "audio", "canvas", "iframe", "noembed", "noframes", "noscript", "object", "script", "select", "style",
    "svg", "template", "title", "video", "xml",
];

/// Elements that end a paragraph that is still open.
const BLOCKS: [&str; 38] = [
    "address",
    "article",
    "aside",
    "blockquote",
    "center",
    "dd",
    "details",
    "dialog",
    "dir",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "footer",
    "form",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "li",
    "main",
    "menu",
    "nav",
    "ol",
    "p",
    "pre",
    "section",
    "summary",
    "table",
    "tr",
    "ul",
    "xmp",
];

pub fn is_block(name: &str) -> bool {
    BLOCKS.contains(&name)
}

/// Where an open element of the same kind is not looked for any further.
fn is_wall(name: &str) -> bool {
    matches!(name, "table" | "td" | "th" | "caption")
}

pub fn read(html: &str) -> Tree {
    let input = BufferQueue::default();
    input.push_back(StrTendril::from_slice(html));
    let root = Element { name: "body".to_owned(), ..Element::default() };
    let builder = Builder { nodes: vec![Node::Element(Box::new(root))], open: vec![Tree::ROOT] };
    let tokenizer = Tokenizer::new(Sink(RefCell::new(builder)), TokenizerOpts::default());
    // Nothing interrupts it: scripts are content like any other.
    let _ = tokenizer.feed(&input);
    tokenizer.end();
    Tree { nodes: tokenizer.sink.0.into_inner().nodes }
}

struct Sink(RefCell<Builder>);

impl TokenSink for Sink {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut builder = self.0.borrow_mut();
        match token {
            Token::CharacterTokens(text) => builder.text(&text),
            Token::TagToken(tag) if tag.kind == TagKind::EndTag => builder.end(&tag.name),
            Token::TagToken(tag) => {
                builder.start(&tag);
                return match &*tag.name {
                    "script" => TokenSinkResult::RawData(RawKind::ScriptData),
                    "style" | "iframe" | "noembed" | "noframes" | "noscript" | "xmp" => {
                        TokenSinkResult::RawData(RawKind::Rawtext)
                    }
                    "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
                    _ => TokenSinkResult::Continue,
                };
            }
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

struct Builder {
    nodes: Vec<Node>,
    /// From the root to the element that is open.
    open: Vec<usize>,
}

impl Builder {
    fn name(&self, id: usize) -> &str {
        match self.nodes.get(id) {
            Some(Node::Element(element)) => &element.name,
            _ => "",
        }
    }

    fn append(&mut self, node: Node) -> usize {
        let id = self.nodes.len();
        self.nodes.push(node);
        let parent = self.open.last().copied().unwrap_or(Tree::ROOT);
        if let Some(Node::Element(parent)) = self.nodes.get_mut(parent) {
            parent.children.push(id);
        }
        id
    }

    fn text(&mut self, text: &str) {
        let last = self.open.last().and_then(|open| match self.nodes.get(*open) {
            Some(Node::Element(element)) => element.children.last().copied(),
            _ => None,
        });
        if let Some(Node::Text(before)) = last.and_then(|last| self.nodes.get_mut(last)) {
            before.push_str(text);
        } else {
            self.append(Node::Text(text.to_owned()));
        }
    }

    fn start(&mut self, tag: &Tag) {
        let name: &str = &tag.name;
        if matches!(name, "html" | "head" | "body") {
            self.open.truncate(1);
            return;
        }
        self.close_implied(name);
        if self.open.len() >= DEPTH_MAX && !VOID.contains(&name) {
            // Beside instead of inside, and its words not glued to those before.
            if is_block(name) {
                self.append(Node::Element(Box::new(Element { name: "br".to_owned(), ..Element::default() })));
            }
            if !UNSEEN.contains(&name) {
                return;
            }
        }
        let mut element = Element { name: name.to_owned(), ..Element::default() };
        for attribute in &tag.attrs {
            let value = || attribute.value.to_string();
            match &*attribute.name.local {
                "href" => element.href = value(),
                "src" => element.src = value(),
                "alt" => element.alt = value(),
                "class" => element.class = value(),
                "start" => element.start = value(),
                "width" => element.width = value(),
                "height" => element.height = value(),
                "colspan" => element.colspan = value(),
                "hidden" => element.is_hidden = true,
                "style" => {
                    let plain = attribute.value.chars().filter(|c| !c.is_whitespace());
                    element.style = plain.flat_map(char::to_lowercase).collect();
                }
                _ => {}
            }
        }
        let has_style = |what: &str| element.style.contains(what);
        element.is_hidden |= UNSEEN.contains(&name) || has_style("display:none") || has_style("mso-hide:all");
        let id = self.append(Node::Element(Box::new(element)));
        if !VOID.contains(&name) && !tag.self_closing_foreign() {
            self.open.push(id);
        }
    }

    /// Closes what the writer of the HTML left open.
    fn close_implied(&mut self, name: &str) {
        let ended: &[&str] = match name {
            "li" => &["li"],
            "dt" | "dd" => &["dt", "dd"],
            "td" | "th" => &["td", "th"],
            "tr" => &["tr"],
            "tbody" | "thead" | "tfoot" => &["tbody", "thead", "tfoot"],
            "option" => &["option"],
            _ => &[],
        };
        let stops: &[&str] = match name {
            "li" => &["ul", "ol", "menu", "dir"],
            "dt" | "dd" => &["dl"],
            _ => &["table"],
        };
        if !ended.is_empty() {
            let found = self.open.iter().rposition(|id| {
                let open = self.name(*id);
                ended.contains(&open) || stops.contains(&open)
            });
            if let Some(at) =
                found.filter(|at| self.open.get(*at).is_some_and(|id| ended.contains(&self.name(*id))))
            {
                self.open.truncate(at.max(1));
                return;
            }
        }
        if is_block(name) {
            let found = self.open.iter().rposition(|id| {
                let open = self.name(*id);
                open == "p" || is_wall(open) || matches!(open, "li" | "div" | "blockquote")
            });
            if let Some(at) = found.filter(|at| self.open.get(*at).is_some_and(|id| self.name(*id) == "p")) {
                self.open.truncate(at.max(1));
            }
        }
    }

    fn end(&mut self, name: &str) {
        if matches!(name, "html" | "head" | "body") {
            self.open.truncate(1);
            return;
        }
        if VOID.contains(&name) {
            if name == "br" {
                self.append(Node::Element(Box::new(Element { name: "br".to_owned(), ..Element::default() })));
            }
            return;
        }
        let found = self.open.iter().rposition(|id| {
            let open = self.name(*id);
            open == name || (is_wall(open) && !matches!(name, "table" | "tr" | "tbody" | "thead" | "tfoot"))
        });
        if let Some(at) =
            found.filter(|at| *at > 0 && self.open.get(*at).is_some_and(|id| self.name(*id) == name))
        {
            self.open.truncate(at);
        }
    }
}

trait Foreign {
    /// `<o:p/>`: what HTML would take for open.
    fn self_closing_foreign(&self) -> bool;
}

impl Foreign for Tag {
    fn self_closing_foreign(&self) -> bool {
        self.self_closing && self.name.contains(':')
    }
}
