//! Notices when a form is under attack: far more sign-ups in an hour than usual, or many that are refused.
//! Then the form asks for a proof of work for an hour, and again as long as it goes on, if it may
//! (`ProofPolicy::Auto`); and when it is much, its users get a mail, at most one a form in 24 hours.
//!
//! What is usual is the median of the hours of the last two weeks in which there was any sign-up. A form with
//! less than a day of such hours has no habits yet: only the floors count.

use std::time::Duration;

use super::gate::Gate;
use super::limits;
use super::open_form::OpenForm;
use crate::keys::Keys;
use crate::mail::render::{RenderedMail, SignupAlarmView, render_signup_alarm};
use crate::model::{Permission, ProofPolicy, Timestamp};
use crate::store::outbox_contents::{ToUser, WrittenMail, write_to_user};
use crate::store::signup_counts::{self, Counts, hour_of};
use crate::store::{Result, Tx, forms, users};

/// The habits of a form are reckoned from so many hours.
const HABIT_HOURS: i64 = 14 * 24;
/// With fewer hours than this a form has none.
const HABIT_HOURS_MIN: usize = 24;
/// A proof of work is asked for from so many times the usual on, and never below this many in an hour: people
/// with a browser notice nothing of it.
const PROOF_TIMES: i64 = 6;
const PROOF_FLOOR: i64 = 30;
/// Or from so many refused ones on, if they are more than those that were taken.
const PROOF_REFUSED: i64 = 50;
/// For so long after the last look that found too many.
const PROOF_KEPT: Duration = Duration::from_secs(3600);
/// The users are told from so many times the usual on, and never below this many in an hour.
const ALARM_TIMES: i64 = 10;
const ALARM_FLOOR: i64 = 100;
/// The habits are looked at once in so many sign-ups.
const LOOK_EACH: i64 = 10;

/// The sign-ups of one transaction, form by form.
#[derive(Debug, Default)]
pub struct Tally<'a>(Vec<(&'a OpenForm, Counts)>);

impl<'a> Tally<'a> {
    pub fn add(&mut self, form: &'a OpenForm, is_taken: bool) {
        let more = Counts { accepted: i64::from(is_taken), refused: i64::from(!is_taken) };
        match self.0.iter_mut().find(|(known, _)| known.form.id == form.form.id) {
            Some((_, counts)) => {
                counts.accepted += more.accepted;
                counts.refused += more.refused;
            }
            None => self.0.push((form, more)),
        }
    }
}

/// What an hour says about a form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Judgement {
    asks_proof: bool,
    is_alarming: bool,
}

fn judge(counts: Counts, usual: i64) -> Judgement {
    let beyond = |floor: i64, times: i64| counts.total() >= floor.max(usual.saturating_mul(times));
    let refused = counts.refused >= PROOF_REFUSED && counts.refused > counts.accepted;
    Judgement {
        asks_proof: beyond(PROOF_FLOOR, PROOF_TIMES) || refused,
        is_alarming: beyond(ALARM_FLOOR, ALARM_TIMES),
    }
}

/// Counts the sign-ups of a transaction, and does what an attack asks for.
pub async fn watch(tx: &mut Tx, keys: &Keys, gate: &Gate, tally: &Tally<'_>, now: Timestamp) -> Result<()> {
    let hour = hour_of(now);
    for (form, more) in &tally.0 {
        let counts = signup_counts::add(tx, form.form.id, hour, *more).await?;
        let before = counts.total() - more.total();
        if counts.total() < PROOF_FLOOR || counts.total() / LOOK_EACH == before / LOOK_EACH {
            continue;
        }
        let totals = signup_counts::totals(tx.db(), form.form.id, hour - HABIT_HOURS, hour).await?;
        let usual = if totals.len() < HABIT_HOURS_MIN { 0 } else { totals[totals.len() / 2] };
        let judgement = judge(counts, usual);
        let asks_proof = judgement.asks_proof && form.form.proof_policy == ProofPolicy::Auto;
        if asks_proof {
            forms::ask_proof_until(tx, form.form.id, now.plus(PROOF_KEPT)).await?;
        }
        if judgement.is_alarming && limits::alarm(tx, keys, form.form.id, now).await? {
            tell(tx, gate, form, counts, usual, now).await?;
        }
    }
    Ok(())
}

/// Tells everybody who may change the form, in the transaction of the sign-up that was too many.
async fn tell(
    tx: &mut Tx,
    gate: &Gate,
    form: &OpenForm,
    counts: Counts,
    usual: i64,
    now: Timestamp,
) -> Result<()> {
    let OpenForm { newsletter, form, .. } = form;
    tracing::warn!(newsletter = %newsletter.slug, form = %form.id, "a form has far more sign-ups than usual");
    let url = format!("{}/admin/newsletters/{}/forms", gate.public_url(), newsletter.id);
    for user in users::who_may(tx.db(), Permission::SetNewsletter, Some(newsletter.id)).await? {
        let view = SignupAlarmView {
            newsletter,
            language: user.language,
            form: &form.name,
            accepted: counts.accepted,
            refused: counts.refused,
            usual,
            is_guarded: form.proof_policy != ProofPolicy::Never,
            url: &url,
        };
        let rendered = match render_signup_alarm(&view) {
            Ok(rendered) => rendered,
            Err(error) => {
                // The sign-up matters more than the words about it.
                tracing::error!(%error, "an alarm could not be written");
                continue;
            }
        };
        let RenderedMail { subject, html, text } = rendered;
        let to = ToUser { user: &user, newsletter: newsletter.id, issue: None, nonce: &[] };
        write_to_user(tx, to, &WrittenMail { subject, html, text }, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attack_is_far_more_than_usual_and_never_a_few() {
        let of = |accepted, refused, usual| {
            let judgement = judge(Counts { accepted, refused }, usual);
            (judgement.asks_proof, judgement.is_alarming)
        };
        assert_eq!(of(29, 0, 0), (false, false));
        assert_eq!(of(30, 0, 0), (true, false));
        assert_eq!(of(59, 0, 10), (false, false));
        assert_eq!(of(60, 0, 10), (true, false));
        assert_eq!(of(60, 40, 10), (true, true));
        assert_eq!(of(900, 0, 200), (false, false));
        assert_eq!(of(2_000, 0, 200), (true, true));
        // Refused ones pile up, however many are usual.
        assert_eq!(of(10, 50, 200), (true, false));
        assert_eq!(of(50, 49, 200), (false, false));
    }
}
