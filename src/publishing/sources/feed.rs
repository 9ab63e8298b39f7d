//! What a feed says, as articles would be typed: RSS, Atom or JSON Feed.

use reqwest::Url;

use crate::keys::sha256;
use crate::mail::slot::clean_line;
use crate::model::{Language, Timestamp};
use crate::publishing::articles::{BODY_MAX_CHARS, TITLE_MAX_CHARS};
use crate::publishing::paste;

/// Most entries of a feed that are looked at, from its beginning, where the newest are.
const ENTRIES_MAX: usize = 100;
/// Longest id that is one.
const ID_MAX_CHARS: usize = 2000;
const TEASER_MAX_CHARS: usize = 600;
const AUTHOR_MAX_CHARS: usize = 200;

/// An entry as an article.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// SHA-256 of its id, or of its address where it has none.
    pub key: Vec<u8>,
    pub title: String,
    pub author: String,
    pub teaser: String,
    /// Markdown.
    pub body: String,
    /// Where it lives; empty when the feed does not say.
    pub url: String,
    pub language: Option<Language>,
    pub published_at: Option<Timestamp>,
}

impl Entry {
    /// SHA-256 of all that it says, to see that it says something else.
    pub fn content(&self) -> Vec<u8> {
        let parts = [&self.title, &self.author, &self.teaser, &self.body, &self.url];
        let whole: String = parts.iter().map(|part| format!("{}:{part}", part.len())).collect();
        sha256(whole.as_bytes())
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("that is no feed")]
pub struct NoFeed;

/// Reads a feed that was found at an address. What has neither an id nor an address cannot be told from others, and is
/// left out; so is what has no words.
///
/// # Errors
/// [`NoFeed`].
pub fn read(octets: &[u8], url: &Url) -> Result<Vec<Entry>, NoFeed> {
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some(url.as_str()))
        // The title belongs to no identity: a corrected one would be another article.
        .id_generator(|links, _, _| links.first().map(|link| link.href.clone()).unwrap_or_default())
        .build();
    let feed = parser.parse(octets).map_err(|_| NoFeed)?;
    let language = feed.language.as_deref().and_then(language);
    Ok(feed
        .entries
        .into_iter()
        .take(ENTRIES_MAX)
        .filter_map(|entry| entry_of(entry, language, url))
        .collect())
}

/// `nl-BE` is Dutch.
fn language(tag: &str) -> Option<Language> {
    tag.split(['-', '_']).next()?.to_lowercase().parse().ok()
}

fn entry_of(entry: feed_rs::model::Entry, of_feed: Option<Language>, feed: &Url) -> Option<Entry> {
    let is_page = |link: &&feed_rs::model::Link| link.rel.as_deref().is_none_or(|rel| rel == "alternate");
    let url = entry.links.iter().find(is_page).or_else(|| entry.links.first());
    let url =
        url.map(|link| clean_line(&link.href)).filter(|url| url.starts_with("http")).unwrap_or_default();
    let id = Some(entry.id.trim()).filter(|id| !id.is_empty()).unwrap_or(&url);
    if id.is_empty() || id.chars().count() > ID_MAX_CHARS {
        return None;
    }
    let key = sha256(id.as_bytes());
    // Pictures and links of an entry are read against its own address.
    let own = Url::parse(&url).ok();
    let page = own.as_ref().unwrap_or(feed);
    let summary =
        entry.summary.map(|text| markdown(&text.content, &text.content_type, page)).unwrap_or_default();
    let body = entry.content.and_then(|content| Some(markdown(&content.body?, &content.content_type, page)));
    let body = body.filter(|body| !body.trim().is_empty());
    let plain = plain(&summary);
    // Where the whole stands in the summary, it is no teaser.
    let (body, teaser) = match body {
        Some(body) => (body, cut(&plain, TEASER_MAX_CHARS)),
        None if plain.chars().count() > TEASER_MAX_CHARS => (summary, String::new()),
        None => (summary, plain),
    };
    let title = entry.title.map(|title| self::plain(&markdown(&title.content, &title.content_type, page)));
    let title = title.filter(|title| !title.is_empty()).or_else(|| first_line(&body))?;
    // Some feeds have nothing but headlines.
    let body = match own {
        Some(own) if body.trim().is_empty() && teaser.is_empty() => format!("<{own}>"),
        None if body.trim().is_empty() && teaser.is_empty() => return None,
        _ => body,
    };
    let author = entry.authors.iter().find_map(|person| person.name.clone()).unwrap_or_default();
    Some(Entry {
        key,
        title: cut(&title, TITLE_MAX_CHARS),
        author: cut(&clean_line(&author), AUTHOR_MAX_CHARS),
        teaser,
        body: cut(body.trim(), BODY_MAX_CHARS),
        url,
        language: entry.language.as_deref().and_then(language).or(of_feed),
        published_at: entry.published.or(entry.updated).map(Timestamp::from_utc),
    })
}

/// HTML is cleaned as what is pasted is; a text without any stays what it is, but for what Markdown would take for its
/// own.
fn markdown(text: &str, kind: &impl std::fmt::Display, page: &Url) -> String {
    let is_html = kind.to_string().contains("html") || text.contains("</") || text.contains("/>");
    let html = if is_html { text.to_owned() } else { paragraphs(text) };
    paste::to_markdown_of(&html, Some(page)).map(|pasted| pasted.markdown).unwrap_or_default()
}

fn paragraphs(text: &str) -> String {
    // A feed may say "text" and hold entities all the same; the tokenizer knows them.
    let escaped = text.replace('<', "&lt;");
    let parts = escaped.split("\n\n").map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| format!("<p>{part}</p>")).collect()
}

/// Markdown as one line of words: for a title and a teaser.
fn plain(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut chars = markdown.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => text.extend(chars.next()),
            '!' if chars.peek() == Some(&'[') => {
                // A picture has no words here.
                skip_past(&mut chars, ']');
                if chars.peek() == Some(&'(') {
                    skip_past(&mut chars, ')');
                }
            }
            '[' | '*' | '`' => {}
            ']' => {
                if chars.peek() == Some(&'(') {
                    skip_past(&mut chars, ')');
                }
            }
            '#' if text.is_empty() || text.ends_with('\n') => {}
            '>' if text.is_empty() || text.ends_with('\n') => {}
            c => text.push(c),
        }
    }
    clean_line(&text)
}

fn skip_past(chars: &mut std::iter::Peekable<std::str::Chars<'_>>, end: char) {
    for c in chars.by_ref() {
        if c == end {
            return;
        }
    }
}

fn first_line(body: &str) -> Option<String> {
    body.lines().map(plain).find(|line| !line.is_empty())
}

fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let cut: String = text.chars().take(most.saturating_sub(1)).collect();
    let end = cut.rfind(char::is_whitespace).unwrap_or(cut.len());
    format!("{}…", cut[..end].trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(feed: &str) -> Vec<Entry> {
        read(feed.as_bytes(), &"https://blog.example/feed".parse().expect("a URL")).expect("a feed")
    }

    #[test]
    fn a_headline_with_a_link_is_an_article_and_one_without_is_none() {
        let feed = r#"<rss version="2.0"><channel><title>B</title>
            <item><title>Zes lessen</title><link>https://blog.example/zes</link></item>
            <item><title>Zeven lessen</title><guid>g7</guid></item></channel></rss>"#;
        let entries = entries(feed);
        assert_eq!(entries.len(), 1);
        assert_eq!((entries[0].title.as_str(), entries[0].teaser.as_str()), ("Zes lessen", ""));
        assert_eq!(entries[0].body, "<https://blog.example/zes>");
    }

    #[test]
    fn rss_atom_and_json_say_the_same() {
        let rss = r#"<rss version="2.0"><channel><title>B</title><language>nl-BE</language><item>
            <title>Zes &amp;amp; lessen</title><link>https://blog.example/zes</link><guid>g1</guid>
            <pubDate>Tue, 24 Nov 2026 09:00:00 GMT</pubDate>
            <description>&lt;p&gt;Een &lt;b&gt;goed&lt;/b&gt; verhaal.&lt;/p&gt;&lt;script&gt;alert(1)&lt;/script&gt;</description>
            </item></channel></rss>"#;
        let atom = r#"<feed xmlns="http://www.w3.org/2005/Atom"><title>B</title><id>f</id><updated>2026-11-24T09:00:00Z</updated>
            <entry xml:lang="nl"><id>g1</id><title>Zes &amp; lessen</title><link href="https://blog.example/zes"/>
            <updated>2026-11-24T09:00:00Z</updated><author><name>An</name></author>
            <summary>Kort.</summary><content type="html">&lt;p&gt;Een &lt;b&gt;goed&lt;/b&gt; verhaal.&lt;/p&gt;</content></entry></feed>"#;
        let json = r#"{"version":"https://jsonfeed.org/version/1.1","title":"B","language":"nl","items":[
            {"id":"g1","url":"https://blog.example/zes","title":"Zes & lessen","content_html":"<p>Een <b>goed</b> verhaal.</p>",
             "summary":"Kort.","date_published":"2026-11-24T09:00:00Z","authors":[{"name":"An"}]}]}"#;
        let [rss, atom, json] = [rss, atom, json].map(|feed| entries(feed).remove(0));
        assert_eq!(rss.title, "Zes & lessen");
        assert_eq!((atom.title.as_str(), json.title.as_str()), ("Zes & lessen", "Zes & lessen"));
        for entry in [&atom, &json] {
            assert_eq!(entry.body, "Een **goed** verhaal.");
            assert_eq!((entry.teaser.as_str(), entry.author.as_str()), ("Kort.", "An"));
        }
        assert_eq!(rss.body, "Een **goed** verhaal.");
        for entry in [&rss, &atom, &json] {
            assert_eq!(
                (entry.key.as_slice(), entry.url.as_str()),
                (&sha256(b"g1")[..], "https://blog.example/zes")
            );
            assert_eq!(entry.published_at.expect("a date").rfc3339(), "2026-11-24T09:00:00Z");
        }
        assert_eq!(rss.language, Some(Language::Dutch));
    }

    #[test]
    fn relative_addresses_are_read_against_the_page_of_the_entry() {
        let feed = r##"<rss version="2.0"><channel><title>B</title><item><title>Zes</title><guid>1</guid>
            <link>https://blog.example/2026/zes</link><description>&lt;p&gt;&lt;img src="/img/a.png" alt="Een"&gt;
            &lt;a href="zeven"&gt;zeven&lt;/a&gt; &lt;a href="#noot"&gt;noot&lt;/a&gt;
            &lt;a href="//cdn.example/x"&gt;x&lt;/a&gt;&lt;/p&gt;</description></item></channel></rss>"##;
        let body = entries(feed).remove(0).body;
        for part in [
            "![Een](https://blog.example/img/a.png)",
            "[zeven](https://blog.example/2026/zeven)",
            "[x](https://cdn.example/x)",
        ] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(body.contains("noot") && !body.contains("#noot"), "{body}");
    }

    #[test]
    fn without_an_id_the_address_is_one_and_a_new_title_makes_no_other_article() {
        let feed = |title: &str| {
            format!(
                "<rss version=\"2.0\"><channel><title>B</title><item><title>{title}</title><link>https://b.example/1</link><description>x</description></item></channel></rss>"
            )
        };
        let (one, other) = (entries(&feed("Zes")).remove(0), entries(&feed("Zeven")).remove(0));
        assert_eq!(one.key, other.key);
        assert_ne!(one.content(), other.content());
        assert_eq!(one.key, sha256(b"https://b.example/1"));
    }

    #[test]
    fn what_is_no_feed_is_none_and_hostile_words_stay_words() {
        let url = "https://b.example/".parse().expect("a URL");
        for text in ["", "<html><body>Hello</body></html>", "{}", "\u{0}\u{1}", "<rss version=\"2.0\">"] {
            assert!(
                read(text.as_bytes(), &url).is_err() || read(text.as_bytes(), &url) == Ok(Vec::new()),
                "{text}"
            );
        }
        let feed = r#"<rss version="2.0"><channel><title>B</title><item><title>&lt;img src=x onerror=alert(1)&gt;T</title>
            <guid>1</guid><link>javascript:alert(1)</link>
            <description>&lt;a href="javascript:alert(1)"&gt;klik&lt;/a&gt;&lt;iframe src="https://x.example"&gt;&lt;/iframe&gt;</description></item></channel></rss>"#;
        let entry = entries(feed).remove(0);
        // Words, as `List<String>` would be: a title is text wherever it is shown.
        assert_eq!((entry.title.as_str(), entry.url.as_str()), ("<img src=x onerror=alert(1)>T", ""));
        assert!(!entry.body.contains("javascript") && !entry.body.contains("iframe"), "{}", entry.body);
        assert!(entry.body.contains("klik"));
    }
}
