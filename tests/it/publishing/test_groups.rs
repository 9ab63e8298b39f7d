//! Colleagues who get test mails together.

use postiljon::clock::Clock;
use postiljon::publishing::test_groups::{ADDRESSES_MAX, TestGroupError, addresses, delete, save};
use postiljon::store::test_groups::of_newsletter;

use crate::support::database::both_dbs;
use crate::support::samples::{NOW, newsletter};

both_dbs!(a_group_is_kept_under_its_name_and_forgotten_once, |store| {
    let clock = Clock::test(NOW);
    let (insights, other) = (newsletter(&store, "insights").await, newsletter(&store, "weekly").await);
    save(&store, &clock, insights.id, " Redactie ", "an@example.org; bo@example.org").await.expect("kept");
    let group =
        save(&store, &clock, insights.id, "Redactie", "cor@example.org\nAN@example.org, an@example.org")
            .await
            .expect("kept again");
    assert_eq!(
        (group.name.as_str(), group.addresses.as_str()),
        ("Redactie", "cor@example.org\nAN@example.org")
    );
    let mut reader = store.read().await.expect("a reader");
    assert_eq!(of_newsletter(reader.db(), insights.id).await.expect("read").len(), 1);
    assert!(of_newsletter(reader.db(), other.id).await.expect("read").is_empty());
    drop(reader);
    let foreign = delete(&store, other.id, group.id).await;
    assert!(matches!(foreign, Err(TestGroupError::NotFound)), "{foreign:?}");
    delete(&store, insights.id, group.id).await.expect("forgotten");
    assert!(matches!(delete(&store, insights.id, group.id).await, Err(TestGroupError::NotFound)));
});

#[test]
fn what_is_no_address_is_named_and_too_many_are_refused() {
    let errors = addresses("to", "an@example.org, collega").expect_err("refused");
    assert!(errors.to_string().contains("collega"), "{errors}");
    assert!(addresses("to", " ,;\n").is_err());
    let many: Vec<_> = (0..=ADDRESSES_MAX).map(|n| format!("a{n}@example.org")).collect();
    assert!(addresses("to", &many.join(",")).is_err());
    assert_eq!(addresses("to", &many[1..].join("\n")).expect("enough").len(), ADDRESSES_MAX);
}
