//! How often one may sign up (S18). Counted in the database under keyed hashes: no address and no IP is
//! stored, all processes count together, and a restart forgets nothing.

use std::net::IpAddr;
use std::time::Duration;

use crate::keys::{Keys, Purpose};
use crate::model::{EmailAddress, NewsletterId, OutboxKind, SubscriberId, Timestamp};
use crate::store::{Result, Tx, rate_limits};

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
/// The same for forms without our signed stamp: any website may hold one, and so may any script.
const PER_NETWORK_UNSTAMPED: [Limit; 2] = [
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
/// "You are subscribed already" to one mailbox, for one newsletter.
const PER_KIND: Limit = Limit { name: "kind-day", window: DAY, most: 1 };
/// Confirmation mails to one domain before they wait.
const PER_DOMAIN: Limit = Limit { name: "domain-hour", window: HOUR, most: 60 };
/// Changes of address that one person asks for: a link that fell into wrong hands must not write to everyone.
const PER_PERSON: Limit = Limit { name: "person-day", window: DAY, most: 5 };
/// A mail that waits still comes while its link works.
const DOMAIN_WAIT_MAX: Duration = DAY;

/// Counts a sign-up from this address of the network. `Err` holds the minutes to wait.
pub async fn network(
    tx: &mut Tx,
    keys: &Keys,
    ip: IpAddr,
    is_stamped: bool,
    now: Timestamp,
) -> Result<std::result::Result<(), i64>> {
    let limits = if is_stamped { PER_NETWORK } else { PER_NETWORK_UNSTAMPED };
    for limit in limits {
        if !count(tx, keys, limit, &network_of(ip), now).await? {
            return Ok(Err(i64::try_from(limit.window.as_secs() / 60).unwrap_or(1).max(1)));
        }
    }
    Ok(Ok(()))
}

/// Counts a confirmation mail; `false` when this mailbox has had enough of them. What is refused does not
/// count: ten clicks in a row must not cost their owner the mails of a month.
pub async fn confirmation(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    newsletter: NewsletterId,
    now: Timestamp,
) -> Result<bool> {
    let mailbox = address.mailbox_key();
    let of_newsletter = format!("{newsletter}/{mailbox}");
    let [day, month] = PER_MAILBOX;
    let limits = [(PER_MAILBOX_AND_NEWSLETTER, &of_newsletter), (day, &mailbox), (month, &mailbox)];
    for (limit, subject) in limits {
        if rate_limits::peek(tx.db(), &key(keys, limit, subject), now).await? >= limit.most {
            return Ok(false);
        }
    }
    let mut is_allowed = true;
    for (limit, subject) in limits {
        // Another process may have counted since: the last word is the count itself.
        is_allowed &= count(tx, keys, limit, subject, now).await?;
    }
    Ok(is_allowed)
}

/// Counts a confirmation mail to a domain and answers how long it waits: beyond the limit mails go out one a
/// minute, so that a domain is not flooded and nobody who signed up is forgotten.
pub async fn domain_wait(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<Duration> {
    let key = key(keys, PER_DOMAIN, address.ascii_domain());
    let beyond = rate_limits::hit(tx, &key, PER_DOMAIN.window, now).await? - PER_DOMAIN.most;
    let minutes = u32::try_from(beyond.max(0)).unwrap_or(u32::MAX);
    Ok(MINUTE.saturating_mul(minutes).min(DOMAIN_WAIT_MAX))
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
    Ok(rate_limits::hit(tx, &key(keys, limit, subject), limit.window, now).await? <= limit.most)
}

fn key(keys: &Keys, limit: Limit, subject: &str) -> [u8; 32] {
    keys.mac(Purpose::RateLimit, format!("signup/{}/{subject}", limit.name).as_bytes())
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
