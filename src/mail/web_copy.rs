//! The copy of an issue for the web: put into a page with a head and links of its own, or without the layout of mails as
//! the content of a feed.
//!
//! The copy is what [`super::render`] wrote and the inliner wrote again: every tag is closed, every attribute stands in
//! double quotes, and what people wrote is escaped. Where that should not hold, the allow-list at the end does.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use super::markdown::TAGS;

/// Elements of which nothing is shown; the `h1` is the newsletter's name.
const UNSEEN: [&str; 5] = ["head", "style", "script", "title", "h1"];
/// Classes of the layout that hold what a feed says itself, or what only a mail needs: who it is from, which number it
/// is, why it came. Also decoration.
const LAYOUT_CLASSES: [&str; 7] = ["above", "bar", "dateline", "band-date", "contents", "rule", "foot"];
/// Elements without an end.
const VOID: [&str; 8] = ["area", "br", "col", "hr", "img", "input", "link", "meta"];

/// Puts a head, a top and a foot into a copy. They are ours, and safe HTML.
pub fn framed(copy: &str, head: &str, top: &str, foot: &str) -> String {
    let (before, copy) = match copy.find("</head>") {
        Some(end) => copy.split_at(end),
        // Copies without a head: what follows the document type belongs to it.
        None => copy.split_at(copy.find('>').filter(|_| copy.starts_with("<!")).map_or(0, |end| end + 1)),
    };
    let before = without_title(before);
    let body = copy.find("<body").and_then(|start| Some(start + copy[start..].find('>')? + 1));
    let (opening, content) = copy.split_at(body.unwrap_or(0));
    let (content, end) = content.split_at(content.rfind("</body>").unwrap_or(content.len()));
    [before.as_str(), head, opening, top, content, foot, end].concat()
}

/// The page has a title of its own.
fn without_title(head: &str) -> String {
    let Some((before, rest)) = head.split_once("<title>") else { return head.to_owned() };
    let Some((_, after)) = rest.split_once("</title>") else { return head.to_owned() };
    format!("{before}{after}")
}

/// What an issue says, as plain HTML with absolute addresses.
pub fn content(copy: &str) -> String {
    let mut plain = Plain::default();
    let mut rest = copy;
    while let Some(start) = rest.find('<') {
        plain.text(&rest[..start]);
        let tag_and_rest = &rest[start..];
        let end = if tag_and_rest.starts_with("<!--") {
            tag_and_rest.find("-->").map(|end| end + 3)
        } else {
            end_of_tag(tag_and_rest)
        };
        let Some(end) = end else {
            rest = "";
            break;
        };
        plain.tag(&tag_and_rest[..end]);
        rest = &tag_and_rest[end..];
    }
    plain.text(rest);
    let clean = SANITIZER.clean(&plain.html).to_string();
    let lines = clean.lines().map(str::trim_end).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

/// The first picture of a content that everybody can load.
pub fn first_picture(content: &str) -> Option<&str> {
    let (_, rest) = content.split_once("<img ")?;
    let (_, rest) = rest.split_once("src=\"")?;
    rest.split('"').next().filter(|url| url.starts_with("https://"))
}

/// Behind the `>` of a tag, which may also stand in a quoted value.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    text.bytes()
        .position(|octet| {
            is_quoted ^= octet == b'"';
            octet == b'>' && !is_quoted
        })
        .map(|at| at + 1)
}

/// What becomes of an element that has been opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Kept,
    /// A cell of the layout: its content is a block.
    Block,
    /// A part of a table of the layout.
    Passed,
    /// Not shown, with all that it holds.
    Dropped,
}

#[derive(Default)]
struct Plain {
    html: String,
    open: Vec<(String, Fate)>,
    /// How many open elements are dropped.
    dropped: usize,
    /// Whether each open table is one of the layout.
    layout: Vec<bool>,
}

impl Plain {
    fn text(&mut self, text: &str) {
        if self.dropped == 0 {
            self.html.push_str(text);
        }
    }

    fn tag(&mut self, tag: &str) {
        if tag.starts_with("<!") {
            return;
        }
        if let Some(name) = tag.strip_prefix("</") {
            self.close(name.trim_end_matches('>').trim());
            return;
        }
        let inside = tag.trim_start_matches('<').trim_end_matches('>').trim_end_matches('/');
        let (name, attributes) = inside.split_once([' ', '\n']).unwrap_or((inside, ""));
        if VOID.contains(&name) {
            self.text(tag);
            return;
        }
        let fate = self.fate(name, attributes);
        if name == "table" {
            self.layout.push(fate != Fate::Kept);
        }
        match fate {
            Fate::Kept => self.text(tag),
            Fate::Block => self.text("<div>"),
            Fate::Passed => {}
            Fate::Dropped => self.dropped += 1,
        }
        self.open.push((name.to_owned(), fate));
    }

    fn fate(&self, name: &str, attributes: &str) -> Fate {
        let is_layout = self.layout.last().is_some_and(|is_layout| *is_layout);
        if UNSEEN.contains(&name) || is_hidden(attributes) {
            return Fate::Dropped;
        }
        match name {
            "table" if attributes.contains("role=\"presentation\"") => Fate::Passed,
            "tbody" | "thead" | "tr" if is_layout => Fate::Passed,
            "td" | "th" if is_layout => Fate::Block,
            _ => Fate::Kept,
        }
    }

    fn close(&mut self, name: &str) {
        let Some((opened, fate)) = self.open.pop() else { return };
        if opened == "table" {
            self.layout.pop();
        }
        match fate {
            Fate::Kept if self.dropped == 0 => self.html.push_str(&format!("</{name}>")),
            Fate::Block if self.dropped == 0 => self.html.push_str("</div>\n"),
            Fate::Dropped => self.dropped -= 1,
            Fate::Kept | Fate::Block | Fate::Passed => {}
        }
    }
}

fn is_hidden(attributes: &str) -> bool {
    let value = |name: &str| {
        let (_, rest) = attributes.split_once(&format!("{name}=\""))?;
        rest.split('"').next()
    };
    let is_layout = |class: &str| class.split_whitespace().any(|class| LAYOUT_CLASSES.contains(&class));
    value("class").is_some_and(is_layout)
        || value("style").is_some_and(|style| style.replace(' ', "").contains("display:none"))
}

static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(sanitizer);

fn sanitizer() -> ammonia::Builder<'static> {
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(TAGS.into_iter().chain(["div"]).collect())
        .tag_attributes(HashMap::from([
            ("a", HashSet::from(["href"])),
            ("img", HashSet::from(["src", "alt", "width", "height"])),
            ("ol", HashSet::from(["start"])),
            ("td", HashSet::from(["align"])),
            ("th", HashSet::from(["align"])),
        ]))
        .generic_attributes(HashSet::new())
        .clean_content_tags(HashSet::from(["script", "style"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPY: &str = "<!DOCTYPE html><html lang=\"nl\"><head><meta charset=\"utf-8\"><title>Oud</title>\
        <!--[if mso]><xml></xml><![endif]--><style>p { color: red }</style></head><body>\n<div class=\"page\">\
        <div style=\"display: none\">voorproef</div><table role=\"presentation\" width=\"100%\"><tbody><tr>\
        <td class=\"above small\"><a href=\"https://x.example/\">Inschrijven</a></td></tr><tr><td class=\"card\">\
        <h1 class=\"masthead\">De Post</h1><h2 id=\"a\" title=\"1 > 0\"><a href=\"https://x.example/a\">Een &lt;b&gt;</a></h2>\
        <p style=\"margin:0\">Dag.<br>Tot.</p><table style=\"width:100%\"><thead><tr><th align=\"right\">K</th></tr></thead>\
        <tbody><tr><td>1</td></tr></tbody></table><a href=\"#a\">omhoog</a>\
        <img src=\"https://x.example/p.png\" alt=\"\" width=\"10\"></td></tr></tbody></table></div></body></html>";

    #[test]
    fn a_content_has_the_words_and_nothing_of_the_layout() {
        let html = content(COPY);
        assert_eq!(
            html,
            "<div><div><h2><a href=\"https://x.example/a\" rel=\"noopener noreferrer\">Een &lt;b&gt;</a></h2>\
             <p>Dag.<br>Tot.</p><table><thead><tr><th align=\"right\">K</th></tr></thead>\
             <tbody><tr><td>1</td></tr></tbody></table><a rel=\"noopener noreferrer\">omhoog</a>\
             <img src=\"https://x.example/p.png\" alt=\"\" width=\"10\"></div>\n</div>"
        );
        assert_eq!(first_picture(&html), Some("https://x.example/p.png"));
    }

    #[test]
    fn a_broken_copy_is_still_safe() {
        for broken in
            ["<", "a <b", "</p></p>x", "<table role=\"presentation", "<p a=\"", "<!-- x", "<script>x"]
        {
            let html = content(broken);
            assert!(!html.contains("script") && !html.contains("<!--"), "{broken}: {html}");
        }
        let html = content("<script>alert(1)</script><svg onload=x><p onclick=\"x\">Dag</p></svg>");
        assert_eq!(html, "<p>Dag</p>");
    }

    #[test]
    fn a_framed_copy_has_one_title_and_all_of_its_body() {
        let page = framed(COPY, "<title>Nieuw</title>", "<nav>1</nav>", "<nav>2</nav>");
        assert_eq!(page.matches("<title>").count(), 1);
        assert!(page.contains("</style><title>Nieuw</title></head><body><nav>1</nav>\n<div"), "{page}");
        assert!(page.ends_with("</div><nav>2</nav></body></html>"));
        assert_eq!(framed("<!doctype html><p>x</p>", "H", "T", "F"), "<!doctype html>HT<p>x</p>F");
        assert_eq!(framed("<p>x</p>", "H", "T", "F"), "HT<p>x</p>F");
    }
}
