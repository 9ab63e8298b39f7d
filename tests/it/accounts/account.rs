//! One's own account: password, sessions, the second factor and its codes.

use std::time::Duration;

use postiljon::accounts::Desk;
use postiljon::accounts::authenticator::{code, period_of};
use postiljon::accounts::login::{
    LoggedIn, LoginError, Origin, Passed, STEP_LIFETIME, is_waiting, log_in, log_in_with_code,
};
use postiljon::accounts::own::{OwnError, change_password, end_sessions, open_sessions};
use postiljon::accounts::second_factor::{self, CODES, FactorError, State};
use postiljon::accounts::sessions::{self, Session, Visit};
use postiljon::clock::Clock;
use postiljon::keys::{Keys, random_token};
use postiljon::model::{Actor, User};
use postiljon::store::{Store, outbox_contents, users};

use super::login::{AN, PASSWORD, add_an, from};
use crate::support::database::{both_dbs, everything, read};
use crate::support::people::take_mails;
use crate::support::samples::{NOW, newsletter};

const NEW: &str = "vier losse woorden hier";
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

struct Office {
    store: Store,
    clock: Clock,
    keys: Keys,
}

impl Office {
    async fn open(store: &Store) -> Self {
        let clock = Clock::test(NOW);
        let store = store.clone().timed(clock.clone());
        newsletter(&store, "insights").await;
        add_an(&store, &clock).await;
        Self { store, clock, keys: Keys::new(&[7; 32]) }
    }

    fn desk<'a>(&'a self, store: &'a Store) -> Desk<'a> {
        Desk { store, clock: &self.clock, keys: &self.keys, public_url: "https://news.example" }
    }

    async fn password(&self, password: &str, origin: &Origin<'_>) -> Result<Passed, LoginError> {
        log_in(self.desk(&self.store), AN, password, origin).await
    }

    /// An, with a session, and the database in her name.
    async fn an(&self, network: u8) -> (Session, Store) {
        let Ok(Passed::In(LoggedIn { token, .. })) = self.password(PASSWORD, &from(network)).await else {
            panic!("no session")
        };
        let session = sessions::find(&self.store, &self.clock, &token).await.expect("read").expect("live");
        let store = self.store.acting(session.actor.clone());
        (session, store)
    }

    async fn is_live(&self, session: &Session) -> bool {
        sessions::is_live(&self.store, &self.clock, &session.token_hash).await.expect("read")
    }

    /// The subjects of the mails that wait.
    async fn mails(&self) -> Vec<String> {
        let mut subjects = Vec::new();
        for mail in take_mails(&self.store, &self.clock).await {
            assert!(mail.nonce.is_empty(), "no link is in these");
            assert_eq!(mail.to_address.expect("an address").as_str(), AN);
            subjects.push(
                read!(self.store, |db| outbox_contents::of_outbox(db, mail.id)).expect("written").subject,
            );
        }
        subjects
    }

    /// The code of now, from the secret that waits.
    async fn secret(&self, user: &User) -> Vec<u8> {
        match second_factor::state(self.desk(&self.store), user.id).await.expect("read") {
            State::Waiting(secret) => secret,
            state => panic!("{state:?}"),
        }
    }

    fn code(&self, secret: &[u8]) -> String {
        code(secret, period_of(self.clock.now()))
    }

    /// Turns the second factor on; answers the secret and the codes.
    async fn with_factor(&self, session: &Session, store: &Store) -> (Vec<u8>, Vec<String>) {
        second_factor::begin(self.desk(store), &session.user, &session.token_hash, PASSWORD)
            .await
            .expect("begun");
        let secret = self.secret(&session.user).await;
        let typed = self.code(&secret);
        let codes = second_factor::turn_on(self.desk(store), &session.user, &session.token_hash, &typed);
        (secret, codes.await.expect("on"))
    }

    async fn step(&self, network: u8) -> String {
        match self.password(PASSWORD, &from(network)).await {
            Ok(Passed::Step(step)) => step,
            other => panic!("{other:?}"),
        }
    }

    async fn typed(&self, step: &str, typed: &str, network: u8) -> Result<LoggedIn, LoginError> {
        log_in_with_code(self.desk(&self.store), step, typed, &from(network)).await
    }
}

both_dbs!(another_password_asks_for_the_present_one_and_ends_the_other_sessions, |store| {
    let office = Office::open(&store).await;
    let ((this, an), (other, _)) = (office.an(1).await, office.an(2).await);
    let change = async |present: &str, new: &str| {
        change_password(office.desk(&an), &this.user, &this.token_hash, present, new).await
    };
    let wrong = change("een ander wachtwoord", NEW).await;
    let Err(OwnError::Invalid(errors)) = wrong else { panic!("{wrong:?}") };
    assert!(errors.field("password").is_some());
    let weak = change(PASSWORD, "kort").await;
    let Err(OwnError::Invalid(errors)) = weak else { panic!("{weak:?}") };
    assert!(errors.field("new").is_some());
    assert!(office.is_live(&other).await);
    change(PASSWORD, NEW).await.expect("changed");
    assert!(office.is_live(&this).await && !office.is_live(&other).await);
    assert_eq!(office.mails().await, ["Je wachtwoord is gewijzigd"]);
    assert!(office.password(PASSWORD, &from(3)).await.is_err());
    assert!(office.password(NEW, &from(4)).await.is_ok());
    // An unlocked machine is no place to guess.
    let this = Session { user: read!(store, |db| users::by_id(db, this.user.id)).expect("there"), ..this };
    for _ in 0..5 {
        let wrong = change_password(office.desk(&an), &this.user, &this.token_hash, "x", NEW).await;
        assert!(matches!(wrong, Err(OwnError::Invalid(_))), "{wrong:?}");
    }
    let throttled = change_password(office.desk(&an), &this.user, &this.token_hash, NEW, PASSWORD).await;
    assert!(matches!(throttled, Err(OwnError::Throttled(_))), "{throttled:?}");
    // Nobody else's.
    let stranger = store.acting(Actor::user(postiljon::model::UserId(99), "Cor", Vec::new()));
    let denied = change_password(office.desk(&stranger), &this.user, &this.token_hash, NEW, PASSWORD).await;
    assert!(matches!(denied, Err(OwnError::Store(_))), "{denied:?}");
});

both_dbs!(sessions_are_listed_with_their_browser_and_ended_one_by_one, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    let visit = Visit { user_agent: FIREFOX, browser: "" };
    let origin = Origin { visit, ..from(2) };
    office.clock.advance(Duration::from_secs(120));
    for _ in 0..2 {
        assert!(office.password(PASSWORD, &origin).await.is_ok());
    }
    let open = open_sessions(office.desk(&an), &this.user).await.expect("read");
    assert_eq!(open.len(), 3);
    assert!(open[0].user_agent == FIREFOX && open[2].token_hash == this.token_hash);
    let keys: std::collections::BTreeSet<_> = open.iter().map(|session| session.key()).collect();
    assert_eq!(keys.len(), 3);
    let ended = async |key: Option<&str>| {
        end_sessions(office.desk(&an), &this.user, &this.token_hash, key).await.expect("ended");
        open_sessions(office.desk(&an), &this.user).await.expect("read").len()
    };
    assert_eq!(ended(Some(&open[0].key())).await, 2);
    assert_eq!(ended(Some("nothing")).await, 2);
    assert_eq!(ended(None).await, 1);
    assert!(office.is_live(&this).await);
});

both_dbs!(a_second_factor_is_on_after_a_right_code_and_each_code_counts_once, |store| {
    let office = Office::open(&store).await;
    let ((this, an), (other, _)) = (office.an(1).await, office.an(2).await);
    let begin =
        async |password| second_factor::begin(office.desk(&an), &this.user, &this.token_hash, password).await;
    assert!(matches!(begin("fout").await, Err(FactorError::Invalid(_))), "an unlocked machine is not enough");
    begin(PASSWORD).await.expect("begun");
    let secret = office.secret(&this.user).await;
    assert!(
        !everything(&store)
            .await
            .join("\n")
            .to_ascii_uppercase()
            .contains(&data_encoding::HEXUPPER.encode(&secret)),
        "it is sealed"
    );
    let wrong = second_factor::turn_on(office.desk(&an), &this.user, &this.token_hash, "000000").await;
    assert!(matches!(wrong, Err(FactorError::Invalid(_))), "{wrong:?}");
    assert!(matches!(office.password(PASSWORD, &from(3)).await, Ok(Passed::In(_))), "not on yet");
    let first = office.code(&secret);
    let codes =
        second_factor::turn_on(office.desk(&an), &this.user, &this.token_hash, &first).await.expect("on");
    assert_eq!(codes.len(), CODES);
    assert!(office.is_live(&this).await && !office.is_live(&other).await);
    assert_eq!(office.mails().await, ["De tweede stap staat aan"]);
    assert!(matches!(begin(PASSWORD).await, Err(FactorError::MovedOn)));
    let step = office.step(4).await;
    // No session yet, and the step is none.
    assert!(sessions::find(&store, &office.clock, &step).await.expect("read").is_none());
    let replayed = office.typed(&step, &first, 4).await;
    assert!(matches!(replayed, Err(LoginError::WrongCode)), "the code that turned it on is used up");
    office.clock.advance(Duration::from_secs(30));
    let next = office.code(&secret);
    office.clock.advance(Duration::from_secs(30));
    assert!(office.typed(&step, &next, 4).await.is_ok(), "one period late is fine");
    assert!(matches!(office.typed(&step, &office.code(&secret), 4).await, Err(LoginError::StepOver)));
    let step = office.step(5).await;
    assert!(matches!(office.typed(&step, &next, 5).await, Err(LoginError::WrongCode)), "once");
    assert!(office.typed(&step, &office.code(&secret), 5).await.is_ok());
    // What is too old is no step.
    let step = office.step(6).await;
    assert!(is_waiting(office.desk(&store), &step).await.expect("read"));
    office.clock.advance(STEP_LIFETIME);
    assert!(!is_waiting(office.desk(&store), &step).await.expect("read"));
    assert!(matches!(office.typed(&step, &office.code(&secret), 6).await, Err(LoginError::StepOver)));
});

both_dbs!(of_two_who_type_the_same_code_at_once_one_is_in, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    let (secret, codes) = office.with_factor(&this, &an).await;
    office.clock.advance(Duration::from_secs(30));
    for typed in [office.code(&secret), codes[0].clone()] {
        let (one, two) = (office.step(2).await, office.step(3).await);
        let both = tokio::join!(office.typed(&one, &typed, 2), office.typed(&two, &typed, 3));
        assert!(both.0.is_ok() != both.1.is_ok(), "{both:?}");
    }
});

both_dbs!(a_recovery_code_counts_once_is_kept_as_a_hash_and_is_replaced, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    let (_, codes) = office.with_factor(&this, &an).await;
    office.mails().await;
    let rows = everything(&store).await.join("\n");
    assert!(codes.iter().all(|code| !rows.contains(code.as_str()) && !rows.contains(&code.replace('-', ""))));
    // As people type: capitals, no signs.
    let step = office.step(2).await;
    assert!(office.typed(&step, &codes[3].to_uppercase().replace('-', " "), 2).await.is_ok());
    assert_eq!(office.mails().await, ["Ingelogd met een herstelcode"]);
    let step = office.step(3).await;
    assert!(matches!(office.typed(&step, &codes[3], 3).await, Err(LoginError::WrongCode)));
    let left = second_factor::state(office.desk(&an), this.user.id).await.expect("read");
    assert!(matches!(left, State::On { codes_left: 9 }), "{left:?}");
    let refused = second_factor::renew_codes(office.desk(&an), &this.user, &this.token_hash, "fout").await;
    assert!(matches!(refused, Err(FactorError::Invalid(_))));
    let new = second_factor::renew_codes(office.desk(&an), &this.user, &this.token_hash, PASSWORD)
        .await
        .expect("renewed");
    assert!(
        matches!(office.typed(&step, &codes[4], 3).await, Err(LoginError::WrongCode)),
        "the old are worth nothing"
    );
    assert!(office.typed(&step, &new[0], 3).await.is_ok());
});

both_dbs!(codes_cannot_be_guessed_and_nobody_is_shut_out_for_long, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    let (secret, _) = office.with_factor(&this, &an).await;
    let step = office.step(2).await;
    for guess in 0..5 {
        let wrong = office.typed(&step, &format!("{guess:06}"), 2).await;
        assert!(matches!(wrong, Err(LoginError::WrongCode)), "{wrong:?}");
    }
    office.clock.advance(Duration::from_secs(60));
    // From any network, with any step: also the right one.
    let again = office.step(3).await;
    for step in [&step, &again] {
        let throttled = office.typed(step, &office.code(&secret), 9).await;
        assert!(matches!(throttled, Err(LoginError::Throttled { .. })), "{throttled:?}");
    }
    // Whoever guesses codes has the password: she hears of it, once.
    let told = office.mails().await.into_iter().filter(|subject| subject == "De codes waren te vaak fout");
    assert_eq!(told.count(), 1);
    office.clock.advance(Duration::from_secs(15 * 60));
    let step = office.step(4).await;
    assert!(office.typed(&step, &office.code(&secret), 4).await.is_ok());
});

both_dbs!(another_password_by_mail_does_not_skip_the_second_factor, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    office.with_factor(&this, &an).await;
    take_mails(&store, &office.clock).await;
    postiljon::accounts::links::forgot(office.desk(&store), AN, from(5).ip).await.expect("sent");
    let mails = take_mails(&store, &office.clock).await;
    let token = office.keys.derive_token(postiljon::keys::Purpose::AccountLink, &mails[0].nonce);
    let language = this.user.language;
    let followed =
        postiljon::accounts::links::follow(office.desk(&store), &token, "", language, NEW, &Visit::default())
            .await;
    assert!(matches!(followed, Ok(postiljon::accounts::links::Followed::Reset(_))), "{followed:?}");
    assert!(matches!(office.password(NEW, &from(6)).await, Ok(Passed::Step(_))));
});

both_dbs!(a_password_of_the_command_line_ends_steps_and_links, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    let (secret, _) = office.with_factor(&this, &an).await;
    office.clock.advance(Duration::from_secs(30));
    take_mails(&store, &office.clock).await;
    let step = office.step(4).await;
    postiljon::accounts::links::forgot(office.desk(&store), AN, from(5).ip).await.expect("sent");
    let mails = take_mails(&store, &office.clock).await;
    let token = office.keys.derive_token(postiljon::keys::Purpose::AccountLink, &mails[0].nonce);
    assert!(postiljon::accounts::links::look(office.desk(&store), &token).await.expect("read").is_some());
    let address = AN.parse().expect("an address");
    postiljon::accounts::users::set_password(&store, &address, NEW).await.expect("set");
    assert!(postiljon::accounts::links::look(office.desk(&store), &token).await.expect("read").is_none());
    let late = office.typed(&step, &office.code(&secret), 4).await;
    assert!(matches!(late, Err(LoginError::StepOver)), "{late:?}");
});

both_dbs!(nobody_takes_off_their_own_second_factor_without_the_password, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    office.with_factor(&this, &an).await;
    let refused = postiljon::accounts::people::remove_factor(office.desk(&an), this.user.id).await;
    assert!(refused.is_err());
    assert!(matches!(office.password(PASSWORD, &from(2)).await, Ok(Passed::Step(_))), "it is on");
});

both_dbs!(turning_it_off_asks_for_the_password_and_everybody_may_have_to_have_it, |store| {
    let office = Office::open(&store).await;
    let (this, an) = office.an(1).await;
    let lacks = async |session: &Session| {
        let mut reader = store.read().await.expect("a reader");
        let now = office.clock.now();
        let found = postiljon::store::sessions::find(
            reader.db(),
            &session.token_hash,
            now,
            NOW.minus(Duration::from_secs(1)),
        );
        found.await.expect("read").expect("live").lacks_factor
    };
    assert!(!lacks(&this).await);
    postiljon::accounts::people::demand_factor(office.desk(&an), true).await.expect("demanded");
    assert!(lacks(&this).await);
    office.with_factor(&this, &an).await;
    assert!(!lacks(&this).await);
    let off = async |password: &str| {
        second_factor::turn_off(office.desk(&an), &this.user, &this.token_hash, password).await
    };
    assert!(matches!(off("fout").await, Err(FactorError::Invalid(_))));
    office.mails().await;
    off(PASSWORD).await.expect("off");
    assert_eq!(office.mails().await, ["De tweede stap staat uit"]);
    assert!(lacks(&this).await);
    postiljon::accounts::people::demand_factor(office.desk(&an), false).await.expect("no more");
    assert!(!lacks(&this).await && matches!(office.password(PASSWORD, &from(7)).await, Ok(Passed::In(_))));
});

both_dbs!(a_browser_that_was_not_seen_before_is_told_and_one_that_was_is_not, |store| {
    let office = Office::open(&store).await;
    let (known, new) = (random_token().expect("a token"), random_token().expect("a token"));
    let log_in = async |browser: &str| {
        let origin = Origin { visit: Visit { user_agent: FIREFOX, browser }, ..from(1) };
        assert!(matches!(office.password(PASSWORD, &origin).await, Ok(Passed::In(_))));
        office.mails().await
    };
    assert_eq!(log_in(&known).await, [""; 0], "the first is nothing to compare with");
    assert_eq!(log_in(&known).await, [""; 0]);
    assert_eq!(log_in(&new).await, ["Ingelogd met een nieuwe browser"]);
    assert_eq!(log_in(&new).await, [""; 0], "once");
    assert_eq!(log_in("").await, ["Ingelogd met een nieuwe browser"]);
});
