use postiljon::store::signup_counts::{self, Counts, hour_of};
use postiljon::store::{forms, newsletters};

use crate::support::database::{both_dbs, change, read};
use crate::support::samples::{NOW, at, newsletter};

both_dbs!(hours_add_up_and_their_totals_come_smallest_first, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let form = read!(store, |db| forms::default_of(db, newsletter.id)).id;
    let add = async |hour, accepted, refused| {
        change!(store, |tx| signup_counts::add(tx, form, hour, Counts { accepted, refused }))
    };
    assert_eq!(add(10, 3, 0).await, Counts { accepted: 3, refused: 0 });
    assert_eq!(add(10, 1, 5).await, Counts { accepted: 4, refused: 5 });
    add(11, 2, 0).await;
    add(12, 100, 0).await;
    assert_eq!(read!(store, |db| signup_counts::totals(db, form, 10, 12)), [2, 9]);
    assert_eq!(change!(store, |tx| signup_counts::delete_before(tx, 11, 1_000)), 1);
    assert_eq!(read!(store, |db| signup_counts::totals(db, form, 0, 99)), [2, 100]);
    assert!(read!(store, |db| newsletters::by_id(db, newsletter.id)).is_some());
});

both_dbs!(a_form_asks_for_proof_until_a_moment, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let form = read!(store, |db| forms::default_of(db, newsletter.id));
    assert_eq!(form.proof_until, None);
    change!(store, |tx| forms::ask_proof_until(tx, form.id, at(5)));
    assert_eq!(read!(store, |db| forms::default_of(db, newsletter.id)).proof_until, Some(at(5)));
    assert_eq!(hour_of(at(3_600_000)) - hour_of(NOW), 1);
});
