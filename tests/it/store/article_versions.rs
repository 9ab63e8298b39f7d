use postiljon::model::{ArticleStatus, VersionKind};
use postiljon::store::article_versions::{self as versions, Saving};
use postiljon::store::articles;

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, article, article_text, at};

const fn saving(number: i64, kind: VersionKind) -> Saving<'static> {
    Saving { number, kind, tags: "werk, thuis", by: None, at: NOW }
}

both_dbs!(a_version_comes_back_as_it_went_in, |store| {
    let article = article(&store, "one").await;
    let text = article_text("two");
    let kept = change!(store, |tx| versions::insert(tx, article.id, &text, saving(3, VersionKind::Saved)));
    let found = read!(store, |db| versions::by_number(db, article.id, 3)).expect("there");
    assert_eq!(format!("{kept:?}"), format!("{found:?}"));
    assert_eq!((found.title.as_str(), found.tags.as_str()), ("Over two", "werk, thuis"));
    let mut tx = store.begin().await.expect("a transaction");
    let again = versions::insert(&mut tx, article.id, &text, saving(3, VersionKind::Saved)).await;
    assert!(again.is_err_and(|error| error.is_duplicate()));
});

both_dbs!(only_an_autosave_that_nobody_saw_is_replaced, |store| {
    let article = article(&store, "one").await;
    for (number, kind) in [(1, VersionKind::Saved), (2, VersionKind::Autosaved), (3, VersionKind::Autosaved)]
    {
        change!(store, |tx| versions::insert(tx, article.id, &article_text("one"), saving(number, kind)));
    }
    change!(store, |tx| versions::set_published(tx, article.id, 2, at(5)));
    change!(store, |tx| versions::set_published(tx, article.id, 2, at(9)));
    let ids = read!(store, |db| versions::list(db, article.id, 0));
    assert_eq!(ids.iter().map(|line| line.number).collect::<Vec<_>>(), [3, 2, 1]);
    assert_eq!(ids[1].published_at, Some(at(5)));
    for (number, is_replaced) in [(1, false), (2, false), (3, true)] {
        let id = read!(store, |db| versions::by_number(db, article.id, number)).expect("there").id;
        let text = article_text("new");
        let replaced = change!(store, |tx| versions::replace(
            tx,
            id,
            &text,
            saving(10 + number, VersionKind::Autosaved)
        ));
        assert_eq!(replaced.is_some(), is_replaced, "{number}");
    }
    assert_eq!(read!(store, |db| versions::latest(db, article.id)).expect("there").number, 13);
    assert_eq!(read!(store, |db| versions::before(db, article.id, 13)).expect("there").number, 2);
});

both_dbs!(published_articles_with_newer_words_are_known, |store| {
    let (one, two) = (article(&store, "one").await, article(&store, "two").await);
    for article in [&one, &two] {
        change!(store, |tx| articles::set_status(tx, article.id, ArticleStatus::Published, NOW));
    }
    change!(store, |tx| versions::insert(tx, one.id, &article_text("x"), saving(2, VersionKind::Autosaved)));
    change!(store, |tx| versions::insert(tx, two.id, &article_text("x"), saving(1, VersionKind::Saved)));
    assert_eq!(read!(store, |db| versions::pending(db, 10)), [one.id]);
    assert!(!read!(store, |db| versions::was_mailed(db, one.id, 2)));
});
