use postiljon::model::{ArticleId, Tag};
use postiljon::store::articles::ArticleFilter;
use postiljon::store::{Store, articles, tags};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::article;

fn parsed(names: &[&str]) -> Vec<Tag> {
    names.iter().map(|name| Tag::parse(name).expect("a tag")).collect()
}

async fn set(store: &Store, id: ArticleId, names: &[&str]) {
    change!(store, |tx| tags::set(tx, id, &parsed(names)));
}

both_dbs!(tags_keep_their_order_and_their_first_spelling, |store| {
    let (one, two) = (article(&store, "one").await, article(&store, "two").await);
    set(&store, one.id, &["Werk", "thuis"]).await;
    set(&store, two.id, &["WERK"]).await;
    assert_eq!(read!(store, |db| tags::of_article(db, one.id)), ["Werk", "thuis"]);
    assert_eq!(read!(store, |db| tags::of_article(db, two.id)), ["Werk"]);
    assert_eq!(read!(store, |db| tags::used(db, 10)), ["Werk", "thuis"]);
    set(&store, one.id, &["thuis", "élan"]).await;
    assert_eq!(read!(store, |db| tags::of_article(db, one.id)), ["thuis", "élan"]);
    assert_eq!(read!(store, |db| tags::used(db, 1)).len(), 1);
});

both_dbs!(a_list_is_filtered_by_tag, |store| {
    let (one, _) = (article(&store, "one").await, article(&store, "two").await);
    set(&store, one.id, &["Élan"]).await;
    let list = async |tag: &str| {
        let filter = ArticleFilter { tag: tag.into(), ..ArticleFilter::default() };
        read!(store, |db| articles::list(db, &filter)).len()
    };
    assert_eq!((list("élan").await, list("").await, list("elan").await), (1, 2, 0));
});
