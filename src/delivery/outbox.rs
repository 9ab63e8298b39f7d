//! Sends single mails: confirmations, answers, tests. They take the same relay and session as mailings, and
//! wait behind one message of them at most.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::watch;

use super::engine::Shared;
use super::retry::OUTBOX;
use crate::keys::Purpose;
use crate::mail::headers::{self, Headers};
use crate::mail::render::{AlreadySubscribedView, ConfirmView, render_already_subscribed, render_confirm};
use crate::mail::reply::Verdict;
use crate::mail::smtp::{Attempt, Outgoing};
use crate::mail::template::{Recipient as Filling, Source, Template};
use crate::model::{EmailAddress, Newsletter, OutboxKind, OutboxMail, OutboxStatus, Subscription};
use crate::store::{Result, StoreError, newsletters, outbox, outbox_contents, subscribers, subscriptions};

/// Mails claimed and sent at once.
const BATCH: i64 = 10;
/// Longest wait: another process may have written something.
const WAIT_MAX: Duration = Duration::from_secs(2);
const WAIT_MIN: Duration = Duration::from_millis(20);
/// How long a confirmation link works; it says so in the mail.
const CONFIRM_VALID: Duration = Duration::from_secs(7 * 24 * 3600);
/// A mail that may have arrived is sent again so often.
const ATTEMPTS_IN_DOUBT_MAX: i64 = 2;

pub async fn run(shared: Arc<Shared>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        let wait = match round(&shared, &mut stop).await {
            Ok(true) => continue,
            Ok(false) => until_next(&shared).await.unwrap_or(WAIT_MAX),
            Err(error) => {
                tracing::warn!(cause = %error, "the outbox found no database; trying again");
                WAIT_MAX
            }
        };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            () = shared.wake_outbox.notified() => {}
            _ = stop.wait_for(|stop| *stop) => {}
        }
    }
}

/// Sends what is due; `true` when there was something.
async fn round(shared: &Shared, stop: &mut watch::Receiver<bool>) -> Result<bool> {
    tokio::select! {
        () = shared.relay.wait_until_usable() => {}
        _ = stop.wait_for(|stop| *stop) => return Ok(false),
    }
    if !shared.lease.is_valid() {
        return Ok(false);
    }
    let mut tx = shared.store.begin().await?;
    let mails = outbox::claim(&mut tx, shared.worker, BATCH, shared.clock.now()).await?;
    tx.commit().await?;
    let results = join_all(mails.iter().map(|mail| send(shared, mail))).await;
    for (mail, result) in mails.iter().zip(results) {
        if let Err(error) = result {
            tracing::error!(mail = %mail.id, cause = %error, "a single mail could not be sent");
            let later = shared.clock.now().plus(OUTBOX.first);
            let mut tx = shared.store.begin().await?;
            outbox::put_back(&mut tx, mail.id, shared.worker, 1, later, "").await?;
            tx.commit().await?;
        }
    }
    Ok(!mails.is_empty())
}

async fn until_next(shared: &Shared) -> Result<Duration> {
    let mut reader = shared.store.read().await?;
    let next = outbox::next_due(reader.db()).await?;
    Ok(next.map_or(WAIT_MAX, |next| next.since(shared.clock.now())).clamp(WAIT_MIN, WAIT_MAX))
}

#[derive(Debug, thiserror::Error)]
enum MailError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Render(#[from] crate::mail::render::RenderError),
    #[error(transparent)]
    Template(#[from] crate::mail::template::TemplateError),
}

/// A mail that is ready for the wire.
struct Ready {
    newsletter: Newsletter,
    to: EmailAddress,
    bytes: Vec<u8>,
}

async fn send(shared: &Shared, mail: &OutboxMail) -> std::result::Result<(), MailError> {
    let Some(ready) = compose(shared, mail).await? else {
        // The person has left or was erased: there is nobody to write to.
        return finish(shared, mail, OutboxStatus::Expired, "").await;
    };
    let envelope_from = shared.settings.bounce_address.as_ref().unwrap_or(&ready.newsletter.sender_address);
    let outgoing = Outgoing { envelope_from: Some(envelope_from), to: &ready.to, bytes: &ready.bytes };
    match shared.relay.send(&outgoing).await {
        Ok(Attempt::Accepted(reply)) => finish(shared, mail, OutboxStatus::Sent, &reply.to_string()).await,
        Ok(Attempt::Refused { reply, .. }) if reply.classify() == Verdict::Bounced => {
            finish(shared, mail, OutboxStatus::Bounced, &reply.to_string()).await
        }
        Ok(Attempt::Refused { reply, .. }) => later(shared, mail, &reply.to_string()).await,
        Ok(Attempt::Lost { reason, .. }) => later(shared, mail, &reason).await,
        Ok(Attempt::Uncertain(reason)) => {
            // Two confirmations harm nobody, none loses a reader; a test can be asked for again.
            let is_confirmation = mail.kind == OutboxKind::Confirm;
            if is_confirmation && mail.attempts + 1 < ATTEMPTS_IN_DOUBT_MAX {
                later(shared, mail, &reason).await
            } else {
                finish(shared, mail, OutboxStatus::Uncertain, &reason).await
            }
        }
        Err(unreachable) => {
            shared.warn_unreachable(&unreachable);
            put_back(shared, mail, 0, shared.clock.now(), "").await
        }
    }
}

async fn finish(
    shared: &Shared,
    mail: &OutboxMail,
    status: OutboxStatus,
    reply: &str,
) -> std::result::Result<(), MailError> {
    let mut tx = shared.store.begin().await?;
    outbox::finish(&mut tx, mail.id, shared.worker, status, reply, shared.clock.now()).await?;
    Ok(tx.commit().await?)
}

async fn later(shared: &Shared, mail: &OutboxMail, reply: &str) -> std::result::Result<(), MailError> {
    let spread = u64::try_from(mail.id.0).unwrap_or(0).wrapping_mul(7);
    match OUTBOX.next(mail.attempts + 1, mail.created_at, shared.clock.now(), spread) {
        Some(due_at) => put_back(shared, mail, 1, due_at, reply).await,
        None => finish(shared, mail, OutboxStatus::Expired, reply).await,
    }
}

async fn put_back(
    shared: &Shared,
    mail: &OutboxMail,
    attempts: i64,
    due_at: crate::model::Timestamp,
    reply: &str,
) -> std::result::Result<(), MailError> {
    let mut tx = shared.store.begin().await?;
    outbox::put_back(&mut tx, mail.id, shared.worker, attempts, due_at, reply).await?;
    Ok(tx.commit().await?)
}

/// Writes the mail; `None` when there is nobody to write to any more.
async fn compose(shared: &Shared, mail: &OutboxMail) -> std::result::Result<Option<Ready>, MailError> {
    let mut reader = shared.store.read().await?;
    let Some(newsletter) = newsletters::by_id(reader.db(), mail.newsletter_id).await? else {
        return Ok(None);
    };
    if mail.kind == OutboxKind::Test {
        drop(reader);
        return compose_test(shared, mail, newsletter).await;
    }
    let Some(id) = mail.subscription_id else { return Ok(None) };
    let Some(subscription) = subscriptions::by_id(reader.db(), id).await? else { return Ok(None) };
    let Some(subscriber) = subscribers::by_id(reader.db(), subscription.subscriber_id).await? else {
        return Ok(None);
    };
    drop(reader);
    let (rendered, headers) = match mail.kind {
        OutboxKind::AlreadySubscribed => {
            let view = AlreadySubscribedView {
                newsletter: &newsletter,
                language: mail.language,
                asked_at: mail.created_at,
            };
            (render_already_subscribed(&view)?, headers::already_subscribed())
        }
        OutboxKind::Confirm | OutboxKind::Test => {
            let token = shared.keys.derive_token(Purpose::Confirm, &mail.nonce);
            let view = ConfirmView {
                newsletter: &newsletter,
                language: mail.language,
                confirm_url: &format!("{}/confirm/{token}", shared.settings.public_url),
                asked_at: mail.created_at,
                valid_until: mail.created_at.plus(CONFIRM_VALID),
            };
            (render_confirm(&view)?, headers::confirm())
        }
    };
    let content = [&rendered.subject, &rendered.text, &rendered.html].map(String::as_str);
    let bytes = fill(shared, mail, &newsletter, &subscriber.address, content, &headers, Some(&subscription))?;
    Ok(Some(Ready { newsletter, to: subscriber.address, bytes }))
}

/// An issue as it will arrive, under the subject that it will have.
async fn compose_test(
    shared: &Shared,
    mail: &OutboxMail,
    newsletter: Newsletter,
) -> std::result::Result<Option<Ready>, MailError> {
    let mut reader = shared.store.read().await?;
    let content = outbox_contents::of_outbox(reader.db(), mail.id).await?;
    drop(reader);
    let (Some(to), Some(content)) = (mail.to_address.clone(), content) else { return Ok(None) };
    let parts = [&content.subject, &content.text, &content.html].map(String::as_str);
    let bytes = fill(shared, mail, &newsletter, &to, parts, &headers::test(), None)?;
    Ok(Some(Ready { newsletter, to, bytes }))
}

fn fill(
    shared: &Shared,
    mail: &OutboxMail,
    newsletter: &Newsletter,
    to: &EmailAddress,
    [subject, text, html]: [&str; 3],
    headers: &Headers,
    subscription: Option<&Subscription>,
) -> std::result::Result<Vec<u8>, crate::mail::template::TemplateError> {
    let template = Template::compile(&Source {
        sender_name: &newsletter.sender_name,
        sender: &newsletter.sender_address,
        reply_to: newsletter.reply_to.as_ref(),
        subject,
        text,
        html,
        headers,
    })?;
    let link = subscription.map(|subscription| shared.keys.sign_link(Purpose::Unsubscribe, subscription.id));
    // A test goes to a colleague, who has nothing to leave: its link shows the page that says so.
    let url = shared.settings.unsubscribe_url(link.as_deref().unwrap_or("test"));
    let mailto = link.as_deref().and_then(|link| shared.settings.unsubscribe_mailto(link));
    Ok(template.fill(&Filling {
        to,
        name: "",
        message_id: &mail.message_uuid.simple().to_string(),
        date: mail.created_at,
        unsubscribe_url: &url,
        unsubscribe_mailto: mailto.as_deref(),
    }))
}
