//! Which articles make a digest: a function of what is there, and nothing else.
//!
//! - Never empty: fewer than the fewest make no digest, and wait for the next.
//! - Never twice: what a run took that was sent, or is still going to be, is not chosen again, however often it is
//!   edited. What was skipped, cancelled or failed took nothing.
//! - None lost: what does not fit waits, and those that have waited longest come first. Only pinned ones overtake.

use std::collections::BTreeSet;

use crate::model::{ArticleId, DigestOrder, RunState, Timestamp};

/// An article of the pool of a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    pub article: ArticleId,
    /// Since when it is in the pool: when it was published, or mailed. Edits do not change it.
    pub at: Timestamp,
    pub is_pinned: bool,
}

/// A run of the rule, and what it took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub state: RunState,
    pub articles: Vec<ArticleId>,
}

/// What a rule asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    pub order: DigestOrder,
    pub fewest: usize,
    pub most: usize,
    /// Articles of before are none of its.
    pub since: Timestamp,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Plan {
    /// These, in this order; `found` were there.
    Make {
        articles: Vec<ArticleId>,
        found: usize,
    },
    TooFew {
        found: usize,
    },
}

/// What is taken by runs.
pub fn taken(history: &[Past]) -> BTreeSet<ArticleId> {
    let taking = history.iter().filter(|past| past.state.takes_articles());
    taking.flat_map(|past| past.articles.iter().copied()).collect()
}

/// Chooses.
pub fn plan(pool: &[Piece], history: &[Past], wanted: Wanted, now: Timestamp) -> Plan {
    let taken = taken(history);
    let mut seen = BTreeSet::new();
    let mut free: Vec<Piece> = pool
        .iter()
        .filter(|piece| piece.at >= wanted.since && piece.at <= now && !taken.contains(&piece.article))
        .filter(|piece| seen.insert(piece.article))
        .copied()
        .collect();
    let found = free.len();
    // A rule that asks for none would send an empty mail.
    if found < wanted.fewest.max(1) {
        return Plan::TooFew { found };
    }
    free.sort_by_key(|piece| (!piece.is_pinned, piece.at, piece.article));
    free.truncate(wanted.most.max(1));
    match wanted.order {
        DigestOrder::Oldest => free.sort_by_key(|piece| (piece.at, piece.article)),
        DigestOrder::Newest => free.sort_by_key(|piece| std::cmp::Reverse((piece.at, piece.article))),
        DigestOrder::Pinned => {
            free.sort_by_key(|piece| (!piece.is_pinned, std::cmp::Reverse((piece.at, piece.article))));
        }
    }
    Plan::Make { articles: free.into_iter().map(|piece| piece.article).collect(), found }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use chrono_tz::Tz;
    use proptest::prelude::*;

    use super::*;
    use crate::model::Calendar;
    use crate::publishing::digest::calendar;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(text: &str) -> Timestamp {
        Timestamp::from_utc(text.parse().expect("a moment"))
    }

    fn piece(id: i64, hours: u32, is_pinned: bool) -> Piece {
        Piece { article: ArticleId(id), at: at("2027-01-01T00:00:00Z").plus(HOUR * hours), is_pinned }
    }

    fn wanted(order: DigestOrder, fewest: usize, most: usize) -> Wanted {
        Wanted { order, fewest, most, since: at("2027-01-01T00:00:00Z") }
    }

    fn chosen(pool: &[Piece], history: &[Past], wanted: Wanted) -> Vec<i64> {
        match plan(pool, history, wanted, at("2027-02-01T00:00:00Z")) {
            Plan::Make { articles, .. } => articles.into_iter().map(|id| id.0).collect(),
            Plan::TooFew { .. } => Vec::new(),
        }
    }

    #[test]
    fn those_that_waited_longest_come_and_the_order_is_that_of_the_rule() {
        let pool = [piece(1, 1, false), piece(2, 2, false), piece(3, 3, true), piece(4, 4, false)];
        assert_eq!(chosen(&pool, &[], wanted(DigestOrder::Oldest, 1, 3)), [1, 2, 3]);
        assert_eq!(chosen(&pool, &[], wanted(DigestOrder::Newest, 1, 3)), [3, 2, 1]);
        assert_eq!(chosen(&pool, &[], wanted(DigestOrder::Pinned, 1, 3)), [3, 2, 1]);
        assert_eq!(chosen(&pool, &[], wanted(DigestOrder::Pinned, 1, 9)), [3, 4, 2, 1]);
        assert!(chosen(&pool, &[], wanted(DigestOrder::Oldest, 5, 9)).is_empty());
    }

    #[test]
    fn what_was_skipped_or_failed_is_free_and_what_is_on_its_way_is_not() {
        let pool = [piece(1, 1, false), piece(2, 2, false)];
        for state in RunState::ALL {
            let history = [Past { state: *state, articles: vec![ArticleId(1)] }];
            let left = chosen(&pool, &history, wanted(DigestOrder::Oldest, 1, 9));
            let is_free = matches!(state, RunState::Skipped | RunState::Failed);
            assert_eq!(left, if is_free { vec![1, 2] } else { vec![2] }, "{state}");
        }
    }

    /// What befalls a run between its proposal and its moment.
    #[derive(Debug, Clone, Copy)]
    enum Fate {
        Sent,
        Skipped,
        /// The mailing failed, and somebody tries it again before the next one.
        FailedAndAgain,
        Failed,
        Cancelled,
    }

    fn fates() -> impl Strategy<Value = Fate> {
        prop_oneof![
            6 => Just(Fate::Sent),
            1 => Just(Fate::Skipped),
            1 => Just(Fate::FailedAndAgain),
            1 => Just(Fate::Failed),
            1 => Just(Fate::Cancelled),
        ]
    }

    fn calendars() -> impl Strategy<Value = &'static str> {
        prop_oneof![
            Just("weekly 7 02:30"),
            Just("weekly 1,4 07:30"),
            Just("monthly 31 23:45"),
            Just("monthly last 00:00"),
            Just("nth last 7 02:30"),
            Just("nth 2 3 12:00"),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

        /// A year of random articles, edits, pins and mishaps: every mail has articles, no article comes twice, and
        /// none is lost: what did not come still waits, and no longer than its turn.
        #[test]
        fn a_year_of_digests_keeps_its_promises(
            rhythm in calendars(),
            order in prop::sample::select(DigestOrder::ALL.to_vec()),
            fewest in 1_usize..4,
            extra in 0_usize..5,
            // Hour of the year at which each is published, and whether it is pinned.
            articles in prop::collection::vec((0_u32..8760, any::<bool>()), 0..120),
            fates in prop::collection::vec(fates(), 120),
            lead in 1_u32..48,
            zone in prop::sample::select(vec![chrono_tz::Europe::Brussels, chrono_tz::America::Santiago, Tz::UTC]),
        ) {
            let (from, until) = (at("2027-01-01T00:00:00Z"), at("2028-01-01T00:00:00Z"));
            let rhythm: Calendar = rhythm.parse().expect("a calendar");
            let wanted = Wanted { order, fewest, most: fewest + extra, since: from };
            let pool: Vec<Piece> = (0_i64..).zip(&articles)
                .map(|(id, (hour, pinned))| Piece {
                    article: ArticleId(id),
                    at: from.plus(HOUR * *hour),
                    is_pinned: *pinned,
                })
                .collect();
            let occasions = calendar::between(&rhythm, zone, from, until, 200);
            let periods: BTreeSet<_> = occasions.iter().map(calendar::Occasion::period).collect();
            prop_assert_eq!(periods.len(), occasions.len(), "a date has one run");
            let mut history: Vec<Past> = Vec::new();
            let mut mailed: BTreeMap<ArticleId, usize> = BTreeMap::new();
            for (occasion, fate) in occasions.iter().zip(fates.iter().cycle()) {
                let now = occasion.at.minus(HOUR * lead);
                let plan = plan(&pool, &history, wanted, now);
                let Plan::Make { articles, .. } = plan else {
                    history.push(Past { state: RunState::Skipped, articles: Vec::new() });
                    continue;
                };
                prop_assert!(articles.len() >= fewest && articles.len() <= fewest + extra);
                prop_assert!(articles.iter().all(|id| pool.iter().any(|piece| piece.article == *id && piece.at <= now)));
                let state = match fate {
                    Fate::Sent | Fate::FailedAndAgain => RunState::Sent,
                    Fate::Failed => RunState::Failed,
                    Fate::Skipped | Fate::Cancelled => RunState::Skipped,
                };
                if state == RunState::Sent {
                    for article in &articles {
                        *mailed.entry(*article).or_default() += 1;
                    }
                }
                history.push(Past { state, articles });
            }
            prop_assert!(mailed.values().all(|times| *times == 1), "twice: {mailed:?}");
            // None is lost: all that were not mailed are still chosen, one digest after the other.
            let mut rest = 0;
            let waiting = pool.len() - mailed.len();
            let unbounded = Wanted { fewest: 1, ..wanted };
            while let Plan::Make { articles, .. } = plan(&pool, &history, unbounded, until) {
                rest += articles.len();
                history.push(Past { state: RunState::Sent, articles });
                prop_assert!(history.len() < 1000);
            }
            prop_assert_eq!(rest, waiting, "articles that nobody gets");
        }

        /// An article of this hour comes before every later one that is not pinned.
        #[test]
        fn nobody_overtakes_but_who_is_pinned(
            hours in prop::collection::vec((0_u32..700, any::<bool>()), 1..40),
            most in 1_usize..10,
        ) {
            let pool: Vec<Piece> = (0_i64..).zip(&hours).map(|(id, (hour, pinned))| piece(id, *hour, *pinned)).collect();
            let chosen = chosen(&pool, &[], wanted(DigestOrder::Newest, 1, most));
            let is_in = |piece: &Piece| chosen.contains(&piece.article.0);
            for left in pool.iter().filter(|piece| !is_in(piece)) {
                for came in pool.iter().filter(|piece| is_in(piece)) {
                    prop_assert!((!came.is_pinned, came.at, came.article) < (!left.is_pinned, left.at, left.article));
                }
            }
        }
    }
}
