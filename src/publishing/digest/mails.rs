//! What is written to those who work with digests: the proposal, and what became of it when it did not go.

use super::run::{Desk, TickError};
use crate::i18n::Texts;
use crate::keys::{self, Purpose, TOKEN_OCTETS, token_hash};
use crate::mail::note::{Above, NoteView, TOKEN, put_above, render_note};
use crate::mail::render::{RenderError, RenderedMail};
use crate::model::{
    DigestPolicy, DigestRule, DigestRun, Newsletter, Permission, RunReason, RunState, Timestamp, User,
};
use crate::publishing::approval::content_of;
use crate::publishing::compose::{Composed, compose};
use crate::publishing::schedule::zone_of;
use crate::store::digests::HadBySome;
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::{StoreError, Tx, digest_runs, digests, newsletters, users};

/// Most users who are written to.
const USERS_MAX: usize = 100;

/// Most articles of which a proposal says that some readers have them.
const HAD_MAX: i64 = 10;

/// What a mail is about.
#[derive(Debug, Clone, Copy)]
pub struct Post<'a> {
    pub desk: Desk<'a>,
    pub rule: &'a DigestRule,
    pub run: &'a DigestRun,
}

/// Those who may approve what a rule makes.
async fn approvers(tx: &mut Tx, rule: &DigestRule) -> Result<Vec<User>, StoreError> {
    let mut all = users::who_may(tx.db(), Permission::ApproveIssues, Some(rule.newsletter_id)).await?;
    all.truncate(USERS_MAX);
    Ok(all)
}

/// Sends the issue, as it will arrive, to everybody who may approve it, with links of their own.
///
/// # Errors
/// Of the database, or when the system has no randomness to give.
pub async fn proposal(
    desk: Desk<'_>,
    tx: &mut Tx,
    rule: &DigestRule,
    run: &DigestRun,
    now: Timestamp,
) -> Result<(), TickError> {
    let Some(issue) = run.issue_id else { return Ok(()) };
    let Some(composed) = compose(tx.db(), issue, run.due_at, desk.public_url).await? else { return Ok(()) };
    digest_runs::set_proposed(tx, run.id, &content_of(&composed)).await?;
    let had = digests::had_by_some(tx.db(), rule, issue, HAD_MAX).await?;
    let post = Post { desk, rule, run };
    for user in approvers(tx, rule).await? {
        let nonce = keys::random::<TOKEN_OCTETS>()?;
        let token = desk.keys.derive_token(Purpose::Digest, &nonce);
        let Some(hash) = token_hash(&token) else { continue };
        let rendered = match render_proposal(post, &composed, &had, &user) {
            Ok(rendered) => rendered,
            Err(error) => {
                tracing::error!(%error, "the proposal of a digest could not be written");
                continue;
            }
        };
        digest_runs::insert_token(tx, &hash, run.id, user.id, now).await?;
        put(tx, post, &user, rendered, &nonce, now).await?;
    }
    Ok(())
}

/// The words that say when it goes, and what makes it go.
pub fn when_words(t: Texts, newsletter: &Newsletter, rule: &DigestRule, run: &DigestRun) -> String {
    let moment = t.date_time(run.due_at, zone_of(newsletter));
    match rule.policy {
        DigestPolicy::UnlessStopped => t.with("digest-mail-unless-stopped", "moment", moment),
        DigestPolicy::IfApproved => t.with("digest-mail-if-approved", "moment", moment),
    }
}

fn render_proposal(
    post: Post<'_>,
    composed: &Composed,
    had: &[HadBySome],
    user: &User,
) -> Result<RenderedMail, RenderError> {
    let t = Texts::new(user.language);
    let Post { desk, rule, run } = post;
    let newsletter = &composed.newsletter;
    let page = format!("{}/digest/{TOKEN}", desk.public_url);
    let mut lines = vec![when_words(t, newsletter, rule, run)];
    if newsletter.needs_approval {
        lines.push(t.text("digest-mail-four-eyes"));
    }
    let twice = |one: &HadBySome| {
        t.with2("digest-mail-had", "title", one.title.as_str(), "number", one.number.to_string())
    };
    lines.extend(had.iter().map(twice));
    let faults: Vec<String> =
        composed.findings.iter().filter(|finding| finding.blocks()).map(|f| f.in_words(t)).collect();
    if !faults.is_empty() {
        lines.push(t.text("digest-mail-faults"));
        lines.extend(faults);
    }
    let subject = t.with2(
        "digest-mail-subject",
        "name",
        rule.name.as_str(),
        "subject",
        crate::mail::slot::line_for_anyone(&composed.issue.subject, &newsletter.name),
    );
    let Ok(rendered) = &composed.rendered else {
        let title = t.with("digest-mail-title", "name", rule.name.as_str());
        let button = t.text("digest-mail-look");
        return render_note(&NoteView {
            newsletter,
            language: user.language,
            subject: &subject,
            title: &title,
            lines: &lines,
            button: &button,
            url: &page,
        });
    };
    let issue = format!("{}/admin/issues/{}", desk.public_url, composed.issue.id);
    let links = [
        (t.text("digest-mail-approve"), format!("{page}?do=approve")),
        (t.text("digest-mail-edit"), issue),
        (t.text("digest-mail-skip"), format!("{page}?do=skip")),
    ];
    let issue = RenderedMail { subject, html: rendered.html.clone(), text: rendered.text.clone() };
    Ok(put_above(issue, &Above { lines: &lines, links: &links }))
}

/// Tells everybody who works with it that a digest did not go, and why.
///
/// # Errors
/// Of the database.
pub async fn outcome(
    tx: &mut Tx,
    post: Post<'_>,
    state: RunState,
    reason: RunReason,
    now: Timestamp,
) -> Result<(), StoreError> {
    let Some(newsletter) = newsletters::by_id(tx.db(), post.rule.newsletter_id).await? else { return Ok(()) };
    let url = match post.run.issue_id {
        Some(issue) => format!("{}/admin/issues/{issue}", post.desk.public_url),
        None => format!("{}/admin/newsletters/{}/digests", post.desk.public_url, newsletter.id),
    };
    for user in approvers(tx, post.rule).await? {
        let t = Texts::new(user.language);
        let key = if state == RunState::Failed { "digest-mail-failed" } else { "digest-mail-skipped" };
        let subject = t.with(key, "name", post.rule.name.as_str());
        let rest =
            if state == RunState::Failed { "digest-mail-failed-what" } else { "digest-mail-skipped-what" };
        let lines = [t.text(&format!("digest-reason-{reason}")), t.text(rest)];
        let button = t.text("digest-mail-look");
        let rendered = render_note(&NoteView {
            newsletter: &newsletter,
            language: user.language,
            subject: &subject,
            title: &subject,
            lines: &lines,
            button: &button,
            url: &url,
        });
        match rendered {
            Ok(rendered) => put(tx, post, &user, rendered, &[], now).await?,
            // The decision matters more than the words about it.
            Err(error) => tracing::error!(%error, "a note about a digest could not be written"),
        }
    }
    Ok(())
}

async fn put(
    tx: &mut Tx,
    post: Post<'_>,
    user: &User,
    rendered: RenderedMail,
    nonce: &[u8],
    now: Timestamp,
) -> Result<(), StoreError> {
    let RenderedMail { subject, html, text } = rendered;
    let to = ToUser { user, newsletter: post.rule.newsletter_id, issue: post.run.issue_id, nonce };
    write_to_user(tx, to, &WrittenMail { subject, html, text }, now).await
}
