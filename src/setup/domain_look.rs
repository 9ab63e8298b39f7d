//! What DNS says of a domain that mail comes from: the records of its signing keys (DKIM), who may send for it (SPF), and
//! what receivers do with mail that only pretends to be from it (DMARC). The same for the desk and for `doctor`.

use std::time::Duration;

use futures_util::future::join_all;
use tokio::sync::Semaphore;

use super::domains::{Domain, KnownKey};
use crate::config::is_loopback;
use crate::dns::{Dns, Txt};
use crate::model::dkim::record_name;
use crate::model::{DkimKeyId, DkimKeyState};

/// Somebody waits for all of it.
const LOOK_WITHIN: Duration = Duration::from_secs(5);
/// Looks at once: each asks some ten questions.
const LOOKS_MAX: usize = 4;
/// Keys of one domain that are looked at: two kinds, old and new.
const KEYS_MAX: usize = 12;
/// How far up a policy is looked for (DMARC).
const ABOVE_MAX: usize = 4;
/// Characters of what somebody else wrote into DNS that are shown.
const SHOWN_MAX_CHARS: usize = 600;

static LOOKING: Semaphore = Semaphore::const_new(LOOKS_MAX);

/// What DNS says of a record that we want there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Record {
    /// It says what it must: the text.
    Published(String),
    Missing,
    /// It says something else: all that it says.
    Different(Vec<String>),
    /// Nobody answered, or nobody may be asked.
    Unknown,
}

impl Record {
    /// At the end of keys and as a class of stylesheets.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Published(_) => "published",
            Self::Missing => "missing",
            Self::Different(_) => "different",
            Self::Unknown => "unknown",
        }
    }
}

/// What was found.
#[derive(Debug, Clone)]
pub struct Looked {
    /// For each key of the domain, and each other one with which its mails are signed.
    pub keys: Vec<(KnownKey, Record)>,
    pub spf: Record,
    pub dmarc: Record,
    /// The name of the policy that counts: the domain's own, or that of a domain above it.
    pub dmarc_name: String,
}

impl Looked {
    pub fn of(&self, key: &KnownKey) -> Option<&Record> {
        let found = self
            .keys
            .iter()
            .find(|(known, _)| (&known.domain, &known.selector) == (&key.domain, &key.selector));
        found.map(|(_, record)| record)
    }

    /// The keys of the desk whose records were seen.
    pub fn seen(&self) -> Vec<DkimKeyId> {
        let published = self.keys.iter().filter(|(_, record)| matches!(record, Record::Published(_)));
        published.filter_map(|(key, _)| key.stored()).map(|stored| stored.id).collect()
    }
}

/// Asks DNS about a domain, and has an answer within seconds. What was asked before is asked anew.
pub async fn look(dns: &Dns, domain: &Domain) -> Looked {
    // Never closed.
    let _permit = LOOKING.acquire().await;
    let dns = dns.without_memory();
    let mut keys = domain.keys.clone();
    keys.extend(domain.signed_with.iter().filter(|key| key.domain != domain.name).cloned());
    keys.truncate(KEYS_MAX);
    let records = join_all(keys.iter().map(async |key| {
        key_record(key, dns.txt(&record_name(&key.selector, &key.domain), LOOK_WITHIN).await)
    }));
    let (records, spf, (dmarc_name, dmarc)) =
        tokio::join!(records, dns.txt(&domain.name, LOOK_WITHIN), policy(&dns, &domain.name));
    Looked { keys: keys.into_iter().zip(records).collect(), spf: spf_record(spf), dmarc, dmarc_name }
}

fn key_record(key: &KnownKey, found: Txt) -> Record {
    match found {
        Txt::Unknown => Record::Unknown,
        Txt::Nothing => Record::Missing,
        // With two of them a receiver takes either (RFC 6376, 3.6.2.2).
        Txt::Records(texts) => match texts.as_slice() {
            [only] if says_the_same(only, &key.record) => Record::Published(shown(only)),
            _ => Record::Different(texts.iter().map(|text| shown(text)).collect()),
        },
    }
}

/// Whether a record has the same key, however it is written, and allows what we do with it.
fn says_the_same(found: &str, wanted: &str) -> bool {
    let tag = |text: &str, wanted: &str| {
        let tags = text.split(';').filter_map(|tag| tag.split_once('='));
        let mut found = tags.filter(|(name, _)| name.trim() == wanted);
        found.next().map(|(_, value)| value.split_ascii_whitespace().collect::<String>())
    };
    let kind = |text| tag(text, "k").unwrap_or_else(|| "rsa".to_owned());
    let is_version = tag(found, "v").is_none_or(|version| version == "DKIM1");
    let allows = |name, needed: &str| {
        tag(found, name).is_none_or(|all| all.split(':').any(|one| one == needed || one == "*"))
    };
    is_version
        && kind(found) == kind(wanted)
        && tag(found, "p").is_some()
        && tag(found, "p") == tag(wanted, "p")
        && allows("h", "sha256")
        && allows("s", "email")
}

fn spf_record(found: Txt) -> Record {
    one_of(found, |text| {
        let text = text.to_ascii_lowercase();
        text == "v=spf1" || text.starts_with("v=spf1 ")
    })
}

/// The one record of a kind among the texts of a name: of two receivers take neither (RFC 7208, 4.5; RFC 7489, 6.6.3).
fn one_of(found: Txt, is_it: impl Fn(&str) -> bool) -> Record {
    let texts = match found {
        Txt::Unknown => return Record::Unknown,
        Txt::Nothing => return Record::Missing,
        Txt::Records(texts) => texts,
    };
    let found: Vec<_> = texts.iter().filter(|text| is_it(text)).map(|text| shown(text)).collect();
    match <[String; 1]>::try_from(found) {
        Ok([only]) => Record::Published(only),
        Err(none) if none.is_empty() => Record::Missing,
        Err(several) => Record::Different(several),
    }
}

/// The policy of a domain, or of the nearest above it that has one.
async fn policy(dns: &Dns, domain: &str) -> (String, Record) {
    let mut names = Vec::new();
    let mut rest = Some(domain);
    while let Some(name) = rest.filter(|name| name.contains('.') && names.len() < ABOVE_MAX) {
        names.push(format!("_dmarc.{name}"));
        rest = name.split_once('.').map(|(_, above)| above);
    }
    let is_policy = |text: &str| text.split(';').next().is_some_and(|tag| tag.replace(' ', "") == "v=DMARC1");
    let found = join_all(names.iter().map(|name| dns.txt(name, LOOK_WITHIN))).await;
    let own = names.first().cloned().unwrap_or_default();
    let mut answers = names.into_iter().zip(found.into_iter().map(|found| one_of(found, is_policy)));
    answers.find(|(_, record)| *record != Record::Missing).unwrap_or((own, Record::Missing))
}

/// What others wrote: one line, and not endless.
fn shown(text: &str) -> String {
    text.chars().filter(|char| !char.is_control()).take(SHOWN_MAX_CHARS).collect()
}

/// An SPF record to begin with: our relays may send, others are to be looked at twice. What a provider asks for is better.
pub fn spf_suggestion<'a>(relay_hosts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hosts: Vec<_> = relay_hosts.into_iter().filter(|host| !is_loopback(host)).collect();
    hosts.sort_unstable();
    hosts.dedup();
    let mut words = vec!["v=spf1".to_owned()];
    words.extend(hosts.into_iter().map(|host| match host.parse::<std::net::IpAddr>() {
        Ok(std::net::IpAddr::V4(address)) => format!("ip4:{address}"),
        Ok(std::net::IpAddr::V6(address)) => format!("ip6:{address}"),
        Err(_) => format!("a:{host}"),
    }));
    if words.len() == 1 {
        words.push("mx".to_owned());
    }
    words.push("~all".to_owned());
    words.join(" ")
}

/// A policy to begin with: nothing is refused yet, and the reports go where every domain must have a mailbox (RFC 5321, 4.5.1).
pub fn dmarc_suggestion(domain: &str) -> String {
    format!("v=DMARC1; p=none; rua=mailto:postmaster@{domain}")
}

/// Whether a mail signed with this key is refused or suspected as things are: a reason to act.
pub fn is_trouble(key: &KnownKey, record: &Record) -> bool {
    key.signs() && matches!(record, Record::Missing | Record::Different(_))
}

/// Whether a key waits for a record that is not there.
pub fn waits(key: &KnownKey) -> bool {
    key.stored().is_some_and(|stored| stored.state == DkimKeyState::Waiting)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_the_same_however_it_is_written() {
        let wanted = "v=DKIM1; k=rsa; p=AAAA";
        for same in [
            "v=DKIM1; k=rsa; p=AAAA",
            "k=rsa;p=AA AA;",
            "p=AAAA",
            "v=DKIM1; h=sha1:sha256; s=email; t=s; p=AAAA",
        ] {
            assert!(says_the_same(same, wanted), "{same}");
        }
        for other in
            ["", "p=", "p=AAAB", "k=ed25519; p=AAAA", "v=DKIM2; p=AAAA", "h=sha1; p=AAAA", "s=other; p=AAAA"]
        {
            assert!(!says_the_same(other, wanted), "{other}");
        }
    }

    #[test]
    fn of_two_records_receivers_take_neither() {
        let texts = |texts: &[&str]| Txt::Records(texts.iter().map(|text| (*text).to_owned()).collect());
        assert_eq!(spf_record(texts(&["x", "v=spf1 -all"])), Record::Published("v=spf1 -all".into()));
        assert_eq!(spf_record(texts(&["v=spf10", "x"])), Record::Missing);
        assert_eq!(spf_record(texts(&["v=spf1 mx", "V=SPF1"])).as_str(), "different");
        assert_eq!(spf_record(Txt::Unknown), Record::Unknown);
    }

    #[test]
    fn a_suggestion_names_the_relays_that_are_elsewhere() {
        assert_eq!(spf_suggestion([]), "v=spf1 mx ~all");
        assert_eq!(
            spf_suggestion(["smtp.example.com", "localhost", "192.0.2.1", "smtp.example.com"]),
            "v=spf1 ip4:192.0.2.1 a:smtp.example.com ~all"
        );
    }
}
