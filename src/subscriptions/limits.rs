//! How often one may sign up (S18). Counted in the database under keyed hashes: no address and no IP is
//! stored, all processes and all doors count together, and a restart forgets nothing.

use std::net::IpAddr;
use std::time::Duration;

use crate::keys::{Keys, Purpose};
use crate::model::{EmailAddress, FormId, NewsletterId, OutboxKind, SubscriberId, Timestamp};
use crate::store::rate_limits::{self, Hit};
use crate::store::{Result, Tx};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const DAY: Duration = Duration::from_secs(24 * 3600);

/// A limit: what is counted, in which window, how often.
#[derive(Debug, Clone, Copy)]
struct Limit {
    name: &'static str,
    window: Duration,
    most: i64,
}

/// Sign-ups from one network (an IPv4 /24, an IPv6 /64).
const PER_NETWORK: [Limit; 2] = [
    Limit { name: "network-minute", window: MINUTE, most: 5 },
    Limit { name: "network-hour", window: HOUR, most: 30 },
];
/// The same for forms without our signed stamp, which any script may send, and for those without a proof of
/// work where one is asked for: people whose browser runs no scripts.
const PER_NETWORK_UNTRUSTED: [Limit; 2] = [
    Limit { name: "unstamped-minute", window: MINUTE, most: 3 },
    Limit { name: "unstamped-hour", window: HOUR, most: 15 },
];
/// Confirmation mails to one mailbox, under any spelling of its address.
const PER_MAILBOX: [Limit; 2] = [
    Limit { name: "mailbox-day", window: DAY, most: 3 },
    Limit { name: "mailbox-month", window: Duration::from_secs(30 * 24 * 3600), most: 5 },
];
/// The same for one newsletter: someone may subscribe to two of them in one visit.
const PER_MAILBOX_AND_NEWSLETTER: Limit =
    Limit { name: "mailbox-quarter", window: Duration::from_secs(15 * 60), most: 1 };
/// Another mail to someone who asks for it again; within the limits of the mailbox.
const PER_ANOTHER: Limit = Limit { name: "another-minute", window: MINUTE, most: 1 };
/// "You are subscribed already" to one mailbox, for one newsletter.
const PER_KIND: Limit = Limit { name: "kind-day", window: DAY, most: 1 };
/// Confirmation mails to one domain before they wait.
const PER_DOMAIN: Limit = Limit { name: "domain-hour", window: HOUR, most: 60 };
/// So much later than the mail before goes each of the others.
const DOMAIN_GAP: Duration = MINUTE;
/// Sign-ups of one form without a proof of work before their mails wait.
const PER_FORM: Limit = Limit { name: "form-hour", window: HOUR, most: 1_000 };
const FORM_GAP: Duration = Duration::from_secs(4);
/// The same while the form asks for a proof.
const PER_FORM_UNPROVED: Limit = Limit { name: "form-unproved-hour", window: HOUR, most: 60 };
const FORM_UNPROVED_GAP: Duration = MINUTE;
/// Changes of address that one person asks for: a link that fell into wrong hands must not write to everyone.
const PER_PERSON: Limit = Limit { name: "person-day", window: DAY, most: 5 };
/// A mail that waits still comes while its link works.
const WAIT_MAX: Duration = DAY;
/// Alarms about one form.
const PER_ALARM: Limit = Limit { name: "alarm-day", window: DAY, most: 1 };

/// Counts a sign-up from this address of the network. `Err` holds the minutes to wait.
pub async fn network(
    tx: &mut Tx,
    keys: &Keys,
    ip: IpAddr,
    is_trusted: bool,
    now: Timestamp,
) -> Result<std::result::Result<(), i64>> {
    let limits = if is_trusted { PER_NETWORK } else { PER_NETWORK_UNTRUSTED };
    let network = network_of(ip);
    let hits = rate_limits::hit_all(tx, &limits.map(|limit| hit(keys, limit, &network, 1)), now).await?;
    let full = limits.iter().zip(hits).find(|(limit, hits)| *hits > limit.most);
    Ok(match full {
        Some((limit, _)) => Err(i64::try_from(limit.window.as_secs() / 60).unwrap_or(1).max(1)),
        None => Ok(()),
    })
}

/// Counts a confirmation mail; `false` when this mailbox has had enough of them. What is refused does not
/// count, though it is the same work: ten clicks in a row must not cost their owner the mails of a month.
pub async fn confirmation(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    newsletter: NewsletterId,
    now: Timestamp,
) -> Result<bool> {
    mailbox(tx, keys, address, (PER_MAILBOX_AND_NEWSLETTER, &newsletter.to_string()), now).await
}

/// Counts a mail that someone asks for again, with the confirmation mails of the mailbox: nobody can be sent more
/// than those, whichever page is used. `about` is what the mail is about.
pub async fn another(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    about: &str,
    now: Timestamp,
) -> Result<bool> {
    mailbox(tx, keys, address, (PER_ANOTHER, about), now).await
}

/// Counts a mail to a mailbox under all its limits, or under none.
async fn mailbox(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    (own, about): (Limit, &str),
    now: Timestamp,
) -> Result<bool> {
    let mailbox = address.mailbox_key();
    let subject = format!("{about}/{mailbox}");
    let [day, month] = PER_MAILBOX;
    let limits = [(own, &subject), (day, &mailbox), (month, &mailbox)];
    let counted = |more| limits.map(|(limit, subject)| hit(keys, limit, subject, more));
    let before = rate_limits::hit_all(tx, &counted(0), now).await?;
    let is_allowed = limits.iter().zip(before).all(|((limit, _), hits)| hits < limit.most);
    let after = rate_limits::hit_all(tx, &counted(i64::from(is_allowed)), now).await?;
    // The rows are locked since the first statement; the last word is the count itself all the same.
    Ok(is_allowed && limits.iter().zip(after).all(|((limit, _), hits)| hits <= limit.most))
}

/// What a form asks of a browser, and whether it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    Proved,
    NotAsked,
    /// Asked for, and not there.
    Missing,
}

/// Counts a confirmation mail to a domain and of a form, and answers how long it waits: beyond the limits mails
/// go out one after the other, so that a domain is not flooded and nobody who signed up is forgotten. `Err`
/// holds the minutes to wait, when a form under attack has no more room for sign-ups without a proof.
pub async fn wait(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    form: FormId,
    effort: Effort,
    now: Timestamp,
) -> Result<std::result::Result<Duration, i64>> {
    let (per_form, gap) = match effort {
        Effort::Proved | Effort::NotAsked => (PER_FORM, FORM_GAP),
        Effort::Missing => (PER_FORM_UNPROVED, FORM_UNPROVED_GAP),
    };
    let counted = [
        hit(keys, PER_DOMAIN, address.ascii_domain(), 1),
        hit(keys, per_form, &form.to_string(), i64::from(effort != Effort::Proved)),
    ];
    let hits = rate_limits::hit_all(tx, &counted, now).await?;
    let beyond = |at: usize, limit: Limit| {
        let hits = hits.get(at).copied().unwrap_or_default();
        u32::try_from((hits - limit.most).max(0)).unwrap_or(u32::MAX)
    };
    let of_form =
        if effort == Effort::Proved { Duration::ZERO } else { gap.saturating_mul(beyond(1, per_form)) };
    if effort == Effort::Missing && of_form > WAIT_MAX {
        return Ok(Err(i64::try_from(per_form.window.as_secs() / 60).unwrap_or(1)));
    }
    Ok(Ok(DOMAIN_GAP.saturating_mul(beyond(0, PER_DOMAIN)).max(of_form).min(WAIT_MAX)))
}

/// The same for a mail that came by no form.
pub async fn domain_wait(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<Duration> {
    let hit = hit(keys, PER_DOMAIN, address.ascii_domain(), 1);
    let beyond = rate_limits::hit(tx, &hit.key, hit.window, now).await? - PER_DOMAIN.most;
    Ok(DOMAIN_GAP.saturating_mul(u32::try_from(beyond.max(0)).unwrap_or(u32::MAX)).min(WAIT_MAX))
}

/// Counts a mail of a kind; `false` when it would say again what was said today. Confirmation mails have
/// limits of their own, and are counted here so that both kinds take the same time.
pub async fn news(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    newsletter: NewsletterId,
    kind: OutboxKind,
    now: Timestamp,
) -> Result<bool> {
    let subject = format!("{kind}/{newsletter}/{}", address.mailbox_key());
    let is_first = count(tx, keys, PER_KIND, &subject, now).await?;
    Ok(is_first || kind != OutboxKind::AlreadySubscribed)
}

/// Counts an alarm about a form; `false` when there was one in the last 24 hours.
pub async fn alarm(tx: &mut Tx, keys: &Keys, form: FormId, now: Timestamp) -> Result<bool> {
    count(tx, keys, PER_ALARM, &form.to_string(), now).await
}

/// Counts a change of address that a person asks for; `false` when it was asked for often enough today.
pub async fn address_change(
    tx: &mut Tx,
    keys: &Keys,
    subscriber: SubscriberId,
    now: Timestamp,
) -> Result<bool> {
    count(tx, keys, PER_PERSON, &subscriber.to_string(), now).await
}

async fn count(tx: &mut Tx, keys: &Keys, limit: Limit, subject: &str, now: Timestamp) -> Result<bool> {
    let Hit { key, window, .. } = hit(keys, limit, subject, 1);
    Ok(rate_limits::hit(tx, &key, window, now).await? <= limit.most)
}

fn hit(keys: &Keys, limit: Limit, subject: &str, more: i64) -> Hit {
    let key = keys.mac(Purpose::RateLimit, format!("signup/{}/{subject}", limit.name).as_bytes());
    Hit { key, window: limit.window, more }
}

/// The network that an address of the network belongs to: one person has a whole one.
pub fn network_of(ip: IpAddr) -> String {
    match ip.to_canonical() {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(ip) => {
            let [a, b, c, d, ..] = ip.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}
