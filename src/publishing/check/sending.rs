//! From whom, and to how many.

use std::sync::LazyLock;

use super::{Facts, Findings, Place};
use crate::i18n::Message;
use crate::model::dkim::signs_for;
use crate::model::{Destinations, DkimKeyState, TrialBy};

/// Fewer readers of each subject than this tell nothing: one more click is chance.
const ASKED_MIN: i64 = 100;
/// An audience that grew or shrank by more than this is worth a second look.
const JUMP: i64 = 3;

static PROVIDERS: LazyLock<Destinations> = LazyLock::new(Destinations::default);

pub(super) fn check(findings: &mut Findings, facts: Facts<'_>) {
    let newsletter = facts.newsletter;
    if newsletter.postal_address.trim().is_empty() {
        findings.error(Place::Newsletter, Message::new("check-no-postal-address"));
    }
    // Nobody but the provider can sign for such a domain, and receivers ask for that (DMARC).
    if PROVIDERS.knows(&newsletter.sender_address) {
        let domain = newsletter.sender_address.ascii_domain();
        findings.warning(Place::Newsletter, Message::new("check-sender-provider").text("domain", domain));
    } else if let Some(message) = unsigned(facts) {
        findings.warning(Place::Newsletter, message);
    }
    if facts.issue.has_trial() {
        let asked = facts.audience * facts.issue.trial.share / 200;
        if asked < ASKED_MIN {
            let message = Message::new("check-trial-small").number("asked", asked);
            findings.hint(Place::SecondSubject, message);
        }
    }
    if facts.issue.has_trial()
        && facts.issue.trial.by == TrialBy::Clicks
        && !facts.newsletter.tracking.is_on()
    {
        findings.error(Place::SecondSubject, Message::new("check-trial-untracked"));
    }
    match (facts.audience, facts.last_audience) {
        (0, _) => {
            findings.warning(Place::Issue, Message::new("check-audience-empty"));
        }
        (now, Some(last)) if last > 0 && (now > last * JUMP || now * JUMP < last) => {
            let message = Message::new("check-audience-jump").number("now", now).number("last", last);
            findings.warning(Place::Issue, message);
        }
        _ => {}
    }
}

/// That mails go out unsigned, where that is no decision: somebody has made a key for the domain that does not sign yet, or
/// has keys for other domains only. Without any key signing is left to the relay, of which we know nothing.
fn unsigned(facts: Facts<'_>) -> Option<Message> {
    let domain = facts.newsletter.sender_address.ascii_domain();
    let mut fitting = facts.signing.iter().filter(|(key, _)| signs_for(key, domain)).peekable();
    let key = match (fitting.peek().is_some(), facts.signing.is_empty()) {
        (_, true) => return None,
        (true, _) if fitting.any(|(_, state)| *state == DkimKeyState::Signing) => return None,
        (true, _) => "check-sender-key-waits",
        (false, _) => "check-sender-unsigned",
    };
    Some(Message::new(key).text("domain", domain))
}
