use postiljon::clock::Clock;
use postiljon::model::{Language, Newsletter, TopicId};
use postiljon::publishing::issues::{IssueError, IssueInput, create, save};
use postiljon::publishing::topics::{
    Direction, TOPICS_MAX, TopicError, TopicInput, TopicWords, add, archive, mark, rename, restore, shift,
};
use postiljon::store::{Store, topics};

use crate::support::database::{both_dbs, read};
use crate::support::samples::{NOW, confirmed, newsletter};

pub fn words(name: &str) -> TopicInput {
    let texts = vec![TopicWords { language: Language::Dutch, name: name.into(), description: String::new() }];
    TopicInput { texts }
}

async fn offered(store: &Store, newsletter: &Newsletter) -> Vec<String> {
    let all = read!(store, |db| topics::of_newsletter(db, newsletter.id));
    all.into_iter().filter(|topic| topic.archived_at.is_none()).map(|topic| topic.key).collect()
}

both_dbs!(a_topic_gets_a_key_of_its_name_and_those_with_all_get_it, |store| {
    let clock = Clock::test(NOW);
    let letter = newsletter(&store, "insights").await;
    let reader = confirmed(&store, letter.id, 1).await;
    let first = add(&store, &clock, letter.id, &words("Geld & Recht"), true).await.expect("added");
    let second = add(&store, &clock, letter.id, &words("Geld, recht"), true).await.expect("added");
    let third = add(&store, &clock, letter.id, &words("東京"), false).await.expect("added");
    assert_eq!(
        (first.key.as_str(), second.key.as_str(), third.key.as_str()),
        ("geld_recht", "geld_recht_2", "topic")
    );
    assert_eq!(read!(store, |db| topics::chosen(db, reader.id)), [first.id, second.id]);
    // A fourth: nobody has all three.
    let fourth = add(&store, &clock, letter.id, &words("Vier"), true).await.expect("added");
    assert!(!read!(store, |db| topics::chosen(db, reader.id)).contains(&fourth.id));
});

both_dbs!(a_topic_needs_a_name_in_the_newsletters_language, |store| {
    let clock = Clock::test(NOW);
    let letter = newsletter(&store, "insights").await;
    let mut input = words(" ");
    input.texts.push(TopicWords {
        language: Language::French,
        name: String::new(),
        description: "Sans nom".into(),
    });
    input.texts.push(TopicWords {
        language: Language::German,
        name: "x".repeat(61),
        description: String::new(),
    });
    let Err(TopicError::Invalid(errors)) = add(&store, &clock, letter.id, &input, true).await else {
        panic!("it has mistakes")
    };
    let fields: Vec<_> = errors.iter().map(|error| (error.field, error.message.key())).collect();
    assert_eq!(
        fields,
        [("name-nl", "error-required"), ("name-fr", "error-required"), ("name-de", "error-too-long")]
    );
    let topic = add(&store, &clock, letter.id, &words("Geld"), true).await.expect("added");
    assert!(matches!(rename(&store, topic.id, None, &input).await, Err(TopicError::Invalid(_))));
    rename(&store, topic.id, None, &words("Centen")).await.expect("renamed");
    let texts = read!(store, |db| topics::texts(db, letter.id));
    assert_eq!((texts.len(), texts[0].name.as_str()), (1, "Centen"));
    assert!(matches!(rename(&store, TopicId(99), None, &words("X")).await, Err(TopicError::NotFound)));
});

both_dbs!(topics_are_ordered_archived_and_brought_back, |store| {
    let clock = Clock::test(NOW);
    let letter = newsletter(&store, "insights").await;
    let mut ids = Vec::new();
    for name in ["a", "b", "c"] {
        ids.push(add(&store, &clock, letter.id, &words(name), true).await.expect("added").id);
    }
    shift(&store, ids[2], None, Direction::Up).await.expect("moved");
    shift(&store, ids[0], None, Direction::Up).await.expect("stays");
    assert_eq!(offered(&store, &letter).await, ["a", "c", "b"]);
    // From where somebody saw it: a press that came twice, or a list of yesterday, moves nothing.
    shift(&store, ids[0], Some(1), Direction::Down).await.expect("moved");
    let again = shift(&store, ids[0], Some(1), Direction::Down).await;
    assert!(matches!(again, Err(TopicError::Moved)), "{again:?}");
    assert_eq!(offered(&store, &letter).await, ["c", "a", "b"]);
    for _ in 0..2 {
        archive(&store, &clock, ids[2]).await.expect("archived");
    }
    assert_eq!(offered(&store, &letter).await, ["a", "b"]);
    for _ in 0..2 {
        restore(&store, ids[2]).await.expect("back");
    }
    assert_eq!(offered(&store, &letter).await, ["a", "b", "c"]);
    for n in 3..TOPICS_MAX {
        add(&store, &clock, letter.id, &words(&format!("t{n}")), false).await.expect("added");
    }
    let more = add(&store, &clock, letter.id, &words("more"), false).await;
    assert!(matches!(more, Err(TopicError::TooMany)));
});

both_dbs!(an_issue_takes_a_topic_of_its_newsletter_and_a_draft_keeps_it_from_the_archive, |store| {
    let clock = Clock::test(NOW);
    let letter = newsletter(&store, "insights").await;
    let other = newsletter(&store, "weekly").await;
    let topic = add(&store, &clock, letter.id, &words("Geld"), true).await.expect("added");
    let foreign = add(&store, &clock, other.id, &words("Geld"), true).await.expect("added");
    let input = |topic| IssueInput { subject: "S".into(), topic, ..IssueInput::default() };
    for wrong in [foreign.id, TopicId(99)] {
        let refused = create(&store, &clock, letter.id, &input(Some(wrong))).await;
        let Err(IssueError::Invalid(errors)) = refused else { panic!("refused") };
        assert_eq!(errors.field("topic").map(|message| message.key()), Some("error-topic"));
    }
    let issue = create(&store, &clock, letter.id, &input(Some(topic.id))).await.expect("made");
    assert!(matches!(archive(&store, &clock, topic.id).await, Err(TopicError::InUse(1))));
    let saved = save(&store, &clock, issue.id, 1, &input(None)).await.expect("saved");
    assert_eq!(saved.topic_id, None);
    archive(&store, &clock, topic.id).await.expect("archived");
    assert!(save(&store, &clock, issue.id, 2, &input(Some(topic.id))).await.is_err());
});

both_dbs!(words_of_a_topic_that_somebody_changed_meanwhile_are_not_overwritten, |store| {
    let clock = Clock::test(NOW);
    let letter = newsletter(&store, "insights").await;
    let topic = add(&store, &clock, letter.id, &words("Geld"), true).await.expect("added");
    let other = add(&store, &clock, letter.id, &words("Recht"), true).await.expect("added");
    let seen = mark(&read!(store, |db| topics::texts(db, letter.id)), topic.id);
    rename(&store, other.id, None, &words("Wet")).await.expect("renamed");
    rename(&store, topic.id, Some(&seen), &words("Centen")).await.expect("renamed");
    let late = rename(&store, topic.id, Some(&seen), &words("Poen")).await;
    assert!(matches!(late, Err(TopicError::Changed)), "{late:?}");
    let texts = read!(store, |db| topics::texts(db, letter.id));
    assert!(texts.iter().any(|text| text.name == "Centen"), "{texts:?}");
    rename(&store, topic.id, Some(&mark(&texts, topic.id)), &words("Poen")).await.expect("renamed");
});
