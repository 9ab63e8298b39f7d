//! A trial of two subjects: a share of the audience gets them, half of it each, and everybody else the better one.

use super::{MailingId, SubscriberId};

text_enum!(
    /// One of the two subjects.
    Variant { First = "first", Second = "second" }
);

text_enum!(
    /// How the winner is found.
    TrialBy {
        /// Somebody says so.
        Choice = "choice",
        /// After some hours the subject whose readers clicked more.
        Clicks = "clicks",
    }
);

/// The shares that are offered, in percent of the audience; each divides by two.
pub const SHARES: [i64; 4] = [10, 20, 30, 50];
/// After how many hours clicks may decide.
pub const HOURS: [i64; 5] = [1, 2, 4, 8, 24];

/// How a trial of an issue is to go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct TrialPlan {
    /// Percent of the audience.
    #[sqlx(rename = "trial_share")]
    pub share: i64,
    #[sqlx(rename = "trial_by")]
    pub by: TrialBy,
    /// From the start until clicks decide.
    #[sqlx(rename = "trial_hours")]
    pub hours: i64,
}

impl Default for TrialPlan {
    fn default() -> Self {
        Self { share: 20, by: TrialBy::Choice, hours: 4 }
    }
}

/// The trial of a mailing, frozen when it was scheduled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Trial {
    /// Percent of the audience; 0: there is none.
    #[sqlx(rename = "trial_share")]
    pub share: i64,
    #[sqlx(rename = "trial_by")]
    pub by: TrialBy,
    /// From the start until clicks decide.
    #[sqlx(rename = "trial_hours")]
    pub hours: i64,
    /// What everybody else gets.
    pub winner: Option<Variant>,
}

impl Trial {
    /// No trial.
    pub const NONE: Self = Self { share: 0, by: TrialBy::Choice, hours: 0, winner: None };

    /// Whether the winner is still to be found: until then only the share is mailed.
    pub const fn is_open(&self) -> bool {
        self.share > 0 && self.winner.is_none()
    }

    /// What a subscriber gets: its own subject of the trial whatever wins, so that a second try holds the same as the
    /// first. `None`: it waits for the winner.
    pub const fn variant_of(&self, mailing: MailingId, subscriber: SubscriberId) -> Option<Variant> {
        let place = place(mailing, subscriber);
        if place >= self.share {
            // Also where there is no trial: nobody is asked then.
            return self.winner;
        }
        Some(if place % 2 == 0 { Variant::First } else { Variant::Second })
    }
}

/// How far apart neighbours are placed. Has no divisor in common with 100, so that each place has a hundredth of the
/// subscribers; the mailing moves all of them, so that it is not always the same people who are asked.
pub const PLACE_STEP: i64 = 61;

/// From 0 to 99; `store::deliveries` says the same in SQL.
const fn place(mailing: MailingId, subscriber: SubscriberId) -> i64 {
    (subscriber.0.wrapping_mul(PLACE_STEP).wrapping_add(mailing.0)).rem_euclid(100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_that_share_of_any_hundred_neighbours_and_half_of_it_gets_each_subject() {
        let trial = Trial { share: 20, ..Trial::NONE };
        for first in [1, 77, 1_000_003] {
            let variants = (first..first + 100).map(|id| trial.variant_of(MailingId(12), SubscriberId(id)));
            let variants: Vec<_> = variants.collect();
            let count = |wanted| variants.iter().filter(|variant| **variant == wanted).count();
            assert_eq!(
                [count(None), count(Some(Variant::First)), count(Some(Variant::Second))],
                [80, 10, 10]
            );
        }
    }

    #[test]
    fn the_winner_is_for_those_who_were_not_asked() {
        let open = Trial { share: 50, ..Trial::NONE };
        let decided = Trial { winner: Some(Variant::Second), ..open };
        for id in 1..200 {
            let (mailing, subscriber) = (MailingId(3), SubscriberId(id));
            let own = open.variant_of(mailing, subscriber);
            assert_eq!(decided.variant_of(mailing, subscriber), own.or(Some(Variant::Second)));
        }
    }
}
