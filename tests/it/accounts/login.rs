use std::net::Ipv4Addr;
use std::time::Duration;

use postiljon::accounts::Desk;
use postiljon::accounts::login::{self, LoggedIn, LoginError, Origin, Passed};
use postiljon::accounts::sessions::{self, Visit};
use postiljon::accounts::users::{NewUser, add_user};
use postiljon::clock::Clock;
use postiljon::keys::Keys;
use postiljon::model::Language;
use postiljon::store::audit::{self, AuditFilter};
use postiljon::store::{Store, users};

use crate::support::database::{both_dbs, read};
use crate::support::samples::NOW;

pub const AN: &str = "an@example.org";
pub const PASSWORD: &str = "een lang wachtwoord voor An";
const MINUTE: Duration = Duration::from_secs(60);

pub async fn add_an(store: &Store, clock: &Clock) {
    let new = NewUser { address: AN, name: "An Peeters", language: Language::Dutch, password: PASSWORD };
    add_user(store, clock, new).await.expect("added");
}

pub fn from(network: u8) -> Origin<'static> {
    Origin { ip: Ipv4Addr::new(192, 0, network, 7).into(), visit: Visit::default() }
}

/// From 192.0.`network`.7.
pub async fn log_in(
    store: &Store,
    clock: &Clock,
    address: &str,
    password: &str,
    network: u8,
) -> Result<LoggedIn, LoginError> {
    let (keys, origin) = (Keys::new(&[7; 32]), from(network));
    let desk = Desk { store, clock, keys: &keys, public_url: "https://news.example" };
    match login::log_in(desk, address, password, &origin).await? {
        Passed::In(logged_in) => Ok(logged_in),
        Passed::Step(_) => panic!("nobody here has a second factor"),
    }
}

fn key(result: &Result<LoggedIn, LoginError>) -> &'static str {
    result.as_ref().map_or_else(LoginError::key, |_| "signed in")
}

both_dbs!(the_right_password_begins_a_new_session, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let first = log_in(&store, &clock, " AN@Example.org ", PASSWORD, 1).await.expect("signed in");
    let second = log_in(&store, &clock, AN, PASSWORD, 1).await.expect("signed in");
    assert_ne!(first.token, second.token);
    let session = sessions::find(&store, &clock, &first.token).await.expect("read").expect("a session");
    assert_eq!(session.user.name, "An Peeters");
    sessions::log_out(&store, &session.token_hash).await.expect("signed out");
    assert!(sessions::find(&store, &clock, &first.token).await.expect("read").is_none());
    assert!(sessions::find(&store, &clock, &second.token).await.expect("read").is_some());
    assert!(sessions::find(&store, &clock, "geen token").await.expect("read").is_none());
});

both_dbs!(an_unknown_user_gets_the_same_answer_as_a_wrong_password, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let wrong = log_in(&store, &clock, AN, "fout", 1).await;
    let unknown = log_in(&store, &clock, "niemand@example.org", PASSWORD, 1).await;
    let nonsense = log_in(&store, &clock, "niemand", "", 1).await;
    assert_eq!([key(&wrong), key(&unknown), key(&nonsense)], ["error-login-wrong"; 3]);
});

both_dbs!(the_sixth_failure_waits_and_so_does_the_right_password, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    for network in 1..=5 {
        assert_eq!(key(&log_in(&store, &clock, AN, "fout", network).await), "error-login-wrong");
    }
    clock.advance(5 * MINUTE);
    let throttled = log_in(&store, &clock, AN, PASSWORD, 6).await;
    assert!(matches!(throttled, Err(LoginError::Throttled { minutes: 11 })), "{throttled:?}");
    clock.advance(10 * MINUTE);
    assert_eq!(key(&log_in(&store, &clock, AN, PASSWORD, 6).await), "signed in");
});

both_dbs!(passwords_that_are_refused_stand_in_the_log_once_in_a_window, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let address = AN.parse().expect("an address");
    let an = read!(store, |db| users::by_address(db, &address)).expect("there").id.0;
    let refused = async || {
        let log = read!(store, |db| audit::list(db, &AuditFilter::default()));
        let refused = log.into_iter().rev().filter(|row| row.act == "person_passwords_refused");
        refused.map(|row| (row.user_id, row.object_id)).collect::<Vec<_>>()
    };
    // From everywhere; then from one network, at whom there is not.
    for network in 1..=5 {
        let _ = log_in(&store, &clock, AN, "fout", network).await;
    }
    assert_eq!(refused().await, []);
    for network in 6..=8 {
        let _ = log_in(&store, &clock, AN, "fout", network).await;
    }
    assert_eq!(refused().await, [(None, Some(an))]);
    for _ in 1..=8 {
        let _ = log_in(&store, &clock, "niemand@example.org", "fout", 9).await;
    }
    assert_eq!(refused().await, [(None, Some(an)), (None, None)]);
});

both_dbs!(an_account_that_does_not_exist_is_throttled_like_one_that_does, |store| {
    let clock = Clock::test(NOW);
    for network in 1..=5 {
        let wrong = log_in(&store, &clock, "niemand@example.org", "fout", network).await;
        assert_eq!(key(&wrong), "error-login-wrong");
    }
    let throttled = log_in(&store, &clock, "niemand@example.org", "fout", 6).await;
    assert_eq!(key(&throttled), "error-login-throttled");
});

both_dbs!(one_network_cannot_try_one_account_after_the_other, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    for number in 1..=5 {
        let address = format!("iemand{number}@example.org");
        assert_eq!(key(&log_in(&store, &clock, &address, "fout", 1).await), "error-login-wrong");
    }
    assert_eq!(key(&log_in(&store, &clock, AN, PASSWORD, 1).await), "error-login-throttled");
    assert_eq!(key(&log_in(&store, &clock, AN, PASSWORD, 2).await), "signed in");
});

both_dbs!(a_network_that_is_refused_shuts_nobody_else_out, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    for network in [1, 1, 1, 1] {
        assert_eq!(
            key(&log_in(&store, &clock, "bo@example.org", "fout", network).await),
            "error-login-wrong"
        );
    }
    assert_eq!(key(&log_in(&store, &clock, AN, "fout", 1).await), "error-login-wrong");
    for _ in 0..20 {
        assert_eq!(key(&log_in(&store, &clock, AN, "fout", 1).await), "error-login-throttled");
    }
    assert_eq!(key(&log_in(&store, &clock, AN, PASSWORD, 2).await), "signed in");
});

both_dbs!(a_browser_of_the_owner_is_counted_apart, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let keys = Keys::new(&[7; 32]);
    let desk = Desk { store: &store, clock: &clock, keys: &keys, public_url: "https://news.example" };
    let mine = postiljon::keys::random_token().expect("random");
    let try_from = async |password: &str, network: u8, browser: &str| {
        let origin = Origin { visit: Visit { user_agent: "", browser }, ..from(network) };
        login::log_in(desk, AN, password, &origin).await.map_err(|error| error.key())
    };
    assert!(matches!(try_from(PASSWORD, 1, &mine).await, Ok(Passed::In(_))));
    for network in 2..=6 {
        let wrong = try_from("fout", network, "").await;
        assert_eq!(wrong.err(), Some("error-login-wrong"));
    }
    // Strangers wait, whatever cookie they make up; she does not.
    for made_up in ["", "x", &postiljon::keys::random_token().expect("random")] {
        assert_eq!(try_from(PASSWORD, 7, made_up).await.err(), Some("error-login-throttled"));
    }
    assert!(matches!(try_from(PASSWORD, 1, &mine).await, Ok(Passed::In(_))));
    // Who has the browser and not the password has five tries too.
    for _ in 1..=5 {
        assert_eq!(try_from("fout", 8, &mine).await.err(), Some("error-login-wrong"));
    }
    assert_eq!(try_from("fout", 9, &mine).await.err(), Some("error-login-throttled"));
});

both_dbs!(those_who_sign_in_rightly_do_not_use_up_their_networks_tries, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    for _ in 0..12 {
        assert_eq!(key(&log_in(&store, &clock, AN, PASSWORD, 1).await), "signed in");
    }
});

both_dbs!(guesses_made_at_once_count_like_guesses_one_by_one, |store| {
    let clock = Clock::test(NOW);
    add_an(&store, &clock).await;
    let guesses = (1..=12).map(|network| {
        let (store, clock) = (store.clone(), clock.clone());
        tokio::spawn(async move { key(&log_in(&store, &clock, AN, "fout", network).await) })
    });
    let mut looked_at = 0;
    for guess in guesses.collect::<Vec<_>>() {
        looked_at += usize::from(guess.await.expect("a guess") == "error-login-wrong");
    }
    assert_eq!(looked_at, 5);
});

both_dbs!(a_session_ends_when_idle_and_after_thirty_days, |store| {
    let clock = Clock::test(NOW);
    let day = 24 * 60 * MINUTE;
    add_an(&store, &clock).await;
    let used = log_in(&store, &clock, AN, PASSWORD, 1).await.expect("signed in").token;
    let idle = log_in(&store, &clock, AN, PASSWORD, 1).await.expect("signed in").token;
    for at in 1..30 {
        clock.advance(day);
        assert!(sessions::find(&store, &clock, &used).await.expect("read").is_some(), "day {at}");
    }
    assert!(sessions::find(&store, &clock, &idle).await.expect("read").is_none());
    clock.advance(day);
    assert!(sessions::find(&store, &clock, &used).await.expect("read").is_none());
});
