//! Articles from outside, from a web server on this machine that answers as it is told.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::files::Files;
use postiljon::http::{Http, Reach};
use postiljon::model::{Article, ArticleStatus, Source, Timestamp, VersionKind};
use postiljon::publishing::articles::{self, ArticleInput};
use postiljon::publishing::images::Images;
use postiljon::publishing::sources::fetch::{Reader, Report, fetch_now, tick};
use postiljon::publishing::sources::{SourceError, SourceInput, create, delete, input_of, save};
use postiljon::store::articles::{ArticleFilter, list};
use postiljon::store::{Store, article_versions, sources, tags};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use super::input;
use crate::support::database::{both_dbs, change, read};

/// 2026-11-26 12:00 UTC.
const NOW: Timestamp = Timestamp::from_millis(1_795_694_400_000);

#[derive(Clone)]
struct Page {
    status: u16,
    headers: String,
    body: Vec<u8>,
}

/// A web server: pages by their path, and the requests that came.
#[derive(Clone)]
pub(super) struct Web {
    pub(super) url: String,
    pages: Arc<Mutex<HashMap<String, Page>>>,
    seen: Arc<Mutex<Vec<String>>>,
}

/// A picture of 40 by 30 pixels.
pub(super) fn png() -> Vec<u8> {
    let mut png = std::io::Cursor::new(Vec::new());
    image::RgbImage::from_pixel(40, 30, image::Rgb([10, 120, 110]))
        .write_to(&mut png, image::ImageFormat::Png)
        .expect("a picture");
    png.into_inner()
}

impl Web {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let web = Self { url, pages: Arc::default(), seen: Arc::default() };
        let own = web.clone();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = Vec::new();
                let mut part = [0; 4096];
                while !request.windows(4).any(|end| end == b"\r\n\r\n") {
                    match stream.read(&mut part).await {
                        Ok(octets) if octets > 0 => request.extend_from_slice(&part[..octets]),
                        _ => break,
                    }
                }
                let answer = own.answer(&String::from_utf8_lossy(&request));
                let _ = stream.write_all(&answer).await;
            }
        });
        web
    }

    fn answer(&self, request: &str) -> Vec<u8> {
        let path = request.split(' ').nth(1).unwrap_or_default().to_owned();
        self.seen.lock().expect("whole").push(request.to_lowercase());
        let page = self.pages.lock().expect("whole").get(&path).cloned();
        let page = page.unwrap_or(Page { status: 404, headers: String::new(), body: Vec::new() });
        let is_known = page.headers.split('\n').any(|line| {
            let etag = line.trim().strip_prefix("ETag: ");
            etag.is_some_and(|etag| {
                request.to_lowercase().contains(&format!("if-none-match: {}", etag.to_lowercase()))
            })
        });
        let (status, body) = if is_known { (304, Vec::new()) } else { (page.status, page.body) };
        let head = format!(
            "HTTP/1.1 {status} X\r\n{}Content-Length: {}\r\nConnection: close\r\n\r\n",
            page.headers,
            body.len()
        );
        [head.into_bytes(), body].concat()
    }

    pub(super) fn set(&self, path: &str, status: u16, headers: &str, body: &[u8]) {
        let page = Page { status, headers: headers.to_owned(), body: body.to_owned() };
        self.pages.lock().expect("whole").insert(path.to_owned(), page);
    }

    pub(super) fn count(&self) -> usize {
        self.seen.lock().expect("whole").len()
    }
}

fn item(id: &str, title: &str, date: &str, text: &str) -> String {
    let text = text.replace('<', "&lt;");
    format!(
        "<item><title>{title}</title><guid>{id}</guid><link>https://blog.example/{id}</link><pubDate>{date}</pubDate><description>{text}</description></item>"
    )
}

fn feed(items: &[String]) -> Vec<u8> {
    format!(
        "<rss version=\"2.0\"><channel><title>Blog</title><language>nl</language>{}</channel></rss>",
        items.concat()
    )
    .into_bytes()
}

const FRESH: &str = "Wed, 25 Nov 2026 09:00:00 GMT";
const OLD: &str = "Wed, 25 Nov 2020 09:00:00 GMT";

struct World {
    store: Store,
    clock: Clock,
    http: Http,
    images: Images,
    web: Web,
}

impl World {
    async fn new(store: &Store) -> Self {
        Self {
            store: store.clone(),
            clock: Clock::test(NOW),
            http: Http::new(Reach::Anywhere),
            images: Images::new(Files::in_memory()),
            web: Web::start().await,
        }
    }

    fn reader(&self) -> Reader<'_> {
        Reader { store: &self.store, clock: &self.clock, http: &self.http, images: &self.images }
    }

    fn input(&self, intake: &str) -> SourceInput {
        SourceInput {
            name: "De blog".into(),
            url: format!("{}/feed", self.web.url),
            language: "en".into(),
            tags: "blog, nieuws".into(),
            intake: intake.into(),
            interval_minutes: "60".into(),
            is_on: true,
        }
    }

    async fn source(&self, intake: &str) -> Source {
        create(&self.store, &self.clock, &self.input(intake)).await.expect("a source")
    }

    async fn fetch(&self, source: &Source) -> Report {
        fetch_now(self.reader(), source.id).await.expect("asked").expect("there")
    }

    async fn articles(&self) -> Vec<Article> {
        let mut found = read!(self.store, |db| list(db, &ArticleFilter::default()));
        found.sort_by_key(|article| article.id);
        found
    }

    async fn now(&self, source: &Source) -> Source {
        read!(self.store, |db| sources::by_id(db, source.id)).expect("there")
    }
}

both_dbs!(what_is_new_becomes_an_article_once, |store| {
    let world = World::new(&store).await;
    world.web.set(
        "/feed",
        200,
        "",
        &feed(&[
            item("2", "Twee", FRESH, "<p>De <b>tweede</b>.</p>"),
            item("1", "Een", FRESH, "<p>De eerste.</p>"),
            item("0", "Oud nieuws", OLD, "<p>Van vroeger.</p>"),
        ]),
    );
    let source = world.source("published").await;
    assert_eq!(tick(world.reader()).await.expect("asked"), 1);
    assert_eq!(tick(world.reader()).await.expect("asked"), 0, "not before its time");
    let all = world.articles().await;
    let titles: Vec<_> = all.iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles, ["Een", "Twee"], "the oldest first, and no old news of a source that is new");
    let two = &all[1];
    assert_eq!(
        (two.canonical_url.as_str(), two.status),
        ("https://blog.example/2", ArticleStatus::Published)
    );
    assert_eq!((two.teaser.as_str(), two.language.as_str()), ("De tweede.", "nl"));
    assert_eq!(two.body, "De **tweede**.");
    assert_eq!(read!(store, |db| tags::of_article(db, two.id)), ["blog", "nieuws"]);
    for _ in 0..2 {
        world.clock.advance(Duration::from_secs(3600));
        assert_eq!(tick(world.reader()).await.expect("asked"), 1);
    }
    assert_eq!(world.articles().await.len(), 2);
    let now = world.now(&source).await;
    assert_eq!((now.error.as_str(), now.failures, now.fetched_at), ("", 0, Some(world.clock.now())));
    assert_eq!(now.next_at, world.clock.now().plus(Duration::from_secs(3600)));
    // Another one is a draft where the source says so.
    let drafts = SourceInput { intake: "draft".into(), ..input_of(&now) };
    save(&store, &world.clock, source.id, now.version, &drafts).await.expect("saved");
    world.web.set("/feed", 200, "", &feed(&[item("3", "Drie", FRESH, "<p>Nieuw.</p>")]));
    assert_eq!(world.fetch(&source).await.added, 1);
    assert_eq!(world.articles().await[2].status, ArticleStatus::Draft);
});

both_dbs!(two_processes_make_one_article_of_an_entry, |store| {
    let world = World::new(&store).await;
    world.web.set("/feed", 200, "", &feed(&[item("1", "Een", FRESH, "<p>De eerste.</p>")]));
    let source = world.source("published").await;
    let (one, other) = futures_util::future::join(world.fetch(&source), world.fetch(&source)).await;
    assert_eq!(one.added + other.added, 1);
    assert_eq!(world.articles().await.len(), 1);
});

both_dbs!(a_change_is_a_new_version_unless_somebody_edited_it_here, |store| {
    let world = World::new(&store).await;
    let items = |text: &str| feed(&[item("2", "Twee", FRESH, text), item("1", "Een", FRESH, text)]);
    world.web.set("/feed", 200, "", &items("<p>Eerst.</p>"));
    let source = world.source("published").await;
    world.fetch(&source).await;
    let [one, two] = <[Article; 2]>::try_from(world.articles().await).expect("two");
    let edited = ArticleInput { body: "Van ons.".into(), ..input("Een") };
    articles::save(&store, &world.clock, one.id, 1, &edited).await.expect("saved");
    world.web.set("/feed", 200, "", &items("<p>Later.</p>"));
    let report = world.fetch(&source).await;
    assert_eq!((report.added, report.updated, report.kept), (0, 1, 1));
    let all = world.articles().await;
    assert_eq!((all[0].body.as_str(), all[1].body.as_str()), ("Van ons.", "Later."));
    assert_eq!((all[1].slug.clone(), all[1].version, all[1].published_at), (two.slug, 2, two.published_at));
    assert!(read!(store, |db| article_versions::latest(db, two.id)).is_some_and(|latest| latest.number == 2));
    let changed = read!(store, |db| sources::changed(db, source.id, 10));
    assert_eq!(
        changed.iter().map(|one| one.article_id).collect::<Vec<_>>(),
        [one.id],
        "and the desk shows it"
    );
    assert_eq!(world.fetch(&source).await, Report::default(), "each change counts once");
});

both_dbs!(a_source_of_drafts_changes_nothing_that_readers_see, |store| {
    let world = World::new(&store).await;
    let items = |text: &str| feed(&[item("2", "Twee", FRESH, text), item("1", "Een", FRESH, text)]);
    world.web.set("/feed", 200, "", &items("<p>Eerst.</p>"));
    let source = world.source("draft").await;
    world.fetch(&source).await;
    let [one, two] = <[Article; 2]>::try_from(world.articles().await).expect("two");
    // Published as it is, without a version of its own.
    articles::set_status(&store, &world.clock, one.id, ArticleStatus::Published).await.expect("published");
    world.web.set("/feed", 200, "", &items("<p>Later.</p>"));
    let report = world.fetch(&source).await;
    assert_eq!((report.updated, report.kept), (1, 1));
    let all = world.articles().await;
    assert_eq!((all[0].body.as_str(), all[1].body.as_str()), ("Eerst.", "Later."));
    let changed = read!(store, |db| sources::changed(db, source.id, 10));
    assert_eq!(changed.iter().map(|one| one.article_id).collect::<Vec<_>>(), [one.id], "the desk shows it");
    assert_eq!(world.fetch(&source).await, Report::default(), "each change counts once");
    // Where what is new is published at once, so is what changed.
    let now = world.now(&source).await;
    let at_once = SourceInput { intake: "published".into(), ..input_of(&now) };
    save(&store, &world.clock, source.id, now.version, &at_once).await.expect("saved");
    world.web.set("/feed", 200, "", &items("<p>Nog later.</p>"));
    assert_eq!(world.fetch(&source).await.updated, 2);
    assert_eq!(world.articles().await.iter().filter(|one| one.body == "Nog later.").count(), 2);
    assert_eq!(all[1].id, two.id);
});

both_dbs!(one_piece_of_two_sources_is_one_article, |store| {
    let world = World::new(&store).await;
    let piece = item("1", "Een", FRESH, "<p>De eerste.</p>");
    world.web.set("/feed", 200, "", &feed(std::slice::from_ref(&piece)));
    // The feed of a category of the same blog has ids of its own.
    let other = piece.replace("<guid>1</guid>", "<guid>category-1</guid>");
    world.web.set("/other", 200, "", &feed(&[other, item("2", "Twee", FRESH, "<p>De tweede.</p>")]));
    let first = world.source("published").await;
    let second = SourceInput { url: format!("{}/other", world.web.url), ..world.input("published") };
    let second = create(&store, &world.clock, &second).await.expect("a source");
    let (one, other) = futures_util::future::join(world.fetch(&first), world.fetch(&second)).await;
    assert_eq!(one.added + other.added, 2);
    let titles = async || {
        let all = world.articles().await;
        let mut titles: Vec<_> = all.into_iter().map(|article| article.title).collect();
        titles.sort();
        titles
    };
    assert_eq!(titles().await, ["Een", "Twee"]);
    for source in [&first, &second] {
        assert_eq!(world.fetch(source).await, Report::default());
    }
    // Removed, and added again.
    delete(&store, first.id).await.expect("removed");
    delete(&store, second.id).await.expect("removed");
    let again = create(&store, &world.clock, &world.input("published")).await.expect("a source");
    assert_eq!(world.fetch(&again).await.added, 0);
    assert_eq!(titles().await, ["Een", "Twee"]);
});

both_dbs!(entries_that_share_an_address_are_not_one_piece, |store| {
    let world = World::new(&store).await;
    let front = |id: &str, title: &str| {
        item(id, title, FRESH, "<p>Tekst.</p>")
            .replace(&format!("https://blog.example/{id}"), "https://blog.example/")
    };
    world.web.set("/feed", 200, "", &feed(&[front("1", "Een"), front("2", "Twee")]));
    world.web.set("/other", 200, "", &feed(&[front("3", "Drie"), front("4", "Vier")]));
    let source = world.source("published").await;
    assert_eq!(world.fetch(&source).await.added, 2);
    world.web.set("/feed", 200, "", &feed(&[front("5", "Vijf")]));
    assert_eq!(world.fetch(&source).await.added, 1, "a source knows its entries by their ids");
    let other = SourceInput { url: format!("{}/other", world.web.url), ..world.input("published") };
    let other = create(&store, &world.clock, &other).await.expect("a source");
    assert_eq!(world.fetch(&other).await.added, 2);
    // What somebody wrote here about a piece is theirs, and not the piece.
    let ours = ArticleInput { canonical_url: "https://blog.example/6".into(), ..input("Van ons") };
    let an = crate::support::samples::user(&store, "an@example.org").await;
    articles::create_by(&store, &world.clock, Some(an.id), VersionKind::Saved, &ours).await.expect("stored");
    world.web.set("/feed", 200, "", &feed(&[item("6", "Zes", FRESH, "<p>De zesde.</p>")]));
    assert_eq!(world.fetch(&source).await.added, 1);
});

both_dbs!(two_looks_at_one_change_do_not_take_each_other_for_an_editor, |store| {
    let world = World::new(&store).await;
    let say = |text: &str| world.web.set("/feed", 200, "", &feed(&[item("1", "Een", FRESH, text)]));
    say("<p>Eerst.</p>");
    let source = world.source("published").await;
    world.fetch(&source).await;
    say("<p>Later.</p>");
    futures_util::future::join_all((0..4).map(|_| world.fetch(&source))).await;
    assert!(read!(store, |db| sources::changed(db, source.id, 10)).is_empty());
    say("<p>Nog later.</p>");
    world.fetch(&source).await;
    assert_eq!(world.articles().await[0].body, "Nog later.");
});

both_dbs!(an_old_entry_is_old_news_also_when_it_comes_up_later, |store| {
    let world = World::new(&store).await;
    world.web.set("/feed", 200, "", &feed(&[item("1", "Een", FRESH, "<p>De eerste.</p>")]));
    let source = world.source("published").await;
    world.fetch(&source).await;
    let items = [item("1", "Een", FRESH, "<p>De eerste.</p>"), item("0", "Oud", OLD, "<p>Van vroeger.</p>")];
    world.web.set("/feed", 200, "", &feed(&items));
    assert_eq!(world.fetch(&source).await, Report::default());
    assert_eq!(world.articles().await.len(), 1);
});

both_dbs!(a_source_that_was_changed_while_it_was_asked_is_asked_anew, |store| {
    let world = World::new(&store).await;
    let source = world.source("published").await;
    let other = SourceInput { url: format!("{}/other", world.web.url), ..world.input("published") };
    save(&store, &world.clock, source.id, source.version, &other).await.expect("saved");
    // The look that began before ends now.
    let outcome = sources::Outcome {
        etag: "of the first".into(),
        last_modified: String::new(),
        next_at: NOW.plus(Duration::from_secs(3600)),
        failures: 0,
        error: "",
        error_status: 0,
    };
    change!(store, |tx| sources::set_outcome(tx, &source, &outcome, NOW));
    let now = world.now(&source).await;
    assert_eq!((now.etag.as_str(), now.next_at), ("", NOW));
});

both_dbs!(a_server_that_has_nothing_new_says_so_in_a_word, |store| {
    let world = World::new(&store).await;
    let headers = "ETag: \"a1\"\r\nLast-Modified: Wed, 25 Nov 2026 09:00:00 GMT\r\n";
    world.web.set("/feed", 200, headers, &feed(&[item("1", "Een", FRESH, "<p>x</p>")]));
    let source = world.source("draft").await;
    assert_eq!(world.fetch(&source).await.added, 1);
    assert_eq!(world.fetch(&source).await, Report::default());
    let last = world.web.seen.lock().expect("whole").last().cloned().expect("a request");
    assert!(
        last.contains("if-none-match: \"a1\"") && last.contains("if-modified-since: wed, 25 nov 2026"),
        "{last}"
    );
    assert!(last.contains("feed reader") && !last.contains("cookie"), "{last}");
    assert_eq!(world.now(&source).await.etag, "\"a1\"");
});

both_dbs!(a_source_that_fails_is_asked_ever_more_rarely_and_says_why, |store| {
    let world = World::new(&store).await;
    let source = world.source("draft").await;
    let mut waits = Vec::new();
    for _ in 0..3 {
        assert_eq!(world.fetch(&source).await.error, "source-error-status");
        waits.push(world.now(&source).await.next_at.since(world.clock.now()).as_secs() / 3600);
    }
    assert_eq!(waits, [2, 4, 8]);
    assert_eq!(world.now(&source).await.error_status, 404);
    world.web.set("/feed", 503, "Retry-After: 72000\r\n", b"");
    world.fetch(&source).await;
    assert_eq!(world.now(&source).await.next_at.since(world.clock.now()).as_secs(), 72_000);
    world.web.set("/feed", 503, "Retry-After: 99999999\r\n", b"");
    world.fetch(&source).await;
    assert_eq!(world.now(&source).await.next_at.since(world.clock.now()).as_secs(), 86_400, "a day at most");
    for (body, error) in [
        (b"<html></html>".to_vec(), "source-error-no-feed"),
        (vec![b' '; 5 * 1024 * 1024 + 1], "source-error-large"),
    ] {
        world.web.set("/feed", 200, "", &body);
        assert_eq!(world.fetch(&source).await.error, error);
    }
    world.web.set("/feed", 200, "", &feed(&[]));
    assert_eq!(world.fetch(&source).await.error, "");
    assert_eq!(world.now(&source).await.failures, 0);
});

both_dbs!(our_own_network_is_never_asked_for_a_feed_or_a_picture, |store| {
    let world = World::new(&store).await;
    let source = world.source("draft").await;
    let careful = Http::new(Reach::Public);
    let reader = Reader { http: &careful, ..world.reader() };
    let before = world.web.count();
    let report = fetch_now(reader, source.id).await.expect("asked").expect("there");
    assert_eq!((report.error, world.web.count()), ("source-error-private", before));
    let hidden =
        SourceInput { url: world.web.url.replace("127.0.0.1", "localhost") + "/x", ..world.input("draft") };
    let hidden = create(&store, &world.clock, &hidden).await.expect("a source");
    let report = fetch_now(reader, hidden.id).await.expect("asked").expect("there");
    assert_eq!((report.error, world.web.count()), ("source-error-private", before));
});

both_dbs!(pictures_come_along_and_what_is_hostile_does_not, |store| {
    let world = World::new(&store).await;
    world.web.set("/a.png", 200, "Content-Type: image/png\r\n", &png());
    world.web.set("/b.svg", 200, "", b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>");
    let url = &world.web.url;
    let text = format!(
        "<p>Kijk: <img src=\"{url}/a.png\" alt=\"Een vlak\"> <img src=\"{url}/b.svg\" alt=\"B\"></p><script>alert(1)</script><p onclick=\"x()\"><a href=\"javascript:alert(1)\">klik</a></p>"
    );
    world.web.set("/feed", 200, "", &feed(&[item("1", "Een", FRESH, &text)]));
    let source = world.source("published").await;
    assert_eq!(world.fetch(&source).await.added, 1);
    let body = world.articles().await.remove(0).body;
    assert!(body.contains("![Een vlak](/images/") && body.contains("#40x30"), "{body}");
    assert!(body.contains(&format!("![B]({url}/b.svg")), "{body}");
    assert!(!body.contains("alert") && !body.contains("onclick"), "{body}");
});

both_dbs!(a_source_is_checked_and_its_articles_stay, |store| {
    let world = World::new(&store).await;
    let wrong = SourceInput {
        url: "ftp://x.example".into(),
        language: "it".into(),
        intake: "x".into(),
        interval_minutes: "5".into(),
        tags: "a\u{0}".into(),
        ..SourceInput::default()
    };
    let Err(SourceError::Invalid(errors)) = create(&store, &world.clock, &wrong).await else {
        panic!("not invalid")
    };
    let mut fields: Vec<_> = errors.iter().map(|error| error.field).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["intake", "interval_minutes", "language", "tags", "url"]);
    let source = world.source("draft").await;
    assert!(matches!(
        create(&store, &world.clock, &world.input("draft")).await,
        Err(SourceError::Invalid(_))
    ));
    world.web.set("/feed", 200, "", &feed(&[item("1", "Een", FRESH, "<p>x</p>")]));
    world.fetch(&source).await;
    delete(&store, source.id).await.expect("removed");
    assert!(matches!(delete(&store, source.id).await, Err(SourceError::NotFound)));
    assert_eq!(world.articles().await.len(), 1);
});
