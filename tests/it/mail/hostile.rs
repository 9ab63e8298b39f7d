//! A hundred and fifty hostile bodies, titles, authors, teasers, subjects, preheaders, introductions, descriptions,
//! captions and pasted fragments (`tests/hostile/cases.json`), each to its end: a safe mail, a safe preview, a safe page
//! and a safe feed, and nothing silently lost. `tests/browser/hostile.test.mjs` opens the same in a browser.

use std::sync::Mutex;

use mail_parser::MessageParser;
use postiljon::demo::browser::Browser;
use postiljon::mail::headers;
use postiljon::mail::markdown::{self, Context, MarkdownError};
use postiljon::mail::slot::{escape_html, without_recipient};
use postiljon::mail::template::{Recipient, Source, Template};
use postiljon::model::{Article, ArticleDisplay, Issue, Language, Newsletter, Placed};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::publishing::schedule::ScheduleError;
use postiljon::store::Store;
use postiljon::store::issues::IssueText;
use postiljon::store::mailings::{self, Content};

use crate::support::app::TestApp;
use crate::support::database::{both_dbs, read};
use crate::support::people;
use crate::support::press::{Press, piece, words};
use crate::support::samples::{NOW, address};
use crate::web::admin::signed_in;

/// Articles of one issue: as many as stay below the size that mail programs take.
const TOGETHER: usize = 15;
/// An article that is longer goes alone.
const LONG_CHARS: usize = 5_000;

#[derive(Debug, serde::Deserialize)]
struct Case {
    name: String,
    place: String,
    text: String,
    /// What must still be read, in the HTML and in the text.
    keeps: Vec<String>,
    /// A piece, and how often it stands there, in place of `text`.
    repeat: Option<(String, usize)>,
    /// It goes nowhere, and the author hears why.
    refused: Option<String>,
}

impl Case {
    fn text(&self) -> String {
        self.repeat.as_ref().map_or_else(|| self.text.clone(), |(piece, times)| piece.repeat(*times))
    }

    /// The case as an article; `None` for what belongs to an issue.
    fn article(&self) -> Option<ArticleInput> {
        let text = self.text();
        let sound = piece(&format!("Over {}", self.name), "Een brug.");
        // Shown as a teaser, which needs an address of the whole.
        let elsewhere = "https://www.meridiaan.example/".to_owned();
        Some(match self.place.as_str() {
            "body" | "paste" => ArticleInput { body: text, ..sound },
            "title" => ArticleInput { title: text, ..sound },
            "author" => ArticleInput { author: text, ..sound },
            "teaser" => ArticleInput { teaser: text, canonical_url: elsewhere, ..sound },
            "alt" => ArticleInput { body: format!("![{text}](https://pictures.example/p.png)"), ..sound },
            "caption" => {
                ArticleInput { body: format!("![Foto](https://pictures.example/p.png \"{text}\")"), ..sound }
            }
            _ => return None,
        })
    }

    /// The case as the words of an issue.
    fn issue(&self) -> IssueText {
        let text = self.text();
        match self.place.as_str() {
            "subject" => words(&text),
            "preheader" => IssueText { preheader: text, ..words(&self.name) },
            "intro" => IssueText { intro: text, ..words(&self.name) },
            other => panic!("{other} is no place of an issue"),
        }
    }

    fn display(&self) -> ArticleDisplay {
        if self.place == "teaser" { ArticleDisplay::Teaser } else { ArticleDisplay::Full }
    }
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> =
        serde_json::from_str(include_str!("../../hostile/cases.json")).expect("the table of cases");
    assert!(cases.len() >= 150, "only {} cases", cases.len());
    cases
}

/// Elements that a mail, its copy and a feed are made of.
const MAIL_TAGS: &str = "html head meta title style body div span table tbody thead tr td th h1 h2 h3 h4 h5 h6 p a img ol \
    ul li strong em del code pre blockquote hr br link nav xml o:officedocumentsettings o:pixelsperinch";
/// Those of our pages as well.
const PAGE_TAGS: &str =
    "header footer main section article address time form input label button svg circle rect path";
/// Attributes that anything may have.
const ATTRIBUTES: &str = "href src alt width height start align role cellpadding cellspacing border style class lang dir \
    name content charset property rel type title id xmlns:v xmlns:o media hreflang aria-label aria-labelledby \
    aria-current aria-hidden reversed datetime method action value placeholder maxlength autocomplete for viewbox \
    focusable cx cy r x y rx d";

/// What in HTML could run, ask elsewhere, or cover the page. Reads it as a browser does: tag by tag.
fn faults(html: &str, tags: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = &rest[at + 1..];
        if let Some(comment) = rest.strip_prefix("!--") {
            rest = comment.split_once("-->").map_or("", |(_, rest)| rest);
            if rest.is_empty() {
                found.push("a comment has no end".to_owned());
            }
            continue;
        }
        let name: String = rest.chars().take_while(|c| !c.is_whitespace() && !">/".contains(*c)).collect();
        let name = name.to_ascii_lowercase();
        if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
            if !rest.starts_with('/') && !rest.to_ascii_lowercase().starts_with("!doctype html>") {
                found.push(format!("<{}", rest.chars().take(40).collect::<String>()));
            }
            continue;
        }
        if !tags.split_whitespace().any(|tag| tag == name) {
            found.push(format!("<{name}>"));
        }
        rest = attributes(&rest[name.len()..], |attribute, value| {
            if !is_harmless(&name, attribute, value) {
                found.push(format!("<{name} {attribute}=\"{value}\">"));
            }
        });
        if name == "style" {
            let sheet = rest.split_once("</style>").map_or("url(", |(sheet, _)| sheet);
            if !is_harmless("style", "style", sheet) {
                found.push(format!("<style>{sheet}"));
            }
        }
    }
    found
}

/// Hands on each attribute of a tag; answers what follows its `>`. A value without quotes is none of ours.
fn attributes(mut rest: &str, mut each: impl FnMut(&str, &str)) -> &str {
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == '/');
        if let Some(after) = rest.strip_prefix('>') {
            return after;
        }
        let Some(end) = rest.find(|c: char| c.is_whitespace() || "=>/".contains(c)) else { return "" };
        let (name, after) = rest.split_at(end);
        let quoted = after.strip_prefix("=\"").and_then(|value| value.split_once('"'));
        match quoted {
            Some((value, after)) => {
                each(name, value);
                rest = after;
            }
            None if after.starts_with('=') => {
                each(name, "javascript: without quotes");
                rest = after.split_once('>').map_or("", |(_, rest)| rest);
                return rest;
            }
            None => {
                each(name, "");
                rest = after;
            }
        }
    }
}

fn is_harmless(tag: &str, attribute: &str, value: &str) -> bool {
    let attribute = attribute.to_ascii_lowercase();
    let value = value.replace("&#38;", "&").replace("&amp;", "&").to_lowercase();
    let is_known = ATTRIBUTES.split_whitespace().any(|known| known == attribute);
    // A slot is one of our own links; empty it is in a preview, which belongs to nobody.
    let schemes = ["https://", "http://", "mailto:", "/", "#", "\u{e000}"];
    let is_address = ["href", "src", "action"].contains(&attribute.as_str());
    let may_lead = value.is_empty() || schemes.iter().any(|scheme| value.starts_with(scheme));
    // A link may lead anywhere; nothing may be loaded from there.
    let is_asked = tag != "a" && attribute != "content" && value.contains("canary");
    let compact = value.replace(' ', "");
    let bad = ["url(", "expression", "@import", "position:fixed", "javascript", "-moz-binding"];
    let is_bad_style = attribute == "style" && bad.iter().any(|bad| compact.contains(bad));
    is_known && (!is_address || may_lead) && !is_asked && !is_bad_style
}

struct Stage {
    app: TestApp,
    press: Press,
    newsletter: Newsletter,
    desk: Browser,
    /// Everything that is wrong, to be told at once.
    wrong: Mutex<Vec<String>>,
}

impl Stage {
    async fn start(store: &Store) -> Self {
        let app = TestApp::start(store).await;
        let newsletter = people::newsletter(store, "insights", Language::Dutch).await;
        let desk = signed_in(&app).await;
        let press = Press::new(store, &app.clock, &app.url);
        Self { press, app, newsletter, desk, wrong: Mutex::default() }
    }

    fn wrong(&self, what: String) {
        self.wrong.lock().expect("nobody panicked").push(what);
    }

    fn look(&self, html: &str, tags: &str, place: &str) {
        for fault in faults(html, tags) {
            self.wrong(format!("{place}: {fault}"));
        }
    }

    fn kept(&self, text: &str, kept: &str, place: &str) {
        if !text.contains(kept) {
            self.wrong(format!("{place}: \u{201c}{kept}\u{201d} is lost"));
        }
    }

    /// The end of a test.
    async fn stop(self) {
        let wrong = self.wrong.into_inner().expect("nobody panicked");
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
        self.app.stop().await;
    }

    async fn page(&self, path: &str) -> String {
        let answer = self.desk.get(path).await.expect("an answer");
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        let policy = answer.header("content-security-policy").expect("a policy");
        assert!(
            policy.starts_with("default-src 'none'") && !policy.contains("unsafe-eval"),
            "{path}: {policy}"
        );
        assert_eq!(answer.header("x-content-type-options"), Some("nosniff"), "{path}");
        answer.body
    }

    /// Sends an issue, and looks at everything that comes of it.
    async fn send(&self, issue: &Issue, cases: &[&Case]) {
        let place = cases.iter().map(|case| case.name.as_str()).collect::<Vec<_>>().join(", ");
        let preview = self.page(&format!("/admin/issues/{}/mail", issue.id)).await;
        self.look(&preview, MAIL_TAGS, &format!("the preview of {place}"));
        let mailing = self.press.schedule(issue).await.unwrap_or_else(|error| panic!("{place}: {error}"));
        self.press.start(&mailing).await;
        let contents = read!(self.app.app.store, |db| mailings::contents(db, mailing.id));
        let [content] = &contents[..] else { panic!("{contents:?}") };
        self.look(&content.html, MAIL_TAGS, &format!("the mail of {place}"));
        self.look_at_message(content, &place);
        let page = self.page(&format!("/i/{}", issue.public_id)).await;
        self.look(&page, MAIL_TAGS, &format!("the page of {place}"));
        for case in cases {
            let text = if case.place == "subject" { &content.subject } else { &content.text };
            let text = without_recipient(text, str::to_owned);
            let html = without_recipient(&content.html, escape_html);
            for kept in case.keeps.iter().filter(|_| case.place != "preheader") {
                self.kept(&text, kept, &format!("the text of {}", case.name));
            }
            for kept in &case.keeps {
                self.kept(&html, kept, &format!("the HTML of {}", case.name));
                self.kept(&page, kept, &format!("the page of {}", case.name));
            }
        }
    }

    /// The message as the relay gets it: one of each field, two parts, and no line that ends it.
    fn look_at_message(&self, content: &Content, place: &str) {
        let headers = headers::issue(&self.newsletter, uuid::Uuid::nil());
        let source = Source {
            sender_name: &self.newsletter.sender_name,
            sender: &self.newsletter.sender_address,
            reply_to: None,
            subject: &content.subject,
            text: &content.text,
            html: &content.html,
            headers: &headers,
        };
        let recipient = Recipient {
            to: &address("lezer@example.org"),
            name: "Jan\r\nBcc: victim@x.example",
            message_id: "0198",
            date: NOW,
            unsubscribe_url: "https://news.example/unsubscribe/x",
            unsubscribe_mailto: None,
            preferences_url: "https://news.example/preferences/x",
            tracked: &[],
        };
        let octets = Template::compile(&source).expect("compiled").fill(&recipient);
        let text = String::from_utf8(octets).expect("seven bits");
        assert!(!text.contains("\r\n.\r\n") && !text.replace("\r\n", "").contains(['\r', '\n']), "{place}");
        let parsed = MessageParser::default().parse(text.as_bytes()).expect("a message");
        assert_eq!((parsed.text_body_count(), parsed.html_body_count()), (1, 1), "{place}");
        let head = text.split("\r\n\r\n").next().unwrap_or_default();
        for field in ["subject:", "from:", "to:", "date:", "message-id:", "bcc:", "cc:"] {
            let count = head.lines().filter(|line| line.to_ascii_lowercase().starts_with(field)).count();
            assert_eq!(count, usize::from(!field.ends_with("cc:")), "{place}: {field}");
        }
    }

    /// The pages on which all of it stands together.
    async fn look_at_the_archive(&self, cases: &[&Case], articles: &[(Article, &Case)]) {
        let tags = format!("{MAIL_TAGS} {PAGE_TAGS}");
        let mut listed = String::new();
        for number in 0.. {
            let page = self.page(&format!("/n/insights/archive?page={number}")).await;
            self.look(&page, &tags, "the archive");
            let is_last = !page.contains("rel=\"next\"");
            listed.push_str(&page);
            if is_last {
                break;
            }
        }
        for case in cases.iter().filter(|case| ["subject", "preheader"].contains(&case.place.as_str())) {
            case.keeps
                .iter()
                .for_each(|kept| self.kept(&listed, kept, &format!("the archive, {}", case.name)));
        }
        for (article, case) in articles {
            let page = self.page(&format!("/a/{}", article.slug)).await;
            self.look(&page, &tags, &format!("the article page of {}", case.name));
            for kept in case.keeps.iter().filter(|_| case.place != "teaser") {
                self.kept(&page, kept, &format!("the article page of {}", case.name));
            }
            let preview = self.page(&format!("/admin/articles/{}/preview", article.id)).await;
            self.look(&preview, &tags, &format!("the article's preview of {}", case.name));
        }
        self.look_at_the_feeds().await;
    }

    async fn look_at_the_feeds(&self) {
        for ending in ["rss", "atom", "json"] {
            let answer = self.desk.get(&format!("/n/insights/feed.{ending}")).await.expect("an answer");
            if ending != "json" {
                roxmltree::Document::parse(&answer.body).unwrap_or_else(|error| panic!("{ending}: {error}"));
            }
            let feed = feed_rs::parser::parse(answer.body.as_bytes()).expect("a feed");
            assert!(!feed.entries.is_empty());
            for entry in feed.entries {
                let html = entry.content.and_then(|content| content.body).expect("a content");
                self.look(&html, MAIL_TAGS, ending);
                // A value holds no quote, so that this is an attribute.
                let tags = html.split('<').filter_map(|tag| tag.split('>').next());
                let dressed: Vec<_> =
                    tags.filter(|tag| tag.contains(" style=\"") || tag.contains(" class=\"")).collect();
                assert!(dressed.is_empty(), "{ending}: {dressed:?}");
            }
        }
    }
}

both_dbs!(hostile_words_end_in_safe_mails_previews_pages_and_feeds, |store| {
    let stage = Stage::start(&store).await;
    let all = cases();
    let accepted: Vec<&Case> = all.iter().filter(|case| case.refused.is_none()).collect();
    let mut articles = Vec::new();
    for case in &accepted {
        if let Some(input) = case.article() {
            articles.push((stage.press.article(&input).await, *case));
        }
    }
    let (long, short): (Vec<_>, Vec<_>) =
        articles.iter().partition(|(article, _)| article.body.chars().count() > LONG_CHARS);
    for group in short.chunks(TOGETHER).chain(long.chunks(1)) {
        let rows: Vec<_> =
            group.iter().map(|(article, case)| Placed::new(article.id, case.display())).collect();
        let issue = stage.press.issue(stage.newsletter.id, &words("Vijandig"), &rows).await;
        stage.send(&issue, &group.iter().map(|(_, case)| *case).collect::<Vec<_>>()).await;
    }
    let sound = stage.press.article(&piece("Over bruggen", "Een brug.")).await;
    for case in accepted.iter().filter(|case| case.article().is_none()) {
        let rows = [Placed::new(sound.id, ArticleDisplay::Full)];
        let issue = stage.press.issue(stage.newsletter.id, &case.issue(), &rows).await;
        stage.send(&issue, &[case]).await;
    }
    stage.look_at_the_archive(&accepted, &articles).await;
    stage.stop().await;
});

both_dbs!(hostile_words_that_cannot_be_sent_are_refused_with_the_reason, |store| {
    let stage = Stage::start(&store).await;
    let all = cases();
    let refused: Vec<_> = all.iter().filter_map(|case| Some((case, case.refused.as_deref()?))).collect();
    assert!(refused.len() >= 5);
    for (case, reason) in refused {
        let input = case.article().expect("an article");
        if reason == "too long" {
            let error = articles::create(&store, &stage.app.clock, &input).await.expect_err("refused");
            assert!(error.to_string().starts_with("body: "), "{}: {error}", case.name);
            let context = Context {
                base_url: "https://news.example",
                site_url: "https://news.example",
                newsletter: "N",
            };
            assert_eq!(markdown::write(&input.body, context), Err(MarkdownError::TooLong), "{}", case.name);
            continue;
        }
        let article = stage.press.article(&input).await;
        let rows = [Placed::new(article.id, ArticleDisplay::Full)];
        let issue = stage.press.issue(stage.newsletter.id, &words(&case.name), &rows).await;
        let error = stage.press.schedule(&issue).await.expect_err("refused");
        let ScheduleError::Blocked(findings) = error else { panic!("{}: {error}", case.name) };
        let key = if reason == "too deep" { "check-text-too-deep" } else { "check-field-" };
        assert!(findings.iter().any(|finding| finding.key().starts_with(key)), "{}: {findings:?}", case.name);
        let tags = format!("{MAIL_TAGS} {PAGE_TAGS}");
        for path in [format!("/a/{}", article.slug), format!("/admin/articles/{}/preview", article.id)] {
            stage.look(&stage.page(&path).await, &tags, &case.name);
        }
    }
    stage.stop().await;
});

#[test]
fn the_check_sees_what_is_not_safe() {
    let is_refused = |html: &str| !faults(html, MAIL_TAGS).is_empty();
    for html in [
        "<script>1</script>",
        "<SVG>",
        "<p onclick=\"x\">",
        "<p tabindex=\"1\">",
        "<p style=\"position: fixed\">",
        "<a href=\"javascript:x\">",
        "<a href=\"data:x\">",
        "<img src=x>",
        "<img src=\"https://canary.example/\">",
        "<p style=\"background:url(x)\">",
        "<style>@import 'x'</style>",
        "<meta http-equiv=\"refresh\">",
        "<!--x",
        "<![CDATA[x]]>",
        "<?x",
    ] {
        assert!(is_refused(html), "{html}");
    }
    assert!(!is_refused(
        "<!doctype html><p>a &lt;script&gt;<a href=\"https://canary.example/\">x</a><br/></p>"
    ));
}
