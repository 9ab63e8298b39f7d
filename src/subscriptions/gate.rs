//! The gate: what every sign-up passes, whichever door it came through. In this order, the cheapest first:
//!
//! 1. [`Gate::look`], before the transaction. What the visitor can mend is refused, all of it at once, each with
//!    its field ([`Problem`]); what a program posted (the trap is filled in) is dropped with the answer of a
//!    success; the DNS is asked whether the domain takes mail; a proof of work is checked.
//! 2. [`count`], in the transaction. A proof counts once. Too many from one network are refused. Who is
//!    suppressed, and whose mailbox has had enough of our mails, passes as well: the sign-up does the same work
//!    for all before it undoes it. The answer must not tell.
//! 3. [`super::alarm`], in the same transaction: a form under attack asks for proofs of work, and tells its users.

use std::sync::Arc;

use super::fields;
use super::mx::MailCheck;
use super::proof::{self, Proof};
use super::queue::Queue;
use super::signup::{Problem, SignUp, SignUpError};
use super::stamp::{self, Stamp};
use super::typo;
use crate::clock::Clock;
use crate::dns::Dns;
use crate::keys::Keys;
use crate::model::{
    DisposableDomains, DisposablePolicy, EmailAddress, FieldId, Form, PersonName, ProofPolicy, Timestamp,
};

/// What the gate knows beyond the database. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gate(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    disposable: DisposableDomains,
    /// `None`: every domain takes mail.
    mail_check: Option<MailCheck>,
    public_url: String,
    queue: Queue,
}

/// A sign-up without a mistake. Whether it is taken, its limits say.
#[derive(Debug)]
pub struct Passed {
    pub address: EmailAddress,
    /// Empty when none was given.
    pub name: String,
    /// Of the fields that the form asks: canonical; `None` where nothing was answered.
    pub values: Vec<(FieldId, Option<String>)>,
    pub is_disposable: bool,
    /// From a page that we signed.
    pub is_stamped: bool,
    pub proof: Option<Proof>,
}

/// What becomes of a sign-up that has no mistake.
#[derive(Debug)]
pub enum Verdict {
    Passed(Box<Passed>),
    /// A program posted it: nothing is written, and the answer is the same.
    Dropped,
}

impl Gate {
    /// `dns` is asked whether a domain takes mail, if there is one.
    pub fn new(public_url: &str, disposable: DisposableDomains, dns: Option<Dns>) -> Self {
        let public_url = public_url.trim_end_matches('/').to_owned();
        let mail_check = dns.map(MailCheck::new);
        Self(Arc::new(Inner { disposable, mail_check, public_url, queue: Queue::default() }))
    }

    pub(super) fn public_url(&self) -> &str {
        &self.0.public_url
    }

    pub(super) fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// Looks at a sign-up before anything is counted or written.
    ///
    /// # Errors
    /// Everything that the visitor can mend.
    pub async fn look(
        &self,
        clock: &Clock,
        keys: &Keys,
        sign_up: &SignUp<'_>,
    ) -> Result<Verdict, SignUpError> {
        let now = clock.now();
        let stamp = stamp::look_at(keys, sign_up.stamp, now);
        let Typed { address, name, values } = parse(sign_up, stamp)?;
        let form = &sign_up.form.form;
        let is_disposable =
            form.disposable_policy != DisposablePolicy::Allow && self.0.disposable.contains(&address);
        if is_disposable && form.disposable_policy == DisposablePolicy::Refuse {
            return Err(SignUpError::Invalid(vec![Problem::Disposable]));
        }
        if !sign_up.trap.is_empty() {
            tracing::info!(newsletter = %sign_up.form.newsletter.slug, "a sign-up by a program was dropped");
            return Ok(Verdict::Dropped);
        }
        if let Some(mail_check) = &self.0.mail_check
            && mail_check.is_nowhere(clock, &address).await
        {
            return Err(SignUpError::Invalid(vec![Problem::NoMail]));
        }
        let proof = proof::check(keys, form.public_id, sign_up.proof, now);
        let is_stamped = stamp == Stamp::Good;
        Ok(Verdict::Passed(Box::new(Passed { address, name, values, is_disposable, is_stamped, proof })))
    }
}

/// Whether a form asks for a proof of work now.
pub fn asks_proof(form: &Form, now: Timestamp) -> bool {
    match form.proof_policy {
        ProofPolicy::Always => true,
        ProofPolicy::Never => false,
        ProofPolicy::Auto => form.proof_until.is_some_and(|until| until > now),
    }
}

/// The address that was probably meant: worked out from what was typed alone.
pub fn hint(text: &str) -> Option<String> {
    typo::suggestion(&EmailAddress::parse(text).ok()?).map(|address| address.to_string())
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
