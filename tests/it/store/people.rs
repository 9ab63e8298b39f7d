use postiljon::model::{
    Condition, FieldKind, FieldTest, Filter, Group, HitKind, IssueId, Joined, Language, Newsletter, Rhythm,
    Selection, Subscription, SubscriptionId, SubscriptionStatus,
};
use postiljon::store::fields::FieldRules;
use postiljon::store::hits::{ReaderHits, Tally};
use postiljon::store::{
    Store, fields, hits, newsletters, people, subscribers, subscription_values, subscriptions, topics,
};
use postiljon::subscriptions::background::key_some;

use crate::support::database::{both_dbs, change, execute, read};
use crate::support::samples::{
    NOW, address, at, confirmed, new_newsletter, newsletter, pending_at, scheduled,
};

async fn ids(store: &Store, newsletter: &Newsletter, filter: Filter) -> Vec<SubscriptionId> {
    let selection = Selection { newsletter: Some(newsletter.id), filter, ..Selection::default() };
    let rows = read!(store, |db| people::next(db, &selection, SubscriptionId(0), 100));
    let count = read!(store, |db| people::count(db, &selection, 1000));
    assert_eq!(usize::try_from(count).expect("few"), rows.len(), "count and list agree");
    let page = read!(store, |db| people::page(db, &selection, None));
    assert!(page.iter().rev().map(|row| row.subscription_id).eq(rows.iter().map(|row| row.subscription_id)));
    rows.into_iter().map(|row| row.subscription_id).collect()
}

async fn found(store: &Store, words: &[&str]) -> Vec<String> {
    while change!(store, |tx| people::index_words(tx)) {}
    let words = words.iter().map(|word| (*word).to_owned()).collect();
    let selection = Selection { words, ..Selection::default() };
    let rows = read!(store, |db| people::page(db, &selection, None));
    rows.into_iter().map(|row| row.address.to_string()).collect()
}

both_dbs!(people_are_found_by_the_beginnings_of_words_and_no_text_is_sql, |store| {
    let newsletter = newsletter(&store, "insights").await;
    for at in ["j.devries@mail.example.org", "an@example.org", "x%y@example.net"] {
        pending_at(&store, newsletter.id, at).await;
    }
    assert_eq!(found(&store, &["devr"]).await, ["j.devries@mail.example.org"]);
    assert_eq!(found(&store, &["exam", "an"]).await, ["an@example.org"]);
    assert_eq!(found(&store, &["mail"]).await, ["j.devries@mail.example.org"]);
    assert_eq!(found(&store, &["example"]).await.len(), 3);
    for hostile in ["%", "_", "' OR 1=1 --", "\u{10ffff}", "\\"] {
        assert_eq!(found(&store, &[hostile]).await, [""; 0], "{hostile}");
    }
});

both_dbs!(who_is_renamed_is_found_by_the_new_name_only_and_who_is_erased_by_none, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let subscription = pending_at(&store, newsletter.id, "an@example.org").await;
    let id = subscription.subscriber_id;
    assert_eq!(found(&store, &["name"]).await.len(), 1);
    change!(store, |tx| subscribers::update_profiles(tx, &[(id, "Zoë Peeters", Language::Dutch)]));
    assert_eq!(found(&store, &["zoë"]).await.len(), 1);
    assert_eq!(found(&store, &["name"]).await.len(), 0);
    change!(store, |tx| subscribers::set_address(tx, id, &address("zoe@example.net")));
    assert_eq!(found(&store, &["zoe"]).await, ["zoe@example.net"]);
    assert_eq!(found(&store, &["an"]).await.len(), 0);
    assert!(change!(store, |tx| subscribers::delete(tx, id)));
    assert_eq!(found(&store, &["zoe"]).await.len(), 0);
});

/// Two confirmed, one pending, one who left; the first has a topic and answers.
async fn four(store: &Store, newsletter: &Newsletter) -> Vec<Subscription> {
    let mut all = Vec::new();
    for n in 1..=2 {
        all.push(confirmed(store, newsletter.id, n).await);
    }
    all.push(pending_at(store, newsletter.id, "waits@example.org").await);
    let left = confirmed(store, newsletter.id, 4).await;
    change!(store, |tx| subscriptions::unsubscribe(tx, left.id, at(1)));
    all.push(left);
    all
}

both_dbs!(each_condition_selects_whom_it_says, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let all = four(&store, &newsletter).await;
    let id = |at: usize| all[at].id;
    let topic = change!(store, |tx| topics::insert(tx, newsletter.id, "ai", NOW)).id;
    change!(store, |tx| topics::choose(tx, id(0), topic, NOW));
    let rules = FieldRules { max_length: None, least: None, most: None, options: String::new() };
    let city =
        change!(store, |tx| fields::insert(tx, newsletter.id, "city", FieldKind::Text, &rules, NOW)).id;
    let size =
        change!(store, |tx| fields::insert(tx, newsletter.id, "size", FieldKind::Number, &rules, NOW)).id;
    let answers =
        [(id(0), city, "Gent % Sint"), (id(1), city, "Aalst"), (id(0), size, "9"), (id(1), size, "10")];
    change!(store, |tx| subscription_values::insert_all(tx, &answers));
    let field = |field, field_kind, test, value: &str| Condition::Field {
        field,
        field_kind,
        test,
        value: value.into(),
    };
    let text = |test, value| field(city, FieldKind::Text, test, value);
    let number = |test, value| field(size, FieldKind::Number, test, value);
    let cases = [
        (Condition::Status { is: true, status: SubscriptionStatus::Confirmed }, vec![0, 1]),
        (Condition::Status { is: false, status: SubscriptionStatus::Confirmed }, vec![2, 3]),
        (Condition::Language { is: true, language: Language::French }, vec![]),
        (Condition::Topic { has: true, topic }, vec![0]),
        (Condition::Topic { has: false, topic }, vec![1, 2, 3]),
        (text(FieldTest::Is, "Aalst"), vec![1]),
        (text(FieldTest::IsNot, "Aalst"), vec![0, 2, 3]),
        (text(FieldTest::Contains, "GENT %"), vec![0]),
        (text(FieldTest::Contains, "_"), vec![]),
        (text(FieldTest::Is, "' OR '1'='1"), vec![]),
        (text(FieldTest::Given, ""), vec![0, 1]),
        (text(FieldTest::NotGiven, ""), vec![2, 3]),
        // As numbers: as texts 9 is more than 10.
        (number(FieldTest::AtLeast, "10"), vec![1]),
        (number(FieldTest::AtMost, "9"), vec![0]),
        (Condition::SignedUpFrom { at: at(1) }, vec![]),
        (Condition::SignedUpBefore { at: at(1) }, vec![0, 1, 2, 3]),
    ];
    for (condition, expected) in cases {
        let expected: Vec<_> = expected.into_iter().map(id).collect();
        assert_eq!(
            ids(&store, &newsletter, Filter::all(vec![condition.clone()])).await,
            expected,
            "{condition:?}"
        );
    }
});

both_dbs!(the_audience_that_is_counted_is_whom_a_filter_selects, |store| {
    let letter = newsletter(&store, "insights").await;
    let mut all = Vec::new();
    for n in 1..=4 {
        all.push(confirmed(&store, letter.id, n).await);
    }
    let other = change!(store, |tx| newsletters::insert(tx, &new_newsletter("other"), NOW));
    // The first reads the other newsletter as well.
    change!(store, |tx| subscriptions::find_or_insert(
        tx,
        all[0].subscriber_id,
        other.id,
        Language::Dutch,
        NOW
    ));
    execute(&store, "UPDATE subscriptions SET status = 'confirmed', confirmed_at = 1, audience_since = 1")
        .await;
    let topic = change!(store, |tx| topics::insert(tx, letter.id, "ai", NOW)).id;
    for n in [0, 1] {
        change!(store, |tx| topics::choose(tx, all[n].id, topic, NOW));
    }
    let mailing = scheduled(&store, letter.id).await;
    execute(
        &store,
        "INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, reply)
            SELECT m.id, n.subscriber_id, CASE n.id % 2 WHEN 1 THEN 'sent' ELSE 'bounced' END, 1, 0, 1, ''
            FROM mailings m JOIN subscriptions n ON n.newsletter_id = m.newsletter_id",
    )
    .await;
    let has = |has| Condition::Topic { has, topic };
    let mailed = |was| Condition::Mailed { was, issue: mailing.issue_id };
    let never = |was| Condition::Mailed { was, issue: IssueId(999) };
    let any = |conditions| {
        let mut filter = Filter::all(Vec::new());
        filter.groups = vec![Group { joined: Joined::Any, conditions }];
        filter
    };
    let cases = [
        (letter.id, Filter::all(vec![]), 4),
        (letter.id, Filter::all(vec![has(true)]), 2),
        (letter.id, Filter::all(vec![has(false)]), 2),
        (letter.id, Filter::all(vec![mailed(true)]), 2),
        (letter.id, Filter::all(vec![mailed(false)]), 2),
        (letter.id, Filter::all(vec![mailed(true), has(true)]), 1),
        (letter.id, Filter::all(vec![mailed(true), mailed(false)]), 0),
        (letter.id, any(vec![mailed(true), has(true)]), 3),
        (letter.id, any(vec![mailed(false), has(false)]), 3),
        (letter.id, Filter::all(vec![never(true)]), 0),
        (letter.id, Filter::all(vec![never(false)]), 4),
        (other.id, Filter::all(vec![mailed(true)]), 0),
        (other.id, any(vec![mailed(true), never(true)]), 0),
        (other.id, Filter::all(vec![mailed(false)]), 1),
    ];
    for (newsletter, filter, expected) in cases {
        let selection =
            Selection { newsletter: Some(newsletter), filter: filter.clone(), ..Selection::default() };
        let count = read!(store, |db| people::count_audience(db, &selection, Rhythm::Each));
        assert_eq!(count, expected, "{newsletter:?} {filter:?}");
        assert_eq!(read!(store, |db| people::count(db, &selection, 1000)), expected, "{filter:?}");
        assert_eq!(
            read!(store, |db| people::page(db, &selection, None)).len(),
            usize::try_from(expected).expect("few"),
            "{filter:?}"
        );
    }
});

both_dbs!(a_part_of_an_answer_is_found_in_any_case_with_accents_and_in_answers_of_before, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let rules = FieldRules { max_length: None, least: None, most: None, options: String::new() };
    let city =
        change!(store, |tx| fields::insert(tx, newsletter.id, "city", FieldKind::Text, &rules, NOW)).id;
    let mut all = Vec::new();
    for (n, value) in ["Évry", "Grande École", "Österreich", "Gent % Sint", "Evry"].iter().enumerate() {
        let id = pending_at(&store, newsletter.id, &format!("reader{n}@example.org")).await.id;
        // As forms do it, and as imports do.
        if n % 2 == 0 {
            change!(store, |tx| subscription_values::set_all(tx, &[(id, city, Some("Iets anders"))]));
            change!(store, |tx| subscription_values::set_all(tx, &[(id, city, Some(*value))]));
        } else {
            change!(store, |tx| subscription_values::insert_all(tx, &[(id, city, *value)]));
        }
        all.push(id);
    }
    let contains = async |value: &str| {
        let (field_kind, test) = (FieldKind::Text, FieldTest::Contains);
        let condition = Condition::Field { field: city, field_kind, test, value: value.into() };
        ids(&store, &newsletter, Filter::all(vec![condition])).await
    };
    let cases = [
        ("Évry", all[0]),
        ("éVRY", all[0]),
        ("École", all[1]),
        ("ÉCOLE", all[1]),
        ("Österreich", all[2]),
        ("öster", all[2]),
        ("GENT %", all[3]),
        ("EVRY", all[4]),
    ];
    for (value, expected) in cases {
        assert_eq!(contains(value).await, [expected], "{value}");
    }
    assert_eq!(contains("anders").await, [], "what was said before is not found");
    // As a version before this one wrote them: found as it did, and then as now.
    execute(&store, "UPDATE subscription_values SET value_key = NULL").await;
    assert_eq!(contains("GENT %").await, [all[3]]);
    assert!(read!(store, |db| subscription_values::has_unwritten_keys(db)));
    assert!(!key_some(&store).await.expect("written"), "all at once");
    assert!(!read!(store, |db| subscription_values::has_unwritten_keys(db)));
    for (value, expected) in cases {
        assert_eq!(contains(value).await, [expected], "{value}");
    }
});

both_dbs!(who_clicked_is_who_let_it_be_counted_and_followed_a_link, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let mut all = Vec::new();
    for n in 1..=4 {
        all.push(confirmed(&store, newsletter.id, n).await.id);
    }
    let mailing = scheduled(&store, newsletter.id).await;
    let other = scheduled(&store, newsletter.id).await;
    let hit = |reader, mailing, number, human, machine| ReaderHits {
        reader,
        mailing,
        number,
        at: NOW,
        tally: Tally { human, machine },
    };
    for hits in [
        // Followed a link; only opened it; a machine of theirs did; followed a link of another issue.
        hit(all[0], mailing.id, 3, 2, 0),
        hit(all[1], mailing.id, 0, 5, 0),
        hit(all[2], mailing.id, 3, 0, 7),
        hit(all[3], other.id, 3, 1, 0),
    ] {
        change!(store, |tx| hits::add_reader(tx, &hits));
    }
    let clicked = |has| Filter::all(vec![Condition::Clicked { has, issue: mailing.issue_id }]);
    assert_eq!(ids(&store, &newsletter, clicked(true)).await, [all[0]]);
    assert_eq!(ids(&store, &newsletter, clicked(false)).await, all[1..]);
    // Who lets no opens be counted any more stays; who withdraws clicks is in no such list.
    change!(store, |tx| hits::forget_kind(tx, all[0], HitKind::Open));
    assert_eq!(ids(&store, &newsletter, clicked(true)).await, [all[0]]);
    change!(store, |tx| hits::forget_kind(tx, all[0], HitKind::Click));
    assert_eq!(ids(&store, &newsletter, clicked(true)).await, []);
});

both_dbs!(groups_are_joined_as_they_say, |store| {
    let newsletter = newsletter(&store, "insights").await;
    let all = four(&store, &newsletter).await;
    let is = |status| Condition::Status { is: true, status };
    let group = |joined, conditions| Group { joined, conditions };
    let confirmed_or_left =
        group(Joined::Any, vec![is(SubscriptionStatus::Confirmed), is(SubscriptionStatus::Unsubscribed)]);
    let not_left =
        group(Joined::All, vec![Condition::Status { is: false, status: SubscriptionStatus::Unsubscribed }]);
    let both = Filter::of(Joined::All, vec![confirmed_or_left.clone(), not_left.clone()]);
    assert_eq!(ids(&store, &newsletter, both).await, [all[0].id, all[1].id]);
    let either = Filter::of(Joined::Any, vec![confirmed_or_left, not_left]);
    assert_eq!(ids(&store, &newsletter, either).await.len(), 4);
    assert_eq!(ids(&store, &newsletter, Filter::default()).await.len(), 4);
});

both_dbs!(a_count_stops_at_its_bound, |store| {
    let newsletter = newsletter(&store, "insights").await;
    four(&store, &newsletter).await;
    let selection = Selection { newsletter: Some(newsletter.id), ..Selection::default() };
    for (most, expected) in [(2, 3), (3, 4), (4, 4), (100, 4)] {
        assert_eq!(read!(store, |db| people::count(db, &selection, most)), expected);
    }
});
