use postiljon::model::newsletter::NewNewsletter;
use postiljon::model::{Language, Slug, Timestamp, UncertainPolicy};
use postiljon::store::newsletters;

use crate::support::database::both_dbs;

fn insights() -> NewNewsletter {
    NewNewsletter {
        slug: Slug::parse("insights").expect("a slug"),
        name: "Insights".into(),
        description: "Voor wie leidt.".into(),
        language: Language::Dutch,
        time_zone: "Europe/Brussels".into(),
        sender_name: "Meridiaan".into(),
        sender_address: "insights@meridiaan.example".parse().expect("an address"),
        reply_to: None,
        postal_address: "Kaai 1\n1000 Brussel".into(),
        brand_color: "#0f766e".into(),
        logo_url: String::new(),
        on_uncertain: UncertainPolicy::Resend,
    }
}

both_dbs!(a_newsletter_comes_back_as_it_went_in, |store| {
    let mut tx = store.begin().await.expect("a transaction");
    let inserted =
        newsletters::insert(&mut tx, &insights(), Timestamp::from_millis(5)).await.expect("inserted");
    tx.commit().await.expect("committed");
    let mut reader = store.read().await.expect("a reader");
    let found = newsletters::by_slug(reader.db(), &inserted.slug).await.expect("read").expect("there");
    assert_eq!(format!("{inserted:?}"), format!("{found:?}"));
    assert_eq!(found.created_at, Timestamp::from_millis(5));
    assert_eq!(found.sender_address.as_str(), "insights@meridiaan.example");
});

both_dbs!(a_second_newsletter_of_the_same_slug_is_a_duplicate, |store| {
    let mut tx = store.begin().await.expect("a transaction");
    newsletters::insert(&mut tx, &insights(), Timestamp::from_millis(5)).await.expect("inserted");
    let again = newsletters::insert(&mut tx, &insights(), Timestamp::from_millis(5)).await;
    assert!(again.is_err_and(|error| error.is_duplicate()));
});
