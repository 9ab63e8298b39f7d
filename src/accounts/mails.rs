//! Mails about accounts, put into the outbox in the transaction of their cause.

use super::Desk;
use crate::keys::{self, NoRandomness, Purpose, TOKEN_OCTETS, token_hash};
use crate::mail::accounts::{
    LinkView, Notice, NoticeView, render_account_notice, render_invitation, render_password_reset,
};
use crate::mail::render::RenderedMail;
use crate::model::{Grant, LinkPurpose, Newsletter, Permission, Timestamp, User, UserId};
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::{self, Result, Tx, account_links, api_keys, grants, newsletters, passkeys, users};

/// In whose name mails to a person come: the first newsletter that they have to do with. `None` while there is none.
async fn newsletter_for(tx: &mut Tx, theirs: &[Grant]) -> Result<Option<Newsletter>> {
    let mut all = newsletters::all(tx.db()).await?;
    let place = |newsletter: &Newsletter| {
        theirs.iter().any(|grant| grant.newsletter_id.is_none_or(|id| id == newsletter.id))
    };
    let at = all.iter().position(place).unwrap_or(0);
    Ok((at < all.len()).then(|| all.swap_remove(at)))
}

async fn queue(
    tx: &mut Tx,
    newsletter: &Newsletter,
    user: &User,
    rendered: RenderedMail,
    nonce: &[u8],
    now: Timestamp,
) -> Result<()> {
    let RenderedMail { subject, html, text } = rendered;
    let to = ToUser { user, newsletter: newsletter.id, issue: None, nonce };
    write_to_user(tx, to, &WrittenMail { subject, html, text }, now).await
}

#[derive(Debug, thiserror::Error)]
pub(super) enum LinkError {
    /// Mail is sent in the name of a newsletter.
    #[error("there is no newsletter yet in whose name a mail could be sent")]
    NoNewsletter,
    #[error(transparent)]
    Randomness(#[from] NoRandomness),
    #[error(transparent)]
    Store(#[from] store::StoreError),
}

/// A link that is worth a password, in place of the one of its kind before, and the mail that holds it. The mail is
/// written also where it is `for_show`, and thrown away: an address that is nobody's takes as long.
pub(super) async fn send_link(
    tx: &mut Tx,
    desk: Desk<'_>,
    user: &User,
    purpose: LinkPurpose,
    valid_until: Timestamp,
    for_show: bool,
) -> std::result::Result<(), LinkError> {
    let now = desk.clock.now();
    let theirs = grants::of_user(tx.db(), user.id).await?;
    let newsletter = newsletter_for(tx, &theirs).await?.ok_or(LinkError::NoNewsletter)?;
    let nonce = keys::random::<TOKEN_OCTETS>()?;
    let token = desk.keys.derive_token(Purpose::AccountLink, &nonce);
    let hash = token_hash(&token).ok_or(NoRandomness)?;
    let by = tx.actor().name().to_owned();
    let view =
        LinkView { newsletter: &newsletter, language: user.language, by: &by, asked_at: now, valid_until };
    let rendered = match purpose {
        LinkPurpose::Invite => render_invitation(&view),
        LinkPurpose::Reset => render_password_reset(&view),
    };
    let rendered = match rendered {
        Ok(rendered) => rendered,
        Err(error) => {
            tracing::error!(%error, "a mail about an account could not be written");
            return Ok(());
        }
    };
    if for_show {
        return Ok(());
    }
    account_links::set(tx, user.id, purpose, &hash, now, valid_until).await?;
    queue(tx, &newsletter, user, rendered, &nonce, now).await?;
    Ok(())
}

/// Tells somebody that the password is another, and which passkeys and API keys work as before: whoever had the old one may
/// have made them.
pub(super) async fn tell_of_password(tx: &mut Tx, desk: Desk<'_>, user: UserId) -> Result<()> {
    let passkeys = passkeys::of_user(tx.db(), user).await?.into_iter().map(|passkey| passkey.name);
    let keys = api_keys::of_user(tx.db(), user).await?.into_iter().map(|key| key.name);
    let kept: Vec<String> = passkeys.chain(keys).collect();
    tell(tx, desk, user, Notice::PasswordChanged(&kept.join(", "))).await
}

/// Tells somebody about their account, or the owners about somebody. Without a newsletter nobody is told: there is no
/// sender.
pub(super) async fn tell(tx: &mut Tx, desk: Desk<'_>, about: UserId, notice: Notice<'_>) -> Result<()> {
    let now = desk.clock.now();
    let told = if notice.is_for_owners() {
        users::who_may(tx.db(), Permission::ManagePeople, None).await?
    } else {
        users::by_id(tx.db(), about).await?.into_iter().filter(User::is_active).collect()
    };
    let page = if notice.is_for_owners() { "people" } else { "account" };
    let url = format!("{}/admin/{page}", desk.public_url.trim_end_matches('/'));
    for user in told {
        let theirs = grants::of_user(tx.db(), user.id).await?;
        let Some(newsletter) = newsletter_for(tx, &theirs).await? else { return Ok(()) };
        let view =
            NoticeView { newsletter: &newsletter, language: user.language, notice, at: now, url: &url };
        match render_account_notice(&view) {
            Ok(rendered) => queue(tx, &newsletter, &user, rendered, &[], now).await?,
            // What was done matters more than the words about it.
            Err(error) => tracing::error!(%error, "a notice could not be written"),
        }
    }
    Ok(())
}
