//! Mails to those who work at the desk, about their accounts. They come in the name of a newsletter, which has the
//! sender and the postal address that every mail needs.
//!
//! The link of an invitation, and of a forgotten password, is the slot [`Slot::PreferencesUrl`]: it is put in when the
//! mail is sent, so that nothing that is stored opens anything.
//!
//! [`Slot::PreferencesUrl`]: super::slot::Slot::PreferencesUrl

use askama::Template;

use super::render::{Frame, RenderError, RenderedMail, clean_subject, inline, tidy_text, zone};
use super::slot::clean_line;
use crate::model::{Language, Newsletter, Timestamp};

/// "Choose a password": an invitation, or for a password that was forgotten.
#[derive(Debug, Clone, Copy)]
pub struct LinkView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    /// Who invites; empty: the operator, or nobody.
    pub by: &'a str,
    pub asked_at: Timestamp,
    pub valid_until: Timestamp,
}

/// Renders an invitation to the desk.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_invitation(view: &LinkView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = &Frame::new(view.newsletter, view.language);
    let until = frame.t.date_time(view.valid_until, zone(view.newsletter));
    let newsletter = frame.newsletter.as_str();
    let who = match clean_line(view.by) {
        by if by.is_empty() => frame.t.with("mail-invitation-who-nobody", "newsletter", newsletter),
        by => frame.t.with2("mail-invitation-who", "name", by, "newsletter", newsletter),
    };
    let (who, until) = (who.as_str(), until.as_str());
    Ok(RenderedMail {
        subject: clean_subject(&InvitationSubject { frame }.render()?),
        html: inline(&InvitationHtml { frame, who, until }.render()?)?,
        text: tidy_text(&InvitationText { frame, who, until }.render()?),
    })
}

/// Renders the way to another password.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_password_reset(view: &LinkView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = &Frame::new(view.newsletter, view.language);
    let zone = zone(view.newsletter);
    let until = frame.t.date_time(view.valid_until, zone);
    let who = frame.t.with("mail-reset-who", "date", frame.t.date_time(view.asked_at, zone));
    let (who, until) = (who.as_str(), until.as_str());
    Ok(RenderedMail {
        subject: clean_subject(&ResetSubject { frame }.render()?),
        html: inline(&ResetHtml { frame, who, until }.render()?)?,
        text: tidy_text(&ResetText { frame, who, until }.render()?),
    })
}

/// What somebody should know about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice<'a> {
    /// Which passkeys and API keys work as before; empty: there is none.
    PasswordChanged(&'a str),
    /// From a browser that was not seen before: which one, in words.
    NewLogin(&'a str),
    FactorOn,
    FactorOff,
    /// Instead of the authenticator: how many are left.
    CodeUsed(i64),
    /// Whoever typed them has the password.
    CodesRefused,
    /// New ones in place of the old.
    CodesMade,
    /// Of the API: its name.
    KeyMade(&'a str),
    /// With which provider.
    IdentityLinked(&'a str),
    IdentityCut(&'a str),
    /// How it is called.
    PasskeyAdded(&'a str),
    PasskeyRemoved(&'a str),
    /// There may be two of it, and it was refused.
    PasskeyCopied(&'a str),
    /// To owners: who.
    PersonInvited(&'a str),
    /// To owners: who may do everything now.
    OwnerAdded(&'a str),
}

impl Notice<'_> {
    /// Every kind, for tests.
    pub const SAMPLES: [Notice<'static>; 16] = [
        Notice::PasswordChanged(""),
        Notice::PasswordChanged("Laptop, Blog"),
        Notice::NewLogin("Firefox, Linux"),
        Notice::FactorOn,
        Notice::FactorOff,
        Notice::CodeUsed(9),
        Notice::CodesRefused,
        Notice::CodesMade,
        Notice::KeyMade("Blog"),
        Notice::IdentityLinked("Example Company"),
        Notice::IdentityCut("Example Company"),
        Notice::PasskeyAdded("Laptop"),
        Notice::PasskeyRemoved("Laptop"),
        Notice::PasskeyCopied("Laptop"),
        Notice::PersonInvited("Bo"),
        Notice::OwnerAdded("Bo"),
    ];

    pub const fn key(self) -> &'static str {
        match self {
            Self::PasswordChanged(_) => "password",
            Self::NewLogin(_) => "login",
            Self::FactorOn => "factor-on",
            Self::FactorOff => "factor-off",
            Self::CodeUsed(_) => "code",
            Self::CodesRefused => "codes-refused",
            Self::CodesMade => "codes",
            Self::KeyMade(_) => "key",
            Self::IdentityLinked(_) => "identity",
            Self::IdentityCut(_) => "identity-cut",
            Self::PasskeyAdded(_) => "passkey",
            Self::PasskeyRemoved(_) => "passkey-removed",
            Self::PasskeyCopied(_) => "passkey-copied",
            Self::PersonInvited(_) => "invited",
            Self::OwnerAdded(_) => "owner",
        }
    }

    /// Whether it is to those who answer for the desk, and not to the person.
    pub const fn is_for_owners(self) -> bool {
        matches!(self, Self::PersonInvited(_) | Self::OwnerAdded(_))
    }
}

#[derive(Debug, Clone, Copy)]
pub struct NoticeView<'a> {
    pub newsletter: &'a Newsletter,
    pub language: Language,
    pub notice: Notice<'a>,
    pub at: Timestamp,
    /// Where one looks.
    pub url: &'a str,
}

/// Renders a notice.
///
/// # Errors
/// [`RenderError`] when a template fails, which the tests exclude.
pub fn render_account_notice(view: &NoticeView<'_>) -> Result<RenderedMail, RenderError> {
    let frame = &Frame::new(view.newsletter, view.language);
    let t = frame.t;
    let at = t.date_time(view.at, zone(view.newsletter));
    let key = view.notice.key();
    let title = t.text(&format!("mail-notice-{key}-title"));
    let what = format!("mail-notice-{key}-what");
    let what = match view.notice {
        Notice::NewLogin(detail)
        | Notice::KeyMade(detail)
        | Notice::IdentityLinked(detail)
        | Notice::IdentityCut(detail)
        | Notice::PasskeyAdded(detail)
        | Notice::PasskeyRemoved(detail)
        | Notice::PasskeyCopied(detail)
        | Notice::PersonInvited(detail)
        | Notice::OwnerAdded(detail) => t.with2(&what, "at", at, "detail", clean_line(detail)),
        Notice::PasswordChanged(kept) if !kept.is_empty() => {
            let kept = t.with("mail-notice-password-kept", "detail", clean_line(kept));
            format!("{} {kept}", t.with(&what, "at", at))
        }
        Notice::CodeUsed(left) => t.with2(&what, "at", at, "left", left),
        _ => t.with(&what, "at", at),
    };
    let advice = match view.notice.is_for_owners() {
        true => t.text("mail-notice-advice-owner"),
        false => t.text("mail-notice-advice"),
    };
    let (title, what, advice, url) = (title.as_str(), what.as_str(), advice.as_str(), view.url);
    Ok(RenderedMail {
        subject: clean_subject(&NoticeSubject { title }.render()?),
        html: inline(&NoticeHtml { frame, title, what, advice, url }.render()?)?,
        text: tidy_text(&NoticeText { frame, title, what, advice, url }.render()?),
    })
}

#[derive(Template)]
#[template(path = "invitation/subject.txt")]
struct InvitationSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "invitation/body.html")]
struct InvitationHtml<'a> {
    frame: &'a Frame,
    who: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "invitation/body.txt")]
struct InvitationText<'a> {
    frame: &'a Frame,
    who: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "password_reset/subject.txt")]
struct ResetSubject<'a> {
    frame: &'a Frame,
}

#[derive(Template)]
#[template(path = "password_reset/body.html")]
struct ResetHtml<'a> {
    frame: &'a Frame,
    who: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "password_reset/body.txt")]
struct ResetText<'a> {
    frame: &'a Frame,
    who: &'a str,
    until: &'a str,
}

#[derive(Template)]
#[template(path = "account_notice/subject.txt")]
struct NoticeSubject<'a> {
    title: &'a str,
}

#[derive(Template)]
#[template(path = "account_notice/body.html")]
struct NoticeHtml<'a> {
    frame: &'a Frame,
    title: &'a str,
    what: &'a str,
    advice: &'a str,
    url: &'a str,
}

#[derive(Template)]
#[template(path = "account_notice/body.txt")]
struct NoticeText<'a> {
    frame: &'a Frame,
    title: &'a str,
    what: &'a str,
    advice: &'a str,
    url: &'a str,
}
