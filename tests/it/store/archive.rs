use postiljon::model::{Language, Mailing, MailingId, Move, Newsletter, PauseReason, Timestamp};
use postiljon::store::archive::{self, ARCHIVE_ROWS, ArchivedIssue};
use postiljon::store::mailings::{self, Content};
use postiljon::store::{Store, article_slugs, articles, issues, newsletters};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, article, article_text, at, issue_text, newsletter, slug};

/// A mailing of an issue with this subject and text, scheduled.
async fn scheduled(store: &Store, newsletter: &Newsletter, subject: &str, text: &str) -> Mailing {
    let issue = change!(store, |tx| issues::insert(tx, newsletter.id, &issue_text(subject), NOW));
    let mailing = change!(store, |tx| mailings::insert(tx, issue.id, newsletter.id, NOW, NOW));
    let content = Content {
        language: newsletter.language,
        subject: subject.into(),
        second_subject: String::new(),
        html: "<p>gebrandmerkt</p>".into(),
        text: text.into(),
        web_html: format!("<p>{subject}</p>"),
    };
    change!(store, |tx| mailings::insert_content(tx, mailing.id, &content));
    mailing
}

/// The same, begun at a moment.
async fn sent(
    store: &Store,
    newsletter: &Newsletter,
    subject: &str,
    text: &str,
    moment: Timestamp,
) -> MailingId {
    let mailing = scheduled(store, newsletter, subject, text).await;
    change!(store, |tx| mailings::start(tx, mailing.id, moment)).expect("begun").id
}

fn subjects(found: &[ArchivedIssue]) -> Vec<&str> {
    found.iter().map(|issue| issue.subject.as_str()).collect()
}

both_dbs!(an_archive_holds_what_has_begun_to_be_sent_the_newest_first, |store| {
    let insights = newsletter(&store, "insights").await;
    let other = newsletter(&store, "other").await;
    sent(&store, &insights, "Twee", "t", at(2)).await;
    sent(&store, &insights, "Een", "t", at(1)).await;
    let paused = sent(&store, &insights, "Gepauzeerd", "t", at(3)).await;
    change!(store, |tx| mailings::make_move(tx, paused, Move::Pause, PauseReason::User, at(4)));
    let cancelled = sent(&store, &insights, "Afgebroken", "t", at(5)).await;
    change!(store, |tx| mailings::make_move(tx, cancelled, Move::Cancel, PauseReason::User, at(6)));
    scheduled(&store, &insights, "Nog niet", "t").await;
    sent(&store, &other, "Van een ander", "t", at(7)).await;
    let all = read!(store, |db| archive::list(db, insights.id, "", 0));
    assert_eq!(subjects(&all), ["Gepauzeerd", "Twee", "Een"]);
    let latest = read!(store, |db| archive::latest(db, insights.id)).expect("one");
    assert_eq!(latest.mailing_id, paused);
    let [_, two, one] = &all[..] else { panic!("{all:?}") };
    let previous = read!(store, |db| archive::previous(db, insights.id, two.mailing_id, two.started_at));
    let next = read!(store, |db| archive::next(db, insights.id, two.mailing_id, two.started_at));
    assert_eq!(
        (previous.expect("one").subject, next.expect("one").subject),
        ("Een".into(), "Gepauzeerd".into())
    );
    let before = read!(store, |db| archive::previous(db, insights.id, one.mailing_id, one.started_at));
    let after = read!(store, |db| archive::next(db, insights.id, paused, at(3)));
    assert!(before.is_none() && after.is_none());
});

both_dbs!(a_search_finds_every_word_in_subject_preheader_and_text, |store| {
    let insights = newsletter(&store, "insights").await;
    let slot = postiljon::mail::slot::Slot::Name { fallback: "lezer".into() }.marker();
    sent(&store, &insights, "Bruggen", &format!("Dag {slot}, over HÉT water\nen de kaai."), at(1)).await;
    sent(&store, &insights, "Steden", "Honderd % zeker, en a_b.", at(2)).await;
    let found = async |search: &str| {
        let found = read!(store, |db| archive::list(db, insights.id, search, 0));
        found.into_iter().map(|issue| issue.subject).collect::<Vec<_>>().join(" ")
    };
    for (search, expected) in [
        ("", "Steden Bruggen"),
        ("bruggen", "Bruggen"),
        ("  HÉT   kaai  ", "Bruggen"),
        ("water steden", ""),
        ("deze week", "Steden Bruggen"),
        ("%", "Steden"),
        ("a_b", "Steden"),
        ("axb", ""),
        ("\\", ""),
        ("' OR 1=1 --", ""),
        ("gebrandmerkt", ""),
        ("dag over", "Bruggen"),
    ] {
        assert_eq!(found(search).await, expected, "{search}");
    }
    // Only so many words count; the rest asks for nothing.
    assert_eq!(found("bruggen het water en de kaai. nergens").await, "");
    assert_eq!(found("bruggen hét water en de kaai. nergens").await, "Bruggen");
});

both_dbs!(an_archive_has_pages_and_the_articles_of_each_issue, |store| {
    let insights = newsletter(&store, "insights").await;
    let count = i64::try_from(ARCHIVE_ROWS).expect("few") + 2;
    let (one, two) = (article(&store, "een").await, article(&store, "twee").await);
    for n in 1..=count {
        let id = sent(&store, &insights, &format!("Nummer {n}"), "t", at(n)).await;
        for (position, article) in [(1, &two), (2, &one)] {
            change!(store, |tx| mailings::insert_article(tx, id, article.id, position, 1));
        }
    }
    let first = read!(store, |db| archive::list(db, insights.id, "", 0));
    assert_eq!(first.len(), ARCHIVE_ROWS + 1);
    let second = read!(store, |db| archive::list(db, insights.id, "", 1));
    assert_eq!(subjects(&second), ["Nummer 2", "Nummer 1"]);
    assert!(read!(store, |db| archive::list(db, insights.id, "", 2)).is_empty());
    let articles = read!(store, |db| archive::articles(db, &second));
    let titles: Vec<_> = articles.iter().map(|row| (row.mailing_id, row.title.as_str())).collect();
    let (a, b) = (second[1].mailing_id, second[0].mailing_id);
    assert_eq!(titles, [(a, "Over twee"), (a, "Over een"), (b, "Over twee"), (b, "Over een")]);
    assert_eq!(read!(store, |db| archive::articles(db, &first[..ARCHIVE_ROWS])).len(), 2 * ARCHIVE_ROWS);
    assert!(read!(store, |db| archive::articles(db, &[])).is_empty());
    let found = read!(store, |db| archive::with_article(db, insights.id, one.id)).expect("one");
    assert_eq!(found.subject, format!("Nummer {count}"));
    let sent = read!(store, |db| newsletters::that_sent(db, one.id));
    assert_eq!(sent.iter().map(|newsletter| newsletter.id).collect::<Vec<_>>(), [insights.id]);
});

both_dbs!(the_newest_copies_are_in_the_wanted_language_or_in_another, |store| {
    let insights = newsletter(&store, "insights").await;
    let id = sent(&store, &insights, "Een", "t", at(1)).await;
    let english = Content {
        language: Language::English,
        subject: "One".into(),
        second_subject: String::new(),
        html: String::new(),
        text: "unmistakable".into(),
        web_html: "<p>One</p>".into(),
    };
    change!(store, |tx| mailings::insert_content(tx, id, &english));
    sent(&store, &insights, "Twee", "t", at(2)).await;
    let copies = async |language, most| {
        let newest = read!(store, |db| archive::newest(db, insights.id, language, most));
        newest.into_iter().map(|copy| copy.web_html).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(copies(Language::English, 9).await, "<p>Twee</p> <p>One</p>");
    assert_eq!(copies(Language::Dutch, 9).await, "<p>Twee</p> <p>Een</p>");
    assert_eq!(copies(Language::Dutch, 1).await, "<p>Twee</p>");
    let found = read!(store, |db| archive::list(db, insights.id, "unmistakable", 0));
    assert_eq!(found.len(), 1, "found once, in whichever language");
});

both_dbs!(an_article_is_found_by_every_short_name_that_it_had, |store| {
    let first = article(&store, "eerst").await;
    let text = articles::ArticleText { slug: slug("later"), ..article_text("eerst") };
    change!(store, |tx| articles::update(tx, first.id, 1, 2, &text, NOW)).expect("saved");
    let current = async |name: &str| {
        let found = read!(store, |db| article_slugs::current(db, &slug(name)));
        found.map(|slug| slug.to_string())
    };
    assert_eq!(current("eerst").await.as_deref(), Some("later"));
    assert_eq!(current("later").await.as_deref(), Some("later"));
    assert_eq!(current("nergens").await, None);
    // Nobody takes an old short name over.
    let mut tx = store.begin().await.expect("a transaction");
    let taken = articles::insert(&mut tx, &article_text("eerst"), NOW).await.expect_err("refused");
    assert!(taken.is_duplicate(), "{taken}");
    drop(tx);
    assert_eq!(current("eerst").await.as_deref(), Some("later"));
    // A save that was refused changes nothing.
    let text = articles::ArticleText { slug: slug("nooit"), ..article_text("eerst") };
    assert!(change!(store, |tx| articles::update(tx, first.id, 1, 2, &text, NOW)).is_none());
    assert_eq!(current("nooit").await, None);
});

/// Of each text part in characters: a long issue.
const LONG: usize = 10_000;
/// A daily newsletter of fourteen years.
const MANY: usize = 5_000;

/// How long a search takes in an archive of thousands. `cargo test --release --test it -- --ignored --nocapture thousands`
mod a_search_in_thousands_of_issues_answers_quickly {
    use super::*;

    async fn body(store: Store) {
        let insights = newsletter(&store, "insights").await;
        let text = "De kaai ligt aan het water en de brug erover. ".repeat(LONG / 46);
        let mut tx = store.begin().await.expect("a transaction");
        for n in 0..MANY {
            let millis = i64::try_from(n).expect("few");
            let issue = issues::insert(&mut tx, insights.id, &issue_text(&format!("Nummer {n}")), NOW).await;
            let issue = issue.expect("inserted");
            let mailing = mailings::insert(&mut tx, issue.id, insights.id, NOW, NOW).await.expect("inserted");
            let content = Content {
                language: Language::Dutch,
                subject: format!("Nummer {n}"),
                second_subject: String::new(),
                html: text.clone(),
                text: format!("{text} woord{n}."),
                web_html: text.clone(),
            };
            mailings::insert_content(&mut tx, mailing.id, &content).await.expect("inserted");
            mailings::start(&mut tx, mailing.id, at(millis)).await.expect("begun");
        }
        tx.commit().await.expect("committed");
        for (what, search, page) in [
            ("the first page", "", 0),
            ("the last page", "", 249),
            ("a word that stands everywhere", "brug", 0),
            ("a word of the first issue", "woord0.", 0),
            ("a word that stands nowhere", "zebra", 0),
            ("six words that stand nowhere together", "de kaai ligt aan het zebra", 0),
        ] {
            let started = std::time::Instant::now();
            let found = read!(store, |db| archive::list(db, insights.id, search, page)).len();
            println!("{what}: {found} issues in {:?}", started.elapsed());
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "measures"]
    async fn sqlite() {
        let database = crate::support::database::TestDatabase::sqlite().await;
        body(database.store.clone()).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    #[ignore = "measures"]
    async fn postgres() {
        if let Some(database) = crate::support::database::TestDatabase::postgres().await {
            body(database.store.clone()).await;
            database.drop_postgres().await;
        }
    }
}
