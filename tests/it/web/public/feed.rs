//! The feeds, read by a parser that is not ours.

use postiljon::demo::browser::Answer;
use postiljon::model::ArchivePolicy;

use super::archive::Archive;
use crate::support::app::START;
use crate::support::database::both_dbs;
use crate::support::press::{piece, words};

const FORMS: [(&str, &str, feed_rs::model::FeedType); 3] = [
    ("rss", "application/rss+xml; charset=utf-8", feed_rs::model::FeedType::RSS2),
    ("atom", "application/atom+xml; charset=utf-8", feed_rs::model::FeedType::Atom),
    ("json", "application/feed+json; charset=utf-8", feed_rs::model::FeedType::JSON),
];

fn parsed(answer: &Answer) -> feed_rs::model::Feed {
    // Strict about what a document may hold, where the reader of feeds is not.
    if answer.body.starts_with("<?xml") {
        roxmltree::Document::parse(&answer.body).unwrap_or_else(|error| panic!("{error}: {}", answer.body));
    }
    feed_rs::parser::parse(answer.body.as_bytes()).unwrap_or_else(|error| panic!("{error}: {}", answer.body))
}

both_dbs!(every_form_of_the_feed_has_the_whole_of_each_issue, |store| {
    let archive = Archive::start(&store).await;
    archive.sent("Steden", "Straten.").await;
    let body = "Een *brug*.\n\n## Kop\n\n[op het web](/pagina) ![Foto](https://pictures.example/f.png#60x40)\n\n\
                | a | b |\n|---|--:|\n| 1 | 2 |\n\n<script>alert(1)</script>";
    let issue = archive.sent("Bruggen, {{name|lezer}}", body).await;
    for (ending, media_type, kind) in FORMS {
        let answer = archive.get(&format!("/n/insights/feed.{ending}")).await;
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(media_type)));
        let feed = parsed(&answer);
        assert_eq!(feed.feed_type, kind);
        assert_eq!(feed.title.map(|text| text.content).as_deref(), Some("News <insights>"), "{ending}");
        assert_eq!(feed.language.as_deref(), Some("nl"), "{ending}");
        assert!(feed.links.iter().any(|link| link.href.ends_with("/n/insights/archive")), "{ending}");
        assert!(feed.links.iter().any(|link| link.href.ends_with(&format!("/feed.{ending}"))), "{ending}");
        let [newest, oldest] = &feed.entries[..] else { panic!("{ending}: {:?}", feed.entries) };
        assert_eq!(newest.id, format!("urn:uuid:{}", issue.public_id), "{ending}");
        assert_eq!(
            newest.title.as_ref().map(|text| text.content.as_str()),
            Some("Bruggen, lezer"),
            "{ending}"
        );
        let sent = newest.published.map(|moment| moment.timestamp_millis());
        assert_eq!(sent, Some(START.as_millis() + 24 * 3_600_000), "{ending}");
        let url = format!("{}/i/{}", archive.site.app.url, issue.public_id);
        assert_eq!(newest.links.first().map(|link| link.href.as_str()), Some(url.as_str()), "{ending}");
        assert_eq!(
            newest.summary.as_ref().map(|text| text.content.as_str()),
            Some("Drie verhalen"),
            "{ending}"
        );
        let html = newest.content.as_ref().and_then(|content| content.body.as_deref()).expect("a content");
        for part in [
            "<p>Een <em>brug</em>.</p>",
            "Over Bruggen",
            "Kop</h3>",
            &format!("href=\"{}/pagina\"", archive.site.app.url),
            "<img src=\"https://pictures.example/f.png\" alt=\"Foto\" width=\"60\" height=\"40\">",
            "<td align=\"right\">2</td>",
            "&lt;script&gt;alert(1)&lt;/script&gt;",
        ] {
            assert!(html.contains(part), "{ending}: {part}: {html}");
        }
        for part in ["<script", "style=", "role=", "<html", "display:none", "nummer van News"] {
            assert!(!html.contains(part), "{ending}: {part}: {html}");
        }
        assert!(oldest.title.as_ref().is_some_and(|text| text.content == "Steden"));
    }
    for wrong in
        ["/n/insights/feed.xml", "/n/insights/feed.", "/n/nergens/feed.rss", "/n/insights/feed.rss/x"]
    {
        assert_eq!(archive.get(wrong).await.status, 404, "{wrong}");
    }
    archive.site.app.stop().await;
});

both_dbs!(a_feed_that_has_not_changed_is_not_sent_again, |store| {
    let archive = Archive::start(&store).await;
    archive.sent("Bruggen", "Een brug.").await;
    for (ending, ..) in FORMS {
        let path = format!("/n/insights/feed.{ending}");
        let first = archive.get(&path).await;
        let header = |name: &str| first.header(name).expect("there").to_owned();
        let (etag, modified) = (header("etag"), header("last-modified"));
        assert_eq!(modified, "Tue, 24 Nov 2026 09:00:00 GMT");
        let asked = async |name: &str, value: &str| {
            let browser = archive.site.browser.with_header(name, value);
            let answer = browser.get(&path).await.expect("an answer");
            assert_eq!(answer.header("etag"), Some(etag.as_str()), "{ending}");
            assert!(answer.status == 200 || answer.body.is_empty(), "{ending}");
            answer.status
        };
        assert_eq!(asked("if-none-match", &etag).await, 304);
        assert_eq!(asked("if-none-match", &format!("\"x\", {etag}")).await, 304);
        assert_eq!(asked("if-none-match", &etag.replace("W/", "")).await, 304);
        assert_eq!(asked("if-none-match", "\"x\"").await, 200);
        assert_eq!(asked("if-modified-since", &modified).await, 304);
        assert_eq!(asked("if-modified-since", "Tue, 24 Nov 2026 08:59:59 GMT").await, 200);
        assert_eq!(asked("if-modified-since", "yesterday").await, 200);
    }
    let tag = archive.get("/n/insights/feed.atom").await.header("etag").expect("a tag").to_owned();
    archive.sent("Kaaien", "Een kaai.").await;
    let browser = archive.site.browser.with_header("if-none-match", &tag);
    assert_eq!(browser.get("/n/insights/feed.atom").await.expect("an answer").status, 200);
    archive.site.app.stop().await;
});

both_dbs!(hostile_subjects_end_in_sound_feeds, |store| {
    let archive = Archive::start(&store).await;
    let long = "🦊 ".repeat(60);
    let subjects = [
        "]]></title><script>alert(1)</script>",
        "& &amp; &lt; &#0; &nope;",
        "bel\u{7}\u{1b}\u{b} einde",
        "geen teken \u{fffe}\u{ffff} einde",
        "👨‍👩‍👧‍👦 🏳️‍🌈",
        "\u{202e}שלום עולם\u{202c}",
        "<?xml version=\"1.0\"?> --> <!-- ]]>",
        long.trim(),
    ];
    for subject in subjects {
        archive.sent(subject, &format!("Een brug. {subject}")).await;
    }
    for (ending, ..) in FORMS {
        let feed = parsed(&archive.get(&format!("/n/insights/feed.{ending}")).await);
        assert_eq!(feed.entries.len(), subjects.len(), "{ending}");
        for (entry, subject) in feed.entries.iter().rev().zip(subjects) {
            let kept: String = subject
                .chars()
                .filter(|c| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}'))
                .collect();
            let title = entry.title.as_ref().map_or("", |text| text.content.as_str());
            assert!(title.split_whitespace().eq(kept.split_whitespace()), "{ending}: {title}, not {kept}");
        }
    }
    archive.site.app.stop().await;
});

both_dbs!(a_feed_has_the_newest_issues_and_one_without_issues_is_sound, |store| {
    let archive = Archive::start(&store).await;
    for (ending, ..) in FORMS {
        let answer = archive.get(&format!("/n/insights/feed.{ending}")).await;
        assert!(parsed(&answer).entries.is_empty(), "{ending}");
    }
    let article = archive.press.article(&piece("Over", "Een brug.")).await;
    for n in 1..=22 {
        archive.press.sent(archive.site.newsletter.id, &words(&format!("Nummer {n}")), &[&article]).await;
        archive.site.app.clock.advance(std::time::Duration::from_secs(1));
    }
    for (ending, ..) in FORMS {
        let feed = parsed(&archive.get(&format!("/n/insights/feed.{ending}")).await);
        assert_eq!(feed.entries.len(), 20, "{ending}");
        assert_eq!(feed.entries[0].title.as_ref().map(|text| text.content.as_str()), Some("Nummer 22"));
    }
    archive.set(ArchivePolicy::Off).await;
    assert_eq!(archive.get("/n/insights/feed.rss").await.status, 404);
    archive.site.app.stop().await;
});
