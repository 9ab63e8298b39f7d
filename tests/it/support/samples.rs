//! Rows for tests: written through the store, at [`NOW`], with as little to say as possible.

use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{
    Article, EmailAddress, Grant, Issue, Language, Mailing, MailingId, Move, Newsletter, NewsletterId,
    PauseReason, Role, Slug, Subscription, Timestamp, UncertainPolicy, User, WorkerId,
};
use postiljon::store::articles::ArticleText;
use postiljon::store::deliveries::{Birth, Newborn, Recipient};
use postiljon::store::issues::IssueText;
use postiljon::store::{
    Store, Tx, articles, deliveries, grants, issues, mailings, newsletters, subscribers, subscriptions, users,
};

use super::database::change;

/// When everything here was made: 1 January 2026, noon UTC.
pub const NOW: Timestamp = Timestamp::from_millis(1_767_268_800_000);

/// So many milliseconds after [`NOW`]; before it when negative.
pub const fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(NOW.as_millis() + millis)
}

pub fn slug(text: &str) -> Slug {
    Slug::parse(text).expect("a slug")
}

pub fn address(text: &str) -> EmailAddress {
    text.parse().expect("an address")
}

pub fn new_newsletter(name: &str) -> NewNewsletter {
    NewNewsletter {
        slug: slug(name),
        name: name.to_uppercase(),
        description: "Voor wie leidt.".into(),
        language: Language::Dutch,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: address("insights@meridiaan.example"),
        reply_to: None,
        postal_address: "Kaai 1\n1000 Brussel".into(),
        brand_color: "#0f766e".into(),
        logo_url: String::new(),
        on_uncertain: UncertainPolicy::Resend,
    }
}

/// A newsletter in Dutch that sends again what is uncertain; `name` is its slug.
pub async fn newsletter(store: &Store, name: &str) -> Newsletter {
    change!(store, |tx| newsletters::insert(tx, &new_newsletter(name), NOW))
}

/// Someone who asked for a newsletter, `reader<n>@example.org`, and has not confirmed.
pub async fn pending(store: &Store, newsletter: NewsletterId, n: usize) -> Subscription {
    pending_at(store, newsletter, &format!("reader{n}@example.org")).await
}

/// The same with an address.
pub async fn pending_at(store: &Store, newsletter: NewsletterId, at: &str) -> Subscription {
    let mut tx = store.begin().await.expect("a transaction");
    let address = address(at);
    let name = format!("Name of {}", address.local());
    let subscriber = subscribers::find_or_insert(&mut tx, &address, &name, Language::Dutch, NOW)
        .await
        .expect("a subscriber");
    let subscription =
        subscriptions::find_or_insert(&mut tx, subscriber.id, newsletter, Language::Dutch, NOW)
            .await
            .expect("a subscription");
    tx.commit().await.expect("committed");
    subscription
}

/// A confirmed subscription of `reader<n>@example.org`.
pub async fn confirmed(store: &Store, newsletter: NewsletterId, n: usize) -> Subscription {
    let subscription = pending(store, newsletter, n).await;
    change!(store, |tx| subscriptions::confirm(tx, subscription.id, Language::Dutch, NOW));
    subscription
}

/// Someone who works with the desk, in Dutch.
pub async fn user(store: &Store, at: &str) -> User {
    let user = change!(store, |tx| users::insert(tx, &address(at), "An", Language::Dutch, "hash", NOW));
    change!(store, |tx| grants::set(tx, user.id, &[Grant::of_all(Role::Owner)]));
    user
}

pub fn article_text(name: &str) -> ArticleText {
    ArticleText {
        slug: slug(name),
        language: Language::Dutch,
        title: format!("Over {name}"),
        author: "An Peeters".into(),
        teaser: "Kort.".into(),
        body: format!("Alles over *{name}*."),
        canonical_url: String::new(),
    }
}

/// A draft; `name` is its slug.
pub async fn article(store: &Store, name: &str) -> Article {
    change!(store, |tx| articles::insert(tx, &article_text(name), NOW))
}

pub fn issue_text(subject: &str) -> IssueText {
    IssueText {
        subject: subject.into(),
        preheader: "Deze week".into(),
        intro: "Dag.".into(),
        ..IssueText::default()
    }
}

/// An issue without articles.
pub async fn issue(store: &Store, newsletter: NewsletterId) -> Issue {
    change!(store, |tx| issues::insert(tx, newsletter, &issue_text("Nieuws"), NOW))
}

/// A new issue of a newsletter, scheduled for [`NOW`].
pub async fn scheduled(store: &Store, newsletter: NewsletterId) -> Mailing {
    let issue = issue(store, newsletter).await;
    change!(store, |tx| mailings::insert(tx, issue.id, newsletter, NOW, NOW))
}

/// The same, and begun: its audience is who is confirmed at this moment.
pub async fn sending(store: &Store, newsletter: NewsletterId) -> Mailing {
    let mailing = scheduled(store, newsletter).await;
    change!(store, |tx| mailings::start(tx, mailing.id, NOW)).expect("begun")
}

/// Claims the next of a mailing's audience, as the feeder does for one destination that takes everything.
pub async fn claim_next(
    tx: &mut Tx,
    mailing: &Mailing,
    worker: WorkerId,
    limit: i64,
    now: Timestamp,
) -> postiljon::store::Result<Vec<Recipient>> {
    let mut found = deliveries::candidates(tx.db(), mailing, limit).await?;
    let is_full = i64::try_from(found.len()).expect("few") >= limit;
    let end = found.last().filter(|_| is_full).map_or(mailing.audience_end, |last| last.subscription_id);
    let newborns: Vec<_> = found
        .iter()
        .map(|recipient| Newborn {
            subscriber_id: recipient.subscriber_id,
            destination: "other",
            birth: Birth::Claimed,
        })
        .collect();
    let inserted = deliveries::insert(tx, mailing.id, worker, &newborns, now).await?;
    found.retain(|recipient| inserted.contains(&recipient.subscriber_id));
    mailings::advance(tx, mailing.id, end).await?;
    Ok(found)
}

/// Cancels a mailing; `false` when that is too late.
pub async fn cancel(tx: &mut Tx, id: MailingId, now: Timestamp) -> postiljon::store::Result<bool> {
    Ok(mailings::make_move(tx, id, Move::Cancel, PauseReason::User, now).await?.is_some())
}
