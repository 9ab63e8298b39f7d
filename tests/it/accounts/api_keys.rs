//! The life of a key of the API: made, used, expired, revoked, and smaller or gone with who made it.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use postiljon::accounts::Desk;
use postiljon::accounts::api_keys::{
    Holder, KEYS_MAX, KeyError, Made, NewKey, PREFIX, Refused, enter, list, make, offered, revoke,
};
use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::accounts::{people, users as user_verbs};
use postiljon::clock::Clock;
use postiljon::keys::{Keys, random_token};
use postiljon::model::{Actor, ApiKeyId, Grant, KeyLifetime, Language, Permission, Role, User, UserId};
use postiljon::store::audit::AuditFilter;
use postiljon::store::{Store, api_keys, audit, desk_rules, grants, outbox_contents, users};

use super::login::PASSWORD;
use crate::support::database::{both_dbs, change, everything, read};
use crate::support::people::take_mails;
use crate::support::samples::{NOW, newsletter};

const DAY: Duration = Duration::from_secs(24 * 3600);
const ALL: [Permission; 4] = [
    Permission::SeeArticles,
    Permission::WriteArticles,
    Permission::PublishArticles,
    Permission::SeeNewsletter,
];

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
        Self { store, clock, keys: Keys::new(&[7; 32]) }
    }

    fn desk<'a>(&'a self, store: &'a Store) -> Desk<'a> {
        Desk { store, clock: &self.clock, keys: &self.keys, public_url: "https://news.example" }
    }

    /// Somebody with a role for all, and the database in their name.
    async fn person(&self, name: &str, role: Role) -> (User, Store) {
        let address = format!("{name}@example.org");
        let new = NewUser { address: &address, name, language: Language::English, password: PASSWORD };
        let granted = [Grant::of_all(role)];
        let user = add_user_as(&self.store, &self.clock, new, &granted).await.expect("added");
        let store = self.store.acting(Actor::user(user.id, name, granted.to_vec()));
        (user, store)
    }

    async fn make(&self, (user, store): &(User, Store), new: &NewKey<'_>) -> Result<Made, KeyError> {
        make(self.desk(store), user, new).await
    }

    async fn come(&self, secret: &str, network: u8) -> Result<Holder, Refused> {
        let ip = IpAddr::V4(Ipv4Addr::new(192, 0, network, 7));
        enter(self.desk(&self.store.acting(Actor::Visitor)), secret, ip).await
    }
}

fn new(permissions: &[Permission]) -> NewKey<'_> {
    NewKey {
        name: " Blog ",
        permissions,
        lifetime: Some(KeyLifetime::Quarter),
        password: PASSWORD,
        this_session: b"",
    }
}

/// The fields that are wrong.
fn wrong(made: Result<Made, KeyError>) -> Vec<&'static str> {
    match made {
        Err(KeyError::Invalid(errors)) => errors.iter().map(|error| error.field).collect(),
        other => panic!("{other:?}"),
    }
}

both_dbs!(a_key_is_made_shown_once_used_and_revoked, |store| {
    let office = Office::open(&store).await;
    let an = office.person("An", Role::Owner).await;
    let made = office.make(&an, &new(&[Permission::PublishArticles])).await.expect("made");
    assert!(made.secret.starts_with(PREFIX) && made.secret.len() == PREFIX.len() + 52, "{}", made.secret);
    assert_eq!((made.key.name.as_str(), made.key.last_used_at), ("Blog", None));
    // Neither the key nor a part of it is kept anywhere.
    let secret = made.secret.trim_start_matches(PREFIX);
    for row in everything(&office.store).await {
        let row = row.to_lowercase();
        assert!(!row.contains(&secret[..12]), "{row}");
    }
    let mail = take_mails(&office.store, &office.clock).await.pop().expect("a mail");
    let written = read!(office.store, |db| outbox_contents::of_outbox(db, mail.id)).expect("written");
    assert!(written.subject.contains("API key") && written.text.contains("“Blog”"), "{}", written.text);
    assert!(!written.text.contains(&secret[..12]) && !written.html.contains(&secret[..12]));

    let holder = office.come(&made.secret, 1).await.expect("in");
    assert_eq!(holder.user.id, an.0.id);
    for permission in Permission::ALL {
        let is_given = matches!(
            permission,
            Permission::SeeArticles | Permission::WriteArticles | Permission::PublishArticles
        );
        assert_eq!(holder.actor.may(*permission, None), is_given, "{permission}");
    }
    // To the day: who looks into the table learns no rhythm.
    office.clock.advance(Duration::from_secs(3600));
    office.come(&made.secret, 1).await.expect("in");
    let used = async || list(office.desk(&an.1), an.0.id).await.expect("read")[0].last_used_at;
    assert_eq!(used().await, Some(NOW));
    office.clock.advance(DAY);
    office.come(&made.secret, 1).await.expect("in");
    assert_eq!(used().await, Some(office.clock.now()));

    revoke(&an.1, made.key.id).await.expect("revoked");
    assert!(matches!(office.come(&made.secret, 1).await, Err(Refused::Unknown)));
    assert!(matches!(revoke(&an.1, made.key.id).await, Err(KeyError::NotFound)));
    assert!(list(office.desk(&an.1), an.0.id).await.expect("read").is_empty());
    let log = read!(office.store, |db| audit::list(db, &AuditFilter::default()));
    let told: Vec<_> = log.iter().map(|row| (row.act.as_str(), row.detail.as_str())).collect();
    assert_eq!(told[0], ("key_revoked", ""));
    assert_eq!(told[1], ("key_added", "see_articles write_articles publish_articles"));
});

both_dbs!(a_key_ends_on_its_day, |store| {
    let office = Office::open(&store).await;
    let an = office.person("An", Role::Owner).await;
    let mut secrets = Vec::new();
    for lifetime in KeyLifetime::ALL {
        let new = NewKey { lifetime: Some(*lifetime), ..new(&ALL) };
        secrets.push(office.make(&an, &new).await.expect("made").secret);
    }
    let mut alive = Vec::new();
    for days in [89, 1, 274, 1, 20_000] {
        office.clock.advance(DAY * days);
        let mut now = Vec::new();
        for secret in &secrets {
            let came = office.come(secret, 1).await;
            assert!(matches!(came, Ok(_) | Err(Refused::Expired)), "{came:?}");
            now.push(came.is_ok());
        }
        alive.push(now);
    }
    let expected = [
        vec![true, true, true],
        vec![false, true, true],
        vec![false, true, true],
        vec![false, false, true],
        vec![false, false, true],
    ];
    assert_eq!(alive, expected);
});

both_dbs!(a_key_is_never_more_than_who_made_it, |store| {
    let office = Office::open(&store).await;
    office.person("Owner", Role::Owner).await;
    let bo = office.person("Bo", Role::Author).await;
    let vic = office.person("Vic", Role::Viewer).await;
    assert_eq!(offered(vic.1.actor()), [Permission::SeeArticles, Permission::SeeNewsletter]);
    for more in [&[Permission::WriteArticles][..], &[Permission::EraseSubscribers], &[]] {
        assert_eq!(wrong(office.make(&vic, &new(more)).await), ["permission"], "{more:?}");
    }
    let key = office.make(&bo, &new(&ALL)).await.expect("made");
    let may =
        async |permission| office.come(&key.secret, 1).await.expect("in").actor.may_somewhere(permission);
    assert!(may(Permission::WriteArticles).await && !may(Permission::TestIssues).await);
    // Another role counts from the next request on, in both directions.
    change!(office.store, |tx| grants::set(tx, bo.0.id, &[Grant::of_all(Role::Viewer)]));
    assert!(!may(Permission::WriteArticles).await && may(Permission::SeeArticles).await);
    change!(office.store, |tx| grants::set(tx, bo.0.id, &[Grant::of_all(Role::Owner)]));
    assert!(may(Permission::WriteArticles).await && !may(Permission::ManagePeople).await);
    change!(office.store, |tx| grants::set(tx, bo.0.id, &[]));
    assert!(!may(Permission::SeeArticles).await && !may(Permission::SeeNewsletter).await);

    // A key makes no keys, and looks at no account.
    change!(office.store, |tx| grants::set(tx, bo.0.id, &[Grant::of_all(Role::Owner)]));
    let by_key = office.store.acting(office.come(&key.secret, 1).await.expect("in").actor);
    assert!(make(office.desk(&by_key), &bo.0, &new(&ALL)).await.is_err());
    assert!(list(office.desk(&by_key), bo.0.id).await.is_err() && revoke(&by_key, key.key.id).await.is_err());
    assert!(user_verbs::set_profile(&by_key, &bo.0, "x", Language::French).await.is_err());
    // One person's keys are not another's.
    assert!(list(office.desk(&vic.1), bo.0.id).await.is_err() && revoke(&vic.1, key.key.id).await.is_err());
    assert!(matches!(revoke(&bo.1, ApiKeyId(987_654)).await, Err(KeyError::NotFound)));
    assert!(office.come(&key.secret, 1).await.is_ok());
});

both_dbs!(a_key_ends_with_who_made_it, |store| {
    let office = Office::open(&store).await;
    let owner = office.person("Owner", Role::Owner).await;
    let desk = office.desk(&owner.1);
    let count = async |user: UserId| read!(office.store, |db| api_keys::of_user(db, user)).len();
    let bo = office.person("Bo", Role::Editor).await;
    let key = office.make(&bo, &new(&ALL)).await.expect("made");
    people::disable(desk, bo.0.id).await.expect("disabled");
    assert!(matches!(office.come(&key.secret, 1).await, Err(Refused::Unknown)));
    people::enable(desk, bo.0.id).await.expect("enabled");
    assert!(matches!(office.come(&key.secret, 1).await, Err(Refused::Unknown)), "it does not come back");
    // Disabled in any other way, it is refused all the same.
    let key = office.make(&bo, &new(&ALL)).await.expect("made");
    change!(office.store, |tx| users::set_disabled(tx, bo.0.id, Some(NOW)));
    assert!(matches!(office.come(&key.secret, 1).await, Err(Refused::Unknown)));
    change!(office.store, |tx| users::set_disabled(tx, bo.0.id, None));
    assert!(office.come(&key.secret, 1).await.is_ok());
    // Owners see to the keys of others.
    assert_eq!(people::revoke_keys(desk, bo.0.id).await.expect("revoked"), 1);
    assert!(people::revoke_keys(office.desk(&bo.1), owner.0.id).await.is_err());
    let key = office.make(&bo, &new(&ALL)).await.expect("made");
    people::remove(desk, bo.0.id).await.expect("removed");
    assert!(matches!(office.come(&key.secret, 1).await, Err(Refused::Unknown)));
    assert_eq!(count(bo.0.id).await, 0);
});

both_dbs!(where_everybody_needs_a_second_factor_a_key_without_one_is_refused, |store| {
    let office = Office::open(&store).await;
    let an = office.person("An", Role::Owner).await;
    let key = office.make(&an, &new(&ALL)).await.expect("made");
    change!(office.store, |tx| desk_rules::set_second_factor(tx, true));
    assert!(matches!(office.come(&key.secret, 1).await, Err(Refused::NoFactor)));
    change!(office.store, |tx| desk_rules::set_second_factor(tx, false));
    assert!(office.come(&key.secret, 1).await.is_ok());
});

both_dbs!(making_a_key_asks_for_the_password_and_for_what_is_needed, |store| {
    let office = Office::open(&store).await;
    let an = office.person("An", Role::Owner).await;
    let base = new(&ALL);
    let long = "x".repeat(61);
    for (tried, field) in [
        (NewKey { password: "x", ..base }, "password"),
        (NewKey { name: " \u{a0}\n", ..base }, "name"),
        (NewKey { name: &long, ..base }, "name"),
        (NewKey { lifetime: None, ..base }, "lifetime"),
        (NewKey { permissions: &[], ..base }, "permission"),
    ] {
        assert_eq!(wrong(office.make(&an, &tried).await), [field]);
    }
    // Of a password that became another meanwhile, the old one is worth nothing.
    let old = (User { password_hash: an.0.password_hash.clone(), ..an.0.clone() }, an.1.clone());
    change!(office.store, |tx| users::set_password(tx, an.0.id, "another"));
    assert_eq!(wrong(office.make(&old, &base).await), ["password"]);
    change!(office.store, |tx| users::set_password(tx, an.0.id, &an.0.password_hash));
    for _ in 0..4 {
        assert_eq!(wrong(office.make(&an, &NewKey { password: "x", ..base }).await), ["password"]);
    }
    office.make(&an, &NewKey { password: "x", ..base }).await.expect_err("the fifth");
    assert!(matches!(office.make(&an, &base).await, Err(KeyError::Throttled(_))), "guessing is slow");
    office.clock.advance(Duration::from_secs(16 * 60));
    for _ in 0..KEYS_MAX {
        change!(office.store, |tx| api_keys::insert(
            tx,
            an.0.id,
            "x",
            random_token().expect("x").as_bytes(),
            "",
            NOW,
            None
        ));
    }
    assert!(matches!(office.make(&an, &base).await, Err(KeyError::TooMany)));
});

both_dbs!(keys_that_are_none_are_counted_for_their_network_and_right_ones_for_themselves, |store| {
    let office = Office::open(&store).await;
    let an = office.person("An", Role::Owner).await;
    let key = office.make(&an, &new(&ALL)).await.expect("made").secret;
    let other = office.make(&an, &new(&ALL)).await.expect("made").secret;
    let unknown = format!("{PREFIX}{}", random_token().expect("a token"));
    let long = format!("{PREFIX}{}", "a".repeat(100_000));
    let without = key.trim_start_matches(PREFIX).to_owned();
    for text in [
        unknown.as_str(),
        &without,
        "",
        "pj_",
        "pj_é",
        "\u{0}",
        &long,
        &format!("{key}a"),
        &format!("PJ{key}"),
    ] {
        assert!(matches!(office.come(text, 1).await, Err(Refused::Unknown)), "{text}");
    }
    for _ in 9..30 {
        assert!(matches!(office.come(&unknown, 1).await, Err(Refused::Unknown)));
    }
    assert!(matches!(office.come(&unknown, 1).await, Err(Refused::TooMany(_))));
    assert!(matches!(office.come(&unknown, 2).await, Err(Refused::Unknown)), "another network");
    assert!(office.come(&key, 1).await.is_ok(), "the right one is let in all the same");
    for _ in 1..120 {
        office.come(&key, 3).await.expect("in");
    }
    assert!(matches!(office.come(&key, 4).await, Err(Refused::TooMany(wait)) if wait.minutes == 2));
    assert!(office.come(&other, 3).await.is_ok(), "another key");
    office.clock.advance(Duration::from_secs(61));
    assert!(office.come(&key, 3).await.is_ok());
});
