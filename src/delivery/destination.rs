//! Destinations: the providers behind recipients' domains, and what each takes at once.
//!
//! Mailbox providers count connections and mails by sender, whatever the domain is called. Every other domain
//! goes to [`OTHER`], until it makes trouble: then it becomes a destination of its own (see [`super::lanes`]).
//! To add a provider: its row in [`PROVIDERS`].

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::EmailAddress;

/// All domains that belong to no provider of the table.
pub const OTHER: &str = "other";

#[derive(Debug, Clone, Copy)]
struct Provider {
    name: &'static str,
    /// As A-labels.
    domains: &'static [&'static str],
    /// Most mails on the wire at once.
    at_once: usize,
}

/// What mailbox providers bear, by experience and their own words (D52). A relay sees each of our
/// connections carry mails for all of them, so what counts here is mails on the wire at once.
const PROVIDERS: &[Provider] = &[
    Provider { name: "google", domains: &["gmail.com", "googlemail.com"], at_once: 5 },
    Provider {
        name: "microsoft",
        domains: &[
            "hotmail.com",
            "hotmail.be",
            "hotmail.fr",
            "hotmail.de",
            "hotmail.nl",
            "hotmail.co.uk",
            "live.com",
            "live.be",
            "live.nl",
            "live.fr",
            "live.de",
            "msn.com",
            "outlook.com",
            "outlook.be",
            "outlook.fr",
            "outlook.de",
        ],
        at_once: 5,
    },
    Provider {
        name: "yahoo",
        domains: &[
            "yahoo.com",
            "yahoo.fr",
            "yahoo.de",
            "yahoo.co.uk",
            "ymail.com",
            "rocketmail.com",
            "aol.com",
        ],
        at_once: 10,
    },
    Provider { name: "icloud", domains: &["icloud.com", "me.com", "mac.com"], at_once: 10 },
    Provider { name: "orange", domains: &["orange.fr", "wanadoo.fr"], at_once: 2 },
    Provider { name: "laposte", domains: &["laposte.net"], at_once: 5 },
    Provider { name: "free", domains: &["free.fr"], at_once: 5 },
    Provider {
        name: "gmx",
        domains: &["gmx.de", "gmx.net", "gmx.at", "gmx.ch", "gmx.com", "web.de"],
        at_once: 4,
    },
    Provider { name: "t-online", domains: &["t-online.de", "magenta.de"], at_once: 5 },
    Provider {
        name: "kpn",
        domains: &["kpnmail.nl", "planet.nl", "hetnet.nl", "xs4all.nl", "telfort.nl"],
        at_once: 10,
    },
    Provider { name: "ziggo", domains: &["ziggo.nl", "home.nl", "casema.nl", "upcmail.nl"], at_once: 5 },
    Provider { name: "telenet", domains: &["telenet.be", "pandora.be"], at_once: 5 },
    Provider { name: "proximus", domains: &["skynet.be", "proximus.be", "belgacom.net"], at_once: 5 },
    Provider { name: "voo", domains: &["voo.be"], at_once: 5 },
];

/// What a destination may be given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most mails on the wire at once; `None`: as many as there are connections.
    pub at_once: Option<usize>,
    pub mails_per_hour: Option<u32>,
}

/// Which destination a domain belongs to, and its limits.
#[derive(Debug, Clone)]
pub struct Destinations {
    by_domain: HashMap<&'static str, Arc<str>>,
    limits: HashMap<Arc<str>, Limits>,
    other: Arc<str>,
}

impl Default for Destinations {
    fn default() -> Self {
        let mut by_domain = HashMap::new();
        let mut limits = HashMap::new();
        for provider in PROVIDERS {
            let name: Arc<str> = Arc::from(provider.name);
            by_domain.extend(provider.domains.iter().map(|domain| (*domain, Arc::clone(&name))));
            limits.insert(name, Limits { at_once: Some(provider.at_once), mails_per_hour: None });
        }
        Self { by_domain, limits, other: Arc::from(OTHER) }
    }
}

impl Destinations {
    /// Sets other limits for a provider, for [`OTHER`], or for a domain.
    pub fn limit(&mut self, name: &str, limits: Limits) {
        self.limits.insert(Arc::from(name), limits);
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

    pub fn limits(&self, destination: &str) -> Limits {
        self.limits.get(destination).copied().unwrap_or(Limits { at_once: None, mails_per_hour: None })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: &str) -> String {
        Destinations::default().of(&EmailAddress::parse(address).unwrap()).to_string()
    }

    #[test]
    fn the_domains_of_a_provider_are_one_destination() {
        assert_eq!(of("a@gmail.com"), "google");
        assert_eq!(of("a@GoogleMail.com"), "google");
        assert_eq!(of("a@example.org"), OTHER);
        assert_eq!(of("a@mail.gmail.com"), OTHER);
    }

    #[test]
    fn no_domain_is_listed_twice() {
        let mut seen = std::collections::HashSet::new();
        for domain in PROVIDERS.iter().flat_map(|provider| provider.domains) {
            assert!(seen.insert(domain), "{domain}");
        }
    }

    #[test]
    fn a_domain_with_limits_of_its_own_is_a_destination() {
        let mut destinations = Destinations::default();
        destinations.limit("example.org", Limits { at_once: Some(1), mails_per_hour: Some(60) });
        let address = EmailAddress::parse("a@example.org").unwrap();
        assert_eq!(&*destinations.of(&address), "example.org");
        assert_eq!(destinations.limits("example.org").at_once, Some(1));
    }
}
