//! The forms of a newsletter: adding, changing and archiving them. Each change is a new version, and consents
//! say which one they were given on.

use super::typed::{line, lines};
use crate::clock::Clock;
use crate::i18n::{FieldErrors, Message};
use crate::mail::slot::clean_line;
use crate::model::{Act, DisposablePolicy, FieldId, Form, FormId, NewsletterId, Permission, ProofPolicy};
use crate::store::forms::{self as table, FormRules};
use crate::store::{Store, StoreError, Tx, fields, form_fields, newsletters};

/// Most forms of a newsletter that are not archived.
const FORMS_MAX: usize = 100;
const NAME_MAX_CHARS: usize = 100;
/// Most websites of one form.
const ORIGINS_MAX: usize = 20;
/// Longest URL: what every browser takes.
const URL_MAX_CHARS: usize = 2000;

/// A form as typed at the desk.
#[derive(Debug, Clone, Default)]
pub struct FormInput {
    pub name: String,
    /// One a line; any address of the website will do.
    pub allowed_origins: String,
    /// Empty: to our page.
    pub redirect_url: String,
    pub disposable_policy: String,
    pub proof_policy: String,
    /// What it asks, in its order, and whether an answer is needed.
    pub asked: Vec<(FieldId, bool)>,
}

#[derive(Debug, thiserror::Error)]
pub enum FormError {
    /// Fields: as in [`FormInput`].
    #[error(transparent)]
    Invalid(#[from] FieldErrors),
    #[error("there is no such form")]
    NotFound,
    /// Somebody else changed it in between.
    #[error("the form was changed in the meantime")]
    Conflict { theirs: Box<Form> },
    /// The form of a newsletter's own page cannot go.
    #[error("the form of the newsletter's own page stays")]
    IsDefault,
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Adds a form to a newsletter.
///
/// # Errors
/// [`FormError::Invalid`] names everything that is wrong.
pub async fn add_form(
    store: &Store,
    clock: &Clock,
    newsletter: NewsletterId,
    input: &FormInput,
) -> Result<Form, FormError> {
    store.permit(Permission::SetNewsletter, Some(newsletter))?;
    let mut tx = store.begin().await?;
    newsletters::by_id(tx.db(), newsletter).await?.ok_or(FormError::NotFound)?;
    let mut errors = FieldErrors::new();
    let rules = rules_of(&mut errors, input);
    check_asked(&mut tx, &mut errors, newsletter, input).await?;
    let others = table::of_newsletter(tx.db(), newsletter).await?;
    if others.iter().filter(|form| form.archived_at.is_none()).count() >= FORMS_MAX {
        errors.add("name", Message::new("error-too-many-forms"));
    }
    let rules = errors.or(rules)?;
    let form = table::insert(&mut tx, newsletter, &rules, clock.now()).await?;
    form_fields::replace(&mut tx, form.id, &input.asked).await?;
    tx.note(Act::FormAdded, Some(newsletter), form.id.0).await?;
    tx.commit().await?;
    Ok(form)
}

/// Changes a form over the version that the person began with.
///
/// # Errors
/// [`FormError::Conflict`] when someone else changed it in between; nothing is written then.
pub async fn change_form(
    store: &Store,
    clock: &Clock,
    id: FormId,
    version: i64,
    input: &FormInput,
) -> Result<Form, FormError> {
    let mut tx = store.begin().await?;
    let stored = table::by_id(tx.db(), id).await?.ok_or(FormError::NotFound)?;
    tx.permit(Permission::SetNewsletter, Some(stored.newsletter_id))?;
    let mut errors = FieldErrors::new();
    let rules = rules_of(&mut errors, input);
    check_asked(&mut tx, &mut errors, stored.newsletter_id, input).await?;
    let rules = errors.or(rules)?;
    let Some(form) = table::update(&mut tx, id, version, &rules, clock.now()).await? else {
        return Err(FormError::Conflict { theirs: Box::new(stored) });
    };
    form_fields::replace(&mut tx, id, &input.asked).await?;
    tx.note(Act::FormChanged, Some(stored.newsletter_id), id.0).await?;
    tx.commit().await?;
    Ok(form)
}

/// Archives a form, or brings it back. An archived one takes no sign-ups through any door.
///
/// # Errors
/// [`FormError::IsDefault`] for the form of a newsletter's own page.
pub async fn archive_form(
    store: &Store,
    clock: &Clock,
    id: FormId,
    is_archived: bool,
) -> Result<(), FormError> {
    let now = clock.now();
    let mut tx = store.begin().await?;
    let form = table::by_id(tx.db(), id).await?.ok_or(FormError::NotFound)?;
    tx.permit(Permission::SetNewsletter, Some(form.newsletter_id))?;
    if form.is_default {
        return Err(FormError::IsDefault);
    }
    if form.archived_at.is_some() != is_archived {
        table::set_archived(&mut tx, id, is_archived.then_some(now), now).await?;
        let act = if is_archived { Act::FormArchived } else { Act::FormRestored };
        tx.note(act, Some(form.newsletter_id), id.0).await?;
        tx.commit().await?;
    }
    Ok(())
}

/// A form asks fields of its own newsletter, each once.
async fn check_asked(
    tx: &mut Tx,
    errors: &mut FieldErrors,
    newsletter: NewsletterId,
    input: &FormInput,
) -> Result<(), FormError> {
    let known = fields::of_newsletter(tx.db(), newsletter).await?;
    let is_known = |id: FieldId| known.iter().any(|field| field.id == id && field.archived_at.is_none());
    let is_twice = |at: usize, id: FieldId| input.asked[..at].iter().any(|(other, _)| *other == id);
    if input.asked.iter().enumerate().any(|(at, (id, _))| !is_known(*id) || is_twice(at, *id)) {
        errors.add("asked", Message::new("error-asked"));
    }
    Ok(())
}

fn rules_of(errors: &mut FieldErrors, input: &FormInput) -> FormRules {
    let mut origins: Vec<String> = Vec::new();
    for typed in lines(&input.allowed_origins) {
        match origin_of(&typed) {
            Some(origin) if !origins.contains(&origin) => origins.push(origin),
            Some(_) => {}
            None => errors.add("allowed_origins", Message::new("error-origin").text("typed", short(&typed))),
        }
    }
    if origins.len() > ORIGINS_MAX {
        let most = i64::try_from(ORIGINS_MAX).unwrap_or(i64::MAX);
        errors.add("allowed_origins", Message::new("error-origins").number("most", most));
    }
    let redirect_url = clean_line(&input.redirect_url);
    if !redirect_url.is_empty() && (!is_redirect(&redirect_url) || redirect_url.len() > URL_MAX_CHARS) {
        errors.add("redirect_url", Message::new("error-redirect"));
    }
    FormRules {
        name: line(errors, "name", &input.name, NAME_MAX_CHARS, true),
        allowed_origins: origins.join("\n"),
        redirect_url,
        disposable_policy: input.disposable_policy.parse().unwrap_or(DisposablePolicy::Allow),
        proof_policy: input.proof_policy.parse().unwrap_or(ProofPolicy::Auto),
    }
}

fn short(text: &str) -> String {
    text.chars().take(60).collect()
}

/// The origin of a web address, as browsers spell it: scheme, host in lower case and A-labels, port where it
/// is not the scheme's own.
fn origin_of(url: &str) -> Option<String> {
    let (scheme, rest) = url.split_once("://")?;
    let scheme = scheme.to_ascii_lowercase();
    let own_port = match scheme.as_str() {
        "https" => ":443",
        "http" => ":80",
        _ => return None,
    };
    let authority = rest.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.parse::<u16>().is_ok_and(|port| port > 0) => {
            (host, format!(":{}", port.trim_start_matches('0')))
        }
        Some(_) if authority != "[::1]" => return None,
        _ => (authority, String::new()),
    };
    let port = if port == own_port { String::new() } else { port };
    if host == "[::1]" {
        return Some(format!("{scheme}://{host}{port}"));
    }
    let host = idna::domain_to_ascii_strict(host).ok()?;
    let is_host = !host.is_empty()
        && host.split('.').all(|label| !label.is_empty() && !label.starts_with('-') && !label.ends_with('-'))
        && host.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '.');
    is_host.then(|| format!("{scheme}://{host}{port}"))
}

/// A page over https; without it on the machine itself only.
fn is_redirect(url: &str) -> bool {
    let is_plain = url.chars().all(|c| !c.is_whitespace() && !c.is_control() && c != '\\' && c != '"');
    is_plain
        && origin_of(url).is_some_and(|origin| {
            let host = origin.split("://").nth(1).unwrap_or_default();
            let is_local = ["localhost", "127.0.0.1", "[::1]"].iter().any(|local| {
                host.strip_prefix(local).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
            });
            origin.starts_with("https://") || is_local
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_origin_is_spelled_as_browsers_do() {
        for (typed, origin) in [
            ("https://www.Example.org", "https://www.example.org"),
            ("https://example.org:443/a?b#c", "https://example.org"),
            ("HTTP://localhost:8080/", "http://localhost:8080"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9"),
            ("http://[::1]:9/x", "http://[::1]:9"),
            ("https://bücher.example", "https://xn--bcher-kva.example"),
        ] {
            assert_eq!(origin_of(typed).as_deref(), Some(origin), "{typed}");
        }
        for typed in [
            "*",
            "null",
            "example.org",
            "https://",
            "https://*.example.org",
            "ftp://x.example",
            "https://a@b.org",
            "https://a:b@c.org",
            "javascript:alert(1)",
            "https://x.org:0",
            "https://x.org:",
            "https://x y.org",
        ] {
            assert_eq!(origin_of(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_redirect_goes_over_https() {
        for url in ["https://example.org/thanks?a=b#c", "http://localhost:1/x", "http://127.0.0.1/x"] {
            assert!(is_redirect(url), "{url}");
        }
        for url in [
            "http://example.org/",
            "//example.org",
            "/thanks",
            "javascript:alert(1)",
            "https://a b.org",
            "http://localhost.example.org",
            "http://127.0.0.1.example.org/",
            "https:example.org",
            "https://good.org\\@bad.org",
        ] {
            assert!(!is_redirect(url), "{url}");
        }
    }
}
