use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::keys::Keys;
use postiljon::model::{NamedRelay, RelayId, TlsMode, UncertainPolicy};
use postiljon::publishing::newsletters::{SendingInput, set_sending};
use postiljon::setup::relays::{
    Configured, Password, RelayError, RelayInput, add, change, in_use, open, remove,
};
use postiljon::store::{newsletters, relays};

use super::typed;
use crate::support::database::{both_dbs, everything, read};
use crate::support::samples::{NOW, newsletter};

fn keys() -> Keys {
    Keys::new(&[7; 32])
}

fn nothing_configured() -> Configured {
    Configured::new(Vec::new(), "news.example.org")
}

fn fields(error: RelayError) -> Vec<(&'static str, &'static str)> {
    let RelayError::Invalid(errors) = error else { panic!("{error}") };
    errors.iter().map(|error| (error.field, error.message.key())).collect()
}

both_dbs!(a_relay_is_stored_with_a_password_that_only_its_key_opens, |store| {
    let (clock, configured) = (Clock::test(NOW), nothing_configured());
    let input = RelayInput { tls: "starttls".into(), port: String::new(), ..typed("SMTP.Example.com", 25) };
    let added = add(&store, &clock, &keys(), &configured, "", &input).await.expect("added");
    assert_eq!((added.name.as_str(), added.host.as_str(), added.port), ("main", "smtp.example.com", 587));
    for number in 0..6 {
        newsletter(&store, &format!("n{number}")).await;
    }
    let dump = everything(&store).await.join("\n");
    assert!(dump.contains("smtp.example.com") && !dump.contains("canary-secret"), "{dump}");
    // Hexadecimal is what a dump of bytes looks like.
    let hex: String = b"canary-secret".iter().map(|octet| format!("{octet:02x}")).collect();
    assert!(!dump.to_lowercase().contains(&hex));
    assert!(!format!("{added:?}").contains("canary") && !format!("{input:?}").contains("canary"));
    assert!(!serde_json::to_string(&added).expect("JSON").contains("sealed"));

    let opened = open(&keys(), &configured, &added).expect("opened");
    assert_eq!(
        opened.settings.credentials.as_ref().map(|login| login.password.as_str()),
        Some("canary-secret")
    );
    assert_eq!(
        (opened.settings.hello_name.as_str(), opened.settings.tls),
        ("news.example.org", TlsMode::StartTls)
    );
    assert!(open(&Keys::new(&[8; 32]), &configured, &added).is_none());
    // Whoever writes into the database cannot have the password sent to a machine of their own.
    let moved = postiljon::model::StoredRelay { host: "evil.example".into(), ..added };
    assert!(open(&keys(), &configured, &moved).is_none());
});

both_dbs!(a_wrong_relay_names_every_wrong_field, |store| {
    let (clock, configured) = (Clock::test(NOW), nothing_configured());
    let wrong = RelayInput {
        host: "smtp://x".into(),
        port: "99999".into(),
        tls: "maybe".into(),
        auth: "magic".into(),
        connections: "0".into(),
        mails_per_hour: "-1".into(),
        weight: "x".into(),
        ..RelayInput::default()
    };
    let error = add(&store, &clock, &keys(), &configured, "Not A Name", &wrong).await.expect_err("refused");
    let names: Vec<_> = fields(error).into_iter().map(|(field, _)| field).collect();
    assert_eq!(names, ["name", "host", "tls", "port", "auth", "connections", "mails_per_hour", "weight"]);
    let alone = RelayInput { password: Password::Kept, ..typed("localhost", 25) };
    let error = add(&store, &clock, &keys(), &configured, "", &alone).await.expect_err("refused");
    assert_eq!(fields(error), [("password", "error-required")]);
    let nobody = RelayInput { username: String::new(), ..typed("localhost", 25) };
    let error = add(&store, &clock, &keys(), &configured, "", &nobody).await.expect_err("refused");
    assert_eq!(fields(error), [("username", "error-relay-username")]);
    // Readable for all between two machines: only when someone says so.
    let plain = typed("smtp.example.com", 25);
    let error = add(&store, &clock, &keys(), &configured, "", &plain).await.expect_err("refused");
    assert_eq!(fields(error), [("tls", "error-relay-plaintext")]);
    let allowed = RelayInput { allow_plaintext: true, ..plain };
    add(&store, &clock, &keys(), &configured, "", &allowed).await.expect("added");
    let error = add(&store, &clock, &keys(), &configured, "main", &allowed).await.expect_err("refused");
    assert_eq!(fields(error), [("name", "error-relay-name-taken")]);
    let second = add(&store, &clock, &keys(), &configured, "", &allowed).await.expect("added");
    assert_eq!(second.name, "main-2");
});

both_dbs!(a_change_keeps_the_password_unless_it_would_go_elsewhere, |store| {
    let (clock, configured) = (Clock::test(NOW), nothing_configured());
    let input = RelayInput { tls: "implicit".into(), ..typed("smtp.example.com", 465) };
    let added = add(&store, &clock, &keys(), &configured, "", &input).await.expect("added");
    clock.advance(Duration::from_secs(60));
    let kept =
        RelayInput { password: Password::Kept, weight: "3".into(), port: "2465".into(), ..input.clone() };
    let changed = change(&store, &clock, &keys(), &configured, added.id, Some(added.version), &kept)
        .await
        .expect("changed");
    assert_eq!((changed.weight, changed.port, changed.version), (3, 2465, 2));
    assert!(changed.updated_at > added.updated_at);
    assert!(open(&keys(), &configured, &changed).is_some_and(|relay| relay.settings.credentials.is_some()));
    for elsewhere in [
        RelayInput { host: "evil.example".into(), ..kept.clone() },
        RelayInput { username: "other".into(), ..kept.clone() },
        RelayInput { tls: "none".into(), allow_plaintext: true, ..kept.clone() },
    ] {
        let error = change(&store, &clock, &keys(), &configured, added.id, None, &elsewhere).await;
        assert_eq!(fields(error.expect_err("refused")), [("password", "error-relay-password-again")]);
    }
    // Somebody else was faster.
    let late = change(&store, &clock, &keys(), &configured, added.id, Some(added.version), &kept).await;
    assert!(matches!(late, Err(RelayError::Changed)));
    let nowhere = change(&store, &clock, &keys(), &configured, RelayId(99), None, &kept).await;
    assert!(matches!(nowhere, Err(RelayError::NotFound)));
    let open_to_all = RelayInput { username: String::new(), password: Password::Kept, ..kept };
    let without =
        change(&store, &clock, &keys(), &configured, added.id, None, &open_to_all).await.expect("changed");
    assert!(without.sealed_password.is_empty());
    let opened = open(&keys(), &configured, &without).expect("opened");
    assert!(opened.settings.credentials.is_none());
});

both_dbs!(a_removed_relay_is_preferred_by_nobody, |store| {
    let (clock, configured) = (Clock::test(NOW), nothing_configured());
    let added =
        add(&store, &clock, &keys(), &configured, "fast", &typed("localhost", 25)).await.expect("added");
    let letter = newsletter(&store, "insights").await;
    let wish =
        SendingInput { relay: "fast".into(), mails_per_hour: None, on_uncertain: UncertainPolicy::Resend };
    set_sending(&store, letter.id, None, &wish).await.expect("set");
    remove(&store, &configured, added.id).await.expect("removed");
    let letter = read!(store, |db| newsletters::by_id(db, letter.id)).expect("there");
    assert_eq!(letter.relay, "");
    assert!(read!(store, |db| relays::all(db)).is_empty());
    assert!(matches!(remove(&store, &configured, added.id).await, Err(RelayError::NotFound)));
});

both_dbs!(the_configuration_wins_over_a_relay_of_the_same_name, |store| {
    let clock = Clock::test(NOW);
    let free = nothing_configured();
    add(&store, &clock, &keys(), &free, "main", &typed("localhost", 25)).await.expect("added");
    let stored = read!(store, |db| relays::all(db)).remove(0);
    let own = open(&keys(), &free, &stored).expect("opened");
    let settings = postiljon::model::RelaySettings { host: "configured.example".into(), ..own.settings };
    let configured = Configured::new(vec![NamedRelay { settings, ..own }], "news.example.org");
    let used = read!(store, |db| in_use(db, &keys(), &configured));
    let hosts: Vec<_> = used.iter().map(|relay| relay.settings.host.as_str()).collect();
    assert_eq!(hosts, ["configured.example"]);
    let error = add(&store, &clock, &keys(), &configured, "main", &typed("localhost", 26)).await;
    assert_eq!(fields(error.expect_err("refused")), [("name", "error-relay-name-taken")]);
    let next = add(&store, &clock, &keys(), &configured, "", &typed("localhost", 26)).await.expect("added");
    assert_eq!(next.name, "main-2");
});

both_dbs!(there_are_no_more_relays_than_anybody_needs, |store| {
    let (clock, configured) = (Clock::test(NOW), nothing_configured());
    for _ in 0..20 {
        add(&store, &clock, &keys(), &configured, "", &typed("localhost", 25)).await.expect("added");
    }
    let one_more = add(&store, &clock, &keys(), &configured, "", &typed("localhost", 25)).await;
    assert!(matches!(one_more, Err(RelayError::TooMany)));
});
