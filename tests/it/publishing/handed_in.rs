//! Articles that programs hand in: once each, updates recognised, and what somebody edited here left alone.

use std::time::Duration;

use postiljon::clock::Clock;
use postiljon::files::Files;
use postiljon::http::{Http, Reach};
use postiljon::model::{
    Actor, Article, ArticleId, ArticleStatus, ByKey, Grant, Permission, Role, User, VersionKind,
};
use postiljon::publishing::articles::{self, ArticleError, ArticleInput};
use postiljon::publishing::handed_in::{Basis, HandInError, HandedIn, Outcome, change, hand_in};
use postiljon::publishing::images::Images;
use postiljon::publishing::pictures::Fetcher;
use postiljon::publishing::versions;
use postiljon::store::articles::{ArticleFilter, list};
use postiljon::store::{Store, StoreError, article_versions, tags, users};

use super::sources::{Web, png};
use crate::support::database::{both_dbs, change as written, read};
use crate::support::samples::{self, NOW};

const ID: &str = "https://www.example.org/zes-lessen";

fn handed(title: &str) -> HandedIn {
    HandedIn {
        title: Some(title.into()),
        language: Some("nl".into()),
        body: Some("Een *goed* verhaal.".into()),
        tags: Some("werk, leven".into()),
        ..HandedIn::default()
    }
}

fn publishing(status: ArticleStatus) -> HandedIn {
    HandedIn { status: Some(status), ..HandedIn::default() }
}

struct Program {
    store: Store,
    clock: Clock,
    user: User,
    http: Http,
    images: Images,
}

impl Program {
    /// With a key of An, an owner, that has these permissions.
    async fn of(store: &Store, permissions: &[Permission]) -> Self {
        let user = samples::user(store, "an@example.org").await;
        Self::by(store, user, permissions)
    }

    fn by(store: &Store, user: User, permissions: &[Permission]) -> Self {
        let key = ByKey { name: "Blog".into(), permissions: permissions.to_vec() };
        let actor = Actor::by_key(user.id, &user.name, vec![Grant::of_all(Role::Owner)], key);
        let images = Images::new(Files::in_memory());
        let (store, clock, http) = (store.acting(actor), Clock::test(NOW), Http::new(Reach::Anywhere));
        Self { store, clock, user, http, images }
    }

    async fn hand_in(&self, id: &str, handed: &HandedIn) -> Result<(ArticleId, Outcome), HandInError> {
        hand_in(self.pictures(), self.user.id, id, handed).await
    }

    async fn change(&self, id: ArticleId, basis: Basis, handed: &HandedIn) -> Result<Outcome, HandInError> {
        change(self.pictures(), self.user.id, id, basis, handed).await
    }

    fn pictures(&self) -> Fetcher<'_> {
        let Self { store, clock, http, images, .. } = self;
        Fetcher { store, clock, http, images, within: Duration::from_secs(15) }
    }

    async fn article(&self, id: ArticleId) -> Article {
        read!(self.store, |db| postiljon::store::articles::by_id(db, id)).expect("there")
    }
}

const WRITES: [Permission; 2] = [Permission::SeeArticles, Permission::WriteArticles];
const PUBLISHES: [Permission; 3] =
    [Permission::SeeArticles, Permission::WriteArticles, Permission::PublishArticles];

fn is_denied<T: std::fmt::Debug>(done: Result<T, HandInError>) -> Permission {
    match done {
        Err(HandInError::Article(ArticleError::Store(StoreError::Denied(denied)))) => denied.permission,
        other => panic!("{other:?}"),
    }
}

both_dbs!(pictures_of_what_is_handed_in_become_ours_and_are_fetched_once, |store| {
    let program = Program::of(&store, &WRITES).await;
    let web = Web::start().await;
    web.set("/a.png", 200, "Content-Type: image/png\r\n", &png());
    let body = format!("![Een vlak]({0}/a.png) ![Weg]({0}/b.png)", web.url);
    let handed = HandedIn { body: Some(body), ..handed("Zes lessen") };
    let (id, outcome) = program.hand_in(ID, &handed).await.expect("stored");
    assert_eq!(outcome, Outcome::Created);
    let body = program.article(id).await.body;
    assert!(body.contains("![Een vlak](/images/") && body.contains("#40x30"), "{body}");
    assert!(body.contains(&format!("![Weg]({}/b.png)", web.url)), "{body}");
    // What was missing is asked for again, as long as it is missing; nothing changes by that.
    assert_eq!((program.hand_in(ID, &handed).await.expect("same").1, web.count()), (Outcome::Same, 4));
    web.set("/b.png", 200, "Content-Type: image/png\r\n", &png());
    assert_eq!((program.hand_in(ID, &handed).await.expect("stored").1, web.count()), (Outcome::Updated, 6));
    assert!(!program.article(id).await.body.contains(&web.url));
    assert_eq!((program.hand_in(ID, &handed).await.expect("same").1, web.count()), (Outcome::Same, 6));
    // By its version as well.
    let body = format!("![Nog een]({}/a.png)", web.url);
    let other = HandedIn { body: Some(body), ..HandedIn::default() };
    assert_eq!(program.change(id, Basis::Any, &other).await.expect("saved"), Outcome::Updated);
    assert!(program.article(id).await.body.starts_with("![Nog een](/images/"));
});

both_dbs!(an_article_comes_once_and_is_changed_by_its_external_id, |store| {
    let program = Program::of(&store, &WRITES).await;
    let (id, outcome) = program.hand_in(ID, &handed("Zes lessen")).await.expect("stored");
    assert_eq!(outcome, Outcome::Created);
    let article = program.article(id).await;
    assert_eq!(
        (article.slug.as_str(), article.status, article.version),
        ("zes-lessen", ArticleStatus::Draft, 1)
    );
    assert_eq!(program.hand_in(ID, &handed("Zes lessen")).await.expect("stored"), (id, Outcome::Same));
    let less = HandedIn { title: Some("Zeven lessen".into()), ..HandedIn::default() };
    assert_eq!(program.hand_in(ID, &less).await.expect("stored"), (id, Outcome::Updated));
    let article = program.article(id).await;
    assert_eq!((article.title.as_str(), article.version), ("Zeven lessen", 2));
    assert_eq!((article.slug.as_str(), article.body.as_str()), ("zes-lessen", "Een *goed* verhaal."));
    assert_eq!(read!(store, |db| tags::of_article(db, id)), ["werk", "leven"]);
    let version = read!(store, |db| article_versions::latest(db, id)).expect("a version");
    assert_eq!((version.kind, version.user_id), (VersionKind::Saved, Some(program.user.id)));
    // Another person's id is another article; without an id each is.
    let other = Program::by(&store, samples::user(&store, "bo@example.org").await, &WRITES);
    let (second, _) = other.hand_in(ID, &handed("Zes lessen")).await.expect("stored");
    assert_ne!(second, id);
    assert_eq!(other.article(second).await.slug.as_str(), "zes-lessen-2");
    let (third, _) = program.hand_in("", &handed("Zes lessen")).await.expect("stored");
    assert_eq!(program.hand_in("", &handed("Zes lessen")).await.expect("stored").1, Outcome::Created);
    assert_ne!(third, id);
    assert_eq!(read!(store, |db| list(db, &ArticleFilter::default())).len(), 4);
    for wrong in ["a\u{0}b", " a", "a ", "a\nb", &"x".repeat(501)] {
        let refused = program.hand_in(wrong, &handed("X")).await;
        let Err(HandInError::Article(ArticleError::Invalid(errors))) = refused else { panic!("{refused:?}") };
        assert!(errors.field("external_id").is_some());
    }
    // Who is gone takes the ids along, and not the articles.
    written!(store, |tx| users::delete(tx, other.user.id));
    assert_eq!(read!(store, |db| list(db, &ArticleFilter::default())).len(), 4);
});

both_dbs!(two_at_the_same_moment_make_one_article, |store| {
    let program = Program::of(&store, &PUBLISHES).await;
    for round in 0..10 {
        let id = format!("{ID}/{round}");
        let (one, two) = (handed("Tegelijk"), handed("Ook tegelijk"));
        let (a, b, c) =
            tokio::join!(program.hand_in(&id, &one), program.hand_in(&id, &two), program.hand_in(&id, &one));
        let all = [a.expect("stored"), b.expect("stored"), c.expect("stored")];
        assert!(all.iter().all(|(id, _)| *id == all[0].0), "{all:?}");
        let created = all.iter().filter(|(_, outcome)| *outcome == Outcome::Created).count();
        assert_eq!(created, 1, "{all:?}");
        // And who changes it by its number meanwhile is in nobody's way.
        let basis = Basis::Any;
        let other = handed("Anders");
        let (by_id, by_number) =
            tokio::join!(program.hand_in(&id, &two), program.change(all[0].0, basis, &other));
        assert!(by_id.is_ok() && by_number.is_ok(), "{by_id:?} {by_number:?}");
    }
    assert_eq!(read!(store, |db| list(db, &ArticleFilter::default())).len(), 10);
});

both_dbs!(what_somebody_edited_here_is_theirs, |store| {
    let program = Program::of(&store, &PUBLISHES).await;
    let bo = samples::user(&store, "bo@example.org").await;
    let clock = &program.clock;
    let (id, _) = program.hand_in(ID, &handed("Zes lessen")).await.expect("stored");
    let latest = async || read!(store, |db| article_versions::latest(db, id)).expect("a version");
    // Saving it as it is, to publish it, edits nothing.
    let input = ArticleInput::of_version(&latest().await);
    articles::save_by(&store, clock, Some(bo.id), VersionKind::Saved, id, 1, &input).await.expect("saved");
    articles::set_status(&store, clock, id, ArticleStatus::Published).await.expect("published");
    assert_eq!(program.hand_in(ID, &handed("Acht lessen")).await.expect("taken"), (id, Outcome::Updated));
    assert_eq!(program.article(id).await.title, "Acht lessen");
    // An autosave that readers do not see yet is an edit.
    let edited = ArticleInput { title: "Mijn titel".into(), ..ArticleInput::of_version(&latest().await) };
    versions::autosave(&store, clock, bo.id, id, 3, &edited).await.expect("kept");
    for _ in 0..2 {
        let refused = program.hand_in(ID, &handed("Negen lessen")).await;
        assert!(matches!(refused, Err(HandInError::EditedHere { version: 4, .. })), "{refused:?}");
    }
    assert_eq!(latest().await.title, "Mijn titel");
    assert_eq!(program.article(id).await.title, "Acht lessen", "readers see what was published");
    // Who has read it may change it, and it follows its external id again.
    let stale = program.change(id, Basis::Version(3), &handed("Negen lessen")).await;
    assert!(matches!(stale, Err(HandInError::Stale { version: 4 })), "{stale:?}");
    assert_eq!(
        program.change(id, Basis::Version(4), &handed("Negen lessen")).await.expect("x"),
        Outcome::Updated
    );
    assert_eq!(program.article(id).await.title, "Negen lessen");
    assert_eq!(program.hand_in(ID, &handed("Tien lessen")).await.expect("taken"), (id, Outcome::Updated));
});

both_dbs!(what_waits_behind_a_published_article_is_shown_by_saving_it, |store| {
    let program = Program::of(&store, &PUBLISHES).await;
    let bo = samples::user(&store, "bo@example.org").await;
    let new = HandedIn { status: Some(ArticleStatus::Published), ..handed("Zes lessen") };
    let (id, _) = program.hand_in(ID, &new).await.expect("stored");
    let latest = read!(store, |db| article_versions::latest(db, id)).expect("a version");
    let edited = ArticleInput { title: "Beter".into(), ..ArticleInput::of_version(&latest) };
    versions::autosave(&store, &program.clock, bo.id, id, 1, &edited).await.expect("kept");
    assert_eq!(program.article(id).await.title, "Zes lessen");
    let same = HandedIn::default();
    assert_eq!(program.change(id, Basis::Version(2), &same).await.expect("saved"), Outcome::Updated);
    let article = program.article(id).await;
    assert_eq!((article.title.as_str(), article.version), ("Beter", 3));
    // Withdrawn with words of its own: readers never see those.
    let draft = HandedIn { status: Some(ArticleStatus::Draft), ..handed("Weg ermee") };
    let basis = Basis::State(3, ArticleStatus::Published);
    assert_eq!(program.change(id, basis, &draft).await.expect("withdrawn"), Outcome::Updated);
    let latest = read!(store, |db| article_versions::latest(db, id)).expect("a version");
    assert_eq!((latest.number, latest.published_at), (4, None));
    assert_eq!(program.article(id).await.status, ArticleStatus::Draft);
    let stale = program.change(id, basis, &draft).await;
    assert!(matches!(stale, Err(HandInError::Stale { .. })), "{stale:?}");
});

both_dbs!(a_key_that_may_not_publish_shows_readers_nothing, |store| {
    let program = Program::of(&store, &WRITES).await;
    let publisher = Program::by(&store, program.user.clone(), &PUBLISHES);
    let reader = Program::by(&store, program.user.clone(), &[Permission::SeeArticles]);
    let wanted = HandedIn { status: Some(ArticleStatus::Published), ..handed("Zes lessen") };
    assert_eq!(is_denied(program.hand_in(ID, &wanted).await), Permission::PublishArticles);
    assert!(read!(store, |db| list(db, &ArticleFilter::default())).is_empty(), "nothing was stored");
    assert_eq!(is_denied(reader.hand_in(ID, &handed("X")).await), Permission::WriteArticles);
    let (id, _) = program.hand_in(ID, &handed("Zes lessen")).await.expect("stored");
    let publish = publishing(ArticleStatus::Published);
    assert_eq!(is_denied(program.change(id, Basis::Any, &publish).await), Permission::PublishArticles);
    assert_eq!(is_denied(reader.change(id, Basis::Any, &publish).await), Permission::WriteArticles);
    assert_eq!(publisher.change(id, Basis::Any, &publish).await.expect("published"), Outcome::Updated);
    // A change of what is published would be seen; so would withdrawing it.
    assert_eq!(is_denied(program.hand_in(ID, &handed("Anders")).await), Permission::PublishArticles);
    let draft = publishing(ArticleStatus::Draft);
    assert_eq!(is_denied(program.change(id, Basis::Any, &draft).await), Permission::PublishArticles);
    assert_eq!(program.hand_in(ID, &handed("Zes lessen")).await.expect("the same"), (id, Outcome::Same));
    assert_eq!(program.article(id).await.title, "Zes lessen");
    // The verbs of the desk ask the same.
    let input = ArticleInput { title: "X".into(), language: "nl".into(), ..ArticleInput::default() };
    let saved = articles::save(&program.store, &program.clock, id, 1, &input).await;
    assert!(matches!(saved, Err(ArticleError::Store(StoreError::Denied(_)))), "{saved:?}");
    let set = articles::set_status(&program.store, &program.clock, id, ArticleStatus::Draft).await;
    assert!(matches!(set, Err(ArticleError::Store(StoreError::Denied(_)))), "{set:?}");
    let file = "---\ntitle: X\nlanguage: nl\nstatus: published\n---\nX\n";
    let imported = articles::import(&program.store, &program.clock, file).await;
    assert!(matches!(imported, Err(ArticleError::Store(StoreError::Denied(_)))), "{imported:?}");
});

both_dbs!(what_is_wrong_is_said_of_each_field, |store| {
    let program = Program::of(&store, &PUBLISHES).await;
    let empty = program.hand_in(ID, &HandedIn::default()).await;
    let Err(HandInError::Article(ArticleError::Invalid(errors))) = empty else { panic!("{empty:?}") };
    assert!(errors.field("title").is_some() && errors.field("language").is_some());
    let (first, _) = program.hand_in("1", &handed("Een")).await.expect("stored");
    let taken = HandedIn { slug: Some("een".into()), ..handed("Twee") };
    for done in [program.hand_in("2", &taken).await.map(|_| ()), {
        let (second, _) = program.hand_in("3", &handed("Drie")).await.expect("stored");
        program.change(second, Basis::Any, &taken).await.map(|_| ())
    }] {
        let Err(HandInError::Article(ArticleError::Invalid(errors))) = done else { panic!("{done:?}") };
        assert_eq!(errors.field("slug").map(|message| message.key()), Some("error-slug-taken"));
    }
    let wanted = HandedIn { slug: Some("vier".into()), ..handed("Iets anders") };
    let (fourth, _) = program.hand_in("4", &wanted).await.expect("stored");
    assert_eq!(program.article(fourth).await.slug.as_str(), "vier");
    let nothing = program.change(ArticleId(987_654), Basis::Any, &handed("X")).await;
    assert!(matches!(nothing, Err(HandInError::Article(ArticleError::NotFound))), "{nothing:?}");
    assert_eq!(program.article(first).await.version, 1);
});
