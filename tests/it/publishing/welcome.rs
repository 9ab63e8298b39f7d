use postiljon::model::{Language, NewsletterId, WelcomeStep};
use postiljon::publishing::welcome::{
    StepError, StepInput, TextInput, Then, compose, create, delete, save, send_test,
};
use postiljon::store::{Store, welcome};

use super::{PUBLIC_URL, input, published};
use crate::support::app::START;
use crate::support::database::{both_dbs, read};
use crate::support::samples::newsletter;
use postiljon::clock::Clock;

fn words(language: Language, subject: &str, body: &str) -> TextInput {
    TextInput { subject: subject.into(), body: body.into(), ..TextInput::empty(language) }
}

fn step_input(days: &str) -> StepInput {
    StepInput { days: days.into(), texts: vec![words(Language::Dutch, "Welkom", "Dag {{name|lezer}}.")] }
}

async fn made(store: &Store, clock: &Clock, days: &str) -> Result<WelcomeStep, StepError> {
    create(store, clock, PUBLIC_URL, NewsletterId(1), &step_input(days)).await
}

fn fields(error: &StepError) -> Vec<(&'static str, &'static str)> {
    let StepError::Invalid(errors) = error else { panic!("not invalid: {error:?}") };
    errors.iter().map(|error| (error.field, error.message.key())).collect()
}

both_dbs!(every_mistake_is_told_beside_its_field, |store| {
    newsletter(&store, "insights").await;
    let clock = Clock::test(START);
    let draft =
        postiljon::publishing::articles::create(&store, &clock, &input("Nog niet")).await.expect("made");
    let wrong = StepInput {
        days: "61".into(),
        texts: vec![
            words(Language::Dutch, "", "Zonder onderwerp"),
            words(Language::English, "Nothing", ""),
            words(Language::French, "Champ", "{{prenom}}"),
            TextInput { article: draft.id.to_string(), ..words(Language::German, "Entwurf", "") },
        ],
    };
    let error = create(&store, &clock, PUBLIC_URL, NewsletterId(1), &wrong).await.expect_err("wrong");
    let expected = [
        ("days", "welcome-error-days"),
        ("subject-nl", "error-required"),
        ("body-en", "welcome-error-empty"),
        ("body-fr", "check-field-unknown"),
        ("article-de", "check-article-draft"),
    ];
    assert_eq!(fields(&error), expected);
    assert!(read!(store, |db| welcome::of_newsletter(db, NewsletterId(1))).is_empty());
});

both_dbs!(a_series_has_ten_steps_at_most_and_one_a_day, |store| {
    newsletter(&store, "insights").await;
    let clock = Clock::test(START);
    for days in 0..10 {
        made(&store, &clock, &days.to_string()).await.expect("made");
    }
    assert!(matches!(made(&store, &clock, "20").await, Err(StepError::TooMany)));
    let ninth = read!(store, |db| welcome::of_newsletter(db, NewsletterId(1)))[9].clone();
    delete(&store, ninth.id).await.expect("removed");
    let error = made(&store, &clock, "3").await.expect_err("taken");
    assert_eq!(fields(&error), [("days", "welcome-error-day-taken")]);
});

both_dbs!(a_step_is_switched_on_with_words_in_the_newsletters_language, |store| {
    newsletter(&store, "insights").await;
    let clock = Clock::test(START);
    let step = made(&store, &clock, "0").await.expect("made");
    assert_eq!(step.active_since, None);
    let english = StepInput { days: "0".into(), texts: vec![words(Language::English, "Welcome", "Hello.")] };
    let save = async |seen, input: &StepInput, then| {
        save(&store, &clock, PUBLIC_URL, step.id, seen, input, then).await
    };
    let error = save(step.updated_at, &english, Then::Activate).await.expect_err("no Dutch");
    assert_eq!(fields(&error), [("subject-nl", "welcome-error-home")]);
    let on = save(step.updated_at, &step_input("0"), Then::Activate).await.expect("on");
    assert_eq!(on.active_since, Some(START));
    clock.advance(std::time::Duration::from_secs(60));
    let same = save(on.updated_at, &step_input("0"), Then::Stay).await.expect("saved");
    assert_eq!(same.active_since, Some(START), "new words do not begin it anew");
    let moved = save(same.updated_at, &step_input("5"), Then::Stay).await.expect("moved");
    assert_eq!(moved.active_since, Some(clock.now()), "another day does");
    assert!(matches!(save(on.updated_at, &step_input("5"), Then::Stay).await, Err(StepError::Conflict)));
    let off = save(moved.updated_at, &step_input("5"), Then::Deactivate).await.expect("off");
    assert_eq!(off.active_since, None);
});

both_dbs!(a_reader_gets_the_own_language_or_the_newsletters_and_a_test_goes_out, |store| {
    newsletter(&store, "insights").await;
    let clock = Clock::test(START);
    let article = published(&store, &clock, "Het beste stuk").await;
    let texts = vec![
        TextInput { article: article.id.to_string(), ..words(Language::Dutch, "Welkom", "Dag.") },
        words(Language::French, "Bienvenue", "Bonjour."),
    ];
    let both = StepInput { days: "0".into(), texts };
    let step = create(&store, &clock, PUBLIC_URL, NewsletterId(1), &both).await.expect("made");
    let subject = async |language| {
        let mut reader = store.read().await.expect("a reader");
        let composed = compose(reader.db(), step.id, language, PUBLIC_URL).await.expect("read");
        composed.expect("a text").rendered.expect("rendered")
    };
    assert_eq!(subject(Language::French).await.subject, "Bienvenue");
    let german = subject(Language::German).await;
    assert_eq!(german.subject, "Welkom");
    assert!(
        german.html.contains("Het beste stuk") && german.text.contains("Een goed verhaal"),
        "{}",
        german.text
    );
    let wrong =
        send_test(&store, &clock, PUBLIC_URL, step.id, Language::Dutch, "x").await.expect_err("wrong");
    assert_eq!(fields(&wrong), [("to", "error-address-no-at")]);
    send_test(&store, &clock, PUBLIC_URL, step.id, Language::Dutch, "an@example.org").await.expect("queued");
    assert_eq!(read!(store, |db| welcome::queued_count(db)), 0, "a test is no step");
});
