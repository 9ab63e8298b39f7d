//! For how long what is kept. The periods are settings; their reasons are in `docs/operating.md`.

use std::time::Duration;

const DAY: Duration = Duration::from_secs(24 * 3600);

/// What is not here has a fixed period: unconfirmed sign-ups, expired links and sessions, spent proofs of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    /// IP address, browser and referrer in the evidence of who left, after leaving.
    pub evidence: Duration,
    /// Single mails that are finished, with the relay's reply.
    pub single_mails: Duration,
    /// The relay's replies of a mailing, after its end.
    pub replies: Duration,
    /// Reasons for leaving.
    pub departures: Duration,
    /// Sign-ups of a form in an hour.
    pub counts: Duration,
    /// What readers who agreed opened and followed, after the last time.
    pub hits: Duration,
    /// What was done at the desk and by the command line, and by whom.
    pub audit: Duration,
}

impl Default for Retention {
    fn default() -> Self {
        Self {
            evidence: DAY * 1095,
            single_mails: DAY * 30,
            replies: DAY * 90,
            departures: DAY * 365,
            counts: DAY * 90,
            hits: DAY * 365,
            audit: DAY * 730,
        }
    }
}
