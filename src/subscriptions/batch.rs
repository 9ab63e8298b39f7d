//! Writes sign-ups that passed the gate: many in one transaction, and each step of all of them in one statement.
//!
//! 1. Which proofs of work are new, what the counters say, who is suppressed, and who is known already.
//! 2. In memory, one sign-up after the other: what becomes of it ([`Fate`]).
//! 3. Counters, people, subscriptions, answers, evidence, tokens and mails, a statement each.
//!
//! The same work is done for everyone (S20): what may not be kept is written too, and undone. In place of an address
//! that was erased stands nobody's even so. A batch holds a mailbox once ([`super::queue`]), so that no sign-up of it
//! depends on what another one writes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use uuid::Uuid;

use super::alarm;
use super::capture::without_query;
use super::consent_text::consent_text;
use super::gate::{self, Gate};
use super::limits::{Counters, Effort, OfSignUp};
use super::open_form::OpenForm;
use super::profile::Profile;
use super::signup::{CONFIRM_VALID, Request};
use crate::clock::Clock;
use crate::keys::{Keys, Purpose, sha256_hex, token_hash};
use crate::model::{
    Consent, ConsentEvent, ConsentTextId, EmailAddress, Language, NewsletterId, OutboxKind, SubscriberId,
    SubscriptionId, SubscriptionStatus, Timestamp,
};
use crate::store::outbox::NewMail;
use crate::store::subscribers::{KnownRow, NewSubscriber};
use crate::store::subscriptions::Asked;
use crate::store::tokens::NewToken;
use crate::store::{
    Store, StoreError, Tx, consents, outbox, subscribers, subscription_values, subscriptions, suppressions,
    tokens, used_proofs,
};

/// What is to be written.
#[derive(Debug)]
pub enum Job {
    SignUp(Box<Request>),
    /// Refused before: only counted, so that an attack is noticed.
    Refused(Arc<OpenForm>),
}

/// What the visitor is told. It says nothing about the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Taken,
    TooMany { minutes: i64 },
}

/// What a batch needs.
#[derive(Debug, Clone)]
pub struct Tools {
    pub store: Store,
    pub clock: Clock,
    pub keys: Keys,
    pub gate: Gate,
}

/// Takes sign-ups in one transaction, and answers each in this order. An error is of all of them: then nothing is
/// written.
pub async fn take(tools: &Tools, jobs: &[&Job]) -> Result<Vec<Answer>, StoreError> {
    let now = tools.clock.now();
    let mut tx = tools.store.begin().await?;
    let requests: Vec<&Request> = jobs
        .iter()
        .filter_map(|job| match job {
            Job::SignUp(request) => Some(request.as_ref()),
            Job::Refused(_) => None,
        })
        .collect();
    let fates = decide(&mut tx, &tools.keys, &requests, now).await?;
    let (kept, undone): (Vec<_>, Vec<_>) = requests
        .iter()
        .zip(&fates)
        .filter_map(|(request, fate)| Some((*request, fate.as_writing()?)))
        .partition(|(_, writing)| writing.is_kept);
    for (all, is_kept) in [(undone, false), (kept, true)] {
        if all.is_empty() {
            continue;
        }
        tx.savepoint().await?;
        write(&mut tx, &tools.keys, &all, now).await?;
        if !is_kept {
            tx.roll_back_to_savepoint().await?;
        }
        tx.release_savepoint().await?;
    }
    let mut fates = fates.iter();
    let mut answers = Vec::with_capacity(jobs.len());
    let mut tally = alarm::Tally::default();
    for job in jobs {
        let (form, answer) = match job {
            Job::SignUp(request) => (&request.form, fates.next().map_or(Answer::Taken, Fate::answer)),
            Job::Refused(form) => (form.as_ref(), Answer::Taken),
        };
        tally.add(form, matches!(job, Job::SignUp(_)) && answer == Answer::Taken);
        answers.push(answer);
    }
    alarm::watch(&mut tx, &tools.keys, &tools.gate, &tally, now).await?;
    tx.commit().await?;
    Ok(answers)
}

/// What becomes of a sign-up.
#[derive(Debug)]
enum Fate {
    TooMany {
        minutes: i64,
    },
    /// Is written; the visitor may hear that it is too much all the same.
    Written {
        writing: Writing,
        answer: Answer,
    },
}

impl Fate {
    const fn as_writing(&self) -> Option<&Writing> {
        match self {
            Self::TooMany { .. } => None,
            Self::Written { writing, .. } => Some(writing),
        }
    }

    const fn answer(&self) -> Answer {
        match self {
            Self::TooMany { minutes } => Answer::TooMany { minutes: *minutes },
            Self::Written { answer, .. } => *answer,
        }
    }
}

/// How a sign-up is written.
#[derive(Debug)]
struct Writing {
    /// Otherwise it is undone.
    is_kept: bool,
    is_suppressed: bool,
    /// `None`: a person who is not known yet.
    person: Option<Person>,
    kind: OutboxKind,
    /// Of the mail.
    language: Language,
    due_at: Timestamp,
}

/// A person who is known.
#[derive(Debug, Clone, Copy)]
struct Person {
    id: SubscriberId,
    /// Whether the owner of the address has confirmed anything; until then the newest sign-up's name and language
    /// hold, and then those of the one whose mail was answered.
    is_owned: bool,
}

/// Steps 1 and 2, and the counters.
async fn decide(
    tx: &mut Tx,
    keys: &Keys,
    requests: &[&Request],
    now: Timestamp,
) -> Result<Vec<Fate>, StoreError> {
    let limits = limits_of(tx, keys, requests, now).await?;
    let mut counters = Counters::lock(tx, limits.iter().flat_map(OfSignUp::marks), now).await?;
    let hashes: Vec<_> = requests.iter().map(|request| keys.address_hash(&request.passed.address)).collect();
    let suppressed: HashSet<Vec<u8>> = {
        let hashes: Vec<&[u8]> = hashes.iter().map(Vec::as_slice).collect();
        suppressions::among(tx.db(), &hashes).await?.into_iter().collect()
    };
    let known = known(tx, requests).await?;
    let mut fates = Vec::with_capacity(requests.len());
    for ((request, limits), hash) in requests.iter().zip(&limits).zip(&hashes) {
        let rows = known.get(&request.passed.address.key()).map_or(&[][..], Vec::as_slice);
        fates.push(decide_one(request, limits, suppressed.contains(hash), rows, &mut counters, now));
    }
    counters.write(tx, now).await?;
    Ok(fates)
}

fn decide_one(
    request: &Request,
    limits: &OfSignUp,
    is_suppressed: bool,
    known: &[KnownRow],
    counters: &mut Counters,
    now: Timestamp,
) -> Fate {
    if let Err(minutes) = limits.count_network(counters) {
        return Fate::TooMany { minutes };
    }
    let may_mail = limits.to_mailbox(counters);
    let newsletter = request.form.newsletter.id;
    // Of an address that was erased nothing is known, even if somebody added it again.
    let known = if is_suppressed { &[] } else { known };
    let mine = known.iter().find(|row| row.newsletter_id == Some(newsletter));
    let confirmed = mine.filter(|row| row.status == Some(SubscriptionStatus::Confirmed));
    let kind = if confirmed.is_some() { OutboxKind::AlreadySubscribed } else { OutboxKind::Confirm };
    let wait = limits.wait(counters);
    let is_kept = !is_suppressed && may_mail && limits.is_news(counters, kind) && wait.is_ok();
    if is_kept {
        limits.sends(counters, kind);
    }
    let is_owned = known.iter().any(|row| row.confirmed_at.is_some());
    let writing = Writing {
        is_kept,
        is_suppressed,
        person: known.first().map(|row| Person { id: row.id, is_owned }),
        kind,
        // A stranger's form does not change in which language a subscriber is spoken to.
        language: confirmed.and_then(|row| row.subscription_language).unwrap_or(request.language),
        due_at: now.plus(wait.unwrap_or_default()),
    };
    let answer = wait.map_or_else(|minutes| Answer::TooMany { minutes }, |_| Answer::Taken);
    Fate::Written { writing, answer }
}

/// The limits of each, once it is known whose proof counts: of two with the same proof, the first.
async fn limits_of(
    tx: &mut Tx,
    keys: &Keys,
    requests: &[&Request],
    now: Timestamp,
) -> Result<Vec<OfSignUp>, StoreError> {
    let mut proofs = BTreeMap::new();
    for proof in requests.iter().filter_map(|request| request.passed.proof.as_ref()) {
        proofs.insert(proof.hash.as_slice(), proof.expires_at);
    }
    let proofs: Vec<(&[u8], Timestamp)> = proofs.into_iter().collect();
    let mut new: HashSet<Vec<u8>> = used_proofs::insert_all(tx, &proofs).await?.into_iter().collect();
    let mut limits = |request: &&Request| {
        let form = &request.form.form;
        let passed = &request.passed;
        let is_proved = passed.proof.as_ref().is_some_and(|proof| new.remove(proof.hash.as_slice()));
        let effort = match (is_proved, gate::asks_proof(form, now)) {
            (true, _) => Effort::Proved,
            (false, false) => Effort::NotAsked,
            (false, true) => Effort::Missing,
        };
        OfSignUp::new(keys, &passed.address, form, request.evidence.ip, effort, passed.is_stamped)
    };
    Ok(requests.iter().map(&mut limits).collect())
}

/// Those who are known, by the key of their address.
async fn known(tx: &mut Tx, requests: &[&Request]) -> Result<HashMap<String, Vec<KnownRow>>, StoreError> {
    let address_keys: Vec<String> = requests.iter().map(|request| request.passed.address.key()).collect();
    let address_keys: Vec<&str> = address_keys.iter().map(String::as_str).collect();
    let mut known: HashMap<String, Vec<KnownRow>> = HashMap::new();
    for row in subscribers::lock_known(tx, &address_keys).await? {
        known.entry(row.address_key.clone()).or_default().push(row);
    }
    Ok(known)
}

/// Step 3, of sign-ups of which all are kept or all are undone.
async fn write(
    tx: &mut Tx,
    keys: &Keys,
    all: &[(&Request, &Writing)],
    now: Timestamp,
) -> Result<(), StoreError> {
    let people = write_people(tx, all, now).await?;
    let asked: Vec<Asked> = all.iter().zip(&people).map(|((request, _), id)| asked(request, *id)).collect();
    let ids = subscriptions::ask_all(tx, &asked, now).await?;
    let ids: HashMap<(SubscriberId, NewsletterId), SubscriptionId> =
        ids.into_iter().map(|(id, subscriber, newsletter)| ((subscriber, newsletter), id)).collect();
    let mut found = Vec::with_capacity(all.len());
    for one in &asked {
        found.push(*ids.get(&(one.subscriber_id, one.newsletter_id)).ok_or_else(StoreError::missing)?);
    }
    let answers: Vec<_> = all
        .iter()
        .zip(&found)
        .flat_map(|((request, _), id)| {
            request.passed.values.iter().map(|(field, value)| (*id, *field, value.as_deref()))
        })
        .collect();
    subscription_values::set_all(tx, &answers).await?;
    let mails: Vec<Uuid> = all.iter().map(|_| Uuid::now_v7()).collect();
    write_consents(tx, all, &people, &mails, now).await?;
    write_mails(tx, keys, all, &found, &mails, now).await
}

fn asked(request: &Request, subscriber_id: SubscriberId) -> Asked {
    Asked {
        subscriber_id,
        newsletter_id: request.form.newsletter.id,
        language: request.language,
        form_id: request.form.form.id,
        is_disposable: request.passed.is_disposable,
    }
}

/// Adds those who are not known, gives others the name and language of the newest sign-up, and answers the ids.
async fn write_people(
    tx: &mut Tx,
    all: &[(&Request, &Writing)],
    now: Timestamp,
) -> Result<Vec<SubscriberId>, StoreError> {
    let mut new = Vec::new();
    let mut profiles = Vec::new();
    for (request, writing) in all {
        match writing.person {
            None => new.push(written(request, writing)),
            Some(person) if !person.is_owned => {
                profiles.push((person.id, request.passed.name.as_str(), request.language));
            }
            Some(_) => {}
        }
    }
    let address_keys: Vec<String> = new.iter().map(|(address, ..)| address.key()).collect();
    let new: Vec<NewSubscriber<'_>> = new
        .iter()
        .zip(&address_keys)
        .map(|((address, name, language), address_key)| NewSubscriber {
            address: address.as_str(),
            address_key,
            name,
            language: *language,
        })
        .collect();
    let added = subscribers::insert_all(tx, &new, now).await?;
    let added: HashMap<String, SubscriberId> = added.into_iter().map(|(id, key)| (key, id)).collect();
    subscribers::update_profiles(tx, &profiles).await?;
    let id = |(request, writing): &(&Request, &Writing)| match writing.person {
        Some(person) => Ok(person.id),
        None => added.get(&written(request, writing).0.key()).copied().ok_or_else(StoreError::missing),
    };
    all.iter().map(id).collect()
}

/// Address, name and language as they are written.
fn written<'a>(request: &'a Request, writing: &Writing) -> (&'a EmailAddress, &'a str, Language) {
    match writing.is_suppressed {
        true => (&request.stand_in, "", request.language),
        false => (&request.passed.address, &request.passed.name, request.language),
    }
}

async fn write_consents(
    tx: &mut Tx,
    all: &[(&Request, &Writing)],
    people: &[SubscriberId],
    mails: &[Uuid],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut texts: BTreeMap<(NewsletterId, Language), ConsentTextId> = BTreeMap::new();
    let mut rows = Vec::with_capacity(all.len());
    for (((request, _), subscriber), mail) in all.iter().zip(people).zip(mails) {
        let newsletter = &request.form.newsletter;
        let shown_in = request.shown_in;
        let text = match texts.get(&(newsletter.id, shown_in)) {
            Some(text) => *text,
            None => {
                let words = consent_text(newsletter, shown_in);
                let hash = sha256_hex(words.as_bytes());
                let id = consents::keep_text(tx, newsletter.id, shown_in, &words, &hash, now).await?;
                texts.insert((newsletter.id, shown_in), id);
                id
            }
        };
        rows.push(consent(request, *subscriber, text, *mail, now));
    }
    consents::insert_all(tx, &rows).await
}

fn consent(
    request: &Request,
    subscriber_id: SubscriberId,
    text: ConsentTextId,
    mail: Uuid,
    now: Timestamp,
) -> Consent {
    let newsletter = &request.form.newsletter;
    Consent {
        subscriber_id,
        newsletter_id: newsletter.id,
        event: ConsentEvent::Requested,
        at: now,
        consent_text_id: Some(text),
        language: request.shown_in,
        source: request.evidence.source.to_owned(),
        page: without_query(&request.evidence.page),
        ip: request.evidence.ip_text(),
        user_agent: request.evidence.user_agent_text(),
        message_id: Some(mail.simple().to_string()),
        form_id: Some(request.form.form.id),
        form_version: Some(request.form.form.version),
        referrer: request.capture.referrer.clone(),
        utm: request.capture.utm.clone(),
        privacy_url: newsletter.privacy_url.clone(),
        privacy_version: newsletter.privacy_version.clone(),
    }
}

/// A token for everyone, also for someone who is subscribed, whose mail does not hold it: the same work for all.
async fn write_mails(
    tx: &mut Tx,
    keys: &Keys,
    all: &[(&Request, &Writing)],
    subscription_ids: &[SubscriptionId],
    message_uuids: &[Uuid],
    now: Timestamp,
) -> Result<(), StoreError> {
    let mut mails = Vec::with_capacity(all.len());
    let mut links = Vec::with_capacity(all.len());
    for (((request, writing), id), message_uuid) in all.iter().zip(subscription_ids).zip(message_uuids) {
        let hash = token_hash(&keys.derive_token(Purpose::Confirm, &request.nonce));
        let profile = Profile::of(request, written(request, writing).1).to_json();
        // A mail without a link has nothing to confirm: what a stranger typed for a subscriber is not kept.
        let profile = (writing.kind == OutboxKind::Confirm).then_some(profile);
        links.push((hash.unwrap_or_default(), message_uuid.simple().to_string(), profile));
        let mail = NewMail {
            kind: writing.kind,
            newsletter_id: request.form.newsletter.id,
            subscription_id: Some(*id),
            to_address: None,
            issue_id: None,
            welcome_step_id: None,
            language: writing.language,
            nonce: request.nonce.to_vec(),
            message_uuid: *message_uuid,
        };
        mails.push((mail, writing.due_at));
    }
    let new: Vec<NewToken<'_>> = links
        .iter()
        .zip(subscription_ids)
        .map(|((hash, message_id, profile), id)| NewToken {
            hash,
            subscription_id: *id,
            message_id,
            created_at: now,
            expires_at: now.plus(CONFIRM_VALID),
            profile: profile.as_deref(),
        })
        .collect();
    tokens::insert_confirms(tx, &new).await?;
    let mails: Vec<(&NewMail, Timestamp)> = mails.iter().map(|(mail, due_at)| (mail, *due_at)).collect();
    outbox::insert_all(tx, &mails, now).await?;
    Ok(())
}
