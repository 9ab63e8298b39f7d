use postiljon::model::{ArticleStatus, Language};
use postiljon::store::articles::{self, ArticleFilter, ArticleText};
use postiljon::store::{PAGE_ROWS, Store, mailings};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{self, NOW, article, article_text, at, newsletter, scheduled, slug};

both_dbs!(an_article_comes_back_as_it_went_in, |store| {
    let text = ArticleText {
        body: "Regel 1\r\n\tRegel 2 – « é » 😀 'x' \"y\" $1 \\".into(),
        canonical_url: "https://www.example.org/a?b=c&d".into(),
        ..article_text("over-tijd")
    };
    let inserted = change!(store, |tx| articles::insert(tx, &text, NOW));
    assert_eq!((inserted.status, inserted.version), (ArticleStatus::Draft, 1));
    assert_eq!((&inserted.body, &inserted.canonical_url), (&text.body, &text.canonical_url));
    let by_id = read!(store, |db| articles::by_id(db, inserted.id)).expect("there");
    let by_slug = read!(store, |db| articles::by_slug(db, &text.slug)).expect("there");
    assert_eq!(format!("{inserted:?}"), format!("{by_id:?}"));
    assert_eq!(format!("{inserted:?}"), format!("{by_slug:?}"));
    let mut tx = store.begin().await.expect("a transaction");
    let again = articles::insert(&mut tx, &text, NOW).await;
    assert!(again.is_err_and(|error| error.is_duplicate()));
});

both_dbs!(saving_over_a_stale_version_changes_nothing, |store| {
    let article = article(&store, "one").await;
    let saved = change!(store, |tx| articles::update(tx, article.id, 1, 2, &article_text("two"), at(1)));
    let saved = saved.expect("the version was the newest");
    assert_eq!((saved.version, saved.slug, saved.updated_at), (2, slug("two"), at(1)));
    let stale = change!(store, |tx| articles::update(tx, article.id, 1, 2, &article_text("three"), at(2)));
    assert!(stale.is_none());
    let kept = read!(store, |db| articles::by_id(db, article.id)).expect("there");
    assert_eq!((kept.version, kept.title.as_str(), kept.created_at), (2, "Over two", NOW));
});

both_dbs!(the_first_publication_is_the_date_that_stays, |store| {
    let article = article(&store, "one").await;
    for (status, moment) in
        [(ArticleStatus::Published, 1), (ArticleStatus::Draft, 2), (ArticleStatus::Published, 3)]
    {
        assert!(change!(store, |tx| articles::set_status(tx, article.id, status, at(moment))));
        let now = read!(store, |db| articles::by_id(db, article.id)).expect("there");
        assert_eq!((now.status, now.published_at), (status, Some(at(1))));
    }
});

async fn titles(store: &Store, search: &str) -> Vec<String> {
    let filter = ArticleFilter { search: search.into(), ..ArticleFilter::default() };
    read!(store, |db| articles::list(db, &filter)).into_iter().map(|article| article.title).collect()
}

both_dbs!(a_search_takes_every_sign_literally_and_knows_no_case, |store| {
    let all = ["Élan ÖKONOMIE", "100% zeker", "snake_case", r"C:\pad", "L'été \"chaud\"", "gewoon"];
    for (n, title) in (0_i64..).zip(all) {
        let text = ArticleText { title: title.into(), ..article_text(&format!("a{n}")) };
        change!(store, |tx| articles::insert(tx, &text, at(n)));
    }
    assert_eq!(titles(&store, "élan").await, ["Élan ÖKONOMIE"]);
    assert_eq!(titles(&store, "ökonomie").await, ["Élan ÖKONOMIE"]);
    assert_eq!(titles(&store, "ÉTÉ").await, ["L'été \"chaud\""]);
    assert_eq!(titles(&store, "0%").await, ["100% zeker"]);
    assert_eq!(titles(&store, "%").await, ["100% zeker"]);
    assert_eq!(titles(&store, "_").await, ["snake_case"]);
    assert_eq!(titles(&store, r"\").await, [r"C:\pad"]);
    assert_eq!(titles(&store, "'").await, ["L'été \"chaud\""]);
    assert_eq!(titles(&store, "\"CHAUD\"").await, ["L'été \"chaud\""]);
    assert_eq!(titles(&store, "'; DROP TABLE articles; --").await, [""; 0]);
    assert_eq!(titles(&store, "  ").await.len(), all.len());
});

both_dbs!(a_search_looks_in_title_author_and_body_and_follows_an_edit, |store| {
    let article = article(&store, "one").await;
    for search in ["over one", "peeters", "alles over"] {
        assert_eq!(titles(&store, search).await, ["Over one"], "{search}");
    }
    let text = ArticleText { body: "Héél ANDERS".into(), ..article_text("one") };
    change!(store, |tx| articles::update(tx, article.id, 1, 2, &text, NOW)).expect("saved");
    assert!(titles(&store, "alles over").await.is_empty());
    assert_eq!(titles(&store, "héél anders").await, ["Over one"]);
});

both_dbs!(a_list_is_filtered_by_state_and_language_together, |store| {
    let dutch = article(&store, "dutch").await;
    article(&store, "draft").await;
    let text = ArticleText { language: Language::French, ..article_text("french") };
    let french = change!(store, |tx| articles::insert(tx, &text, NOW));
    for id in [dutch.id, french.id] {
        change!(store, |tx| articles::set_status(tx, id, ArticleStatus::Published, NOW));
    }
    let list = async |status, language| {
        let filter = ArticleFilter { status, language, ..ArticleFilter::default() };
        let found = read!(store, |db| articles::list(db, &filter));
        found.into_iter().map(|article| article.slug.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(list(Some(ArticleStatus::Published), None).await, ["french", "dutch"]);
    assert_eq!(list(Some(ArticleStatus::Draft), None).await, ["draft"]);
    assert_eq!(list(None, Some(Language::Dutch)).await, ["draft", "dutch"]);
    assert_eq!(list(Some(ArticleStatus::Published), Some(Language::Dutch)).await, ["dutch"]);
    assert!(list(None, Some(Language::German)).await.is_empty());
});

both_dbs!(a_page_has_one_row_more_when_there_is_a_next_page, |store| {
    let mut tx = store.begin().await.expect("a transaction");
    for n in 0..=PAGE_ROWS {
        articles::insert(&mut tx, &article_text(&format!("a{n}")), at(n)).await.expect("inserted");
    }
    tx.commit().await.expect("committed");
    let page = async |page| {
        let filter = ArticleFilter { page, ..ArticleFilter::default() };
        read!(store, |db| articles::list(db, &filter))
    };
    let (first, second) = (page(0).await, page(1).await);
    assert_eq!(i64::try_from(first.len()).expect("small"), PAGE_ROWS + 1);
    assert_eq!(first[0].slug, slug(&format!("a{PAGE_ROWS}")));
    assert_eq!(second.iter().map(|article| article.slug.to_string()).collect::<Vec<_>>(), ["a0"]);
    assert!(page(2).await.is_empty());
    assert_eq!(page(-1).await.len(), first.len());
});

both_dbs!(an_article_knows_where_it_was_mailed_and_in_which_version, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let article = article(&store, "one").await;
    let mailing = scheduled(&store, newsletter.id).await;
    change!(store, |tx| mailings::insert_article(tx, mailing.id, article.id, 1, 7));
    let cancelled = scheduled(&store, newsletter.id).await;
    change!(store, |tx| mailings::insert_article(tx, cancelled.id, article.id, 1, 8));
    change!(store, |tx| samples::cancel(tx, cancelled.id, NOW));
    let found = read!(store, |db| articles::appearances(db, article.id));
    assert_eq!(found.len(), 1);
    let row = &found[0];
    assert_eq!((row.article_id, row.issue_id, row.article_version), (article.id, mailing.issue_id, 7));
    assert_eq!((row.newsletter_name.as_str(), row.number), ("INSIGHTS", 1));
    assert_eq!((row.subject.as_str(), row.due_at), ("Nieuws", NOW));
});
