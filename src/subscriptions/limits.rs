//! How often one may sign up (S18). Counted in the database under keyed hashes: no address and no IP is
//! stored, all processes and all doors count together, and a restart forgets nothing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use crate::keys::{Keys, Purpose};
use crate::model::{EmailAddress, Form, FormId, NewsletterId, OutboxKind, SubscriberId, Timestamp};
use crate::store::rate_limits::{self, Count};
use crate::store::{BULK_ROWS_MAX, Result, Tx};

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
/// A request that was withdrawn: for so long nobody's form makes us write to that mailbox about that newsletter.
const PER_WITHDRAWAL: Limit =
    Limit { name: "withdrawn-month", window: Duration::from_secs(30 * 24 * 3600), most: 1 };
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
/// Sign-ups of all forms together without a proof of work before their mails wait, each so long after the one before: what no
/// single form notices must not make a sender of spam of us.
const PER_ALL: Limit = Limit { name: "all-hour", window: HOUR, most: 5_000 };
const ALL_GAP: Duration = Duration::from_secs(1);
/// Changes of address that one person asks for: a link that fell into wrong hands must not write to everyone.
const PER_PERSON: Limit = Limit { name: "person-day", window: DAY, most: 5 };
/// A mail that waits still comes while its link works.
const WAIT_MAX: Duration = DAY;
/// Alarms about one form.
const PER_ALARM: Limit = Limit { name: "alarm-day", window: DAY, most: 1 };

/// A limit, and for whom.
#[derive(Debug, Clone, Copy)]
pub struct Mark {
    limit: Limit,
    key: [u8; 32],
    is_rolling: bool,
}

fn mark(keys: &Keys, limit: Limit, subject: &str) -> Mark {
    let key = keys.mac(Purpose::RateLimit, format!("signup/{}/{subject}", limit.name).as_bytes());
    Mark { limit, key, is_rolling: false }
}

/// Never more in any stretch of that length. For a short one only: who comes again and again, each time before it ends, waits
/// for the whole of it once there were as many.
fn rolling_mark(keys: &Keys, limit: Limit, subject: &str) -> Mark {
    Mark { is_rolling: true, ..mark(keys, limit, subject) }
}

#[derive(Debug, Clone, Copy)]
struct Counter {
    window: Duration,
    /// Whether the window begins anew with each hit: then no stretch of its length holds more than its limit, also around
    /// the end of a window. Only where what is refused is not counted: else who keeps asking waits for ever.
    is_rolling: bool,
    /// What was counted before; 0 and `None` where no window runs.
    hits: i64,
    ends_at: Option<Timestamp>,
    more: i64,
}

impl Counter {
    /// What stands from now on. Who only asked began no window.
    fn count(&self, key: [u8; 32], now: Timestamp) -> Count {
        let begins = self.more > 0 && (self.is_rolling || self.ends_at.is_none());
        let ends_at = if begins { now.plus(self.window) } else { self.ends_at.unwrap_or(now) };
        Count { key, hits: self.hits + self.more, window_ends_at: ends_at }
    }
}

/// The counters of one transaction: locked and read together, counted in memory in the order in which things came,
/// and written together. What is only looked at is written too: the same work, whatever is known.
#[derive(Debug)]
pub struct Counters(BTreeMap<[u8; 32], Counter>);

impl Counters {
    /// Nobody else counts under these marks until the transaction ends.
    pub async fn lock(tx: &mut Tx, marks: impl Iterator<Item = Mark>, now: Timestamp) -> Result<Self> {
        let counter = |Mark { limit, key, is_rolling }: Mark| {
            (key, Counter { window: limit.window, is_rolling, hits: 0, ends_at: None, more: 0 })
        };
        let mut counters: BTreeMap<_, _> = marks.map(counter).collect();
        if !counters.is_empty() {
            rate_limits::hold(tx).await?;
        }
        let keys: Vec<[u8; 32]> = counters.keys().copied().collect();
        for keys in keys.chunks(BULK_ROWS_MAX) {
            for (key, hits, ends_at) in rate_limits::read_all(tx.db(), keys, now).await? {
                if let Some(counter) = counters.get_mut(key.as_slice()) {
                    counter.hits = hits;
                    counter.ends_at = Some(ends_at);
                }
            }
        }
        Ok(Self(counters))
    }

    pub async fn write(&self, tx: &mut Tx, now: Timestamp) -> Result<()> {
        let counts: Vec<Count> = self.0.iter().map(|(key, counter)| counter.count(*key, now)).collect();
        for counts in counts.chunks(BULK_ROWS_MAX) {
            rate_limits::write_all(tx, counts).await?;
        }
        Ok(())
    }

    /// How many there would be with one more.
    fn next(&self, mark: &Mark) -> i64 {
        self.0.get(&mark.key).map_or(i64::MAX, |counter| counter.hits + counter.more + 1)
    }

    /// Counts one more.
    fn add(&mut self, mark: &Mark) {
        if let Some(counter) = self.0.get_mut(&mark.key) {
            counter.more += 1;
        }
    }

    fn has_room(&self, mark: &Mark) -> bool {
        self.next(mark) <= mark.limit.most
    }

    /// Counts under all of the marks, or under none: what is refused does not count. Ten clicks in a row must not
    /// cost their owner the mails of a month.
    fn add_if_all_have_room(&mut self, marks: &[Mark]) -> bool {
        let has_room = marks.iter().all(|mark| self.has_room(mark));
        if has_room {
            marks.iter().for_each(|mark| self.add(mark));
        }
        has_room
    }

    /// Counts what comes from a network. `Err` holds the minutes to wait.
    fn count_network(&mut self, marks: &[Mark]) -> std::result::Result<(), i64> {
        let full = marks.iter().find(|mark| !self.has_room(mark)).map(|mark| mark.limit.window);
        marks.iter().for_each(|mark| self.add(mark));
        full.map_or(Ok(()), |window| Err(minutes(window)))
    }
}

fn minutes(window: Duration) -> i64 {
    i64::try_from(window.as_secs() / 60).unwrap_or(1).max(1)
}

fn network_marks(keys: &Keys, ip: IpAddr, is_trusted: bool) -> [Mark; 2] {
    let limits = if is_trusted { PER_NETWORK } else { PER_NETWORK_UNTRUSTED };
    let network = network_of(ip);
    limits.map(|limit| mark(keys, limit, &network))
}

fn mailbox_marks(keys: &Keys, address: &EmailAddress, own: Limit, about: &str) -> [Mark; 3] {
    let mailbox = address.mailbox_key();
    let [day, month] = PER_MAILBOX;
    let own = mark(keys, own, &format!("{about}/{mailbox}"));
    [own, rolling_mark(keys, day, &mailbox), mark(keys, month, &mailbox)]
}

fn withdrawn_mark(keys: &Keys, address: &EmailAddress, about: &str) -> Mark {
    mark(keys, PER_WITHDRAWAL, &format!("{about}/{}", address.mailbox_key()))
}

/// `about`: the newsletter, or what else the mail is about.
fn kind_mark(keys: &Keys, address: &EmailAddress, about: &str, kind: OutboxKind) -> Mark {
    mark(keys, PER_KIND, &format!("{kind}/{about}/{}", address.mailbox_key()))
}

fn domain_mark(keys: &Keys, address: &EmailAddress) -> Mark {
    mark(keys, PER_DOMAIN, address.ascii_domain())
}

/// What a form asks of a browser, and whether it was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effort {
    Proved,
    NotAsked,
    /// Asked for, and not there.
    Missing,
}

/// The limits of one sign-up.
#[derive(Debug)]
pub struct OfSignUp {
    network: Option<[Mark; 2]>,
    mailbox: [Mark; 3],
    withdrawn: Mark,
    confirm: Mark,
    already: Mark,
    domain: Mark,
    form: Mark,
    all: Mark,
    effort: Effort,
}

impl OfSignUp {
    /// `is_stamped`: from a page that we signed.
    pub fn new(
        keys: &Keys,
        address: &EmailAddress,
        form: &Form,
        ip: Option<IpAddr>,
        effort: Effort,
        is_stamped: bool,
    ) -> Self {
        let is_trusted = effort == Effort::Proved || (is_stamped && effort == Effort::NotAsked);
        let newsletter = form.newsletter_id.to_string();
        let per_form = if effort == Effort::Missing { PER_FORM_UNPROVED } else { PER_FORM };
        Self {
            network: ip.map(|ip| network_marks(keys, ip, is_trusted)),
            mailbox: mailbox_marks(keys, address, PER_MAILBOX_AND_NEWSLETTER, &newsletter),
            withdrawn: withdrawn_mark(keys, address, &newsletter),
            confirm: kind_mark(keys, address, &newsletter, OutboxKind::Confirm),
            already: kind_mark(keys, address, &newsletter, OutboxKind::AlreadySubscribed),
            domain: domain_mark(keys, address),
            form: mark(keys, per_form, &form.id.to_string()),
            all: mark(keys, PER_ALL, ""),
            effort,
        }
    }

    /// To be locked before anything is counted.
    pub fn marks(&self) -> impl Iterator<Item = Mark> {
        let own = [self.withdrawn, self.confirm, self.already, self.domain, self.form, self.all];
        self.network.into_iter().flatten().chain(self.mailbox).chain(own)
    }

    /// Counts the sign-up from its network. `Err` holds the minutes to wait.
    pub fn count_network(&self, counters: &mut Counters) -> std::result::Result<(), i64> {
        self.network.as_ref().map_or(Ok(()), |marks| counters.count_network(marks))
    }

    /// Counts a mail to the mailbox; `false` when it has had enough of them, or its owner has said no.
    pub fn to_mailbox(&self, counters: &mut Counters) -> bool {
        counters.has_room(&self.withdrawn) && counters.add_if_all_have_room(&self.mailbox)
    }

    /// Whether a mail of this kind says anything new: that someone is subscribed already is said once a day.
    pub fn is_news(&self, counters: &Counters, kind: OutboxKind) -> bool {
        kind != OutboxKind::AlreadySubscribed || counters.has_room(&self.already)
    }

    /// How long its mail would wait: beyond the limits of a domain, a form and all forms mails go out one after the other,
    /// so that nobody is flooded and nobody who signed up is forgotten. `Err` holds the minutes to wait, when a
    /// form under attack has no more room for sign-ups without a proof.
    pub fn wait(&self, counters: &Counters) -> std::result::Result<Duration, i64> {
        let (gap, gap_of_all) = match self.effort {
            Effort::Proved => (Duration::ZERO, Duration::ZERO),
            Effort::NotAsked => (FORM_GAP, ALL_GAP),
            Effort::Missing => (FORM_UNPROVED_GAP, ALL_GAP),
        };
        let of_form = beyond(gap, counters, &self.form);
        if self.effort == Effort::Missing && of_form > WAIT_MAX {
            return Err(minutes(self.form.limit.window));
        }
        let of_all = beyond(gap_of_all, counters, &self.all);
        Ok(beyond(DOMAIN_GAP, counters, &self.domain).max(of_form).max(of_all).min(WAIT_MAX))
    }

    /// Counts the mail that is sent.
    pub fn sends(&self, counters: &mut Counters, kind: OutboxKind) {
        counters.add(if kind == OutboxKind::AlreadySubscribed { &self.already } else { &self.confirm });
        counters.add(&self.domain);
        if self.effort != Effort::Proved {
            counters.add(&self.form);
            counters.add(&self.all);
        }
    }
}

/// A gap for each that is too many, with one more.
fn beyond(gap: Duration, counters: &Counters, mark: &Mark) -> Duration {
    gap.saturating_mul(u32::try_from((counters.next(mark) - mark.limit.most).max(0)).unwrap_or(u32::MAX))
}

/// What the counters say of a mail that came by no form.
#[derive(Debug, Clone, Copy)]
pub struct Room {
    /// Whether the mailbox has not had enough of our mails yet.
    pub may_mail: bool,
    /// How long the mail waits for others to its domain.
    pub wait: Duration,
}

impl Room {
    /// Counts a mail: under all limits of the mailbox, or none; and for its domain. None goes to whose owner has said no.
    fn count(counters: &mut Counters, mailbox: &[Mark; 3], withdrawn: &Mark, domain: &Mark) -> Self {
        let may_mail = counters.has_room(withdrawn) && counters.add_if_all_have_room(mailbox);
        let wait = beyond(DOMAIN_GAP, counters, domain).min(WAIT_MAX);
        counters.add(domain);
        Self { may_mail, wait }
    }
}

/// Keeps that the owner of a mailbox has withdrawn a request. Before the person is locked, as sign-ups do it: else two
/// could wait for each other.
pub async fn withdraw(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    newsletter: NewsletterId,
    now: Timestamp,
) -> Result<()> {
    let mark = withdrawn_mark(keys, address, &newsletter.to_string());
    rate_limits::hold(tx).await?;
    // The days begin anew.
    rate_limits::clear(tx, &mark.key).await?;
    rate_limits::hit(tx, &mark.key, mark.limit.window, now).await?;
    Ok(())
}

/// Forgets it: the owner thinks otherwise. Before the person is locked, too.
pub async fn undo_withdrawal(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    newsletter: NewsletterId,
) -> Result<()> {
    rate_limits::hold(tx).await?;
    rate_limits::clear(tx, &withdrawn_mark(keys, address, &newsletter.to_string()).key).await
}

/// Counts a mail that someone asks for again, with the confirmation mails of the mailbox: nobody can be sent more
/// than those, whichever page is used. `about` is what the mail is about: a newsletter, of which the owner may have said
/// no, or none. `Err` holds the minutes to wait, where there were too many from that address of the network.
///
/// Everything is locked at once, also what [`news`] counts later: other verbs take counters before people, too.
pub async fn another(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    about: &str,
    ip: Option<IpAddr>,
    now: Timestamp,
) -> Result<std::result::Result<Room, i64>> {
    let network = ip.map(|ip| network_marks(keys, ip, true));
    let mailbox = mailbox_marks(keys, address, PER_ANOTHER, about);
    let withdrawn = withdrawn_mark(keys, address, about);
    let domain = domain_mark(keys, address);
    let kinds = [OutboxKind::Confirm, OutboxKind::AlreadySubscribed];
    let kinds = kinds.map(|kind| kind_mark(keys, address, about, kind));
    let all = network.into_iter().flatten().chain(mailbox).chain([withdrawn, domain]).chain(kinds);
    let mut counters = Counters::lock(tx, all, now).await?;
    let counted = network.as_ref().map_or(Ok(()), |marks| counters.count_network(marks));
    let room = counted.map(|()| Room::count(&mut counters, &mailbox, &withdrawn, &domain));
    counters.write(tx, now).await?;
    Ok(room)
}

/// Counts a mail of a kind, within [`another`]; `false` when it would say again what was said today. Confirmation mails
/// have limits of their own, and are counted here so that both kinds take the same time.
pub async fn news(
    tx: &mut Tx,
    keys: &Keys,
    address: &EmailAddress,
    newsletter: NewsletterId,
    kind: OutboxKind,
    now: Timestamp,
) -> Result<bool> {
    let is_first = count(tx, kind_mark(keys, address, &newsletter.to_string(), kind), now).await?;
    Ok(is_first || kind != OutboxKind::AlreadySubscribed)
}

/// Counts an alarm about a form; `false` when there was one in the last 24 hours.
pub async fn alarm(tx: &mut Tx, keys: &Keys, form: FormId, now: Timestamp) -> Result<bool> {
    count(tx, mark(keys, PER_ALARM, &form.to_string()), now).await
}

/// Counts a change of address that a person asks for, and the mail to the new one; `None` when it was asked for often
/// enough today. Everything is locked at once, as in [`another`].
pub async fn address_change(
    tx: &mut Tx,
    keys: &Keys,
    subscriber: SubscriberId,
    new: &EmailAddress,
    newsletter: NewsletterId,
    now: Timestamp,
) -> Result<Option<Room>> {
    let person = mark(keys, PER_PERSON, &subscriber.to_string());
    let about = newsletter.to_string();
    let mailbox = mailbox_marks(keys, new, PER_MAILBOX_AND_NEWSLETTER, &about);
    let withdrawn = withdrawn_mark(keys, new, &about);
    let domain = domain_mark(keys, new);
    let all = [person, withdrawn, domain].into_iter().chain(mailbox);
    let mut counters = Counters::lock(tx, all, now).await?;
    let has_room = counters.has_room(&person);
    counters.add(&person);
    let room = has_room.then(|| Room::count(&mut counters, &mailbox, &withdrawn, &domain));
    counters.write(tx, now).await?;
    Ok(room)
}

async fn count(tx: &mut Tx, mark: Mark, now: Timestamp) -> Result<bool> {
    Ok(rate_limits::hit(tx, &mark.key, mark.limit.window, now).await? <= mark.limit.most)
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What stands after `more` hits, at a minute of the first hour, where `hits` stood until then: hits, and the minute at
    /// which they end.
    fn after(is_rolling: bool, before: Option<(i64, u64)>, more: i64, minute: u64) -> (i64, i64) {
        let at = |minute: u64| Timestamp::from_millis(0).plus(MINUTE * u32::try_from(minute).unwrap());
        // As it is read: a window that is over is no window.
        let before = before.filter(|(_, end)| *end > minute);
        let counter = Counter {
            window: HOUR,
            is_rolling,
            hits: before.map_or(0, |(hits, _)| hits),
            ends_at: before.map(|(_, end)| at(end)),
            more,
        };
        let count = counter.count([0; 32], at(minute));
        (count.hits, count.window_ends_at.as_millis() / 60_000)
    }

    #[test]
    fn a_window_begins_with_its_first_hit_and_one_that_rolls_with_each() {
        assert_eq!(after(false, None, 1, 10), (1, 70));
        assert_eq!(after(false, Some((1, 70)), 2, 69), (3, 70));
        assert_eq!(after(false, Some((3, 70)), 1, 70), (1, 130));
        assert_eq!(after(true, Some((1, 70)), 2, 69), (3, 129));
        assert_eq!(after(true, Some((3, 70)), 1, 70), (1, 130));
    }

    #[test]
    fn who_only_asks_begins_no_window_and_keeps_the_one_that_runs() {
        for is_rolling in [false, true] {
            assert_eq!(after(is_rolling, None, 0, 10), (0, 10));
            assert_eq!(after(is_rolling, Some((2, 70)), 0, 69), (2, 70));
            assert_eq!(after(is_rolling, Some((2, 70)), 0, 70), (0, 70));
        }
    }
}
