use std::time::Duration;

use postiljon::accounts::Desk;
use postiljon::accounts::links::{Followed, LinkError, RESET_LIFETIME, follow, forgot, look};
use postiljon::accounts::login::LoginError;
use postiljon::accounts::people::{self, INVITATION_LIFETIME, Invitation, PeopleError};
use postiljon::accounts::sessions::{self, Visit};
use postiljon::accounts::users::{NewUser, add_user_as};
use postiljon::clock::Clock;
use postiljon::keys::{Keys, Purpose};
use postiljon::model::{Actor, Grant, Language, OutboxMail, Role, User};
use postiljon::store::audit::{self, AuditFilter, AuditRow};
use postiljon::store::passkeys::NewPasskey;
use postiljon::store::{Store, StoreError, api_keys, grants, outbox_contents, passkeys, users};

use super::login::{AN, PASSWORD, add_an, from, log_in};
use crate::support::database::{both_dbs, change, everything, read};
use crate::support::people::take_mails;
use crate::support::samples::{NOW, newsletter};

const BO: &str = "bo@example.org";
const NEW: &str = "vier losse woorden hier";

/// What the verbs work with.
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

    fn desk(&self) -> Desk<'_> {
        Desk { store: &self.store, clock: &self.clock, keys: &self.keys, public_url: "https://news.example" }
    }

    async fn user(&self, at: &str) -> User {
        read!(self.store, |db| users::by_address(db, &at.parse().expect("an address"))).expect("there")
    }

    async fn invite(&self, granted: &[Grant]) -> User {
        let invitation = Invitation { address: BO, name: "Bo", language: Language::French, grants: granted };
        people::invite(self.desk(), invitation).await.expect("invited")
    }

    /// The link of the only mail that waits for an address.
    async fn link(&self, at: &str) -> String {
        let mails = take_mails(&self.store, &self.clock).await;
        let is_link = |mail: &&OutboxMail| {
            !mail.nonce.is_empty() && mail.to_address.as_ref().is_some_and(|to| to.as_str() == at)
        };
        let found: Vec<_> = mails.iter().filter(is_link).collect();
        assert_eq!(found.len(), 1, "{mails:#?}");
        self.keys.derive_token(Purpose::AccountLink, &found[0].nonce)
    }

    async fn log(&self) -> Vec<AuditRow> {
        let mut rows = read!(self.store, |db| audit::list(db, &AuditFilter::default()));
        rows.reverse();
        rows
    }
}

async fn acts(office: &Office) -> Vec<String> {
    office.log().await.into_iter().map(|row| row.act).collect()
}

both_dbs!(an_invitation_makes_a_person_once_and_its_token_is_nowhere, |store| {
    let office = Office::open(&store).await;
    let granted = [Grant::of_one(postiljon::model::NewsletterId(1), Role::Editor)];
    let bo = office.invite(&granted).await;
    assert!(bo.joined_at.is_none());
    assert!(log_in(&office.store, &office.clock, BO, "", 1).await.is_err());
    let token = office.link(BO).await;
    let rows = everything(&store).await.join("\n");
    assert!(!rows.contains(&token), "only its hash is kept");
    let desk = Desk { store: &store.acting(Actor::Visitor), ..office.desk() };
    assert_eq!(look(desk, &token).await.expect("read").expect("open").user.id, bo.id);
    let weak = follow(desk, &token, "Bo", Language::Dutch, "kort", &Visit::default()).await;
    let Err(LinkError::Invalid(errors)) = weak else { panic!("{weak:?}") };
    assert!(errors.field("password").is_some());
    let followed = follow(desk, &token, "Bo Janssens", Language::Dutch, NEW, &Visit::default()).await;
    let Ok(Followed::Joined { token: session, .. }) = followed else { panic!("{followed:?}") };
    let session = sessions::find(&store, &office.clock, &session).await.expect("read").expect("a session");
    assert_eq!((session.user.name.as_str(), session.user.language), ("Bo Janssens", Language::Dutch));
    assert_eq!(read!(store, |db| grants::of_user(db, bo.id)), granted);
    for again in [
        look(desk, &token).await.expect("read").is_none(),
        log_in(&store, &office.clock, BO, NEW, 1).await.is_ok(),
    ] {
        assert!(again);
    }
    let twice = follow(desk, &token, "Bo", Language::Dutch, NEW, &Visit::default()).await;
    assert!(matches!(twice, Err(LinkError::Gone)), "{twice:?}");
    assert_eq!(
        acts(&office).await,
        ["person_added", "person_invited", "person_joined", "person_signed_in"],
        "each once, in the transaction of its act"
    );
    // Bo is told by nobody; the owner is.
    let log = office.log().await;
    assert_eq!((log[1].user_id, log[1].detail.as_str(), log[2].user_id), (None, "editor 1", Some(bo.id)));
});

both_dbs!(a_link_ends_is_replaced_and_is_revoked, |store| {
    let office = Office::open(&store).await;
    let owner = [Grant::of_all(Role::Owner)];
    let bo = office.invite(&owner).await;
    let first = office.link(BO).await;
    office.invite(&[Grant::of_all(Role::Viewer)]).await;
    let second = office.link(BO).await;
    let is_open = async |token: &str| look(office.desk(), token).await.expect("read").is_some();
    assert!(!is_open(&first).await && is_open(&second).await, "a repeated invitation replaces the first");
    assert_eq!(read!(store, |db| users::all(db)).len(), 2);
    office.clock.advance(INVITATION_LIFETIME - Duration::from_secs(1));
    assert!(is_open(&second).await);
    office.clock.advance(Duration::from_secs(1));
    assert!(!is_open(&second).await);
    people::invite_again(office.desk(), bo.id).await.expect("invited");
    let third = office.link(BO).await;
    assert!(is_open(&third).await);
    people::remove(office.desk(), bo.id).await.expect("revoked");
    assert!(!is_open(&third).await);
    assert_eq!(acts(&office).await.last().map(String::as_str), Some("person_revoked"));
    // A session, a confirmation or nonsense is no link (S10).
    let session = log_in(&office.store, &office.clock, AN, PASSWORD, 1).await.expect("signed in").token;
    let confirm = office.keys.derive_token(Purpose::Confirm, &[1; 32]);
    for other in [session.as_str(), &confirm, "", "x", &"a".repeat(52)] {
        assert!(!is_open(other).await, "{other}");
    }
});

both_dbs!(a_forgotten_password_is_replaced_by_mail_and_nobody_learns_who_is_here, |store| {
    let office = Office::open(&store).await;
    office.invite(&[Grant::of_all(Role::Viewer)]).await;
    office.link(BO).await;
    let session = log_in(&office.store, &office.clock, AN, PASSWORD, 1).await.expect("signed in").token;
    let visitor = store.acting(Actor::Visitor);
    let desk = Desk { store: &visitor, ..office.desk() };
    let ip = |network| from(network).ip;
    // Unknown, nonsense, and invited but not here: the same answer, and no mail.
    for (at, address) in (10..).zip(["niemand@example.org", "niemand", BO]) {
        forgot(desk, address, ip(at)).await.expect("the same answer");
    }
    assert_eq!(take_mails(&store, &office.clock).await.len(), 0);
    forgot(desk, " AN@example.org ", ip(20)).await.expect("the same answer");
    let first = office.link(AN).await;
    forgot(desk, AN, ip(21)).await.expect("the same answer");
    let token = office.link(AN).await;
    assert!(look(desk, &first).await.expect("read").is_none(), "the last one counts");
    // Whoever knew the old password may have made these.
    let an = office.user(AN).await.id;
    change!(store, |tx| api_keys::insert(tx, an, "Blog", b"hash", "see_articles", NOW, None));
    let passkey = NewPasskey {
        credential_id: b"id",
        public_key: b"key",
        counter: 0,
        can_sync: false,
        is_synced: false,
        name: "Laptop",
    };
    change!(store, |tx| passkeys::insert(tx, an, passkey, NOW));
    office.clock.advance(RESET_LIFETIME - Duration::from_secs(1));
    let followed = follow(desk, &token, "ignored", Language::French, NEW, &Visit::default()).await;
    assert!(matches!(followed, Ok(Followed::Reset(_))), "{followed:?}");
    assert!(
        sessions::find(&store, &office.clock, &session).await.expect("read").is_none(),
        "every session ended"
    );
    assert!(log_in(&store, &office.clock, AN, PASSWORD, 2).await.is_err());
    assert!(log_in(&store, &office.clock, AN, NEW, 3).await.is_ok());
    assert_eq!(office.user(AN).await.name, "An Peeters", "a name is for who is new");
    let told = take_mails(&store, &office.clock).await;
    assert_eq!(told.len(), 1);
    let content = read!(store, |db| outbox_contents::of_outbox(db, told[0].id)).expect("written");
    assert_eq!(content.subject, "Je wachtwoord is gewijzigd");
    let kept = "Deze passkeys en API-sleutels blijven werken: Laptop, Blog.";
    assert!(content.text.replace('\n', " ").contains(kept), "{}", content.text);
    assert!(content.html.contains("Laptop, Blog"));
    // Nobody fills a mailbox: three in an hour, with the same answer for the fourth.
    office.clock.advance(Duration::from_secs(3600));
    for at in 30..35 {
        forgot(desk, AN, ip(at)).await.expect("the same answer");
    }
    assert_eq!(take_mails(&store, &office.clock).await.len(), 3);
    for _ in 0..10 {
        let _ = forgot(desk, "x@example.org", ip(40)).await;
    }
    assert!(matches!(forgot(desk, "y@example.org", ip(40)).await, Err(LoginError::Throttled { .. })));
});

both_dbs!(an_owner_of_everything_remains_whatever_is_asked, |store| {
    let office = Office::open(&store).await;
    let an = office.user(AN).await;
    let viewer = [Grant::of_all(Role::Viewer)];
    let refused = |result: Result<User, PeopleError>| matches!(result, Err(PeopleError::LastOwner));
    // Who is only invited, or disabled, or an owner of one newsletter, is none.
    let bo = office.invite(&[Grant::of_all(Role::Owner)]).await;
    assert!(refused(people::set_grants(office.desk(), an.id, &viewer).await));
    assert!(refused(people::disable(office.desk(), an.id).await));
    assert!(refused(people::remove(office.desk(), an.id).await));
    let token = office.link(BO).await;
    follow(office.desk(), &token, "Bo", Language::Dutch, NEW, &Visit::default()).await.expect("here");
    people::disable(office.desk(), bo.id).await.expect("disabled");
    assert!(refused(people::disable(office.desk(), an.id).await));
    people::enable(office.desk(), bo.id).await.expect("enabled");
    // Two who take the role off each other at once: one is refused.
    let (one, two) = (
        people::set_grants(office.desk(), an.id, &viewer),
        people::set_grants(office.desk(), bo.id, &viewer),
    );
    let (one, two) = tokio::join!(one, two);
    assert!(one.is_ok() != two.is_ok(), "{one:?} {two:?}");
    assert_eq!(read!(store, |db| grants::full_owners(db)), 1);
    assert!(matches!(people::set_grants(office.desk(), bo.id, &[]).await, Err(PeopleError::Invalid(_))));
    let nowhere = [Grant::of_one(postiljon::model::NewsletterId(99), Role::Owner)];
    assert!(matches!(people::set_grants(office.desk(), bo.id, &nowhere).await, Err(PeopleError::Invalid(_))));
});

both_dbs!(who_is_disabled_is_out_at_once_and_what_somebody_wrote_outlives_them, |store| {
    let office = Office::open(&store).await;
    office.invite(&[Grant::of_all(Role::Author)]).await;
    let token = office.link(BO).await;
    let followed = follow(office.desk(), &token, "Bo", Language::Dutch, NEW, &Visit::default()).await;
    let Ok(Followed::Joined { user: bo, token }) = followed else { panic!("{followed:?}") };
    let is_live = async || sessions::find(&store, &office.clock, &token).await.expect("read").is_some();
    assert!(is_live().await);
    let theirs =
        store.acting(sessions::find(&store, &office.clock, &token).await.expect("read").expect("live").actor);
    let input = crate::support::press::piece("Van Bo", "Tekst.");
    let article = postiljon::publishing::articles::create_by(
        &theirs.clone().timed(office.clock.clone()),
        &office.clock,
        Some(bo.id),
        postiljon::model::VersionKind::Saved,
        &input,
    )
    .await
    .expect("written");
    people::disable(office.desk(), bo.id).await.expect("disabled");
    assert!(!is_live().await && log_in(&store, &office.clock, BO, NEW, 1).await.is_err());
    people::enable(office.desk(), bo.id).await.expect("enabled");
    assert!(!is_live().await && log_in(&store, &office.clock, BO, NEW, 2).await.is_ok());
    people::remove(office.desk(), bo.id).await.expect("removed");
    assert!(log_in(&store, &office.clock, BO, NEW, 3).await.is_err());
    let kept = read!(store, |db| postiljon::store::articles::by_id(db, article.id));
    assert_eq!(kept.expect("kept").title, "Van Bo");
    let log = office.log().await;
    let written = log.iter().find(|row| row.act == "article_added").expect("in the log");
    assert_eq!((written.user_id, written.user_name.as_str()), (Some(bo.id), "Bo"), "the log outlives them");
});

both_dbs!(only_an_owner_of_everything_manages_people, |store| {
    let office = Office::open(&store).await;
    let an = office.user(AN).await;
    let one = postiljon::model::NewsletterId(1);
    let mut asked = 0;
    for grant in Role::ALL.iter().flat_map(|role| [Grant::of_all(*role), Grant::of_one(one, *role)]) {
        if grant.is_full() {
            continue;
        }
        let acting = store.acting(Actor::user(postiljon::model::UserId(77), "Cor", vec![grant]));
        let desk = Desk { store: &acting, ..office.desk() };
        let full = [Grant::of_all(Role::Owner)];
        let invitation = Invitation { address: BO, name: "", language: Language::Dutch, grants: &full };
        let denied = [
            people::invite(desk, invitation).await.map(drop),
            people::set_grants(desk, postiljon::model::UserId(77), &full).await.map(drop),
            people::disable(desk, an.id).await.map(drop),
            people::enable(desk, an.id).await.map(drop),
            people::remove(desk, an.id).await.map(drop),
            people::end_sessions(desk, an.id).await.map(drop),
            people::remove_factor(desk, an.id).await.map(drop),
            people::demand_factor(desk, true).await.map_err(PeopleError::from),
        ];
        for result in denied {
            assert!(
                matches!(result, Err(PeopleError::Store(StoreError::Denied(_)))),
                "{grant:?}: {result:?}"
            );
            asked += 1;
        }
        let new = NewUser { address: BO, name: "Bo", language: Language::Dutch, password: NEW };
        assert!(add_user_as(&acting, &office.clock, new, &full).await.is_err());
    }
    assert_eq!(asked, 7 * 8);
    assert_eq!(read!(store, |db| users::all(db)).len(), 1);
});
