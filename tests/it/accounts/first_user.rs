use std::time::Duration;

use postiljon::accounts::first_user::{self, FirstUserError, LINK_LIFETIME, Link, claim, invite, look};
use postiljon::accounts::sessions;
use postiljon::accounts::users::{NewUser, UserError};
use postiljon::clock::Clock;
use postiljon::model::Language;
use postiljon::store::{Store, users};

use super::login::{AN, PASSWORD, add_an, log_in};
use crate::support::database::{both_dbs, everything, read};
use crate::support::samples::{NOW, newsletter};

fn an() -> NewUser<'static> {
    NewUser { address: AN, name: "An", language: Language::Dutch, password: PASSWORD }
}

async fn link(store: &Store, clock: &Clock) -> String {
    invite(store, clock).await.expect("written").expect("a link")
}

both_dbs!(a_link_makes_the_first_user_once_and_signs_them_in, |store| {
    let clock = Clock::test(NOW);
    let (token, other) = (link(&store, &clock).await, link(&store, &clock).await);
    for number in 0..6 {
        newsletter(&store, &format!("n{number}")).await;
    }
    assert!(!everything(&store).await.join("\n").contains(&token), "only its hash is kept");
    assert_eq!(look(&store, &clock, &token).await.expect("read"), Link::Open);
    let (user, session) = claim(&store, &clock, &token, an()).await.expect("made");
    assert_eq!(user.address.as_str(), AN);
    assert!(sessions::find(&store, &clock, &session).await.expect("read").is_some());
    assert!(log_in(&store, &clock, AN, PASSWORD, 1).await.is_ok());
    for used in [&token, &other] {
        assert_eq!(look(&store, &clock, used).await.expect("read"), Link::Used);
        let again = claim(&store, &clock, used, NewUser { address: "bo@example.org", ..an() }).await;
        assert!(matches!(again, Err(FirstUserError::Link(Link::Used))));
    }
    assert!(invite(&store, &clock).await.expect("read").is_none());
    assert_eq!(read!(store, |db| users::all(db)).len(), 1);
});

both_dbs!(a_link_ends_after_a_day_and_a_guess_is_none, |store| {
    let clock = Clock::test(NOW);
    let token = link(&store, &clock).await;
    for guess in ["", "x", &token[..20], &"a".repeat(52)] {
        assert_eq!(look(&store, &clock, guess).await.expect("read"), Link::Unknown, "{guess}");
        let guessed = claim(&store, &clock, guess, an()).await;
        assert!(matches!(guessed, Err(FirstUserError::Link(Link::Unknown))));
    }
    clock.advance(LINK_LIFETIME - Duration::from_secs(1));
    assert_eq!(look(&store, &clock, &token).await.expect("read"), Link::Open);
    clock.advance(Duration::from_secs(1));
    assert_eq!(look(&store, &clock, &token).await.expect("read"), Link::Unknown);
    assert!(first_user::is_missing(&store).await.expect("read"));
});

both_dbs!(a_user_made_otherwise_ends_every_link, |store| {
    let clock = Clock::test(NOW);
    let token = link(&store, &clock).await;
    add_an(&store, &clock).await;
    assert_eq!(look(&store, &clock, &token).await.expect("read"), Link::Used);
    assert!(!first_user::is_missing(&store).await.expect("read"));
});

both_dbs!(a_mistake_does_not_use_up_the_link, |store| {
    let clock = Clock::test(NOW);
    let token = link(&store, &clock).await;
    let wrong = claim(&store, &clock, &token, NewUser { password: "wachtwoord", ..an() }).await;
    let Err(FirstUserError::User(UserError::Invalid(errors))) = wrong else { panic!("{wrong:?}") };
    assert!(errors.field("password").is_some());
    assert!(claim(&store, &clock, &token, an()).await.is_ok());
});

both_dbs!(of_two_who_come_at_once_one_is_the_first, |store| {
    let clock = Clock::test(NOW);
    let (one, two) = (link(&store, &clock).await, link(&store, &clock).await);
    let first = claim(&store, &clock, &one, an());
    let second = claim(&store, &clock, &two, NewUser { address: "bo@example.org", ..an() });
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok() != second.is_ok(), "{first:?} {second:?}");
    assert_eq!(read!(store, |db| users::all(db)).len(), 1);
});

both_dbs!(no_more_links_work_than_processes_need, |store| {
    let clock = Clock::test(NOW);
    let first = link(&store, &clock).await;
    for _ in 0..5 {
        clock.advance(Duration::from_secs(1));
        link(&store, &clock).await;
    }
    assert_eq!(look(&store, &clock, &first).await.expect("read"), Link::Unknown);
});
