use postiljon::model::{
    ConsentEvent, Import, ImportCounts, ImportStatus, Language, Meaning, OutboxKind, SubscriptionStatus,
};
use postiljon::store::{consents, imports, mailings, objections, subscribers, suppressions};
use postiljon::subscriptions::company::{end_subscription, subscribe_again};
use postiljon::subscriptions::erase::erase;
use postiljon::subscriptions::import::{self, ImportError, Upload, Worker, work_off};

use crate::support::database::{both_dbs, change, read};
use crate::support::people::{People, address, newsletter};

const BASIS: &str = "Subscribed on our website between 2021 and 2025.";

async fn read_in(people: &People, file: &[u8]) -> Import {
    let id = people.newsletter.id;
    let mut upload = Upload::begin(&people.store, &people.clock, id, "list.csv", None).await.expect("begun");
    for piece in file.chunks(1000) {
        upload.push(piece).await.expect("taken");
    }
    upload.finish().await.expect("read")
}

async fn worked_off(people: &People, import: &Import) -> Import {
    let mut worker = Worker::default();
    while work_off(&people.store, &people.clock, &people.keys, &mut worker).await.expect("a step") {}
    read!(people.store, |db| imports::by_id(db, import.id)).expect("there")
}

async fn checked(people: &People, file: &[u8], basis: &str) -> Import {
    let import = read_in(people, file).await;
    let meanings = import::meanings(&import);
    import::check(&people.store, &people.clock, import.id, &meanings, basis).await.expect("checking");
    worked_off(people, &import).await
}

/// What the check said, and what it was.
pub async fn ran(people: &People, file: &[u8], basis: &str) -> (ImportCounts, Import) {
    let import = checked(people, file, basis).await;
    assert_eq!(import.status, ImportStatus::Checked);
    let would = import.counts;
    import::run(&people.store, &people.clock, import.id).await.expect("running");
    (would, worked_off(people, &import).await)
}

both_dbs!(an_import_revives_nobody_and_a_check_says_exactly_what_it_will_do, |store| {
    let people = People::of(&store).await;
    people.confirmed("known@example.org", 1).await;
    let left = people.confirmed("left@example.org", 2).await;
    people.leave(&left).await;
    people.confirmed("erased@example.org", 3).await;
    erase(&store, &people.clock, &people.keys, &address("erased@example.org")).await.expect("erased");
    people.sign_up("waits@example.org", 4).await.expect("signed up");
    let file = b"email,name,language,status\n\
        new@example.org,Nora,fr,subscribed\n\
        NEW@example.org,Again,,subscribed\n\
        known@example.org,Other,,subscribed\n\
        left@example.org,,,subscribed\n\
        erased@example.org,,,subscribed\n\
        waits@example.org,,,subscribed\n\
        gone@example.org,,,unsubscribed\n\
        bounced@example.org,,,cleaned\n\
        nonsense,,,subscribed\n\
        ,,,subscribed\n";
    let expected = ImportCounts {
        added: 1,
        left_before: 2,
        known: 2,
        refused_left: 1,
        refused_erased: 1,
        duplicate: 1,
        invalid: 2,
        ..ImportCounts::default()
    };
    let (would, done) = ran(&people, file, BASIS).await;
    assert_eq!((would, done.counts, done.status), (expected, expected, ImportStatus::Done));
    assert_eq!(done.counts.total(), done.row_count, "each row has one outcome");
    let new = people.subscription("new@example.org").await.expect("there");
    assert_eq!((new.status, new.language), (SubscriptionStatus::Confirmed, Language::French));
    assert!(new.audience_since.is_some());
    for (who, status) in [
        ("left@example.org", SubscriptionStatus::Unsubscribed),
        ("gone@example.org", SubscriptionStatus::Unsubscribed),
        ("bounced@example.org", SubscriptionStatus::Unsubscribed),
        ("waits@example.org", SubscriptionStatus::Pending),
    ] {
        assert_eq!(people.subscription(who).await.expect("there").status, status, "{who}");
    }
    assert!(people.subscription("erased@example.org").await.is_none());
    // The evidence: who brought them, from which row, on what basis.
    let person = read!(store, |db| subscribers::by_address(db, &address("new@example.org"))).expect("there");
    let chain = read!(store, |db| consents::of_subscriber(db, person.id));
    assert_eq!(chain.len(), 1);
    assert_eq!((chain[0].event, chain[0].page.as_str()), (ConsentEvent::Imported, "list.csv, 2"));
    let text = chain[0].consent_text_id.expect("words");
    assert_eq!(read!(store, |db| consents::text_by_id(db, text)).expect("kept").body, BASIS);
    // Nothing of the file is left, and the report names rows and no addresses.
    assert!(read!(store, |db| imports::chunk(db, done.id, 1)).is_none());
    let (_, report) = read!(store, |db| imports::report_after(db, done.id, 0)).expect("a report");
    assert!(report.contains("2,added,\n") && report.contains("10,invalid,address_wrong\n"), "{report}");
    assert!(!report.contains('@'));
    // Once more: nothing changes.
    let (_, again) = ran(&people, file, BASIS).await;
    assert_eq!((again.counts.added, again.counts.left_before), (0, 0), "{:?}", again.counts);
    assert_eq!(read!(store, |db| consents::of_subscriber(db, person.id)).len(), 1);
    let new = people.subscription("new@example.org").await.expect("there");
    assert_eq!(new.status, SubscriptionStatus::Confirmed);
});

both_dbs!(without_a_basis_each_is_asked_and_nobody_is_subscribed, |store| {
    let people = People::of(&store).await;
    let (_, done) = ran(&people, b"email\njan@example.org\nan@example.org\n", "").await;
    assert_eq!(done.counts, ImportCounts { asked: 2, ..ImportCounts::default() });
    let mails = people.mails().await;
    assert_eq!(mails.iter().map(|mail| mail.kind).collect::<Vec<_>>(), [OutboxKind::Confirm; 2]);
    let jan = people.subscription("jan@example.org").await.expect("there");
    assert_eq!((jan.status, jan.confirmed_at), (SubscriptionStatus::Pending, None));
    // The button in the mail works as after a sign-up.
    let mail = mails.iter().find(|mail| mail.subscription_id == Some(jan.id)).expect("a mail");
    let token = people.token(mail);
    let evidence = postiljon::subscriptions::Evidence::command();
    postiljon::subscriptions::confirm::confirm(&store, &people.clock, &people.keys, &token, &evidence)
        .await
        .expect("pressed");
    let jan = people.subscription("jan@example.org").await.expect("there");
    assert_eq!(jan.status, SubscriptionStatus::Confirmed);
});

both_dbs!(who_comes_with_an_import_is_not_in_a_mailing_that_had_begun, |store| {
    let people = People::of(&store).await;
    people.confirmed("jan@example.org", 1).await;
    let (_, mailing) = people.scheduled().await;
    let mailing = people.start(&mailing).await;
    ran(&people, b"email\nan@example.org\n", BASIS).await;
    let found = read!(store, |db| postiljon::store::deliveries::candidates(db, &mailing, 10));
    assert_eq!(found.len(), 1);
    let now = read!(store, |db| mailings::by_id(db, mailing.id)).expect("there");
    assert_eq!(now.account.audience, 1);
});

both_dbs!(an_import_needs_one_address_and_a_basis_that_says_something, |store| {
    let people = People::of(&store).await;
    let import = read_in(&people, b"email,name\njan@example.org,Jan\n").await;
    let meanings = import::meanings(&import);
    for (meanings, basis, field) in [(&meanings[1..], BASIS, "address"), (&meanings[..], "yes", "basis")] {
        match import::check(&store, &people.clock, import.id, meanings, basis).await {
            Err(ImportError::Invalid(errors)) => assert!(errors.field(field).is_some(), "{errors:?}"),
            other => panic!("{other:?}"),
        }
    }
    let early = import::run(&store, &people.clock, import.id).await;
    assert!(matches!(early, Err(ImportError::NotPossible)), "nothing runs that was not checked");
    assert!(import::cancel(&store, &people.clock, import.id).await.expect("cancelled"));
    assert!(!import::cancel(&store, &people.clock, import.id).await.expect("asked"), "once");
    assert_eq!(people.noted("subscribers_imported").await, ["cancel", "upload"]);
});

both_dbs!(five_in_a_hundred_broken_rows_are_told_one_by_one_and_the_others_taken, |store| {
    let people = People::of(&store).await;
    let mut file = b"\xef\xbb\xbfemail;name\r\n".to_vec();
    let (mut good, mut bad) = (0, 0);
    for n in 0..2_000 {
        match n % 20 {
            0 => {
                bad += 1;
                match n / 20 % 6 {
                    0 => file.extend(format!("bad{n};x\r\n").bytes()),
                    1 => file.extend(b"x@example.org;\xff\xfe\r\n"),
                    2 => file.extend(b"y@example.org;a\0b\r\n"),
                    3 => {
                        file.extend(format!("z{n}@example.org;").bytes());
                        file.extend(vec![b'z'; 1_000_000 / 10]);
                        file.extend(b"\r\n");
                    }
                    4 => file.extend(format!("q{n}@example.org;\"never closed\r\n").bytes()),
                    _ => file.extend(b";nobody\r\n"),
                }
            }
            _ => {
                good += 1;
                file.extend(format!("r{n}@example.org;\"Zo\u{eb} \"\"{n}\"\"\"\r\n").bytes());
            }
        }
    }
    let (would, done) = ran(&people, &file, BASIS).await;
    let expected = ImportCounts { added: good, invalid: bad, ..ImportCounts::default() };
    assert_eq!((would, done.counts), (expected, expected));
    let one = read!(store, |db| subscribers::by_address(db, &address("r1@example.org"))).expect("there");
    assert_eq!(one.name, "Zoë \"1\"");
});

/// Whether no import may bring this address.
async fn is_kept_out(people: &People, text: &str) -> bool {
    let hash = people.keys.address_hash(&address(text));
    !read!(people.store, |db| objections::among(db, people.newsletter.id, &[&hash])).is_empty()
}

both_dbs!(who_said_no_to_the_confirmation_is_not_subscribed_by_the_next_import, |store| {
    let people = People::of(&store).await;
    ran(&people, b"email\njan@example.org\nan@example.org\npiet@example.org\n", "").await;
    let jan = people.subscription("jan@example.org").await.expect("asked");
    people.leave(&jan).await;
    let an = people.subscription("an@example.org").await.expect("asked");
    end_subscription(&store, &people.clock, &people.keys, an.id).await.expect("ended at the desk");
    let piet = people.subscription("piet@example.org").await.expect("asked");
    // Who was confirmed once stays known as someone who has left: no hash is needed.
    let els = people.confirmed("els@example.org", 1).await;
    people.leave(&els).await;
    assert!(!is_kept_out(&people, "els@example.org").await);
    // A week later nothing of them is left; Piet said nothing.
    for asked in [&jan, &an, &piet] {
        assert!(change!(store, |tx| subscribers::delete(tx, asked.subscriber_id)));
    }
    let file = b"email\njan@example.org\nan@example.org\npiet@example.org\nels@example.org\n";
    for basis in ["", BASIS] {
        let import = checked(&people, file, basis).await;
        assert_eq!(import.counts.refused_left, 3, "{basis}: {:?}", import.counts);
        import::cancel(&store, &people.clock, import.id).await.expect("cancelled");
    }
    let (would, done) = ran(&people, file, BASIS).await;
    let expected = ImportCounts { added: 1, refused_left: 3, ..ImportCounts::default() };
    assert_eq!((would, done.counts), (expected, expected));
    for gone in ["jan@example.org", "an@example.org"] {
        assert!(people.subscription(gone).await.is_none(), "{gone}");
        assert!(is_kept_out(&people, gone).await, "{gone}");
    }
    // Whoever signs up is heard, after the month in which no form makes us write, and confirming ends it.
    people.clock.advance(std::time::Duration::from_secs(30 * 24 * 3600));
    people.sign_up("jan@example.org", 2).await.expect("signed up");
    assert!(is_kept_out(&people, "jan@example.org").await, "anybody can ask in somebody's name");
    people.clock.advance(std::time::Duration::from_secs(120));
    people.confirmed("jan@example.org", 3).await;
    assert!(!is_kept_out(&people, "jan@example.org").await);
    // So does the company, on a basis, as long as it knows the person; and erasing leaves one hash.
    people.sign_up("an@example.org", 4).await.expect("signed up");
    let an = people.subscription("an@example.org").await.expect("there");
    subscribe_again(&store, &people.clock, &people.keys, an.id, BASIS).await.expect("back");
    assert!(!is_kept_out(&people, "an@example.org").await);
    people.sign_up("bo@example.org", 5).await.expect("signed up");
    people.leave(&people.subscription("bo@example.org").await.expect("there")).await;
    assert!(is_kept_out(&people, "bo@example.org").await);
    erase(&store, &people.clock, &people.keys, &address("bo@example.org")).await.expect("erased");
    assert!(!is_kept_out(&people, "bo@example.org").await);
    let hash = people.keys.address_hash(&address("bo@example.org"));
    assert!(read!(store, |db| suppressions::contains(db, &hash)));
});

both_dbs!(an_objection_is_to_one_newsletter, |store| {
    let people = People::of(&store).await;
    people.sign_up("jan@example.org", 1).await.expect("signed up");
    let jan = people.subscription("jan@example.org").await.expect("there");
    people.leave(&jan).await;
    change!(store, |tx| subscribers::delete(tx, jan.subscriber_id));
    let other = newsletter(&store, "other", Language::Dutch).await;
    let others = People::of_newsletter(&store, other).await;
    let (_, done) = ran(&others, b"email\njan@example.org\n", BASIS).await;
    assert_eq!(done.counts, ImportCounts { added: 1, ..ImportCounts::default() });
    let (_, done) = ran(&people, b"email\njan@example.org\n", BASIS).await;
    assert_eq!(done.counts, ImportCounts { refused_left: 1, ..ImportCounts::default() });
});

both_dbs!(every_column_that_says_who_has_left_is_heard, |store| {
    let people = People::of(&store).await;
    let file = b"email,unsubscribed,bounced\n\
        left@example.org,true,\n\
        bounced@example.org,false,true\n\
        stays@example.org,false,false\n";
    let (would, done) = ran(&people, file, BASIS).await;
    let expected = ImportCounts { added: 1, left_before: 2, ..ImportCounts::default() };
    assert_eq!((would, done.counts), (expected, expected));
    let bounced = people.subscription("bounced@example.org").await.expect("there");
    assert_eq!(bounced.status, SubscriptionStatus::Unsubscribed);
    // What is one thing only still has one column.
    let import = read_in(&people, b"email,name\njan@example.org,Jan\n").await;
    let twice = [Meaning::Name, Meaning::Name, Meaning::Address];
    match import::check(&store, &people.clock, import.id, &twice, BASIS).await {
        Err(ImportError::Invalid(errors)) => assert!(errors.field("address").is_some(), "{errors:?}"),
        other => panic!("{other:?}"),
    }
});

both_dbs!(who_left_elsewhere_and_is_subscribed_here_is_told_and_not_changed, |store| {
    let people = People::of(&store).await;
    people.confirmed("reads@example.org", 1).await;
    people.sign_up("waits@example.org", 2).await.expect("signed up");
    let left = people.confirmed("left@example.org", 3).await;
    people.leave(&left).await;
    people.confirmed("known@example.org", 4).await;
    let file = b"email,status\n\
        reads@example.org,unsubscribed\n\
        waits@example.org,cleaned\n\
        left@example.org,unsubscribed\n\
        known@example.org,subscribed\n";
    let (would, done) = ran(&people, file, "").await;
    let expected = ImportCounts { still_subscribed: 2, refused_left: 1, known: 1, ..ImportCounts::default() };
    assert_eq!((would, done.counts), (expected, expected));
    assert_eq!(done.counts.total(), done.row_count);
    let (_, report) = read!(store, |db| imports::report_after(db, done.id, 0)).expect("a report");
    let expected = "2,still_subscribed,\n3,still_subscribed,\n4,refused_left,\n5,known,\n";
    assert_eq!(report, expected);
    let status = async |of: &str| people.subscription(of).await.expect("there").status;
    assert_eq!(status("reads@example.org").await, SubscriptionStatus::Confirmed);
    assert_eq!(status("waits@example.org").await, SubscriptionStatus::Pending);
});

both_dbs!(a_row_that_was_cut_before_it_says_who_has_left_subscribes_nobody, |store| {
    let people = People::of(&store).await;
    let heads = "id,email,name,note,subscribed_to_emails,complimentary_plan,created_at,deleted_at\n";
    // The download broke off in the row of somebody who has left.
    let (would, done) = ran(&people, format!("{heads}1,gone@example.org,Jan").as_bytes(), BASIS).await;
    let expected = ImportCounts { invalid: 1, ..ImportCounts::default() };
    assert_eq!((would, done.counts), (expected, expected));
    let (_, report) = read!(store, |db| imports::report_after(db, done.id, 0)).expect("a report");
    assert_eq!(report, "2,invalid,too_short\n");
    // A name with a line end that nobody quoted.
    let file = format!(
        "{heads}1,new@example.org,Nora,,true,false,a,\n2,gone@example.org,Jan\nMaes,,false,false,a,b\n"
    );
    let (would, done) = ran(&people, file.as_bytes(), BASIS).await;
    let expected = ImportCounts { added: 1, invalid: 2, ..ImportCounts::default() };
    assert_eq!((would, done.counts), (expected, expected));
    assert!(people.subscription("gone@example.org").await.is_none());
});

both_dbs!(who_has_left_in_one_row_is_subscribed_by_no_other, |store| {
    let people = People::of(&store).await;
    people.confirmed("reads@example.org", 1).await;
    let mut file = "email,status\n\
        first@example.org,subscribed\n\
        FIRST@example.org,unsubscribed\n\
        second@example.org,unsubscribed\n\
        second@example.org,subscribed\n\
        far@example.org,subscribed\n\
        reads@example.org,subscribed\n\
        reads@example.org,unsubscribed\n\
        nonsense,subscribed\n"
        .to_owned();
    for n in 0..3_000 {
        file.push_str(&format!("r{n}@example.org,subscribed\n"));
    }
    file.push_str("far@example.org,cleaned\n");
    let expected = ImportCounts {
        added: 3_000,
        left_before: 3,
        known: 1,
        still_subscribed: 1,
        duplicate: 3,
        invalid: 1,
        ..ImportCounts::default()
    };
    let (would, done) = ran(&people, file.as_bytes(), BASIS).await;
    assert_eq!((would, done.counts), (expected, expected));
    assert_eq!(done.counts.total(), done.row_count, "each row has one outcome");
    for who in ["first@example.org", "second@example.org", "far@example.org"] {
        let status = people.subscription(who).await.expect("there").status;
        assert_eq!(status, SubscriptionStatus::Unsubscribed, "{who}");
    }
    // The report is in the order of the file all the same.
    let (_, report) = read!(store, |db| imports::report_after(db, done.id, 0)).expect("a report");
    let begin = "2,duplicate,\n3,left_before,\n4,left_before,\n5,duplicate,\n6,duplicate,\n7,known,\n\
        8,still_subscribed,\n9,invalid,address_wrong\n10,added,\n";
    assert!(report.starts_with(begin), "{}", &report[..300]);
    // Nor is anybody asked.
    let import = checked(&people, b"email,status\nx@example.org,subscribed\nx@example.org,left\n", "").await;
    assert_eq!((import.counts.asked, import.counts.left_before, import.counts.duplicate), (0, 1, 1));
});
