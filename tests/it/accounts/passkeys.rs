//! Passkeys: what is believed of an authenticator, and every refusal; then the verbs, on both databases.

use std::time::Duration;

use postiljon::accounts::Desk;
use postiljon::accounts::authenticator::{code, period_of};
use postiljon::accounts::login::{Passed, log_in as log_in_by_password};
use postiljon::accounts::own::{WayError, Ways};
use postiljon::accounts::passkeys::ceremony::{CeremonyError, Expected, Signed, Site, made, used};
use postiljon::accounts::passkeys::{self, Answered, Asked, CHALLENGE_LIFETIME, PasskeyError, user_handle};
use postiljon::accounts::second_factor::{self, FactorError, State};
use postiljon::accounts::sessions::{self, Session};
use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::accounts::{login, people};
use postiljon::clock::Clock;
use postiljon::keys::Keys;
use postiljon::model::{Grant, Language, PasskeyId, Role, User};
use postiljon::store::audit::AuditFilter;
use postiljon::store::{Store, audit, outbox_contents, users};
use serde_json::{Value, json};

use super::login::{AN, PASSWORD, add_an, from};
use crate::support::authenticator::{
    Authenticator, CAN_SYNC, EDDSA, ES256, HAS_EXTENSIONS, HAS_KEY, IS_SYNCED, PRESENT, RS256, VERIFIED,
    attestation, client_data, map, number, octets, signed, text,
};
use crate::support::database::{both_dbs, everything, execute, read};
use crate::support::people::take_mails;
use crate::support::samples::{NOW, newsletter};

const ORIGIN: &str = "https://news.example";
const HOST: &str = "news.example";
const CHALLENGE: [u8; 32] = [9; 32];

fn site() -> Site {
    Site::of(ORIGIN).expect("a site")
}

fn told(value: &Value) -> Vec<u8> {
    value.to_string().into_bytes()
}

/// A browser that did what it should.
fn browser(kind: &str) -> Value {
    client_data(kind, &CHALLENGE, ORIGIN)
}

#[test]
fn passkeys_belong_to_a_host_that_has_a_name_and_tls() {
    for (url, expected) in [
        ("https://news.example", Some((HOST, "https://news.example"))),
        ("https://news.example:8443", Some((HOST, "https://news.example:8443"))),
        ("http://localhost:8080", Some(("localhost", "http://localhost:8080"))),
        ("http://news.example", None),
        ("http://127.0.0.1:8080", None),
        ("https://192.0.2.1", None),
        ("https://[2001:db8::1]", None),
    ] {
        let found = Site::of(url).map(|site| (site.id, site.origin));
        let expected = expected.map(|(id, origin)| (id.to_owned(), origin.to_owned()));
        assert_eq!(found, expected, "{url}");
    }
}

#[test]
fn a_new_passkey_is_taken_with_each_kind_of_key() {
    let site = site();
    let expected = Expected { site: &site, challenge: &CHALLENGE };
    let client = told(&browser("webauthn.create"));
    for algorithm in [ES256, EDDSA, RS256] {
        let mut device = Authenticator::new(algorithm, HOST);
        device.flags |= CAN_SYNC | IS_SYNCED;
        let new = made(&expected, &client, &device.make()).expect("taken");
        assert_eq!((new.credential_id, new.public_key), (device.credential_id.clone(), device.cose()));
        assert_eq!((new.counter, new.can_sync, new.is_synced), (1, true, true));
        // One that vouches for itself, as browsers may leave it.
        let data = device.data(Some(&device.cose()));
        let signature = device.sign_octets(&signed(&data, &client));
        let statement = map(&[(text("alg"), number(device.algorithm())), (text("sig"), octets(&signature))]);
        made(&expected, &client, &attestation("packed", &statement, &data)).expect("taken");
        // And it signs.
        let client = told(&browser("webauthn.get"));
        device.counter = 2;
        let (data, signature) = device.sign(&client);
        let answer = Signed { client_data: &client, authenticator_data: &data, signature: &signature };
        let seen = used(&expected, &device.cose(), &answer).expect("believed");
        assert_eq!((seen.counter, seen.can_sync, seen.is_synced), (2, true, true));
    }
    // Extensions are read and mean nothing.
    let mut device = Authenticator::new(ES256, HOST);
    device.flags |= HAS_EXTENSIONS;
    device.tail = map(&[(text("credProtect"), number(2))]);
    made(&expected, &client, &device.make()).expect("taken");
}

#[test]
fn a_browser_that_says_something_else_is_refused() {
    let site = site();
    let expected = Expected { site: &site, challenge: &CHALLENGE };
    let device = Authenticator::new(ES256, HOST);
    let with = |kind, name: &str, value: Value| {
        let mut data = browser(kind);
        data[name] = value;
        told(&data)
    };
    for (kind, other) in [("webauthn.create", "webauthn.get"), ("webauthn.get", "webauthn.create")] {
        let mut cases = vec![
            (told(&browser(other)), CeremonyError::Kind),
            (told(&client_data(kind, &[8; 32], ORIGIN)), CeremonyError::Challenge),
            (told(&client_data(kind, &[], ORIGIN)), CeremonyError::Challenge),
            (with(kind, "crossOrigin", true.into()), CeremonyError::Origin),
            (with(kind, "topOrigin", "https://evil.example".into()), CeremonyError::Origin),
            (with(kind, "challenge", json!(7)), CeremonyError::Malformed),
            (with(kind, "other", "a".repeat(5000).into()), CeremonyError::Malformed),
            (Vec::new(), CeremonyError::Malformed),
            (b"[]".to_vec(), CeremonyError::Malformed),
        ];
        for origin in [
            "https://evil.example",
            "http://news.example",
            "https://news.example:8443",
            "https://sub.news.example",
            "https://news.example.evil.example",
            "https://news.example/",
            "null",
        ] {
            cases.push((told(&client_data(kind, &CHALLENGE, origin)), CeremonyError::Origin));
        }
        for (client, error) in cases {
            let found = if kind == "webauthn.create" {
                made(&expected, &client, &device.make()).map(drop)
            } else {
                let (data, signature) = device.sign(&client);
                let answer =
                    Signed { client_data: &client, authenticator_data: &data, signature: &signature };
                used(&expected, &device.cose(), &answer).map(drop)
            };
            assert_eq!(found, Err(error), "{kind}: {}", String::from_utf8_lossy(&client));
        }
    }
}

#[test]
fn an_authenticator_that_says_something_else_is_refused() {
    type Change = fn(&mut Authenticator);
    let site = site();
    let expected = Expected { site: &site, challenge: &CHALLENGE };
    let changes: [(Change, CeremonyError); 8] = [
        (|device| device.site = "evil.example".into(), CeremonyError::Site),
        (|device| device.flags = VERIFIED, CeremonyError::Absent),
        (|device| device.flags = PRESENT, CeremonyError::Unverified),
        (|device| device.flags = 0, CeremonyError::Absent),
        (|device| device.flags |= IS_SYNCED, CeremonyError::Copies),
        (|device| device.tail = vec![0], CeremonyError::Malformed),
        (|device| device.flags |= HAS_EXTENSIONS, CeremonyError::Malformed),
        (
            |device| {
                device.flags |= HAS_EXTENSIONS;
                device.tail = number(1);
            },
            CeremonyError::Malformed,
        ),
    ];
    for (at, (change, error)) in changes.into_iter().enumerate() {
        let mut device = Authenticator::new(ES256, HOST);
        change(&mut device);
        let client = told(&browser("webauthn.create"));
        assert_eq!(made(&expected, &client, &device.make()), Err(error), "made, {at}");
        let client = told(&browser("webauthn.get"));
        let (data, signature) = device.sign(&client);
        let answer = Signed { client_data: &client, authenticator_data: &data, signature: &signature };
        assert_eq!(used(&expected, &device.cose(), &answer), Err(error), "used, {at}");
    }
}

#[test]
fn a_new_passkey_with_another_key_or_voucher_is_refused() {
    let site = site();
    let expected = Expected { site: &site, challenge: &CHALLENGE };
    let client = told(&browser("webauthn.create"));
    let refused = |attestation: &[u8], error: CeremonyError, what: &str| {
        assert_eq!(made(&expected, &client, attestation), Err(error), "{what}");
    };
    let mut device = Authenticator::new(ES256, HOST);
    let other = Authenticator::new(ES256, HOST);
    let none = map(&[]);
    let of_key = |key: &[u8]| attestation("none", &none, &device.data(Some(key)));
    let entry = |label: i64, value: Vec<u8>| (number(label), value);
    let coordinate = octets(&[7; 32]);
    // P-384's algorithm, another curve, a short coordinate, something more, an unknown kind, no map at all.
    for (key, what) in [
        (
            map(&[
                entry(1, number(2)),
                entry(3, number(-35)),
                entry(-1, number(1)),
                entry(-2, coordinate.clone()),
                entry(-3, coordinate.clone()),
            ]),
            "algorithm",
        ),
        (
            map(&[
                entry(1, number(2)),
                entry(3, number(ES256)),
                entry(-1, number(2)),
                entry(-2, coordinate.clone()),
                entry(-3, coordinate.clone()),
            ]),
            "curve",
        ),
        (
            map(&[
                entry(1, number(2)),
                entry(3, number(ES256)),
                entry(-1, number(1)),
                entry(-2, octets(&[7; 31])),
                entry(-3, coordinate.clone()),
            ]),
            "short",
        ),
        (
            map(&[
                entry(1, number(2)),
                entry(3, number(ES256)),
                entry(-1, number(1)),
                entry(-2, coordinate.clone()),
                entry(-3, coordinate.clone()),
                entry(-4, coordinate),
            ]),
            "private",
        ),
        (map(&[entry(1, number(4)), entry(3, number(5)), entry(-1, octets(&[7; 32]))]), "a secret"),
        (number(0), "a number"),
    ] {
        refused(&of_key(&key), CeremonyError::Key, what);
    }
    refused(&of_key(&[0xff]), CeremonyError::Malformed, "no CBOR");
    refused(&attestation("none", &none, &device.data(None)), CeremonyError::Malformed, "no key");
    // Vouchers: a statement where there may be none, a maker's, one of another key, one of another algorithm.
    let data = device.data(Some(&device.cose()));
    let by = |device: &Authenticator| octets(&device.sign_octets(&signed(&data, &client)));
    let packed = |alg: i64, signature: Vec<u8>, more: &[(Vec<u8>, Vec<u8>)]| {
        let entries = [&[(text("alg"), number(alg)), (text("sig"), signature)], more].concat();
        attestation("packed", &map(&entries), &data)
    };
    let chain = [(text("x5c"), [vec![0x81], octets(&[0x30, 0])].concat())];
    for (voucher, what) in [
        (attestation("none", &map(&[(text("sig"), octets(&[1]))]), &data), "none, with a statement"),
        (attestation("fido-u2f", &none, &data), "another format"),
        (attestation("apple", &map(&[(text("sig"), octets(&[1]))]), &data), "a maker's format"),
        (packed(ES256, by(&device), &chain), "a maker's certificate"),
        (packed(ES256, by(&other), &[]), "another key"),
        (packed(EDDSA, by(&device), &[]), "another algorithm"),
        (packed(ES256, octets(&[0; 70]), &[]), "no signature"),
        (attestation("packed", &none, &data), "packed, without a statement"),
    ] {
        refused(&voucher, CeremonyError::Attestation, what);
    }
    let whole = device.make();
    refused(&whole[..whole.len() - 1], CeremonyError::Malformed, "cut off");
    refused(&[whole.clone(), vec![0]].concat(), CeremonyError::Malformed, "something behind it");
    refused(&vec![0; 9000], CeremonyError::Malformed, "too large");
    refused(&map(&[]), CeremonyError::Malformed, "empty");
    for length in [0, 1024] {
        device.credential_id = vec![1; length];
        refused(&device.make(), CeremonyError::Malformed, "a name that is none");
    }
}

#[test]
fn a_signature_is_of_this_key_over_this_answer() {
    let site = site();
    let expected = Expected { site: &site, challenge: &CHALLENGE };
    let client = told(&browser("webauthn.get"));
    for algorithm in [ES256, EDDSA, RS256] {
        let (device, other) = (Authenticator::new(algorithm, HOST), Authenticator::new(algorithm, HOST));
        let (data, signature) = device.sign(&client);
        let check = |key: &[u8], client: &[u8], data: &[u8], signature: &[u8]| {
            used(&expected, key, &Signed { client_data: client, authenticator_data: data, signature })
                .map(drop)
        };
        assert_eq!(check(&device.cose(), &client, &data, &signature), Ok(()));
        let wrong = Err(CeremonyError::Signature);
        assert_eq!(check(&other.cose(), &client, &data, &signature), wrong);
        assert_eq!(check(&device.cose(), &client, &data, &[]), wrong);
        let mut flipped = signature.clone();
        *flipped.last_mut().expect("octets") ^= 1;
        assert_eq!(check(&device.cose(), &client, &data, &flipped), wrong);
        // The same words with a space more, and another count.
        let spaced = [client.as_slice(), b" "].concat();
        assert_eq!(check(&device.cose(), &spaced, &data, &signature), wrong);
        let mut counted = data.clone();
        counted[36] ^= 1;
        assert_eq!(check(&device.cose(), &client, &counted, &signature), wrong);
        // A login holds no new key.
        let with_key = device.data(Some(&device.cose()));
        let signature = device.sign_octets(&signed(&with_key, &client));
        assert_eq!(with_key[32] & HAS_KEY, HAS_KEY);
        assert_eq!(check(&device.cose(), &client, &with_key, &signature), Err(CeremonyError::Malformed));
    }
    let device = Authenticator::new(ES256, HOST);
    let (data, signature) = device.sign(&client);
    let answer = Signed { client_data: &client, authenticator_data: &data, signature: &signature };
    assert_eq!(used(&expected, b"no key", &answer), Err(CeremonyError::Key));
    for at in 0..data.len() {
        let answer = Signed { authenticator_data: &data[..at], ..answer };
        assert!(used(&expected, &device.cose(), &answer).is_err(), "{at}");
    }
}

struct Office {
    store: Store,
    clock: Clock,
    keys: Keys,
    site: Site,
}

impl Office {
    async fn open(store: &Store) -> Self {
        let clock = Clock::test(NOW);
        let store = store.clone().timed(clock.clone());
        newsletter(&store, "insights").await;
        add_an(&store, &clock).await;
        Self { store, clock, keys: Keys::new(&[7; 32]), site: site() }
    }

    fn desk<'a>(&'a self, store: &'a Store) -> Desk<'a> {
        Desk { store, clock: &self.clock, keys: &self.keys, public_url: ORIGIN }
    }

    /// Somebody with a session, and the database in their name.
    async fn session(&self, address: &str, network: u8) -> (Session, Store) {
        let passed = log_in_by_password(self.desk(&self.store), address, PASSWORD, &from(network)).await;
        let Ok(Passed::In(logged_in)) = passed else { panic!("no session: {passed:?}") };
        let found = sessions::find(&self.store, &self.clock, &logged_in.token).await;
        let session = found.expect("read").expect("live");
        let store = self.store.acting(session.actor.clone());
        (session, store)
    }

    /// A colleague who may change nothing of others.
    async fn bo(&self) -> User {
        let new =
            NewUser { address: "bo@example.org", name: "Bo", language: Language::Dutch, password: PASSWORD };
        let grants = [Grant::of_all(Role::Viewer)];
        add_user_as(&self.store, &self.clock, new, &grants).await.expect("added")
    }

    async fn begin(&self, an: &(Session, Store)) -> Asked {
        let (session, store) = an;
        passkeys::begin(self.desk(store), &session.user, &session.token_hash, " Phone ", PASSWORD)
            .await
            .expect("begun")
    }

    async fn add(
        &self,
        (session, store): &(Session, Store),
        asked: &Asked,
        device: &Authenticator,
    ) -> Result<(), PasskeyError> {
        let client = told(&client_data("webauthn.create", &asked.challenge, ORIGIN));
        let (user, this) = (&session.user, session.token_hash.as_slice());
        passkeys::add(self.desk(store), &self.site, user, this, &asked.token, &client, &device.make()).await
    }

    /// A passkey that is there.
    async fn added(&self, an: &(Session, Store), algorithm: i64) -> Authenticator {
        let device = Authenticator::new(algorithm, HOST);
        let asked = self.begin(an).await;
        self.add(an, &asked, &device).await.expect("added");
        device
    }

    async fn ask(&self) -> Asked {
        passkeys::begin_login(self.desk(&self.store), from(9).ip).await.expect("asked")
    }

    /// Answers a challenge as the device of a person.
    async fn answer(
        &self,
        asked: &Asked,
        device: &Authenticator,
        handle: &[u8],
    ) -> Result<login::LoggedIn, PasskeyError> {
        let client = told(&client_data("webauthn.get", &asked.challenge, ORIGIN));
        let (data, signature) = device.sign(&client);
        let signed = Signed { client_data: &client, authenticator_data: &data, signature: &signature };
        let answered = Answered { credential_id: &device.credential_id, user_handle: handle, signed };
        passkeys::log_in(self.desk(&self.store), &self.site, &asked.token, &answered, &from(9)).await
    }

    /// The next login with a device.
    async fn log_in(&self, device: &mut Authenticator, user: &User) -> Result<login::LoggedIn, PasskeyError> {
        device.counter += 1;
        let asked = self.ask().await;
        self.answer(&asked, device, &user_handle(&self.keys, user.id)).await
    }

    async fn mails(&self) -> Vec<String> {
        let mut subjects = Vec::new();
        for mail in take_mails(&self.store, &self.clock).await {
            subjects.push(
                read!(self.store, |db| outbox_contents::of_outbox(db, mail.id)).expect("written").subject,
            );
        }
        subjects
    }

    async fn acts(&self) -> Vec<(String, String)> {
        let mut rows = read!(self.store, |db| audit::list(db, &AuditFilter::default()));
        rows.reverse();
        rows.into_iter().map(|row| (row.act, row.detail)).collect()
    }
}

both_dbs!(a_passkey_is_made_signs_in_and_is_removed, |store| {
    let office = Office::open(&store).await;
    let (other, _) = office.session(AN, 1).await;
    let an = office.session(AN, 2).await;
    let user = an.0.user.clone();
    for algorithm in [ES256, EDDSA, RS256] {
        let mut device = office.added(&an, algorithm).await;
        for _ in 0..2 {
            let logged_in = office.log_in(&mut device, &user).await.expect("signed in");
            assert_eq!(logged_in.user.id, user.id);
            let found = sessions::find(&store, &office.clock, &logged_in.token).await.expect("read");
            assert_eq!(found.expect("a session").user.name, "An Peeters");
        }
    }
    let is_live = |hash: Vec<u8>| {
        let (store, clock) = (store.clone(), office.clock.clone());
        async move { sessions::is_live(&store, &clock, &hash).await.expect("read") }
    };
    assert!(
        is_live(an.0.token_hash.clone()).await && !is_live(other.token_hash.clone()).await,
        "the others ended"
    );
    assert_eq!(office.mails().await, ["Er is een nieuwe passkey"; 3]);
    let acts = office.acts().await;
    assert!(acts.contains(&("person_passkey_added".into(), String::new())), "{acts:?}");
    assert_eq!(acts.last(), Some(&("person_signed_in".into(), "passkey".into())));
    let lines = passkeys::of_user(office.desk(&an.1), &user).await.expect("read");
    assert_eq!(lines.len(), 3);
    assert_eq!((lines[0].name.as_str(), lines[0].last_used_at), ("Phone", Some(office.clock.now())));
    // Removed with the password, by whose it is.
    let remove = async |id: PasskeyId, password: &str| {
        passkeys::remove(office.desk(&an.1), &user, &an.0.token_hash, id, password, Ways::of(None)).await
    };
    assert!(matches!(remove(lines[0].id, "fout").await, Err(WayError::Unconfirmed(FactorError::Invalid(_)))));
    remove(lines[0].id, PASSWORD).await.expect("removed");
    remove(lines[0].id, PASSWORD).await.expect("gone already is fine");
    assert_eq!(passkeys::of_user(office.desk(&an.1), &user).await.expect("read").len(), 2);
    assert_eq!(office.mails().await, ["Een passkey is verwijderd"]);
    let bo = office.bo().await;
    let theirs = office.session("bo@example.org", 3).await;
    let foreign = passkeys::remove(
        office.desk(&theirs.1),
        &bo,
        &theirs.0.token_hash,
        lines[1].id,
        PASSWORD,
        Ways::of(None),
    )
    .await;
    foreign.expect("nothing of theirs");
    assert_eq!(passkeys::of_user(office.desk(&an.1), &user).await.expect("read").len(), 2);
    let refused = passkeys::remove(
        office.desk(&theirs.1),
        &user,
        &theirs.0.token_hash,
        lines[1].id,
        PASSWORD,
        Ways::of(None),
    );
    assert!(matches!(refused.await, Err(WayError::Store(_))), "in nobody else's name");
});

both_dbs!(a_challenge_is_for_one_browser_and_one_purpose_once_and_for_five_minutes, |store| {
    let office = Office::open(&store).await;
    let an = office.session(AN, 1).await;
    let user = an.0.user.clone();
    let handle = user_handle(&office.keys, user.id);
    let mut device = office.added(&an, ES256).await;
    device.counter += 1;
    let over = |result: Result<login::LoggedIn, PasskeyError>| matches!(result, Err(PasskeyError::Over));
    let refused = |result: Result<login::LoggedIn, PasskeyError>, error: CeremonyError| matches!(result, Err(PasskeyError::Refused(found)) if found == error);
    // No cookie, nonsense, or another browser's.
    let (mine, other) = (office.ask().await, office.ask().await);
    for token in ["", "x", &"a".repeat(52)] {
        let asked = Asked { token: token.to_owned(), challenge: mine.challenge };
        assert!(over(office.answer(&asked, &device, &handle).await), "{token}");
    }
    let swapped = Asked { token: other.token.clone(), challenge: mine.challenge };
    assert!(refused(office.answer(&swapped, &device, &handle).await, CeremonyError::Challenge));
    assert!(over(office.answer(&other, &device, &handle).await), "used up, whatever came of it");
    office.answer(&mine, &device, &handle).await.expect("signed in");
    device.counter += 1;
    assert!(over(office.answer(&mine, &device, &handle).await), "it works once");
    let late = office.ask().await;
    office.clock.advance(CHALLENGE_LIFETIME);
    assert!(over(office.answer(&late, &device, &handle).await));
    // One for a new passkey is none for a login, and the other way round.
    let asked = office.begin(&an).await;
    assert!(over(office.answer(&asked, &device, &handle).await));
    let asked = office.ask().await;
    let new = Authenticator::new(ES256, HOST);
    assert!(matches!(office.add(&an, &asked, &new).await, Err(PasskeyError::Over)));
    // Nor for another session of the same person.
    let asked = office.begin(&an).await;
    let second = office.session(AN, 2).await;
    assert!(matches!(office.add(&second, &asked, &new).await, Err(PasskeyError::Over)));
    let asked = office.begin(&an).await;
    office.clock.advance(CHALLENGE_LIFETIME);
    assert!(matches!(office.add(&an, &asked, &new).await, Err(PasskeyError::Over)));
    // What is stored opens nothing.
    let asked = office.ask().await;
    let rows = everything(&store).await.join("\n").to_lowercase();
    let hex = data_encoding::HEXLOWER.encode(&asked.challenge);
    assert!(!rows.contains(&asked.token) && !rows.contains(&hex));
    for _ in 0..99 {
        let _ = passkeys::begin_login(office.desk(&store), from(8).ip).await.expect("asked");
    }
    passkeys::begin_login(office.desk(&store), from(8).ip).await.expect("the hundredth");
    let throttled = passkeys::begin_login(office.desk(&store), from(8).ip).await;
    assert!(matches!(throttled, Err(PasskeyError::Throttled(_))), "{throttled:?}");
});

both_dbs!(a_passkey_opens_the_account_of_its_owner_who_is_here, |store| {
    let office = Office::open(&store).await;
    let an = office.session(AN, 1).await;
    let user = an.0.user.clone();
    let mut device = office.added(&an, ES256).await;
    let bo = office.bo().await;
    let stranger = |result: Result<login::LoggedIn, PasskeyError>| {
        let error = result.expect_err("refused");
        assert_eq!(error.key(), "passkey-error-refused");
        matches!(error, PasskeyError::Stranger)
    };
    // Another person's name, none, and a credential that nobody has.
    assert!(stranger(office.log_in(&mut device, &bo).await));
    let asked = office.ask().await;
    assert!(stranger(office.answer(&asked, &device, b"").await));
    let mut unknown = Authenticator::new(ES256, HOST);
    assert!(stranger(office.log_in(&mut unknown, &user).await));
    // Under the name of a credential that there is, with another key.
    unknown.credential_id = device.credential_id.clone();
    let forged = office.log_in(&mut unknown, &user).await;
    assert!(matches!(forged, Err(PasskeyError::Refused(CeremonyError::Signature))), "{forged:?}");
    // It cannot become one that is copied to other devices.
    device.flags |= CAN_SYNC;
    let changed = office.log_in(&mut device, &user).await;
    assert!(matches!(changed, Err(PasskeyError::Refused(CeremonyError::Copies))), "{changed:?}");
    device.flags = PRESENT;
    let unverified = office.log_in(&mut device, &user).await;
    assert!(matches!(unverified, Err(PasskeyError::Refused(CeremonyError::Unverified))), "{unverified:?}");
    device.flags = PRESENT | VERIFIED;
    office.log_in(&mut device, &user).await.expect("signed in");
    // Disabled: out, in the same words as a stranger.
    people::disable(office.desk(&office.store), user.id).await.expect_err("the last owner");
    people::disable(office.desk(&office.store), bo.id).await.expect("disabled");
    execute(&store, "UPDATE users SET disabled_at = 1 WHERE name = 'An Peeters'").await;
    assert!(stranger(office.log_in(&mut device, &user).await));
    execute(&store, "UPDATE users SET disabled_at = NULL WHERE name = 'An Peeters'").await;
    office.log_in(&mut device, &user).await.expect("signed in");
});

both_dbs!(a_count_that_does_not_go_on_is_a_copy_and_is_refused_and_told, |store| {
    let office = Office::open(&store).await;
    let an = office.session(AN, 1).await;
    let user = an.0.user.clone();
    let mut device = office.added(&an, ES256).await;
    device.counter = 10;
    office.log_in(&mut device, &user).await.expect("signed in");
    office.mails().await;
    for counter in [10, 4, 0] {
        device.counter = counter;
        let copied = office.log_in(&mut device, &user).await;
        let is_copy = matches!(copied, Err(PasskeyError::Copied));
        // 11 is the count of the last login: the same is no more.
        assert!(is_copy, "{counter}: {copied:?}");
        assert_eq!(office.mails().await, ["Een passkey is geweigerd"]);
        assert_eq!(office.acts().await.last().map(|act| act.0.clone()), Some("person_passkey_copied".into()));
    }
    device.counter = u32::MAX - 1;
    office.log_in(&mut device, &user).await.expect("the one that goes on");
    // One that does not count says nothing by it, as those that are copied between devices do; until it counts.
    let mut still = Authenticator::new(ES256, HOST);
    (still.counter, still.flags) = (0, still.flags | CAN_SYNC | IS_SYNCED);
    let asked = office.begin(&an).await;
    office.add(&an, &asked, &still).await.expect("added");
    let handle = user_handle(&office.keys, user.id);
    for _ in 0..2 {
        let asked = office.ask().await;
        office.answer(&asked, &still, &handle).await.expect("signed in");
    }
    still.counter = 1;
    let asked = office.ask().await;
    office.answer(&asked, &still, &handle).await.expect("it begins to count");
    still.counter = 0;
    let asked = office.ask().await;
    assert!(matches!(office.answer(&asked, &still, &handle).await, Err(PasskeyError::Copied)));
});

both_dbs!(a_new_passkey_needs_the_password_a_name_and_an_id_of_its_own, |store| {
    let office = Office::open(&store).await;
    let an = office.session(AN, 1).await;
    let user = an.0.user.clone();
    let begin = async |name: &str, password: &str| {
        passkeys::begin(office.desk(&an.1), &user, &an.0.token_hash, name, password).await
    };
    let wrong = begin("Phone", "fout").await;
    assert!(matches!(wrong, Err(PasskeyError::Unconfirmed(FactorError::Invalid(_)))), "{wrong:?}");
    for name in ["", "  ", "\n", &"a".repeat(61)] {
        let nameless = begin(name, PASSWORD).await;
        let Err(PasskeyError::Invalid(errors)) = nameless else { panic!("{nameless:?}") };
        assert!(errors.field("name").is_some());
    }
    // The same again, and under another name of somebody else.
    let device = office.added(&an, ES256).await;
    let asked = office.begin(&an).await;
    assert!(matches!(office.add(&an, &asked, &device).await, Err(PasskeyError::Known)));
    office.bo().await;
    let bo = office.session("bo@example.org", 2).await;
    let mut thief = Authenticator::new(EDDSA, HOST);
    thief.credential_id = device.credential_id.clone();
    let asked = office.begin(&bo).await;
    assert!(matches!(office.add(&bo, &asked, &thief).await, Err(PasskeyError::Known)));
    // Nobody begins in another's name.
    let foreign = passkeys::begin(office.desk(&bo.1), &user, &bo.0.token_hash, "x", PASSWORD).await;
    assert!(matches!(foreign, Err(PasskeyError::Store(_))), "{foreign:?}");
    for _ in 0..19 {
        office.added(&an, ES256).await;
    }
    let many = begin("One more", PASSWORD).await;
    assert!(matches!(many, Err(PasskeyError::Many)), "{many:?}");
    // Who guesses the password waits.
    for _ in 0..6 {
        let _ = begin("Phone", "fout").await;
    }
    let throttled = begin("Phone", PASSWORD).await;
    assert!(matches!(throttled, Err(PasskeyError::Unconfirmed(FactorError::Throttled(_)))), "{throttled:?}");
});

both_dbs!(a_passkey_is_worth_both_factors_and_leaves_the_password_as_strict_as_it_was, |store| {
    let office = Office::open(&store).await;
    let an = office.session(AN, 1).await;
    let user = an.0.user.clone();
    let desk = office.desk(&an.1);
    second_factor::begin(desk, &user, &an.0.token_hash, PASSWORD).await.expect("begun");
    let State::Waiting(secret) = second_factor::state(desk, user.id).await.expect("read") else {
        panic!("none")
    };
    let typed = code(&secret, period_of(office.clock.now()));
    second_factor::turn_on(desk, &user, &an.0.token_hash, &typed).await.expect("on");
    let mut device = office.added(&an, ES256).await;
    office.log_in(&mut device, &user).await.expect("no code is asked for");
    let passed = log_in_by_password(office.desk(&store), AN, PASSWORD, &from(3)).await;
    assert!(matches!(passed, Ok(Passed::Step(_))), "{passed:?}");
    // Everybody needs a second factor: of who has a passkey alone the password must not become enough.
    second_factor::turn_off(desk, &user, &an.0.token_hash, PASSWORD).await.expect("off");
    people::demand_factor(office.desk(&office.store), true).await.expect("demanded");
    let by_passkey = office.log_in(&mut device, &user).await.expect("signed in");
    let session = sessions::find(&store, &office.clock, &by_passkey.token).await.expect("read");
    assert!(session.expect("a session").lacks_factor);
    // A password that is changed leaves the passkey; a person that is removed does not.
    office.clock.advance(Duration::from_secs(1));
    office.log_in(&mut device, &user).await.expect("signed in");
    let mut tx = store.begin().await.expect("a transaction");
    users::delete(&mut tx, user.id).await.expect("deleted");
    tx.commit().await.expect("committed");
    assert!(matches!(office.log_in(&mut device, &user).await, Err(PasskeyError::Stranger)));
});

both_dbs!(the_last_way_in_stays, |store| {
    let office = Office::open(&store).await;
    let an = office.session(AN, 1).await;
    let mut device = office.added(&an, ES256).await;
    execute(&store, "UPDATE users SET password_hash = ''").await;
    let user = read!(store, |db| users::by_id(db, an.0.user.id)).expect("there");
    let logged_in = office.log_in(&mut device, &user).await.expect("signed in");
    let found = sessions::find(&store, &office.clock, &logged_in.token).await.expect("read");
    let session = found.expect("a session");
    let acting = office.store.acting(session.actor.clone());
    let desk = office.desk(&acting);
    let id = passkeys::of_user(desk, &user).await.expect("read")[0].id;
    let last = passkeys::remove(desk, &user, &session.token_hash, id, "", Ways::of(None)).await;
    assert!(matches!(last, Err(WayError::Last)), "{last:?}");
    office.log_in(&mut device, &user).await.expect("it is still there");
    // A second one makes the first dispensable, in a session that has just begun.
    let fresh = passkeys::begin(desk, &user, &session.token_hash, "Key", "").await.expect("begun");
    let second = Authenticator::new(EDDSA, HOST);
    let client = told(&client_data("webauthn.create", &fresh.challenge, ORIGIN));
    let (made, this) = (second.make(), session.token_hash.as_slice());
    passkeys::add(desk, &office.site, &user, this, &fresh.token, &client, &made).await.expect("added");
    office.clock.advance(second_factor::FRESH);
    let stale = passkeys::remove(desk, &user, &session.token_hash, id, "", Ways::of(None)).await;
    assert!(matches!(stale, Err(WayError::Unconfirmed(_))), "{stale:?}");
    let again = office.log_in(&mut device, &user).await.expect("signed in");
    let found = sessions::find(&store, &office.clock, &again.token).await.expect("read").expect("live");
    passkeys::remove(desk, &user, &found.token_hash, id, "", Ways::of(None)).await.expect("removed");
});
