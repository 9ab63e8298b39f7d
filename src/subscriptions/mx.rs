//! Whether a domain takes mail at all, asked before a sign-up is written. Only a sure *no* is a mistake of the
//! visitor: who does not know, or does not say so in time, has said yes.
//!
//! It is the same question, and the same wait, whatever is known of the address.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::typo;
use crate::clock::Clock;
use crate::dns::{Dns, Mx};
use crate::model::EmailAddress;

/// How long a visitor waits at most.
const DEADLINE: Duration = Duration::from_secs(1);
/// For how long a domain that takes mail is believed to.
const YES_KEPT: Duration = Duration::from_secs(24 * 3600);
/// That one takes none: it may be new.
const NO_KEPT: Duration = Duration::from_secs(10 * 60);
/// That nobody knows: the next visitors do not wait for it again.
const UNKNOWN_KEPT: Duration = Duration::from_secs(60);
/// Domains remembered, about 100 octets each; beyond it all are forgotten.
const REMEMBERED_MAX: usize = 20_000;

/// Whether there is surely no mail, and until when that holds ([`Clock::elapsed`]).
type Remembered = HashMap<Box<str>, (bool, Duration)>;

/// Cheap to clone; clones share what they remember.
#[derive(Debug, Clone)]
pub struct MailCheck {
    dns: Dns,
    remembered: Arc<Mutex<Remembered>>,
}

impl MailCheck {
    pub fn new(dns: Dns) -> Self {
        Self { dns, remembered: Arc::default() }
    }

    /// Whether the domain of an address surely takes no mail.
    pub async fn is_nowhere(&self, clock: &Clock, address: &EmailAddress) -> bool {
        let domain = address.ascii_domain();
        if typo::is_known(domain) {
            return false;
        }
        if let Some(&(is_nowhere, until)) = self.lock().get(domain)
            && until > clock.elapsed()
        {
            return is_nowhere;
        }
        let (is_nowhere, kept) = match self.dns.mx(domain, DEADLINE).await {
            Mx::Hosts(_) => (false, YES_KEPT),
            Mx::Nowhere => (true, NO_KEPT),
            Mx::Unknown => (false, UNKNOWN_KEPT),
        };
        let mut remembered = self.lock();
        if remembered.len() >= REMEMBERED_MAX {
            remembered.clear();
        }
        remembered.insert(domain.into(), (is_nowhere, clock.elapsed() + kept));
        is_nowhere
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Box<str>, (bool, Duration)>> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
