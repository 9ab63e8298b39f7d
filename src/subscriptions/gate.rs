//! The gate: what every sign-up passes, whichever door it came through.
//!
//! [`pass`] is its one entry. In this order, the cheapest first:
//!
//! 1. What the visitor can mend is refused, all of it at once, each with its field ([`Problem`]).
//! 2. What a program posted (the trap is filled in) is dropped: the answer is that of a success.
//! 3. Too many from one network are refused ([`SignUpError::TooMany`]); that counts, so it is committed.
//! 4. Who is suppressed, and whose mailbox has had enough of our mails, passes as well: [`Passed`] says so,
//!    and the sign-up does the same work for all before it undoes it. The answer must not tell.
//!
//! What needs the network (a look-up in DNS) belongs before the transaction.

use super::fields;
use super::limits;
use super::signup::{Problem, SignUp, SignUpError};
use super::stamp::{self, Stamp};
use crate::keys::Keys;
use crate::model::{EmailAddress, FieldId, PersonName, Timestamp};
use crate::store::{Store, Tx, suppressions};

/// What becomes of a sign-up that is not refused.
#[derive(Debug)]
pub enum Verdict {
    Passed(Box<Passed>),
    /// A program posted it: nothing is written, and the answer is the same.
    Dropped,
}

/// A sign-up that may be written, in the transaction in which its limits were counted.
#[derive(Debug)]
pub struct Passed {
    pub tx: Tx,
    pub address: EmailAddress,
    /// Empty when none was given.
    pub name: String,
    /// Of the fields that the form asks: canonical; `None` where nothing was answered.
    pub values: Vec<(FieldId, Option<String>)>,
    /// The address must not be written, nor mailed.
    pub is_suppressed: bool,
    /// The mailbox has not had enough of our mails yet.
    pub may_mail: bool,
    /// When its mail may go out.
    pub due_at: Timestamp,
    /// An address that was probably meant instead; never a reason to refuse.
    pub hint: Option<String>,
}

/// Lets a sign-up through, drops it, or says what is wrong with it.
///
/// # Errors
/// What the visitor can mend; too many from one network; a database that does not answer.
pub async fn pass(
    store: &Store,
    keys: &Keys,
    sign_up: &SignUp<'_>,
    now: Timestamp,
) -> Result<Verdict, SignUpError> {
    let stamp = stamp::look_at(keys, sign_up.stamp, now);
    let Typed { address, name, values } = parse(sign_up, stamp)?;
    if !sign_up.trap.is_empty() {
        tracing::info!(newsletter = %sign_up.form.newsletter.slug, "a sign-up by a program was dropped");
        return Ok(Verdict::Dropped);
    }
    let mut tx = store.begin().await?;
    if let Some(ip) = sign_up.evidence.ip
        && let Err(minutes) = limits::network(&mut tx, keys, ip, stamp == Stamp::Good, now).await?
    {
        tx.commit().await?;
        return Err(SignUpError::TooMany { minutes });
    }
    let newsletter = sign_up.form.newsletter.id;
    let is_suppressed = suppressions::contains(tx.db(), &keys.address_hash(&address)).await?;
    let may_mail = limits::confirmation(&mut tx, keys, &address, newsletter, now).await?;
    let due_at = now.plus(limits::domain_wait(&mut tx, keys, &address, now).await?);
    let hint = None;
    let passed = Passed { tx, address, name, values, is_suppressed, may_mail, due_at, hint };
    Ok(Verdict::Passed(Box::new(passed)))
}

/// What a form holds, once it is right.
struct Typed {
    address: EmailAddress,
    name: String,
    values: Vec<(FieldId, Option<String>)>,
}

/// What was typed, or everything that is wrong with it, in the order of the form.
fn parse(sign_up: &SignUp<'_>, stamp: Stamp) -> Result<Typed, SignUpError> {
    let (address, name) = (EmailAddress::parse(sign_up.address), PersonName::parse(sign_up.name));
    let mut problems = Vec::new();
    problems.extend(address.as_ref().err().map(|error| Problem::Address(*error)));
    problems.extend(name.is_err().then_some(Problem::NameTooLong));
    let mut values = Vec::new();
    for asked in &sign_up.form.asked {
        match fields::parse(asked, sign_up.typed(&asked.field.key)) {
            Ok(value) => values.push((asked.field.id, value)),
            Err(error) => problems.push(Problem::Field { key: asked.field.key.clone(), error }),
        }
    }
    problems.extend((!sign_up.has_consented).then_some(Problem::NoConsent));
    problems.extend((stamp == Stamp::TooFast).then_some(Problem::TooFast));
    match (address, name) {
        (Ok(address), Ok(name)) if problems.is_empty() => {
            Ok(Typed { address, name: name.map(|name| name.to_string()).unwrap_or_default(), values })
        }
        _ => Err(SignUpError::Invalid(problems)),
    }
}
