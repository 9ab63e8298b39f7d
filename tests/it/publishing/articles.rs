use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::model::ArticleStatus;
use postiljon::publishing::articles::{ArticleError, ArticleInput, create, import, save, set_status};
use postiljon::store::articles;

use super::input;
use crate::support::database::both_dbs;
use crate::support::samples::NOW;

fn fields(error: &ArticleError) -> Vec<(&'static str, &'static str)> {
    let ArticleError::Invalid(errors) = error else { panic!("{error}") };
    errors.iter().map(|error| (error.field, error.message.key())).collect()
}

both_dbs!(articles_of_one_title_get_numbered_short_names, |store| {
    let clock = Clock::test(NOW);
    let mut slugs = Vec::new();
    for _ in 0..3 {
        slugs.push(create(&store, &clock, &input("Zes lessen")).await.expect("stored").slug.to_string());
    }
    assert_eq!(slugs, ["zes-lessen", "zes-lessen-2", "zes-lessen-3"]);
    let nameless = create(&store, &clock, &input("新聞")).await.expect("stored");
    assert_eq!(nameless.slug.as_str(), "article");
});

both_dbs!(articles_stored_at_once_all_get_a_name, |store| {
    let clock = Clock::test(NOW);
    let tasks: Vec<_> = (0..5)
        .map(|_| {
            let (store, clock) = (store.clone(), clock.clone());
            tokio::spawn(async move { create(&store, &clock, &input("Zes lessen")).await })
        })
        .collect();
    let mut slugs = std::collections::BTreeSet::new();
    for task in tasks {
        slugs.insert(task.await.expect("a task").expect("stored").slug.to_string());
    }
    assert_eq!(slugs.len(), 5);
});

both_dbs!(a_wrong_article_names_every_wrong_field_at_once, |store| {
    let wrong = ArticleInput {
        title: " \n ".into(),
        language: "es".into(),
        body: "x".repeat(200_001),
        canonical_url: "javascript:alert(1)".into(),
        slug: "Geen Slug".into(),
        ..ArticleInput::default()
    };
    let error = create(&store, &Clock::test(NOW), &wrong).await.expect_err("refused");
    assert_eq!(
        fields(&error),
        [
            ("slug", "error-slug"),
            ("language", "error-language"),
            ("title", "error-required"),
            ("body", "error-too-long"),
            ("canonical_url", "error-url")
        ]
    );
});

both_dbs!(two_who_edit_at_once_do_not_overwrite_each_other, |store| {
    let clock = Clock::test(NOW);
    let article = create(&store, &clock, &input("Zes lessen")).await.expect("stored");
    clock.advance(Duration::from_secs(1));
    let mine = save(&store, &clock, article.id, 1, &input("Zeven lessen")).await.expect("saved");
    assert_eq!((mine.version, mine.slug.as_str()), (2, "zes-lessen"));
    let error = save(&store, &clock, article.id, 1, &input("Acht lessen")).await.expect_err("refused");
    let ArticleError::Conflict { theirs } = error else { panic!("{error}") };
    assert_eq!((theirs.title.as_str(), theirs.number), ("Zeven lessen", 2));
});

both_dbs!(publishing_twice_is_publishing_once, |store| {
    let clock = Clock::test(NOW);
    let article = create(&store, &clock, &input("Zes lessen")).await.expect("stored");
    for _ in 0..2 {
        set_status(&store, &clock, article.id, ArticleStatus::Published).await.expect("published");
        clock.advance(Duration::from_secs(60));
    }
    let mut reader = store.read().await.expect("a reader");
    let stored = articles::by_id(reader.db(), article.id).await.expect("read").expect("there");
    assert_eq!((stored.published_at, stored.updated_at), (Some(NOW), NOW));
});

both_dbs!(a_file_with_front_matter_becomes_an_article, |store| {
    let clock = Clock::test(NOW);
    let source = "---\ntitle: Zes lessen\nlanguage: nl\nslug: lessen\nstatus: published\n---\n\n## Eén\n";
    let article = import(&store, &clock, source).await.expect("stored");
    assert_eq!((article.slug.as_str(), article.body.as_str()), ("lessen", "## Eén"));
    assert_eq!(article.status, ArticleStatus::Published);
    let again = import(&store, &clock, source).await.expect_err("refused");
    assert_eq!(fields(&again), [("slug", "error-slug-taken")]);
    let wrong = import(&store, &clock, "---\ntitel: x\n---\n").await.expect_err("refused");
    assert_eq!(wrong.key(), "front-matter-unknown-field");
});
