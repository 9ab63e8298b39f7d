use postiljon::model::{
    Consent, ConsentEvent, Language, OutboxKind, Outcome, Selection, SubscriberId, SubscriptionId,
    SubscriptionStatus,
};
use postiljon::store::deliveries::{self, Record};
use postiljon::store::outbox::NewMail;
use postiljon::store::{
    Pools, address_changes, consents, imports, outbox, people, subscribers, subscriptions, tokens, workers,
};

use crate::support::database::{both_dbs, change, execute, read};
use crate::support::samples::{self, NOW, address, at, confirmed, newsletter, pending, sending};

both_dbs!(a_sign_up_with_a_known_address_renames_nobody, |store| {
    let first = change!(store, |tx| subscribers::find_or_insert(
        tx,
        &address("Jan.Jansen@Example.org"),
        "Jan",
        Language::Dutch,
        NOW
    ));
    let again = change!(store, |tx| subscribers::find_or_insert(
        tx,
        &address("jan.jansen@example.ORG"),
        "Piet",
        Language::French,
        at(1)
    ));
    assert_eq!(format!("{first:?}"), format!("{again:?}"));
    assert_eq!(again.name, "Jan");
    assert_eq!(again.address.as_str(), "Jan.Jansen@example.org");
});

both_dbs!(a_subscriber_is_found_in_any_case, |store| {
    let typed = address("Jan@Example.org");
    let subscriber = change!(store, |tx| subscribers::find_or_insert(tx, &typed, "", Language::Dutch, NOW));
    let found = read!(store, |db| subscribers::by_address(db, &address("JAN@example.org"))).expect("there");
    assert_eq!(found.id, subscriber.id);
    assert_eq!(found.public_id, subscriber.public_id);
    assert!(read!(store, |db| subscribers::by_address(db, &address("jan@example.com"))).is_none());
});

both_dbs!(the_profile_is_that_of_the_sign_up_that_was_confirmed, |store| {
    let typed = address("jan@example.org");
    let subscriber = change!(store, |tx| subscribers::find_or_insert(tx, &typed, "", Language::Dutch, NOW));
    change!(store, |tx| subscribers::update_profiles(
        tx,
        &[(subscriber.id, "Jan 😀 O'Neil", Language::French)]
    ));
    let found = read!(store, |db| subscribers::by_id(db, subscriber.id)).expect("there");
    assert_eq!((found.name.as_str(), found.language), ("Jan 😀 O'Neil", Language::French));
});

both_dbs!(erasing_takes_everything_but_the_account_of_what_was_sent, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = confirmed(&store, newsletter.id, 1).await;
    let subscriber = subscription.subscriber_id;
    let other = confirmed(&store, newsletter.id, 2).await;
    let consent = Consent {
        subscriber_id: subscriber,
        newsletter_id: newsletter.id,
        event: ConsentEvent::Requested,
        at: NOW,
        consent_text_id: None,
        language: Language::Dutch,
        source: "page".into(),
        page: String::new(),
        ip: "192.0.2.1".into(),
        user_agent: String::new(),
        message_id: None,
        form_id: None,
        form_version: None,
        referrer: String::new(),
        utm: String::new(),
        privacy_url: String::new(),
        privacy_version: String::new(),
    };
    change!(store, |tx| consents::insert(tx, &consent));
    change!(store, |tx| tokens::insert_confirm(tx, b"hash", subscription.id, "m", NOW, at(1)));
    let mail = NewMail {
        kind: OutboxKind::Confirm,
        newsletter_id: newsletter.id,
        subscription_id: Some(subscription.id),
        to_address: None,
        issue_id: None,
        welcome_step_id: None,
        language: Language::Dutch,
        nonce: vec![1],
        message_uuid: uuid::Uuid::now_v7(),
    };
    change!(store, |tx| outbox::insert(tx, &mail, NOW));
    let mailing = sending(&store, newsletter.id).await;
    let worker = change!(store, |tx| workers::insert(tx, NOW));
    change!(store, |tx| samples::claim_next(tx, &mailing, worker, 1, NOW));
    let sent = Record {
        subscriber_id: subscriber,
        outcome: Outcome::Sent,
        attempts: 1,
        doubts: 0,
        due_at: None,
        reply: String::new(),
        relay: String::new(),
        refusal: postiljon::model::Refusal::None,
    };
    change!(store, |tx| deliveries::record(tx, mailing.id, worker, &[sent], NOW));

    assert!(change!(store, |tx| subscribers::delete(tx, subscriber)));

    assert!(!change!(store, |tx| subscribers::delete(tx, subscriber)));
    assert!(read!(store, |db| subscribers::by_id(db, subscriber)).is_none());
    assert!(read!(store, |db| subscriptions::of_subscriber(db, subscriber)).is_empty());
    assert!(read!(store, |db| consents::of_subscriber(db, subscriber)).is_empty());
    assert!(read!(store, |db| tokens::find_confirm(db, b"hash")).is_none());
    assert_eq!(read!(store, |db| outbox::open_count(db)), 0);
    let deliveries = read!(store, |db| deliveries::of_subscriber(db, subscriber));
    assert_eq!(deliveries.iter().map(|d| d.outcome).collect::<Vec<_>>(), [Outcome::Sent]);
    assert!(read!(store, |db| subscriptions::by_id(db, other.id)).is_some());
});

both_dbs!(an_export_is_read_in_pages_of_one_newsletter_or_of_all, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let mut ids = Vec::new();
    for n in 1..=3 {
        ids.push(confirmed(&store, insights.id, n).await.id.0);
    }
    let other = pending(&store, weekly.id, 1).await.id.0;
    let of = |newsletter| Selection { newsletter, ..Selection::default() };
    let page = read!(store, |db| people::next(db, &of(Some(insights.id)), SubscriptionId(0), 2));
    assert_eq!(page.iter().map(|row| row.subscription_id.0).collect::<Vec<_>>(), ids[..2]);
    let next = read!(store, |db| people::next(db, &of(Some(insights.id)), SubscriptionId(ids[1]), 2));
    assert_eq!(next.iter().map(|row| row.subscription_id.0).collect::<Vec<_>>(), ids[2..]);
    let all = read!(store, |db| people::next(db, &of(None), SubscriptionId(ids[2]), 2));
    assert_eq!(all.len(), 1);
    let row = &all[0];
    assert_eq!((row.subscription_id.0, row.newsletter_id), (other, weekly.id));
    assert_eq!((row.address.as_str(), row.name.as_str()), ("reader1@example.org", "Name of reader1"));
    assert_eq!((row.status, row.confirmed_at), (SubscriptionStatus::Pending, None));
    assert!(read!(store, |db| subscribers::by_id(db, SubscriberId(i64::MAX))).is_none());
});

both_dbs!(the_row_of_a_person_is_taken_if_it_is_there, |store| {
    let typed = address("jan@example.org");
    let subscriber =
        change!(store, |tx| subscribers::find_or_insert(tx, &typed, "Jan", Language::Dutch, NOW));
    let taken = change!(store, |tx| subscribers::lock(tx, subscriber.id)).expect("there");
    assert_eq!(format!("{taken:?}"), format!("{subscriber:?}"));
    assert!(change!(store, |tx| subscribers::lock(tx, SubscriberId(i64::MAX))).is_none());
});

both_dbs!(who_wants_to_move_to_an_address_is_found_by_it, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let reader = pending(&store, newsletter.id, 1).await.subscriber_id;
    for (n, to) in ["New@example.org", "new@EXAMPLE.org", "other@example.org"].into_iter().enumerate() {
        let change = address_changes::AddressChange {
            subscriber_id: reader,
            new_address: address(to),
            created_at: NOW,
            expires_at: at(1),
            used_at: None,
        };
        change!(store, |tx| address_changes::insert(tx, &[u8::try_from(n).expect("few"); 32], &change));
    }
    change!(store, |tx| address_changes::delete_to(tx, &address("NEW@example.org")));
    let left = read!(store, |db| address_changes::of_subscriber(db, reader));
    assert_eq!(
        left.iter().map(|change| change.new_address.as_str()).collect::<Vec<_>>(),
        ["other@example.org"]
    );
    if let Pools::Sqlite { writer, .. } = store.pools() {
        let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {}", address_changes::TO));
        let rows: Vec<(i64, i64, i64, String)> =
            sqlx::query_as(sql).bind("x").fetch_all(writer).await.expect("explained");
        assert!(!rows.iter().any(|row| row.3.starts_with("SCAN")), "{rows:?}");
    }
});

both_dbs!(what_a_subscription_or_its_evidence_names_stays, |store| {
    let letter = newsletter(&store, "insights").await;
    change!(store, |tx| consents::keep_text(tx, letter.id, Language::Dutch, "Ja", "sha256", NOW));
    change!(store, |tx| imports::insert(tx, letter.id, "list.csv", None, NOW));
    pending(&store, letter.id, 1).await;
    // Without a form, which would keep it.
    execute(
        &store,
        "INSERT INTO newsletters (slug, name, description, language, time_zone, sender_name, sender_address,
                postal_address, brand_color, logo_url, on_uncertain, created_at)
            SELECT 'other', name, description, language, time_zone, sender_name, sender_address, postal_address,
                brand_color, logo_url, on_uncertain, created_at FROM newsletters",
    )
    .await;
    execute(
        &store,
        "UPDATE subscriptions SET import_id = (SELECT MAX(id) FROM imports),
            newsletter_id = (SELECT id FROM newsletters WHERE slug = 'other')",
    )
    .await;
    execute(
        &store,
        "INSERT INTO consents (subscriber_id, newsletter_id, event, at, consent_text_id, language, source, page, ip,
                user_agent)
            SELECT n.subscriber_id, t.newsletter_id, 'requested', 1, t.id, 'nl', 'page', '', '', ''
            FROM subscriptions n, consent_texts t",
    )
    .await;
    let is_refused = async |sql: &'static str| match store.pools() {
        Pools::Sqlite { writer, .. } => sqlx::query(sql).execute(writer).await.is_err(),
        Pools::Postgres(pool) => sqlx::query(sql).execute(pool).await.is_err(),
    };
    assert!(is_refused("DELETE FROM newsletters WHERE slug = 'other'").await);
    for sql in ["DELETE FROM imports", "DELETE FROM consent_texts"] {
        assert!(is_refused(sql).await, "{sql}");
    }
    execute(&store, "DELETE FROM subscribers").await;
    for sql in
        ["DELETE FROM imports", "DELETE FROM consent_texts", "DELETE FROM newsletters WHERE slug = 'other'"]
    {
        execute(&store, sql).await;
    }
});
