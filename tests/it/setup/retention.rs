use postiljon::clock::Clock;
use postiljon::model::{Actor, Grant, Retention, RetentionPeriod, Role, UserId};
use postiljon::setup::retention::{self as verbs, Kept, RetentionError, in_force, put_back, set};
use postiljon::store::audit::{self, AuditFilter};
use postiljon::store::{Store, StoreError};

use crate::support::database::{both_dbs, change, everything, read};
use crate::support::samples::{NOW, at, newsletter};

async fn kept(store: &Store, period: RetentionPeriod) -> Kept {
    let all = read!(store, |db| verbs::all(db, Retention::default()));
    all.into_iter().find(|kept| kept.period == period).expect("every period")
}

fn field(error: RetentionError) -> (&'static str, &'static str) {
    let RetentionError::Invalid(errors) = error else { panic!("{error}") };
    let error = errors.iter().next().expect("a field").clone();
    (error.field, error.message.key())
}

both_dbs!(a_period_of_the_desk_wins_and_is_put_back, |store| {
    let store = store.timed(Clock::test(NOW));
    let usual = Retention::default();
    let replies = RetentionPeriod::Replies;
    let before = kept(&store, replies).await;
    assert_eq!((before.days, before.configured_days, before.is_set, before.run), (90, 90, false, None));
    assert_eq!(set(&store, usual, replies, " 120 ", false).await.expect("set"), 120);
    let now = kept(&store, replies).await;
    assert_eq!((now.days, now.configured_days, now.is_set), (120, 90, true));
    assert_eq!(in_force(&store, usual).await.expect("read"), usual.with(&[(replies, 120)]));
    assert_eq!(kept(&store, RetentionPeriod::Audit).await.days, 730, "the others stay");

    // Shorter than now, even where it is what the configuration says: somebody must be sure.
    let refused = set(&store, usual, replies, "100", false).await.expect_err("refused");
    assert_eq!(field(refused), ("sure", "error-retention-sure"));
    let refused = put_back(&store, usual, replies, false).await.expect_err("refused");
    assert_eq!(field(refused), ("sure", "error-retention-sure"));
    assert_eq!(kept(&store, replies).await.days, 120);
    put_back(&store, usual, replies, true).await.expect("put back");
    assert_eq!((kept(&store, replies).await.days, kept(&store, replies).await.is_set), (90, false));
    put_back(&store, usual, replies, false).await.expect("nothing to put back");
    let told = read!(store, |db| audit::list(db, &AuditFilter::default()));
    let told: Vec<_> = told.iter().rev().map(|row| (row.act.as_str(), row.detail.as_str())).collect();
    assert_eq!(told, [("retention_changed", "replies 120"), ("retention_changed", "replies configuration")]);
});

both_dbs!(a_period_has_bounds, |store| {
    let usual = Retention::default();
    for period in RetentionPeriod::ALL {
        let least = period.days_min();
        for wrong in ["", "x", "-1", "3651", "1.5", &(least - 1).to_string()] {
            let refused = set(&store, usual, *period, wrong, true).await.expect_err("refused");
            assert_eq!(field(refused), ("days", "error-number"), "{period} {wrong}");
        }
        for right in [least, 3650] {
            set(&store, usual, *period, &right.to_string(), true).await.expect("set");
            assert_eq!(kept(&store, *period).await.days, right, "{period}");
        }
    }
    // What somebody wrote into the table by hand does not make us forget everything.
    change!(store, |tx| postiljon::store::retention::set_period(tx, RetentionPeriod::Audit, -5));
    assert_eq!(kept(&store, RetentionPeriod::Audit).await.days, 30);
});

both_dbs!(a_run_that_found_nothing_does_not_hide_the_one_before, |store| {
    let note = async |millis, removed| {
        let period = RetentionPeriod::Clicks;
        change!(store, |tx| postiljon::store::retention::note_run(tx, period, at(millis), removed));
        kept(&store, period).await.run.expect("a run")
    };
    let none = note(1, 0).await;
    assert_eq!((none.ran_at, none.removed_at), (at(1), None));
    let some = note(2, 7).await;
    assert_eq!((some.ran_at, some.removed_at, some.removed), (at(2), Some(at(2)), 7));
    let later = note(3, 0).await;
    assert_eq!((later.ran_at, later.removed_at, later.removed), (at(3), Some(at(2)), 7));
});

both_dbs!(only_an_owner_of_everything_sets_periods, |store| {
    let letter = newsletter(&store, "insights").await;
    for n in 0..6 {
        newsletter(&store, &format!("n{n}")).await;
    }
    let before = everything(&store).await;
    for grant in [Grant::of_one(letter.id, Role::Owner), Grant::of_all(Role::Editor)] {
        let acting = store.acting(Actor::user(UserId(1), "An", vec![grant]));
        let is_denied = |error| matches!(error, RetentionError::Store(StoreError::Denied(_)));
        let period = RetentionPeriod::Audit;
        assert!(set(&acting, Retention::default(), period, "3000", true).await.is_err_and(is_denied));
        assert!(put_back(&acting, Retention::default(), period, true).await.is_err_and(is_denied));
    }
    assert_eq!(before, everything(&store).await);
});
