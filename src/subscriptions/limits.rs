//! How often one may sign up (S18). Counted in the database under keyed hashes: no address and no IP is
//! stored, all processes count together, and a restart forgets nothing.

use std::net::IpAddr;
use std::time::Duration;

use crate::keys::{Keys, Purpose};
use crate::model::{EmailAddress, Timestamp};
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
const PER_MAILBOX: [Limit; 3] = [
    Limit { name: "mailbox-quarter", window: Duration::from_secs(15 * 60), most: 1 },
    Limit { name: "mailbox-day", window: DAY, most: 3 },
    Limit { name: "mailbox-month", window: Duration::from_secs(30 * 24 * 3600), most: 5 },
];
/// "You are subscribed already" to one mailbox.
const PER_MAILBOX_ALREADY: [Limit; 1] = [Limit { name: "already-day", window: DAY, most: 1 }];
/// Confirmation mails to one domain.
const PER_DOMAIN: [Limit; 1] = [Limit { name: "domain-hour", window: HOUR, most: 60 }];

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

/// Counts a confirmation mail; `false` when this mailbox or its domain has had enough of them.
pub async fn confirmation(tx: &mut Tx, keys: &Keys, address: &EmailAddress, now: Timestamp) -> Result<bool> {
    let mut is_allowed = true;
    for limit in PER_MAILBOX {
        is_allowed &= count(tx, keys, limit, &address.mailbox_key(), now).await?;
    }
    if is_allowed {
        for limit in PER_DOMAIN {
            is_allowed &= count(tx, keys, limit, address.ascii_domain(), now).await?;
        }
    }
    Ok(is_allowed)
}

/// Counts a note that someone is subscribed already; `false` when there was one today.
pub async fn already_subscribed(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    now: Timestamp,
) -> Result<bool> {
    let mut is_allowed = true;
    for limit in PER_MAILBOX_ALREADY {
        is_allowed &= count(tx, keys, limit, &address.mailbox_key(), now).await?;
    }
    Ok(is_allowed)
}

async fn count(tx: &mut Tx, keys: &Keys, limit: Limit, subject: &str, now: Timestamp) -> Result<bool> {
    let key = keys.mac(Purpose::RateLimit, format!("signup/{}/{subject}", limit.name).as_bytes());
    Ok(rate_limits::hit(tx, &key, limit.window, now).await? <= limit.most)
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
