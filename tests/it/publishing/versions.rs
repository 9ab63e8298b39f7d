use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::model::{Article, ArticleStatus, ArticleVersion, Language, UserId, VersionKind};
use postiljon::publishing::articles::{self, ArticleError, ArticleInput, create, save};
use postiljon::publishing::presence;
use postiljon::publishing::versions::{autosave, restore};
use postiljon::store::{Store, article_versions, articles as table, tags, users};

use super::{input, published};
use crate::support::database::{both_dbs, change, read};
use crate::support::samples::NOW;

async fn user(store: &Store, name: &str) -> UserId {
    let address = format!("{name}@example.org").parse().expect("an address");
    change!(store, |tx| users::insert(tx, &address, name, Language::Dutch, "x", NOW)).id
}

fn text(body: &str) -> ArticleInput {
    ArticleInput { body: body.into(), ..input("Zes lessen") }
}

async fn row(store: &Store, article: &Article) -> Article {
    read!(store, |db| table::by_id(db, article.id)).expect("there")
}

async fn numbers(store: &Store, article: &Article) -> Vec<i64> {
    let lines = read!(store, |db| article_versions::list(db, article.id, 0));
    lines.into_iter().map(|line| line.number).collect()
}

async fn version(store: &Store, article: &Article, number: i64) -> ArticleVersion {
    read!(store, |db| article_versions::by_number(db, article.id, number)).expect("there")
}

both_dbs!(a_draft_changes_with_each_autosave_and_keeps_one_version_of_ten_minutes, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let article = create(&store, &clock, &text("een")).await.expect("stored");
    let first = autosave(&store, &clock, an, article.id, 1, &text("twee")).await.expect("kept");
    clock.advance(Duration::from_secs(9 * 60));
    let second = autosave(&store, &clock, an, article.id, first.number, &text("drie")).await.expect("kept");
    assert_eq!(numbers(&store, &article).await, [3, 1]);
    assert_eq!((row(&store, &article).await.body.as_str(), second.created_at), ("drie", NOW));
    clock.advance(Duration::from_secs(60));
    let third = autosave(&store, &clock, an, article.id, second.number, &text("vier")).await.expect("kept");
    assert_eq!(numbers(&store, &article).await, [4, 3, 1]);
    // The same words again are no save.
    let same = autosave(&store, &clock, an, article.id, third.number, &text("vier")).await.expect("kept");
    assert_eq!(same.number, 4);
});

both_dbs!(autosaves_of_two_people_stand_beside_each_other, |store| {
    let clock = Clock::test(NOW);
    let (an, bert) = (user(&store, "an").await, user(&store, "bert").await);
    let article = create(&store, &clock, &text("een")).await.expect("stored");
    autosave(&store, &clock, an, article.id, 1, &text("twee")).await.expect("kept");
    autosave(&store, &clock, bert, article.id, 2, &text("drie")).await.expect("kept");
    assert_eq!(numbers(&store, &article).await, [3, 2, 1]);
    let late = autosave(&store, &clock, an, article.id, 2, &text("vier")).await.expect_err("refused");
    let ArticleError::Conflict { theirs } = late else { panic!("{late}") };
    assert_eq!((theirs.number, theirs.body.as_str()), (3, "drie"));
    assert_eq!(row(&store, &article).await.body, "drie");
});

both_dbs!(readers_see_nothing_of_an_autosave_until_somebody_saves, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let article = published(&store, &clock, "Zes lessen").await;
    let kept = autosave(&store, &clock, an, article.id, 1, &text("nog niet af")).await.expect("kept");
    let stored = row(&store, &article).await;
    assert_eq!((stored.body.as_str(), stored.version), ("Een *goed* verhaal.", 1));
    assert_eq!(read!(store, |db| article_versions::pending(db, 9)), [article.id]);
    // Whoever began before that does not overwrite it.
    let stale = save(&store, &clock, article.id, 1, &text("ouder")).await.expect_err("refused");
    assert!(matches!(stale, ArticleError::Conflict { .. }), "{stale}");
    let saved = save(&store, &clock, article.id, kept.number, &text("af")).await.expect("saved");
    assert_eq!((saved.body.as_str(), saved.version), ("af", 3));
    assert!(read!(store, |db| article_versions::pending(db, 9)).is_empty());
    assert!(version(&store, &article, 3).await.published_at.is_some());
    assert_eq!(numbers(&store, &article).await, [3, 2, 1]);
});

both_dbs!(a_version_that_readers_saw_is_never_replaced, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let article = create(&store, &clock, &text("een")).await.expect("stored");
    autosave(&store, &clock, an, article.id, 1, &text("twee")).await.expect("kept");
    for status in [ArticleStatus::Published, ArticleStatus::Draft] {
        articles::set_status(&store, &clock, article.id, status).await.expect("set");
    }
    autosave(&store, &clock, an, article.id, 2, &text("drie")).await.expect("kept");
    assert_eq!(numbers(&store, &article).await, [3, 2, 1]);
    assert_eq!(version(&store, &article, 2).await.body, "twee");
});

both_dbs!(a_version_is_brought_back_as_a_new_one, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let first = ArticleInput { tags: "werk, thuis".into(), ..text("een") };
    let article = create(&store, &clock, &first).await.expect("stored");
    save(&store, &clock, article.id, 1, &text("twee")).await.expect("saved");
    assert!(read!(store, |db| tags::of_article(db, article.id)).is_empty());
    restore(&store, &clock, an, article.id, 2, 1).await.expect("restored");
    assert_eq!(row(&store, &article).await.body, "een");
    assert_eq!(read!(store, |db| tags::of_article(db, article.id)), ["werk", "thuis"]);
    let restored = version(&store, &article, 3).await;
    assert_eq!((restored.kind, restored.user_id), (VersionKind::Restored, Some(an)));
    let stale = restore(&store, &clock, an, article.id, 2, 1).await.expect_err("refused");
    assert!(matches!(stale, ArticleError::Conflict { .. }), "{stale}");
    let unknown = restore(&store, &clock, an, article.id, 3, 99).await.expect_err("refused");
    assert!(matches!(unknown, ArticleError::NotFound), "{unknown}");
});

both_dbs!(what_is_brought_back_is_not_published_unless_it_is_what_readers_see, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let article = published(&store, &clock, "Zes lessen").await;
    save(&store, &clock, article.id, 1, &text("twee")).await.expect("saved");
    restore(&store, &clock, an, article.id, 2, 1).await.expect("restored");
    assert_eq!(row(&store, &article).await.body, "twee");
    // To go back to what readers see is to discard what was written since.
    restore(&store, &clock, an, article.id, 3, 2).await.expect("restored");
    assert_eq!((row(&store, &article).await.body.as_str(), row(&store, &article).await.version), ("twee", 4));
    assert!(read!(store, |db| article_versions::pending(db, 9)).is_empty());
});

both_dbs!(translations_know_each_other_and_no_language_is_there_twice, |store| {
    let clock = Clock::test(NOW);
    let dutch = create(&store, &clock, &text("een")).await.expect("stored");
    let english = articles::translate(&store, &clock, None, dutch.id, Language::English).await.expect("made");
    assert_eq!((english.language, english.status), (Language::English, ArticleStatus::Draft));
    assert_eq!((english.body.as_str(), english.canonical_url.as_str()), ("een", ""));
    // From the translation it is the same family, and the same language is the same article.
    let french = articles::translate(&store, &clock, None, english.id, Language::French).await.expect("made");
    let again = articles::translate(&store, &clock, None, french.id, Language::English).await.expect("found");
    assert_eq!((french.family(), again.id), (dutch.id, english.id));
    assert_eq!(read!(store, |db| table::family(db, dutch.id)).len(), 3);
    let other = ArticleInput { language: "fr".into(), ..text("een") };
    let taken = save(&store, &clock, dutch.id, 1, &other).await.expect_err("refused");
    let ArticleError::Invalid(errors) = taken else { panic!("{taken}") };
    assert_eq!(errors.field("language").map(|message| message.key()), Some("error-translation-there"));
});

both_dbs!(a_file_says_what_it_translates_and_its_tags, |store| {
    let clock = Clock::test(NOW);
    let dutch = create(&store, &clock, &input("Zes lessen")).await.expect("stored");
    let source =
        "---\ntitle: Six lessons\nlanguage: en\ntags: [work, home]\ntranslation_of: zes-lessen\n---\n\nText";
    let english = articles::import(&store, &clock, source).await.expect("stored");
    assert_eq!(english.original_id, Some(dutch.id));
    assert_eq!(read!(store, |db| tags::of_article(db, english.id)), ["work", "home"]);
    for wrong in [
        source.to_owned(),
        source.replace("zes-lessen", "geen"),
        source.replace("language: en", "language: nl"),
    ] {
        assert!(
            matches!(articles::import(&store, &clock, &wrong).await, Err(ArticleError::Invalid(_))),
            "{wrong}"
        );
    }
});

both_dbs!(a_wrong_tag_is_named, |store| {
    let clock = Clock::test(NOW);
    let wrong = ArticleInput { tags: format!("werk, {}", "x".repeat(41)), ..input("Zes lessen") };
    let error = create(&store, &clock, &wrong).await.expect_err("refused");
    let ArticleError::Invalid(errors) = error else { panic!("{error}") };
    assert_eq!(errors.field("tags").map(|message| message.key()), Some("error-tag"));
    let many = (0..21).map(|n| format!("t{n},")).collect::<String>();
    assert!(create(&store, &clock, &ArticleInput { tags: many, ..input("Zes lessen") }).await.is_err());
});

both_dbs!(who_has_an_article_open_is_known_for_a_minute, |store| {
    let clock = Clock::test(NOW);
    let (an, bert) = (user(&store, "an").await, user(&store, "bert").await);
    let article = create(&store, &clock, &input("Zes lessen")).await.expect("stored");
    assert!(presence::here(&store, &clock, article.id, an).await.expect("noted").is_empty());
    assert_eq!(presence::here(&store, &clock, article.id, bert).await.expect("noted"), ["an"]);
    assert_eq!(presence::others(&store, &clock, article.id, an).await.expect("read"), ["bert"]);
    presence::gone(&store, article.id, bert).await.expect("noted");
    assert!(presence::others(&store, &clock, article.id, an).await.expect("read").is_empty());
    clock.advance(Duration::from_secs(61));
    assert!(presence::here(&store, &clock, article.id, bert).await.expect("noted").is_empty());
});

both_dbs!(two_autosaves_at_once_are_one_save_and_one_conflict, |store| {
    let clock = Clock::test(NOW);
    let (an, bert) = (user(&store, "an").await, user(&store, "bert").await);
    let article = published(&store, &clock, "Zes lessen").await;
    let tasks: Vec<_> = [(an, "van an"), (bert, "van bert")]
        .into_iter()
        .map(|(user, body)| {
            let (store, clock) = (store.clone(), clock.clone());
            tokio::spawn(async move { autosave(&store, &clock, user, article.id, 1, &text(body)).await })
        })
        .collect();
    let mut kept = 0;
    for task in tasks {
        match task.await.expect("a task") {
            Ok(_) => kept += 1,
            Err(ArticleError::Conflict { .. }) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!((kept, numbers(&store, &article).await), (1, vec![2, 1]));
});

both_dbs!(an_autosave_leaves_the_short_name_until_somebody_saves, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let named = |slug: &str| ArticleInput { slug: slug.into(), ..text("een") };
    let other = create(&store, &clock, &named("verhalen")).await.expect("stored");
    let article = create(&store, &clock, &named("lessen")).await.expect("stored");
    // While it is typed it passes by a name that is taken, and by names that nobody wants.
    for (number, half) in [(1, "verhalen"), (2, "verhalen-o")] {
        autosave(&store, &clock, an, article.id, number, &named(half)).await.expect("kept");
        assert_eq!(row(&store, &article).await.slug.as_str(), "lessen");
    }
    assert_eq!(version(&store, &article, 3).await.slug.as_str(), "verhalen-o", "what was typed is not lost");
    let owner = async |name: &str| {
        let slug = name.parse().expect("a short name");
        read!(store, |db| postiljon::store::article_slugs::owner(db, &slug))
    };
    assert_eq!((owner("verhalen").await, owner("verhalen-o").await), (Some(other.id), None));
    let saved = save(&store, &clock, article.id, 3, &named("verhalen-over")).await.expect("saved");
    assert_eq!(saved.slug.as_str(), "verhalen-over");
    assert_eq!(owner("lessen").await, Some(article.id));
    // The same for the first autosave of a new one.
    let kind = VersionKind::Autosaved;
    let new = articles::create_by(&store, &clock, Some(an), kind, &named("half")).await.expect("stored");
    assert_eq!((new.slug.as_str(), owner("half").await), ("zes-lessen", None));
});

// What an autosave in between would have done: the version that is published here was gone.
both_dbs!(publishing_waits_for_an_autosave_and_publishes_what_it_left, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let article = create(&store, &clock, &text("een")).await.expect("stored");
    let kept = autosave(&store, &clock, an, article.id, 1, &text("twee")).await.expect("kept");
    let stored = row(&store, &article).await;
    let mut tx = store.begin().await.expect("a transaction");
    table::lock(&mut tx, article.id).await.expect("held").expect("there");
    let publishing = {
        let (store, clock) = (store.clone(), clock.clone());
        tokio::spawn(async move {
            articles::set_status(&store, &clock, article.id, ArticleStatus::Published).await
        })
    };
    tokio::time::sleep(Duration::from_millis(300)).await;
    let saving = article_versions::Saving {
        number: kept.number + 1,
        kind: VersionKind::Autosaved,
        tags: "",
        by: Some(an),
        at: NOW,
    };
    let words = table::ArticleText {
        slug: stored.slug.clone(),
        language: stored.language,
        title: stored.title.clone(),
        author: stored.author.clone(),
        teaser: stored.teaser.clone(),
        body: "drie".into(),
        canonical_url: stored.canonical_url.clone(),
    };
    let (id, from) = (stored.id, stored.version);
    table::update(&mut tx, id, from, saving.number, &words, NOW).await.expect("written").expect("there");
    article_versions::replace(&mut tx, kept.id, &words, saving).await.expect("written").expect("there");
    tx.commit().await.expect("committed");
    publishing.await.expect("a task").expect("published");
    assert_eq!(numbers(&store, &stored).await, [3, 1]);
    assert!(version(&store, &stored, 3).await.published_at.is_some());
});

both_dbs!(what_readers_see_is_never_replaced_by_an_autosave, |store| {
    let clock = Clock::test(NOW);
    let an = user(&store, "an").await;
    let article = create(&store, &clock, &text("een")).await.expect("stored");
    autosave(&store, &clock, an, article.id, 1, &text("twee")).await.expect("kept");
    // As it stands where the version does not know of it.
    change!(store, |tx| table::set_status(tx, article.id, ArticleStatus::Published, NOW));
    autosave(&store, &clock, an, article.id, 2, &text("drie")).await.expect("kept");
    assert_eq!(numbers(&store, &article).await, [3, 2, 1]);
});
