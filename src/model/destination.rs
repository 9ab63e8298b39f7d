//! Destinations: the providers behind recipients' domains, and what each may be given.
//!
//! Mailbox providers count connections and mails by sender, whatever the domain is called. Every other domain
//! goes to [`OTHER`], unless its mail hosts (MX) are those of a provider. The table is `destinations.toml`; to add
//! a provider: its lines there.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::NaiveDate;

use super::{EmailAddress, Timestamp};

/// All domains that belong to no provider of the table.
pub const OTHER: &str = "other";

const TABLE: &str = include_str!("destinations.toml");
/// Milliseconds.
const DAY: i64 = 24 * 3600 * 1000;
/// Most mails of each day while a destination is warmed up (D54): doubled, and slower at the end.
const WARM_UP_MAILS: [i64; 14] =
    [50, 100, 200, 400, 800, 1_500, 3_000, 5_000, 8_000, 12_000, 18_000, 26_000, 38_000, 50_000];

/// What a destination may be given.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Limits {
    /// Most mails on the wire at once; `None`: as many as there are connections.
    pub at_once: Option<usize>,
    pub mails_per_hour: Option<u32>,
    pub warm_up: Option<WarmUp>,
}

/// A sender that is new to a provider shows itself slowly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WarmUp {
    /// The number of its first day since 1970-01-01 UTC.
    from: i64,
    /// Most mails of each day; afterwards there is no limit.
    mails: Vec<i64>,
}

impl WarmUp {
    /// From a first day, with the usual plan if there is no other.
    pub fn new(from: NaiveDate, mails: Option<Vec<i64>>) -> Self {
        let from = from.signed_duration_since(NaiveDate::default()).num_days();
        Self { from, mails: mails.unwrap_or_else(|| WARM_UP_MAILS.to_vec()) }
    }

    /// The number of a moment's day, and the most mails of it; `None` when it is over. Before the first day
    /// as on it.
    pub fn limit(&self, now: Timestamp) -> Option<(i64, i64)> {
        let day = now.as_millis().div_euclid(DAY);
        let index = usize::try_from((day - self.from).max(0)).ok()?;
        Some((day, *self.mails.get(index)?))
    }

    /// When the next day begins.
    pub fn next_day(now: Timestamp) -> Timestamp {
        Timestamp::from_millis((now.as_millis().div_euclid(DAY) + 1) * DAY)
    }
}

/// Lines of a table, as they are written.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Lines {
    domains: Option<Vec<String>>,
    mx: Option<Vec<String>>,
    at_once: Option<usize>,
    mails_per_hour: Option<u32>,
    warm_up_from: Option<String>,
    warm_up_mails: Option<Vec<i64>>,
}

/// Which destination a domain belongs to, and its limits.
#[derive(Debug, Clone)]
pub struct Destinations {
    by_domain: BTreeMap<String, Arc<str>>,
    /// By a mail host, or a domain that mail hosts are under.
    by_host: BTreeMap<String, Arc<str>>,
    limits: BTreeMap<Arc<str>, Limits>,
    other: Arc<str>,
}

impl Default for Destinations {
    fn default() -> Self {
        let mut destinations = Self {
            by_domain: BTreeMap::new(),
            by_host: BTreeMap::new(),
            limits: BTreeMap::new(),
            other: Arc::from(OTHER),
        };
        // A test holds that our own table can be read.
        let _ = destinations.add(TABLE);
        destinations
    }
}

impl Destinations {
    /// Adds to the table, or changes it. A name that is a domain needs no `domains`.
    ///
    /// # Errors
    /// What is wrong, as the end of a sentence; then nothing has changed.
    pub fn add(&mut self, table: &str) -> Result<(), String> {
        let tables: BTreeMap<String, Lines> =
            toml::from_str(table).map_err(|error| format!("is no table of destinations: {error}"))?;
        let mut changed = self.clone();
        for (name, lines) in tables {
            let name: Arc<str> = Arc::from(name.as_str());
            let complain = |what: &str| Err(format!("has a table [{name}] in which {what}"));
            let limits = changed.limits.entry(Arc::clone(&name)).or_default();
            if lines.at_once == Some(0) || lines.mails_per_hour == Some(0) {
                return complain("a limit is 0; to stop mails pause the mailing");
            }
            limits.at_once = lines.at_once.or(limits.at_once);
            limits.mails_per_hour = lines.mails_per_hour.or(limits.mails_per_hour);
            match (&lines.warm_up_from, lines.warm_up_mails) {
                (None, None) => {}
                (None, Some(_)) => return complain("warm_up_mails stands without warm_up_from"),
                (Some(_), Some(mails)) if mails.is_empty() || mails.iter().any(|mails| *mails < 1) => {
                    return complain("warm_up_mails is not a list of numbers from 1 on");
                }
                (Some(from), mails) => match from.parse() {
                    Ok(from) => limits.warm_up = Some(WarmUp::new(from, mails)),
                    Err(_) => return complain("warm_up_from is not a day like \"2026-11-30\""),
                },
            }
            for (written, known) in
                [(lines.domains, &mut changed.by_domain), (lines.mx, &mut changed.by_host)]
            {
                for domain in written.unwrap_or_default() {
                    let ascii = idna::domain_to_ascii_strict(&domain).unwrap_or_default();
                    if ascii.is_empty() {
                        return complain(&format!("{domain:?} is no domain"));
                    }
                    known.insert(ascii, Arc::clone(&name));
                }
            }
        }
        *self = changed;
        Ok(())
    }

    /// The destination of an address.
    pub fn of(&self, address: &EmailAddress) -> Arc<str> {
        let domain = address.ascii_domain();
        match self.by_domain.get(domain) {
            Some(name) => Arc::clone(name),
            // A domain that was given limits of its own is a destination.
            None => match self.limits.get_key_value(domain) {
                Some((name, _)) => Arc::clone(name),
                None => Arc::clone(&self.other),
            },
        }
    }

    /// Whether the domain of an address is one of a mailbox provider, where anybody may have an address.
    pub fn knows(&self, address: &EmailAddress) -> bool {
        self.by_domain.contains_key(address.ascii_domain())
    }

    /// The destination that a mail host belongs to, by the longest domain of the table that it is or is under.
    pub fn of_host(&self, host: &str) -> Option<Arc<str>> {
        let dots = host.match_indices('.').filter_map(|(at, _)| host.get(at + 1..));
        std::iter::once(host).chain(dots).find_map(|domain| self.by_host.get(domain)).map(Arc::clone)
    }

    pub fn limits(&self, destination: &str) -> Limits {
        self.limits.get(destination).cloned().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(destinations: &Destinations, address: &str) -> String {
        destinations.of(&EmailAddress::parse(address).unwrap()).to_string()
    }

    #[test]
    fn our_own_table_can_be_read_and_lists_no_domain_twice() {
        let mut destinations = Destinations::default();
        destinations.add(TABLE).unwrap();
        let listed = TABLE.matches(".be\"").count();
        let known = destinations.by_domain.keys().filter(|domain| domain.ends_with(".be")).count();
        assert!(known > 5 && known == listed, "{known} of {listed}");
    }

    #[test]
    fn the_domains_of_a_provider_are_one_destination() {
        let destinations = Destinations::default();
        assert_eq!(of(&destinations, "a@gmail.com"), "google");
        assert_eq!(of(&destinations, "a@GoogleMail.com"), "google");
        assert_eq!(of(&destinations, "a@example.org"), OTHER);
        assert_eq!(of(&destinations, "a@mail.gmail.com"), OTHER);
    }

    #[test]
    fn a_mail_host_belongs_to_the_longest_name_that_it_is_under() {
        let mut destinations = Destinations::default();
        destinations.add("[wide]\nmx = [\"outlook.com\"]\n").unwrap();
        for (host, destination) in [
            ("aspmx.l.google.com", Some("google")),
            ("smtp.google.com", Some("google")),
            ("alt1.aspmx.l.google.com", Some("google")),
            ("aspmx2.googlemail.com", Some("google")),
            ("example-org.mail.protection.outlook.com", Some("microsoft365")),
            ("example-org.a-v1.mx.microsoft", Some("microsoft365")),
            ("hotmail-com.olc.protection.outlook.com", Some("microsoft")),
            ("outlook.com", Some("wide")),
            ("google.com.example.org", None),
            ("notgoogle.com", None),
            ("", None),
        ] {
            assert_eq!(destinations.of_host(host).as_deref(), destination, "{host}");
        }
    }

    #[test]
    fn a_table_adds_and_changes() {
        let mut destinations = Destinations::default();
        let table =
            "[\"example.org\"]\nat_once = 1\n[google]\nmails_per_hour = 60\ndomains = [\"bücher.example\"]\n";
        destinations.add(table).unwrap();
        assert_eq!(of(&destinations, "a@example.org"), "example.org");
        assert_eq!(of(&destinations, "a@xn--bcher-kva.example"), "google");
        let google = destinations.limits("google");
        assert_eq!((google.at_once, google.mails_per_hour), (Some(5), Some(60)));
    }

    #[test]
    fn a_mistake_is_told_and_changes_nothing() {
        for (table, complaint) in [
            ("google = 3", "is no table of destinations"),
            ("[google]\nat_most = 3", "at_most"),
            ("[google]\nat_once = 0", "[google] in which a limit is 0"),
            ("[google]\nwarm_up_from = \"soon\"", "warm_up_from is not a day"),
            ("[google]\nwarm_up_mails = [1]", "without warm_up_from"),
            ("[google]\nwarm_up_from = \"2026-11-30\"\nwarm_up_mails = [5, 0]", "not a list of numbers"),
            ("[x]\nmx = [\"*.example.org\"]", "is no domain"),
            ("[google]\nat_once = 1\n[x]\ndomains = [\"a b\"]", "is no domain"),
        ] {
            let mut destinations = Destinations::default();
            let error = destinations.add(table).unwrap_err();
            assert!(error.contains(complaint), "{error}");
            assert_eq!(destinations.limits("google").at_once, Some(5));
        }
    }

    #[test]
    fn a_warm_up_grows_day_by_day_and_ends() {
        let from = "2026-11-30".parse().unwrap();
        let day = |days: i64| Timestamp::from_millis((20_787 + days) * DAY + 5);
        assert_eq!(day(0).rfc3339(), "2026-11-30T00:00:00Z");
        let usual = WarmUp::new(from, None);
        assert_eq!(usual.limit(day(-3)), Some((20_784, 50)));
        assert_eq!(usual.limit(day(0)), Some((20_787, 50)));
        assert_eq!(usual.limit(day(13)), Some((20_800, 50_000)));
        assert_eq!(usual.limit(day(14)), None);
        assert_eq!(WarmUp::new(from, Some(vec![7])).limit(day(1)), None);
        assert_eq!(WarmUp::next_day(day(0)).rfc3339(), "2026-12-01T00:00:00Z");
    }
}
