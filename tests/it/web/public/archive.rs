use std::time::Duration;

use postiljon::model::{ArchivePolicy, Filter, Issue};
use postiljon::publishing::newsletters::set_archive;
use postiljon::store::{Store, mailings, segments};

use super::Site;
use crate::support::database::{both_dbs, change};
use crate::support::press::{Press, piece, words};

const DAY: Duration = Duration::from_hours(24);

/// A site with a press.
pub struct Archive {
    pub site: Site,
    pub press: Press,
}

impl Archive {
    pub async fn start(store: &Store) -> Self {
        let site = Site::start(store).await;
        let press = Press::new(store, &site.app.clock, &site.app.url);
        Self { site, press }
    }

    /// An issue of one article, sent now; a day passes afterwards.
    pub async fn sent(&self, subject: &str, body: &str) -> Issue {
        let article = self.press.article(&piece(&format!("Over {subject}"), body)).await;
        let (issue, _) = self.press.sent(self.site.newsletter.id, &words(subject), &[&article]).await;
        self.site.app.clock.advance(DAY);
        issue
    }

    pub async fn set(&self, policy: ArchivePolicy) {
        let store = &self.site.app.app.store;
        set_archive(store, self.site.newsletter.id, None, policy).await.expect("set");
    }

    pub async fn get(&self, path: &str) -> postiljon::demo::browser::Answer {
        self.site.browser.get(path).await.expect("an answer")
    }
}

both_dbs!(an_archive_lists_what_was_sent_by_year_the_newest_first, |store| {
    let archive = Archive::start(&store).await;
    let old = archive.sent("Dag {{name|lezer}} van {{newsletter}}", "Een brug.").await;
    // 24 November 2026 and sixty days: the next year.
    archive.site.app.clock.advance(60 * DAY);
    let new = archive.sent("<b>Vet</b> & \"co\"", "Een kaai.").await;
    let page = archive.get("/n/insights/archive?lang=nl").await;
    assert_eq!(page.status, 200);
    let at = |part: &str| page.body.find(part).unwrap_or_else(|| panic!("{part}: {}", page.body));
    let parts = [
        "<h2 id=\"year-2027\">2027</h2>".to_owned(),
        "24 januari 2027".to_owned(),
        format!("<a href=\"/i/{}\">&#60;b&#62;Vet&#60;/b&#62; &#38; &#34;co&#34;</a>", new.public_id),
        "Drie verhalen".to_owned(),
        "Over &#60;b&#62;Vet".to_owned(),
        "<h2 id=\"year-2026\">2026</h2>".to_owned(),
        "24 november 2026".to_owned(),
        format!("<a href=\"/i/{}\">Dag lezer van News &#60;insights&#62;</a>", old.public_id),
        "href=\"/n/insights/feed.rss\"".to_owned(),
    ];
    let places: Vec<usize> = parts.iter().map(|part| at(part)).collect();
    assert!(places.is_sorted(), "{places:?}");
    for (ending, media_type) in
        [("rss", "application/rss+xml"), ("atom", "application/atom+xml"), ("json", "application/feed+json")]
    {
        let url = format!("{}/n/insights/feed.{ending}", archive.site.app.url);
        at(&format!("<link rel=\"alternate\" type=\"{media_type}\" title=\"News &lt;insights&gt;"));
        at(&format!("href=\"{url}\">"));
    }
    at(&format!("<link rel=\"canonical\" href=\"{}/n/insights/archive\">", archive.site.app.url));
    archive.site.app.stop().await;
});

both_dbs!(an_empty_archive_invites_to_subscribe, |store| {
    let archive = Archive::start(&store).await;
    let page = archive.get("/n/insights/archive?lang=en").await;
    assert!(page.status == 200 && page.body.contains("The first issue is still to come"), "{}", page.body);
    assert!(page.body.contains("href=\"/n/insights?lang=en\"") && !page.body.contains("type=\"search\""));
    // Before the sending begins there is nothing to read.
    let article = archive.press.article(&piece("Over", "Een brug.")).await;
    archive.press.scheduled(archive.site.newsletter.id, &words("Straks"), &[&article]).await;
    assert!(!archive.get("/n/insights/archive").await.body.contains("Straks"));
    archive.site.app.stop().await;
});

both_dbs!(a_search_shows_what_was_found_and_keeps_what_was_asked, |store| {
    let archive = Archive::start(&store).await;
    archive.sent("Bruggen", "Over het *water* van de stad.").await;
    archive.sent("Steden", "Niets dan straten.").await;
    let page = archive.get("/n/insights/archive?q=Water+stad&lang=en").await;
    assert!(page.body.contains(">Bruggen</a>") && !page.body.contains(">Steden</a>"), "{}", page.body);
    assert_eq!(page.field("q").as_deref(), Some("Water stad"));
    assert!(page.body.contains("Issues with “Water stad”."));
    // The page in another language is the same search.
    assert!(page.body.contains("/n/insights/archive?lang=fr&#38;q=Water+stad"), "{}", page.body);
    let none = archive.get("/n/insights/archive?q=%22%3E%3Cscript%3E&lang=en").await;
    assert!(none.status == 200 && none.body.contains("No issue has “&#34;&#62;&#60;script&#62;” in it."));
    assert!(none.header("x-robots-tag") == Some("noindex"), "a search is no page of its own");
    for odd in ["q=%ff%00", "page=-1", "page=x", "page=99999999999999999999", "q=+", "lang=xx", "q=a&q=b"] {
        let page = archive.get(&format!("/n/insights/archive?{odd}")).await;
        assert_eq!(page.status, 200, "{odd}");
    }
    archive.site.app.stop().await;
});

both_dbs!(pages_of_an_archive_lead_on_and_back, |store| {
    let archive = Archive::start(&store).await;
    let article = archive.press.article(&piece("Over", "Een brug.")).await;
    for n in 1..=21 {
        archive.press.sent(archive.site.newsletter.id, &words(&format!("Nummer {n}.")), &[&article]).await;
        archive.site.app.clock.advance(Duration::from_secs(1));
    }
    let first = archive.get("/n/insights/archive?q=brug").await.body;
    assert!(first.contains("Nummer 21.") && first.contains("Nummer 2.") && !first.contains("Nummer 1."));
    assert!(first.contains("rel=\"next\" href=\"/n/insights/archive?q=brug&#38;page=1\""), "{first}");
    assert!(!first.contains("rel=\"prev\""));
    let second = archive.get("/n/insights/archive?q=brug&page=1&lang=de").await.body;
    assert!(second.contains("Nummer 1.") && !second.contains("Nummer 2."));
    assert!(second.contains("rel=\"prev\" href=\"/n/insights/archive?lang=de&#38;q=brug\""), "{second}");
    assert!(!second.contains("rel=\"next\""));
    let beyond = archive.get("/n/insights/archive?page=7&lang=en").await;
    assert!(beyond.status == 200 && beyond.body.contains("There are no older issues."), "{}", beyond.body);
    archive.site.app.stop().await;
});

both_dbs!(who_finds_an_archive_is_the_newsletters_choice, |store| {
    let archive = Archive::start(&store).await;
    let issue = archive.sent("Bruggen", "Een brug.").await;
    let pages =
        ["/n/insights/archive", "/n/insights/feed.rss", "/n/insights/feed.atom", "/n/insights/feed.json"];
    let own = format!("/i/{}", issue.public_id);
    for (policy, status, robots) in [
        (ArchivePolicy::Unlisted, 200, Some("noindex")),
        (ArchivePolicy::Public, 200, None),
        (ArchivePolicy::Off, 404, None),
    ] {
        archive.set(policy).await;
        for path in pages {
            let page = archive.get(path).await;
            assert_eq!((page.status, page.header("x-robots-tag")), (status, robots), "{policy} {path}");
            let has_meta = page.body.contains("<meta name=\"robots\" content=\"noindex\">");
            let should = path.ends_with("archive") && policy == ArchivePolicy::Unlisted;
            assert!(status == 404 || has_meta == should, "{policy} {path}");
        }
        // What was mailed can always be read.
        let page = archive.get(&own).await;
        assert_eq!(page.status, 200);
        let is_public = policy == ArchivePolicy::Public;
        assert_eq!(page.header("x-robots-tag").is_none(), is_public, "{policy}");
        assert_eq!(page.body.contains("name=\"robots\""), !is_public, "{policy}");
        let is_open = policy != ArchivePolicy::Off;
        assert_eq!(page.body.contains("href=\"/n/insights/archive?lang="), is_open, "{policy}");
        let door = archive.get("/n/insights?lang=en").await.body;
        assert_eq!(door.contains("href=\"/n/insights/archive?lang=en\""), is_open, "{policy}");
        assert_eq!(door.contains(&own), is_open, "{policy}");
    }
    archive.site.app.stop().await;
});

both_dbs!(who_has_just_confirmed_is_led_to_the_archive, |store| {
    let archive = Archive::start(&store).await;
    archive.sent("Bruggen", "Een brug.").await;
    archive.site.sign_up(&archive.site.browser, "jan@example.org").await;
    let mail = archive.site.mails().await.pop().expect("a mail");
    let path = archive.site.confirm_path(&mail);
    archive.site.browser.post(&path, &[]).await.expect("an answer");
    let done = archive.get(&format!("{path}?lang=en")).await.body;
    assert!(
        done.contains("href=\"/n/insights/archive?lang=en\"") && done.contains("Read earlier issues"),
        "{done}"
    );
    archive.site.app.stop().await;
});

both_dbs!(what_goes_to_a_segment_only_is_found_by_nobody_else, |store| {
    let archive = Archive::start(&store).await;
    archive.set(ArchivePolicy::Public).await;
    let before = archive.sent("Voor iedereen", "Een brug.").await;
    let insights = archive.site.newsletter.id;
    let article = archive.press.article(&piece("Onder ons", "Een geheim.")).await;
    let (issue, mailing) = archive.press.scheduled(insights, &words("Besloten"), &[&article]).await;
    let now = archive.site.app.clock.now();
    let everyone = Filter::default().to_json();
    let segment = change!(store, |tx| segments::insert(tx, insights, "Partners", &everyone, now));
    change!(store, |tx| mailings::set_segment(tx, mailing.id, &segment));
    archive.press.start(&mailing).await;
    let own = format!("/i/{}", issue.public_id);
    let held = async |place: &str| {
        for path in [
            "/n/insights/archive",
            "/n/insights/archive?q=besloten",
            "/n/insights/archive?q=geheim",
            "/n/insights/feed.rss",
            "/n/insights/feed.atom",
            "/n/insights/feed.json",
            "/n/insights",
            &format!("/i/{}", before.public_id),
        ] {
            let page = archive.get(path).await;
            assert_eq!(page.status, 200, "{path}");
            let is_told = page.body.contains("Besloten") || page.body.contains(&own);
            assert!(!is_told && !page.body.contains("Een geheim"), "{place} {path}: {}", page.body);
        }
    };
    held("as the newest").await;
    let door = archive.get("/n/insights").await.body;
    assert!(door.contains(&format!("/i/{}", before.public_id)), "the latest is the one for everybody");
    archive.site.app.clock.advance(DAY);
    let after = archive.sent("Weer voor iedereen", "Een kaai.").await;
    held("between two").await;
    let beside = archive.get(&format!("/i/{}", before.public_id)).await.body;
    assert!(beside.contains(&format!("rel=\"next\" href=\"/i/{}\"", after.public_id)), "{beside}");
    // The link in the mail works, and leads nowhere.
    let page = archive.get(&own).await;
    assert!(page.status == 200 && page.body.contains("Een geheim"), "{}", page.body);
    assert_eq!(page.header("x-robots-tag"), Some("noindex"));
    assert!(page.body.contains("<meta name=\"robots\" content=\"noindex\">"), "{}", page.body);
    for part in
        ["rel=\"prev\"", "rel=\"next\"", "/n/insights/archive", "feed.rss", &before.public_id.to_string()]
    {
        assert!(!page.body.contains(part), "{part}: {}", page.body);
    }
    // Its article too is for those who have its address.
    let page = archive.get(&format!("/a/{}", article.slug)).await;
    assert_eq!((page.status, page.header("x-robots-tag")), (200, Some("noindex")));
    assert!(!page.body.contains(&own), "{}", page.body);
    archive.site.app.stop().await;
});
