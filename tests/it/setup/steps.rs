use postiljon::clock::Clock;
use postiljon::model::{EmailAddress, Language, Newsletter, SetupStep};
use postiljon::publishing::newsletters::{AboutInput, SenderInput, begin_newsletter, set_sender};
use postiljon::setup::relays::{Configured, add};
use postiljon::setup::steps::{Progress, keep_draft, pass};
use postiljon::store::Store;

use super::typed;
use crate::support::database::both_dbs;
use crate::support::samples::{NOW, address};

async fn progress(store: &Store) -> Progress {
    Progress::of(&mut store.read().await.expect("a reader"), false).await.expect("read")
}

async fn begun(store: &Store, owner: &EmailAddress) -> Newsletter {
    let about = AboutInput {
        name: "Insights".into(),
        description: String::new(),
        language: Language::Dutch,
        reader_languages: vec![Language::French],
        time_zone: "Europe/Brussels".into(),
    };
    begin_newsletter(store, &Clock::test(NOW), &about, owner).await.expect("begun")
}

both_dbs!(each_step_is_done_by_what_is_in_the_database, |store| {
    let clock = Clock::test(NOW);
    assert_eq!(progress(&store).await.next(), Some(SetupStep::Newsletter));
    let letter = begun(&store, &address("an@example.org")).await;
    assert_eq!((letter.sender_address.as_str(), letter.postal_address.as_str()), ("an@example.org", ""));
    assert_eq!(letter.languages_of_readers(), [Language::Dutch, Language::French]);
    assert_eq!(letter.language_for(Language::German), Language::Dutch);
    assert_eq!(progress(&store).await.next(), Some(SetupStep::Sender));
    let sender = SenderInput {
        sender_name: "Meridiaan".into(),
        sender_address: "news@meridiaan.example".into(),
        reply_to: String::new(),
        postal_address: "Kaai 1".into(),
    };
    set_sender(&store, letter.id, None, &sender).await.expect("set");
    assert_eq!(progress(&store).await.next(), Some(SetupStep::Relay));
    let keys = postiljon::keys::Keys::new(&[7; 32]);
    let configured = Configured::new(Vec::new(), "localhost");
    add(&store, &clock, &keys, &configured, "", &typed("localhost", 25)).await.expect("added");
    assert_eq!(progress(&store).await.next(), Some(SetupStep::Brand));
    pass(&store, &clock, SetupStep::Brand).await.expect("passed");
    assert_eq!(progress(&store).await.next(), None);
});

both_dbs!(later_is_an_answer_and_a_relay_of_the_configuration_is_one, |store| {
    let clock = Clock::test(NOW);
    assert!(!progress(&store).await.is_done(SetupStep::Relay));
    let with = Progress::of(&mut store.read().await.expect("a reader"), true).await.expect("read");
    assert!(with.is_done(SetupStep::Relay) && with.has_relay());
    pass(&store, &clock, SetupStep::Relay).await.expect("passed");
    let later = progress(&store).await;
    assert!(later.is_done(SetupStep::Relay) && !later.has_relay());
});

both_dbs!(a_draft_is_kept_until_its_step_is_passed, |store| {
    keep_draft(&store, SetupStep::Sender, "sender_name=An").await.expect("kept");
    keep_draft(&store, SetupStep::Sender, "sender_name=An+P").await.expect("kept");
    assert_eq!(progress(&store).await.draft(SetupStep::Sender), "sender_name=An+P");
    assert_eq!(progress(&store).await.draft(SetupStep::Brand), "");
    keep_draft(&store, SetupStep::Sender, &"x".repeat(100_000)).await.expect("not kept");
    assert_eq!(progress(&store).await.draft(SetupStep::Sender), "sender_name=An+P");
    pass(&store, &Clock::test(NOW), SetupStep::Sender).await.expect("passed");
    assert_eq!(progress(&store).await.draft(SetupStep::Sender), "");
});
