//! Links that count who follows them, put into a mail after it was rendered: a mail that counts nothing never comes here.
//!
//! Rewritten are links of the HTML part whose words are plain words, and the same addresses in the text part. Not those
//! of the mail itself (leaving, preferences, the copy on the web, `mailto:`), and not links whose words are an address: who
//! reads `www.example.org` must be led there and nowhere else (H11).

use std::collections::HashMap;

use super::slot::{self, Piece, Slot, escape_html};
use crate::model::tracking::{Link, SECOND_LINKS};

/// Most links of one mail that are counted; those behind lead where they say.
pub const LINKS_MAX: usize = 500;
/// Most characters kept of the words of a link, and of a heading.
const LABEL_MAX_CHARS: usize = 160;
/// What ends an address in the text part.
const URL_ENDS: [char; 8] = [' ', '\n', '\t', '>', ')', ']', '"', '\''];

/// A mail whose links are slots, and where they lead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tracked {
    pub html: String,
    pub text: String,
    pub links: Vec<Link>,
}

/// Puts slots in the place of links, and the picture that counts at the end of the HTML. `kept` are addresses of the mail
/// itself, which stay. Links are numbered behind the `numbered` ones that other languages of the mailing have.
pub fn track(html: &str, text: &str, kept: &[&str], numbered: usize) -> Tracked {
    let mut links: Vec<Link> = Vec::new();
    // As the mail writes them: the text part has the same.
    let mut numbers: HashMap<String, u16> = HashMap::new();
    let mut heading = String::new();
    let mut out = String::with_capacity(html.len());
    for part in Tags::of(html) {
        let Part::Tag { tag, rest } = part else {
            out.push_str(part.text());
            continue;
        };
        if ["<h2", "<h3"].iter().any(|start| is_tag(tag, start)) {
            heading = words(inside(rest, "</h"));
        }
        let link = is_tag(tag, "<a").then(|| href(tag)).flatten().and_then(|(before, written, after)| {
            let address = unescape(written);
            let label = words(inside(rest, "</a"));
            let url = destination(&address, kept, &label)?;
            let number = numbered + links.len() + 1;
            let number = u16::try_from(number).ok().filter(|_| links.len() < LINKS_MAX)?;
            numbers.entry(address).or_insert(number);
            links.push(Link { number, url, heading: heading.clone(), label });
            Some(format!("{before}{}{after}", Slot::TrackedLink(number).marker()))
        });
        out.push_str(link.as_deref().unwrap_or(tag));
    }
    let picture = format!(
        "<img src=\"{}\" width=\"1\" height=\"1\" alt=\"\" style=\"display:block;width:1px;height:1px;border:0\">",
        Slot::TrackedLink(0).marker()
    );
    // At the end: nothing of it may stand before the words that an inbox shows (H5).
    let end = out.rfind("</body>").unwrap_or(out.len());
    out.insert_str(end, &picture);
    Tracked { html: out, text: track_text(text, &numbers), links }
}

/// Where a link leads, if it is to be counted.
fn destination(address: &str, kept: &[&str], label: &str) -> Option<String> {
    let is_web = address.starts_with("https://") || address.starts_with("http://");
    if !is_web || kept.contains(&address) || is_address(label) {
        return None;
    }
    let url = reqwest::Url::parse(address).ok().filter(|url| url.has_host())?;
    Some(url.into())
}

/// Whether words are an address that somebody could type: of a page, or of a site.
fn is_address(label: &str) -> bool {
    let word = label.trim().trim_end_matches('/').to_lowercase();
    if word.is_empty() || word.contains(char::is_whitespace) {
        return false;
    }
    let host = word.split("://").last().unwrap_or_default().split('/').next().unwrap_or_default();
    let top = host.rsplit('.').next().unwrap_or_default();
    let is_host = host.contains('.') && top.len() >= 2 && top.chars().all(|c| c.is_ascii_alphabetic());
    word.contains("://") || word.starts_with("www.") || (is_host && !host.contains('@'))
}

fn track_text(text: &str, numbers: &HashMap<String, u16>) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = [rest.find("https://"), rest.find("http://")].into_iter().flatten().min() {
        let (before, from) = rest.split_at(start);
        out.push_str(before);
        let end = from.find(URL_ENDS).unwrap_or(from.len());
        let (url, after) = from.split_at(end);
        // The stop of a sentence is not part of an address, unless the whole is one of ours.
        let bare = url.trim_end_matches(['.', ',', ';', ':', '!', '?']);
        match (numbers.get(url), numbers.get(bare)) {
            (Some(number), _) => out.push_str(&Slot::TrackedLink(*number).marker()),
            (None, Some(number)) => {
                out.push_str(&Slot::TrackedLink(*number).marker());
                out.push_str(&url[bare.len()..]);
            }
            (None, None) => out.push_str(url),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The same mail with the second of two subjects: its links have numbers of their own.
pub fn of_second(text: &str) -> String {
    with_links(text, |number| Slot::TrackedLink(second(number)).marker())
}

/// A link in the mail with the second of two subjects.
pub fn of_second_link(link: Link) -> Link {
    Link { number: second(link.number), ..link }
}

/// The picture that counts is the same for both.
const fn second(number: u16) -> u16 {
    if number == 0 { 0 } else { number + SECOND_LINKS }
}

/// A mail in which tracked links are `url` of their number: the same for everybody.
pub fn with_links(text: &str, url: impl Fn(u16) -> String) -> String {
    slot::pieces(text)
        .into_iter()
        .map(|piece| match piece {
            Piece::Text(text) => text.to_owned(),
            Piece::Slot(Slot::TrackedLink(number)) => url(number),
            Piece::Slot(slot) => slot.marker(),
            // Nothing that was frozen holds one.
            Piece::Field(_) => String::new(),
        })
        .collect()
}

/// The HTML part to look at: links lead where they say, the picture that counts is gone, and behind each link stands its
/// `badge`, which is safe HTML.
pub fn with_badges(html: &str, links: &[(u16, &str)], badge: impl Fn(u16) -> String) -> String {
    let mut out = String::with_capacity(html.len());
    let mut open: Option<u16> = None;
    for part in Tags::of(html) {
        let Part::Tag { tag, .. } = part else {
            out.push_str(part.text());
            continue;
        };
        let number = slot::pieces(tag).into_iter().find_map(|piece| match piece {
            Piece::Slot(Slot::TrackedLink(number)) => Some(number),
            _ => None,
        });
        match number {
            Some(0) => continue,
            Some(number) => {
                open = Some(number);
                let url = links.iter().find(|(known, _)| *known == number).map_or("", |(_, url)| url);
                out.push_str(&with_links(tag, |_| escape_html(url)));
            }
            None => out.push_str(tag),
        }
        if is_tag(tag, "</a")
            && let Some(number) = open.take()
        {
            out.push_str(&badge(number));
        }
    }
    out
}

/// HTML cut into tags and what stands between them.
struct Tags<'a> {
    rest: &'a str,
}

enum Part<'a> {
    /// Words, comments.
    Other(&'a str),
    Tag {
        tag: &'a str,
        /// All that follows.
        rest: &'a str,
    },
}

impl<'a> Part<'a> {
    const fn text(&self) -> &'a str {
        match self {
            Self::Other(text) | Self::Tag { tag: text, .. } => text,
        }
    }
}

impl<'a> Tags<'a> {
    const fn of(html: &'a str) -> Self {
        Self { rest: html }
    }
}

impl<'a> Iterator for Tags<'a> {
    type Item = Part<'a>;

    fn next(&mut self) -> Option<Part<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let is_comment = self.rest.starts_with("<!--");
        let is_tag = self.rest.starts_with('<') && !is_comment;
        let end = if is_comment {
            self.rest.find("-->").map(|end| end + 3)
        } else if is_tag {
            end_of_tag(self.rest)
        } else {
            self.rest.find('<')
        };
        let (part, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        self.rest = rest;
        Some(if is_tag { Part::Tag { tag: part, rest } } else { Part::Other(part) })
    }
}

/// Behind the `>` of a tag, which may also stand in a quoted value.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut is_quoted = false;
    let end = text.bytes().position(|octet| {
        is_quoted ^= octet == b'"';
        octet == b'>' && !is_quoted
    });
    end.map(|at| at + 1)
}

fn is_tag(tag: &str, start: &str) -> bool {
    tag.strip_prefix(start).is_some_and(|rest| rest.starts_with([' ', '\n', '\t', '>', '/']))
}

/// A tag cut at the value of its address.
fn href(tag: &str) -> Option<(&str, &str, &str)> {
    let start = tag.find(" href=\"")? + " href=\"".len();
    let length = tag[start..].find('"')?;
    Some((&tag[..start], &tag[start..start + length], &tag[start + length..]))
}

/// Up to the tag that closes an element.
fn inside<'a>(rest: &'a str, end: &str) -> &'a str {
    rest.find(end).map_or(rest, |end| &rest[..end])
}

/// The words of HTML, and of its pictures where there are none.
fn words(html: &str) -> String {
    let mut words = String::new();
    let mut pictures = String::new();
    for part in Tags::of(html) {
        match part {
            Part::Tag { tag, .. } if is_tag(tag, "<img") => {
                if let Some((_, rest)) = tag.split_once(" alt=\"") {
                    pictures.push(' ');
                    pictures.push_str(rest.split('"').next().unwrap_or_default());
                }
            }
            Part::Other(text) if !text.starts_with("<!--") => words.push_str(text),
            Part::Tag { .. } | Part::Other(_) => {}
        }
    }
    let line = |html: &str| {
        // A name in the words of a link is a reader's own: it is told without.
        let plain = slot::without_recipient(html, str::to_owned);
        let text = unescape(&plain);
        text.split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .take(LABEL_MAX_CHARS)
            .collect::<String>()
    };
    let words = line(&words);
    if words.is_empty() { line(&pictures) } else { words }
}

/// What the inliner escapes, as it was.
fn unescape(text: &str) -> String {
    [
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&#x27;", "'"),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&nbsp;", " "),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (escaped, plain)| text.replace(escaped, plain))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WEB: &str = "https://news.example/i/1";
    const HTML: &str = "<html><body><div style=\"display:none\">Voorproef</div><a href=\"https://news.example/i/1\">Online</a>\
        <!--[if mso]><a href=\"https://x.example/mso\">x</a><![endif]--><p><a class=\"b\" href=\"https://x.example/?a=1&amp;b=2\">Een &amp; <b>twee</b></a></p>\
        <h2><a href=\"https://x.example/a\">Titel</a></h2><a href=\"https://x.example/a\"><img src=\"p\" alt=\"Foto\"></a>\
        <a href=\"https://y.example/\">www.y.example</a><a href=\"#a\">op</a><a href=\"mailto:a@x.example\">schrijf</a></body></html>";
    const TEXT: &str = "Online: https://news.example/i/1\n[1] https://x.example/?a=1&b=2\nLees https://x.example/a.\n\
        https://x.example/abc https://y.example/";

    fn marker(number: u16) -> String {
        Slot::TrackedLink(number).marker()
    }

    #[test]
    fn links_in_words_are_slots_and_the_mails_own_and_typed_addresses_stay() {
        let tracked = track(HTML, TEXT, &[WEB], 0);
        let words =
            |link: &'_ Link| (link.number, link.url.clone(), link.heading.clone(), link.label.clone());
        let told: Vec<_> = tracked.links.iter().map(words).collect();
        let told: Vec<_> = told
            .iter()
            .map(|(number, url, heading, label)| (*number, url.as_str(), heading.as_str(), label.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (1, "https://x.example/?a=1&b=2", "", "Een & twee"),
                (2, "https://x.example/a", "Titel", "Titel"),
                (3, "https://x.example/a", "Titel", "Foto"),
            ]
        );
        for kept in ["https://news.example/i/1\"", "mso\"", "https://y.example/\"", "\"#a\"", "mailto:a@"] {
            assert!(tracked.html.contains(kept), "{kept}");
        }
        for gone in ["x.example/?a", "x.example/a\""] {
            assert!(!tracked.html.contains(gone), "{gone}");
        }
        let (one, two) = (marker(1), marker(2));
        assert_eq!(
            tracked.text,
            format!(
                "Online: https://news.example/i/1\n[1] {one}\nLees {two}.\nhttps://x.example/abc https://y.example/"
            )
        );
    }

    #[test]
    fn the_picture_is_the_last_of_the_mail_and_far_behind_the_preheader() {
        let html = track(HTML, TEXT, &[WEB], 0).html;
        let (before, after) = html.split_once(&marker(0)).expect("a picture");
        assert!(before.contains("Voorproef") && before.contains("schrijf"));
        assert!(after.ends_with("</body></html>") && !after.contains("<a"));
    }

    #[test]
    fn with_its_addresses_a_mail_is_as_it_was_and_badges_stand_behind_their_links() {
        let tracked = track(HTML, TEXT, &[WEB], 0);
        let urls: Vec<(u16, &str)> =
            tracked.links.iter().map(|link| (link.number, link.url.as_str())).collect();
        let plain = with_badges(&tracked.html, &urls, |_| String::new());
        assert_eq!(plain, HTML);
        let numbered = with_badges(&tracked.html, &urls, |number| format!("<b>{number}</b>"));
        assert!(numbered.contains("<b>twee</b></a><b>1</b>") && numbered.contains("Titel</a><b>2</b></h2>"));
        let everybodys = with_links(&tracked.text, |number| format!("c{number}"));
        assert!(everybodys.contains("[1] c1\nLees c2."));
    }

    #[test]
    fn words_that_are_an_address_are_known() {
        for address in
            ["https://x.example/a", "www.x.example", "x.example", "X.EXAMPLE/", "nieuws.x.example/a"]
        {
            assert!(is_address(address), "{address}");
        }
        for words in ["Lees verder", "", "jan@x.example", "enz.", "3.14", "v2.0", "Een. Twee"] {
            assert!(!is_address(words), "{words}");
        }
    }

    #[test]
    fn broken_html_loses_nothing() {
        for broken in ["<", "<a href=\"", "<a href=\"https://x.example", "<!-- x", "a > b", "</body"] {
            let html = track(broken, "", &[], 0).html;
            assert!(html.starts_with(broken) && html.contains(&marker(0)), "{broken}: {html}");
        }
    }

    #[test]
    fn no_mail_has_more_slots_than_it_may() {
        let html = "<a href=\"https://x.example/\">x</a>".repeat(LINKS_MAX + 5);
        let tracked = track(&html, "", &[], 0);
        assert_eq!(tracked.links.len(), LINKS_MAX);
        assert_eq!(tracked.html.matches("https://x.example/").count(), 5);
    }
}
