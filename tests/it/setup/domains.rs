use std::time::Duration;

use data_encoding::{BASE64, HEXLOWER};
use postiljon::clock::Clock;
use postiljon::dns::Dns;
use postiljon::keys::Keys;
use postiljon::model::{
    Act, Actor, DkimAlgorithm, DkimKey, DkimKeyState, DkimSettings, Grant, Role, SigningKey, StoredDkimKey,
    UserId,
};
use postiljon::setup::domain_look::{Looked, Record, is_trouble, look};
use postiljon::setup::domains::{
    self, Domain, DomainError, KeyInput, begin, in_use, make_key, open, remove, retire, were_seen,
};
use postiljon::store::audit::{self, AuditFilter};
use postiljon::store::{Store, StoreError, dkim_keys, newsletters};

use crate::support::database::{TestDatabase, both_dbs, change, everything, read};
use crate::support::dns_server::{DnsServer, Says};
use crate::support::samples::{NOW, address, new_newsletter, newsletter};

const DOMAIN: &str = "meridiaan.example";

fn keys() -> Keys {
    Keys::new(&[7; 32])
}

/// A key of the desk, as the page makes it.
pub async fn made(store: &Store, clock: &Clock, domain: &str, algorithm: &str) -> StoredDkimKey {
    let input =
        KeyInput { domain: domain.to_owned(), selector: String::new(), algorithm: algorithm.to_owned() };
    make_key(store, clock, &keys(), &input).await.expect("made")
}

async fn state(store: &Store, key: &StoredDkimKey) -> Option<DkimKeyState> {
    read!(store, |db| dkim_keys::by_id(db, key.id)).map(|key| key.state)
}

/// The selectors with which mails are signed.
async fn signing(store: &Store, configured: Option<&DkimSettings>) -> Vec<String> {
    let stored = read!(store, |db| dkim_keys::all(db));
    let (settings, _) = in_use(configured, &stored, &keys()).expect("keys");
    let selectors = settings.into_iter().flat_map(|settings| settings.keys);
    selectors.map(|key| key.selector).collect()
}

fn fields(error: DomainError) -> Vec<(&'static str, &'static str)> {
    let DomainError::Invalid(errors) = error else { panic!("{error}") };
    errors.iter().map(|error| (error.field, error.message.key())).collect()
}

/// The octets of a private key.
fn der(key: &SigningKey) -> Vec<u8> {
    let pem = key.to_pem().expect("PEM");
    let base64: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    BASE64.decode(base64.as_bytes()).expect("base64")
}

both_dbs!(a_key_is_sealed_for_its_domain_and_selector_and_opens_nowhere_else, |store| {
    let clock = Clock::test(NOW);
    for n in 0..6 {
        newsletter(&store, &format!("n{n}")).await;
    }
    for algorithm in ["rsa", "ed25519"] {
        let made = made(&store, &clock, "Meridiaan.EXAMPLE", algorithm).await;
        assert_eq!((made.domain.as_str(), made.algorithm.as_str()), (DOMAIN, algorithm));
        assert_eq!((made.state, made.seen_at), (DkimKeyState::Waiting, None));
        let opened = open(&keys(), &made).expect("opened");
        assert_eq!(opened.key.record().expect("a record"), made.record);
        let secret = der(&opened.key);
        // Behind what every key of its kind begins with; the public half of Ed25519 is at its end.
        let secret = &secret[20..44];
        let dump = everything(&store).await.join("\n").to_lowercase();
        for shown in [HEXLOWER.encode(secret), BASE64.encode(secret).to_lowercase()] {
            assert!(!dump.contains(&shown), "{algorithm}");
        }
        assert!(dump.contains(&made.record.to_lowercase()) && !dump.contains("private key"));
        assert!(
            !format!("{made:?}").contains("p=")
                && !serde_json::to_string(&made).expect("JSON").contains("seal")
        );

        assert!(open(&Keys::new(&[8; 32]), &made).is_none(), "another secret");
        let other = SigningKey::generate(made.algorithm).expect("a key").record().expect("a record");
        for moved in [
            StoredDkimKey { domain: "evil.example".into(), ..made.clone() },
            StoredDkimKey { selector: "evil".into(), ..made.clone() },
            StoredDkimKey { record: other, ..made.clone() },
        ] {
            assert!(open(&keys(), &moved).is_none(), "{}", moved.domain);
        }
    }
    let names: Vec<_> = read!(store, |db| dkim_keys::all(db)).into_iter().map(|key| key.selector).collect();
    assert_eq!(names, ["postiljon202601-2", "postiljon202601"]);
});

#[tokio::test]
async fn no_octets_of_a_private_key_are_in_the_files_of_the_database() {
    let folder = tempfile::tempdir().expect("a folder");
    let database = TestDatabase::sqlite_in(folder.path()).await;
    let clock = Clock::test(NOW);
    let key = made(&database.store, &clock, DOMAIN, "rsa").await;
    begin(&database.store, &clock, &keys(), key.id).await.expect("begun");
    let secret = der(&open(&keys(), &key).expect("opened").key);
    // Of an RSA key the first part is its public half; the primes are at the end.
    let secret = &secret[secret.len() - 200..];
    let mut looked = 0;
    for entry in std::fs::read_dir(folder.path()).expect("a folder") {
        let octets = std::fs::read(entry.expect("an entry").path()).expect("a file");
        looked += octets.len();
        let has = |part: &[u8]| octets.windows(part.len()).any(|window| window == part);
        assert!(!has(&secret[..24]) && !has(b"PRIVATE KEY"));
        assert!(!has(&BASE64.encode(secret).as_bytes()[4..40]));
    }
    assert!(looked > 10_000, "only {looked} octets were looked at");
}

both_dbs!(what_is_wrong_with_a_key_is_said_beside_its_field, |store| {
    let clock = Clock::test(NOW);
    let make = async |domain: &str, selector: &str, algorithm: &str| {
        let input = KeyInput {
            domain: domain.to_owned(),
            selector: selector.to_owned(),
            algorithm: algorithm.to_owned(),
        };
        make_key(&store, &clock, &keys(), &input).await
    };
    let wrong = make("https://x", "a b", "dsa").await.expect_err("refused");
    let names = [
        ("domain", "error-domain"),
        ("algorithm", "error-domain-algorithm"),
        ("selector", "error-domain-selector"),
    ];
    assert_eq!(fields(wrong), names);
    make(DOMAIN, "First", "ed25519").await.expect("made");
    let taken = make(DOMAIN, "first", "ed25519").await.expect_err("refused");
    assert_eq!(fields(taken), [("selector", "error-domain-selector-taken")]);
    make("other.example", "first", "ed25519").await.expect("another domain");
    // Also by a key of the configuration.
    let configured = configured("file").public().expect("public");
    change!(store, |tx| dkim_keys::set_configured(tx, &configured));
    let taken = make(DOMAIN, "file", "").await.expect_err("refused");
    assert_eq!(fields(taken), [("selector", "error-domain-selector-taken")]);
});

fn configured(selector: &str) -> DkimSettings {
    let key = SigningKey::generate(DkimAlgorithm::Ed25519).expect("a key");
    DkimSettings { domain: DOMAIN.into(), keys: vec![DkimKey { selector: selector.into(), key }] }
}

both_dbs!(a_key_signs_once_it_was_seen_and_the_next_takes_its_place, |store| {
    let clock = Clock::test(NOW);
    let store = store.timed(clock.clone());
    let first = made(&store, &clock, DOMAIN, "rsa").await;
    assert!(signing(&store, None).await.is_empty(), "not before it was seen");
    let begun = were_seen(&store, &clock, &keys(), &[first.id]).await.expect("seen");
    assert_eq!(begun, [first.selector.as_str()]);
    assert_eq!(signing(&store, None).await, [first.selector.as_str()]);
    // Seen again is no news.
    clock.advance(Duration::from_secs(60));
    assert!(were_seen(&store, &clock, &keys(), &[first.id]).await.expect("seen").is_empty());
    let seen = read!(store, |db| dkim_keys::by_id(db, first.id)).expect("there");
    assert!(seen.seen_at > Some(NOW) && seen.state_at == NOW);

    let second = made(&store, &clock, DOMAIN, "rsa").await;
    let beside = made(&store, &clock, DOMAIN, "ed25519").await;
    assert_eq!(signing(&store, None).await, [first.selector.as_str()], "beside the old one");
    let refused = remove(&store, first.id).await;
    assert!(matches!(refused, Err(DomainError::Signs)));
    were_seen(&store, &clock, &keys(), &[first.id, second.id, beside.id]).await.expect("seen");
    assert_eq!(signing(&store, None).await, [second.selector.as_str(), beside.selector.as_str()]);
    assert_eq!(state(&store, &first).await, Some(DkimKeyState::Retired));

    // A retired key does not begin by being seen, and signs again when somebody says so.
    assert!(were_seen(&store, &clock, &keys(), &[first.id]).await.expect("seen").is_empty());
    begin(&store, &clock, &keys(), first.id).await.expect("begun");
    assert_eq!(state(&store, &second).await, Some(DkimKeyState::Retired));
    retire(&store, &clock, first.id).await.expect("retired");
    assert_eq!(signing(&store, None).await, [beside.selector.as_str()]);
    remove(&store, first.id).await.expect("removed");
    assert_eq!(state(&store, &first).await, None);
    assert!(matches!(remove(&store, first.id).await, Err(DomainError::NotFound)));
    let told = read!(store, |db| audit::list(db, &AuditFilter::default()));
    let told: Vec<_> = told.iter().rev().map(|row| row.act.as_str()).collect();
    let acts = [
        Act::DomainKeyMade,
        Act::DomainKeyBegan,
        Act::DomainKeyMade,
        Act::DomainKeyMade,
        Act::DomainKeyBegan,
        Act::DomainKeyBegan,
        Act::DomainKeyBegan,
        Act::DomainKeyRetired,
        Act::DomainKeyRemoved,
    ];
    assert_eq!(told, acts.map(Act::as_str));
});

both_dbs!(a_key_that_cannot_be_read_does_not_begin, |store| {
    let clock = Clock::test(NOW);
    let key = made(&store, &clock, DOMAIN, "ed25519").await;
    let other = Keys::new(&[8; 32]);
    assert!(matches!(begin(&store, &clock, &other, key.id).await, Err(DomainError::Sealed)));
    assert!(were_seen(&store, &clock, &other, &[key.id]).await.expect("seen").is_empty());
    assert_eq!(state(&store, &key).await, Some(DkimKeyState::Waiting));
    begin(&store, &clock, &keys(), key.id).await.expect("begun");
    let stored = read!(store, |db| dkim_keys::all(db));
    let (settings, sealed) = in_use(None, &stored, &other).expect("keys");
    assert!(settings.is_empty() && sealed == [key.selector]);
});

both_dbs!(a_key_of_the_configuration_wins_over_one_of_its_kind, |store| {
    let clock = Clock::test(NOW);
    let rsa = made(&store, &clock, DOMAIN, "rsa").await;
    let ed25519 = made(&store, &clock, DOMAIN, "ed25519").await;
    let elsewhere = made(&store, &clock, "other.example", "ed25519").await;
    for key in [&rsa, &ed25519, &elsewhere] {
        begin(&store, &clock, &keys(), key.id).await.expect("begun");
    }
    let configured = configured("file");
    // RSA first: what every receiver can check.
    let expected = [rsa.selector.as_str(), "file", elsewhere.selector.as_str()];
    assert_eq!(signing(&store, Some(&configured)).await, expected);
    let public = configured.public().expect("public");
    change!(store, |tx| dkim_keys::set_configured(tx, &public));
    let all = all(&store).await;
    let signed: Vec<_> = all[0].signed_with.iter().map(|key| key.selector.as_str()).collect();
    assert_eq!(signed, ["file", rsa.selector.as_str()]);
});

async fn all(store: &Store) -> Vec<Domain> {
    read!(store, |db| domains::all(db, &keys()))
}

both_dbs!(the_domains_of_senders_and_of_keys_are_listed, |store| {
    let clock = Clock::test(NOW);
    newsletter(&store, "insights").await;
    for (name, sender) in [("shop", "a@shop.meridiaan.example"), ("free", "a@gmail.com")] {
        let mut new = new_newsletter(name);
        new.sender_address = address(sender);
        change!(store, |tx| newsletters::insert(tx, &new, NOW));
    }
    let key = made(&store, &clock, DOMAIN, "ed25519").await;
    begin(&store, &clock, &keys(), key.id).await.expect("begun");
    made(&store, &clock, "unused.example", "ed25519").await;
    let all = all(&store).await;
    let names: Vec<_> = all.iter().map(|domain| domain.name.as_str()).collect();
    assert_eq!(names, ["gmail.com", DOMAIN, "shop.meridiaan.example", "unused.example"]);
    let by_provider: Vec<_> = all.iter().map(|domain| domain.is_of_provider).collect();
    assert_eq!(by_provider, [true, false, false, false]);
    assert!(all[2].keys.is_empty() && all[2].signed_with[0].selector == key.selector, "by the one above it");
    assert!(all[3].signed_with.is_empty() && all[3].newsletters.is_empty() && all[3].keys.len() == 1);
});

async fn looked(server: &DnsServer, domain: &Domain) -> Looked {
    look(&Dns::at(server.address), domain).await
}

fn txt(text: &str) -> Says {
    Says::Txt(vec![text.to_owned()])
}

both_dbs!(a_look_tells_published_missing_different_and_unknown_apart, |store| {
    let clock = Clock::test(NOW);
    let mut new = new_newsletter("insights");
    new.sender_address = address("a@news.meridiaan.example");
    change!(store, |tx| newsletters::insert(tx, &new, NOW));
    let key = made(&store, &clock, "news.meridiaan.example", "rsa").await;
    begin(&store, &clock, &keys(), key.id).await.expect("begun");
    let domain = all(&store).await.remove(0);
    let server = DnsServer::start([]).await;
    let name = format!("{}._domainkey.news.meridiaan.example", key.selector);

    let none = looked(&server, &domain).await;
    assert_eq!(
        (none.keys[0].1.as_str(), none.spf.as_str(), none.dmarc.as_str()),
        ("missing", "missing", "missing")
    );
    assert!(is_trouble(&none.keys[0].0, &none.keys[0].1) && none.seen().is_empty());
    assert_eq!(none.dmarc_name, "_dmarc.news.meridiaan.example");

    // As other programs write it.
    server.say(&name, txt(&key.record.replace("; ", ";").replace("k=rsa;", "")));
    server.say("news.meridiaan.example", Says::Txt(vec!["other=1".into(), "v=spf1 -all".into()]));
    server.say("_dmarc.meridiaan.example", txt("v=DMARC1; p=reject"));
    let good = looked(&server, &domain).await;
    assert_eq!(good.keys[0].1.as_str(), "published");
    assert_eq!(good.seen(), [key.id]);
    assert_eq!(good.spf, Record::Published("v=spf1 -all".into()));
    assert_eq!(good.dmarc, Record::Published("v=DMARC1; p=reject".into()));
    assert_eq!(good.dmarc_name, "_dmarc.meridiaan.example", "the policy above holds");

    let other = SigningKey::generate(DkimAlgorithm::Rsa).expect("a key").record().expect("a record");
    server.say(&name, txt(&other));
    server.say("news.meridiaan.example", Says::Txt(vec!["v=spf1 mx".into(), "v=spf1 -all".into()]));
    let different = looked(&server, &domain).await;
    assert_eq!(different.keys[0].1, Record::Different(vec![other]));
    assert_eq!(different.spf.as_str(), "different");

    server.say(&name, Says::Failure);
    server.say("news.meridiaan.example", Says::Refused);
    server.say("_dmarc.news.meridiaan.example", Says::Failure);
    let unknown = looked(&server, &domain).await;
    assert_eq!(
        (unknown.keys[0].1.as_str(), unknown.spf.as_str(), unknown.dmarc.as_str()),
        ("unknown", "unknown", "unknown")
    );
    assert!(!is_trouble(&unknown.keys[0].0, &unknown.keys[0].1));
});

both_dbs!(only_an_owner_of_everything_has_to_do_with_keys, |store| {
    let clock = Clock::test(NOW);
    let letter = newsletter(&store, "insights").await;
    let key = made(&store, &clock, DOMAIN, "ed25519").await;
    for grant in [Grant::of_one(letter.id, Role::Owner), Grant::of_all(Role::Editor)] {
        let before = everything(&store).await;
        let acting = store.acting(Actor::user(UserId(1), "An", vec![grant]));
        let input = KeyInput { domain: DOMAIN.into(), ..KeyInput::default() };
        let is_denied = |error: DomainError| matches!(error, DomainError::Store(StoreError::Denied(_)));
        assert!(make_key(&acting, &clock, &keys(), &input).await.is_err_and(is_denied));
        assert!(begin(&acting, &clock, &keys(), key.id).await.is_err_and(is_denied));
        assert!(were_seen(&acting, &clock, &keys(), &[key.id]).await.is_err_and(is_denied));
        assert!(retire(&acting, &clock, key.id).await.is_err_and(is_denied));
        assert!(remove(&acting, key.id).await.is_err_and(is_denied));
        assert_eq!(before, everything(&store).await);
    }
});
