use std::collections::HashSet;

use postiljon::model::{
    Account, Mailing, MailingId, Outcome, Refusal, Rhythm, SubscriberId, SubscriptionId, Timestamp,
    UncertainPolicy, WorkerId,
};
use postiljon::store::deliveries::{self, Birth, LedgerFilter, Newborn, RECORD_ROWS_MAX, Recipient, Record};
use postiljon::store::{Pools, Store, mailings, newsletters, subscribers, subscriptions, workers};

use crate::support::database::{both_dbs, change, execute, read};
use crate::support::samples::{self, NOW, at, confirmed, new_newsletter, newsletter, scheduled, sending};

async fn worker(store: &Store) -> WorkerId {
    change!(store, |tx| workers::insert(tx, NOW))
}

/// A newsletter with so many readers, and a mailing of it that is being sent.
async fn mailing_to(store: &Store, readers: usize) -> Mailing {
    let newsletter = newsletter(store, "insights").await;
    for n in 1..=readers {
        confirmed(store, newsletter.id, n).await;
    }
    sending(store, newsletter.id).await
}

/// Claims as a feeder does: the mailing is locked and read in the same transaction.
async fn claim(store: &Store, mailing: MailingId, worker: WorkerId, limit: i64) -> Vec<Recipient> {
    let mut tx = store.begin().await.expect("a transaction");
    let locked = mailings::lock_sending(&mut tx, mailing).await.expect("locked").expect("sending");
    let claimed = samples::claim_next(&mut tx, &locked, worker, limit, NOW).await.expect("claimed");
    tx.commit().await.expect("committed");
    claimed
}

fn subscriptions_of(claimed: &[Recipient]) -> Vec<SubscriptionId> {
    claimed.iter().map(|recipient| recipient.subscription_id).collect()
}

async fn now(store: &Store, mailing: MailingId) -> Mailing {
    read!(store, |db| mailings::by_id(db, mailing)).expect("there")
}

/// The account of a mailing, after a check that it equals the rows.
async fn account(store: &Store, mailing: MailingId) -> Account {
    let account = now(store, mailing).await.account;
    let counts = read!(store, |db| deliveries::count(db, mailing));
    let count = |outcome| counts.iter().find(|(of, _)| *of == outcome).map_or(0, |(_, count)| *count);
    assert_eq!(account.sent, count(Outcome::Sent), "sent");
    assert_eq!(account.deferred, count(Outcome::Deferred), "deferred");
    assert_eq!(account.bounced, count(Outcome::Bounced), "bounced");
    assert_eq!(account.uncertain, count(Outcome::Uncertain), "uncertain");
    assert_eq!(account.skipped, count(Outcome::Skipped), "skipped");
    assert_eq!(account.expired, count(Outcome::Expired), "expired");
    account
}

async fn next_due(store: &Store, mailing: MailingId) -> Option<Timestamp> {
    let waiting = read!(store, |db| deliveries::waiting(db, mailing));
    waiting.iter().map(|waiting| waiting.due_at).min()
}

fn outcome(subscriber_id: SubscriberId, outcome: Outcome) -> Record {
    let due_at = (outcome == Outcome::Deferred).then_some(at(10));
    Record {
        subscriber_id,
        outcome,
        attempts: 1,
        doubts: 0,
        due_at,
        reply: outcome.to_string(),
        relay: String::new(),
        refusal: Refusal::None,
    }
}

async fn record(store: &Store, mailing: MailingId, worker: WorkerId, records: &[Record]) -> usize {
    change!(store, |tx| deliveries::record(tx, mailing, worker, records, at(5))).rows
}

both_dbs!(the_feeder_walks_the_audience_in_batches_to_its_end, |store| {
    let mailing = mailing_to(&store, 5).await;
    let worker = worker(&store).await;
    let first = claim(&store, mailing.id, worker, 2).await;
    assert_eq!(subscriptions_of(&first), [SubscriptionId(1), SubscriptionId(2)]);
    assert_eq!(first[0].address.as_str(), "reader1@example.org");
    assert_eq!(now(&store, mailing.id).await.cursor, SubscriptionId(2));
    let second = claim(&store, mailing.id, worker, 2).await;
    assert_eq!(subscriptions_of(&second), [SubscriptionId(3), SubscriptionId(4)]);
    let third = claim(&store, mailing.id, worker, 2).await;
    assert_eq!(subscriptions_of(&third), [SubscriptionId(5)]);
    assert_eq!(now(&store, mailing.id).await.cursor, mailing.audience_end);
    assert!(claim(&store, mailing.id, worker, 2).await.is_empty());
    assert_eq!(account(&store, mailing.id).await.open(), 5);
});

both_dbs!(who_left_or_came_after_the_start_is_not_claimed, |store| {
    let insights = newsletter(&store, "insights").await;
    let weekly = newsletter(&store, "weekly").await;
    let stays = confirmed(&store, insights.id, 1).await;
    let leaves = confirmed(&store, insights.id, 2).await;
    let comes_back = confirmed(&store, insights.id, 3).await;
    confirmed(&store, weekly.id, 4).await;
    let last = confirmed(&store, insights.id, 5).await;
    let mailing = sending(&store, insights.id).await;
    change!(store, |tx| subscriptions::unsubscribe(tx, leaves.id, at(1)));
    change!(store, |tx| subscriptions::unsubscribe(tx, comes_back.id, at(1)));
    change!(store, |tx| subscriptions::confirm(tx, comes_back.id, comes_back.language, at(2)));
    confirmed(&store, insights.id, 6).await;
    let claimed = claim(&store, mailing.id, worker(&store).await, 10).await;
    assert_eq!(subscriptions_of(&claimed), [stays.id, last.id]);
});

both_dbs!(a_stale_cursor_claims_nobody_twice, |store| {
    let mailing = mailing_to(&store, 4).await;
    let (one, two) = (worker(&store).await, worker(&store).await);
    claim(&store, mailing.id, one, 3).await;
    // `mailing` still has the cursor of the start.
    let claimed = change!(store, |tx| samples::claim_next(tx, &mailing, two, 10, NOW));
    assert_eq!(subscriptions_of(&claimed), [SubscriptionId(4)]);
});

both_dbs!(feeders_that_run_at_once_share_the_audience, |store| {
    let mailing = mailing_to(&store, 30).await;
    let mut feeders = Vec::new();
    for _ in 0..3 {
        let (store, worker) = (store.clone(), worker(&store).await);
        feeders.push(tokio::spawn(async move {
            let mut claimed = Vec::new();
            loop {
                let batch = claim(&store, mailing.id, worker, 4).await;
                if batch.is_empty() {
                    return claimed;
                }
                claimed.extend(subscriptions_of(&batch));
            }
        }));
    }
    let mut all = Vec::new();
    for feeder in feeders {
        all.extend(feeder.await.expect("fed"));
    }
    assert_eq!((all.len(), all.iter().collect::<HashSet<_>>().len()), (30, 30));
    assert_eq!(read!(store, |db| deliveries::count(db, mailing.id)), [(Outcome::Claimed, 30)]);
});

both_dbs!(every_outcome_moves_its_number_and_the_account_balances, |store| {
    let mailing = mailing_to(&store, 6).await;
    let worker = worker(&store).await;
    let claimed = claim(&store, mailing.id, worker, 10).await;
    let outcomes = [
        Outcome::Sent,
        Outcome::Deferred,
        Outcome::Bounced,
        Outcome::Uncertain,
        Outcome::Skipped,
        Outcome::Expired,
    ];
    let records: Vec<Record> =
        claimed.iter().zip(outcomes).map(|(to, of)| outcome(to.subscriber_id, of)).collect();
    assert_eq!(record(&store, mailing.id, worker, &records).await, 6);
    let expected =
        Account { audience: 6, sent: 1, deferred: 1, bounced: 1, uncertain: 1, skipped: 1, expired: 1 };
    assert_eq!(account(&store, mailing.id).await, expected);
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 10));
    for (row, record) in ledger.iter().zip(&records) {
        assert_eq!((row.subscriber_id, row.outcome), (record.subscriber_id, record.outcome));
        assert_eq!((row.attempts, row.doubts, row.at), (1, 0, at(5)));
        assert_eq!((row.due_at, &row.reply), (record.due_at, &record.reply));
    }
    assert_eq!(ledger.len(), 6);
});

both_dbs!(only_the_worker_that_holds_a_claim_records_it_and_once, |store| {
    let mailing = mailing_to(&store, 2).await;
    let (holder, other) = (worker(&store).await, worker(&store).await);
    let claimed = claim(&store, mailing.id, holder, 1).await;
    let sent = outcome(claimed[0].subscriber_id, Outcome::Sent);
    // The second reader was not claimed by anyone.
    let unclaimed = outcome(SubscriberId(2), Outcome::Sent);
    let standing = async |worker| {
        read!(store, |db| deliveries::still_claimed(db, mailing.id, claimed[0].subscriber_id, worker))
    };
    assert!(standing(holder).await && !standing(other).await);
    assert_eq!(record(&store, mailing.id, other, std::slice::from_ref(&sent)).await, 0);
    assert_eq!(account(&store, mailing.id).await.sent, 0);
    assert_eq!(record(&store, mailing.id, holder, &[sent.clone(), unclaimed]).await, 1);
    assert_eq!(record(&store, mailing.id, holder, &[sent]).await, 0);
    assert_eq!(record(&store, mailing.id, holder, &[]).await, 0);
    assert_eq!(account(&store, mailing.id).await.sent, 1);
    assert!(!standing(holder).await);
});

both_dbs!(a_claim_does_not_stand_while_its_mailing_is_paused, |store| {
    let mailing = mailing_to(&store, 1).await;
    let worker = worker(&store).await;
    let to = claim(&store, mailing.id, worker, 1).await[0].subscriber_id;
    execute(&store, "UPDATE mailings SET status = 'paused'").await;
    assert!(!read!(store, |db| deliveries::still_claimed(db, mailing.id, to, worker)));
});

both_dbs!(more_outcomes_than_fit_into_one_statement_are_all_recorded, |store| {
    let mailing = mailing_to(&store, 1).await;
    let worker = worker(&store).await;
    let to = claim(&store, mailing.id, worker, 1).await[0].subscriber_id;
    // All but the last are nobody's: the row that counts stands in the second statement.
    let nobody = (0..RECORD_ROWS_MAX).map(|_| outcome(SubscriberId(i64::MAX), Outcome::Sent));
    let records: Vec<Record> = nobody.chain([outcome(to, Outcome::Sent)]).collect();
    assert_eq!(record(&store, mailing.id, worker, &records).await, 1);
    assert_eq!(account(&store, mailing.id).await.sent, 1);
});

both_dbs!(who_has_a_row_already_is_told_from_those_who_are_given_one, |store| {
    let mailing = mailing_to(&store, 5).await;
    let (one, two) = (worker(&store).await, worker(&store).await);
    let locked = change!(store, |tx| mailings::lock_sending(tx, mailing.id)).expect("sending");
    let found = read!(store, |db| deliveries::candidates(db, &locked, 10));
    let born =
        |n: usize, birth| Newborn { subscriber_id: found[n].subscriber_id, destination: "other", birth };
    let first = [born(1, Birth::Claimed), born(3, Birth::Skipped)];
    assert_eq!(change!(store, |tx| deliveries::insert(tx, mailing.id, one, &first, at(5))).len(), 2);
    let all: Vec<_> = (0..5).map(|n| born(n, if n == 4 { Birth::Waiting } else { Birth::Claimed })).collect();
    let inserted = change!(store, |tx| deliveries::insert(tx, mailing.id, two, &all, at(6)));
    let mut made: Vec<usize> = (0..5).filter(|n| inserted.contains(&found[*n].subscriber_id)).collect();
    made.sort_unstable();
    assert_eq!(made, [0, 2, 4]);
    let account = account(&store, mailing.id).await;
    assert_eq!((account.skipped, account.deferred), (1, 1));
    let is_of = async |n: usize, worker| {
        read!(store, |db| deliveries::is_claimed_by(db, mailing.id, found[n].subscriber_id, worker))
    };
    assert!(is_of(1, one).await && is_of(0, two).await && is_of(2, two).await);
    assert!(!is_of(1, two).await && !is_of(3, two).await && !is_of(4, two).await);
});

both_dbs!(outcomes_of_every_kind_are_recorded_side_by_side, |store| {
    let mailing = mailing_to(&store, 7).await;
    let worker = worker(&store).await;
    let claimed = claim(&store, mailing.id, worker, 7).await;
    let kinds = [
        Outcome::Sent,
        Outcome::Bounced,
        Outcome::Deferred,
        Outcome::Sent,
        Outcome::Uncertain,
        Outcome::Expired,
        Outcome::Skipped,
    ];
    let mut records: Vec<Record> =
        claimed.iter().zip(kinds).map(|(to, kind)| outcome(to.subscriber_id, kind)).collect();
    for (n, record) in records.iter_mut().enumerate() {
        // Replies differ from mail to mail, also among those that are alike otherwise.
        record.reply = format!("answer '{n}' \"?\" $1");
        record.due_at = (record.outcome == Outcome::Deferred).then(|| at(40));
    }
    records[3].relay = "second".into();
    records[4].doubts = 1;
    assert_eq!(record(&store, mailing.id, worker, &records).await, 7);
    for wanted in &records {
        let row = &read!(store, |db| deliveries::of_subscriber(db, wanted.subscriber_id))[0];
        assert_eq!(
            (row.outcome, row.doubts, row.due_at, &row.reply, &row.relay),
            (wanted.outcome, wanted.doubts, wanted.due_at, &wanted.reply, &wanted.relay)
        );
    }
    let account = account(&store, mailing.id).await;
    assert_eq!((account.sent, account.bounced, account.deferred, account.uncertain), (2, 1, 1, 1));
    assert_eq!((account.expired, account.skipped), (1, 1));
});

both_dbs!(a_deferred_delivery_is_claimed_again_when_it_is_due, |store| {
    let mailing = mailing_to(&store, 3).await;
    let (one, two) = (worker(&store).await, worker(&store).await);
    let claimed = claim(&store, mailing.id, one, 10).await;
    let mut records: Vec<Record> =
        claimed.iter().map(|to| outcome(to.subscriber_id, Outcome::Deferred)).collect();
    records[0].due_at = Some(at(30));
    records[0].doubts = 1;
    records[2].due_at = Some(at(20));
    record(&store, mailing.id, one, &records).await;
    assert_eq!(next_due(&store, mailing.id).await, Some(at(10)));
    let due = async |worker, limit, moment| {
        let retries =
            change!(store, |tx| deliveries::claim_due(tx, mailing.id, "other", worker, limit, at(moment)));
        retries.iter().map(|retry| (retry.subscriber_id, retry.attempts, retry.doubts)).collect::<Vec<_>>()
    };
    assert!(due(two, 10, 9).await.is_empty());
    assert_eq!(due(two, 1, 30).await, [(records[1].subscriber_id, 1, 0)]);
    assert_eq!(due(two, 1, 30).await, [(records[2].subscriber_id, 1, 0)]);
    assert_eq!(due(two, 1, 30).await, [(records[0].subscriber_id, 1, 1)]);
    assert!(due(one, 10, 30).await.is_empty());
    assert_eq!(next_due(&store, mailing.id).await, None);
    assert_eq!(account(&store, mailing.id).await.deferred, 0);

    assert_eq!(record(&store, mailing.id, one, &records).await, 0, "the claim is the second worker's");
    let sent = outcome(records[0].subscriber_id, Outcome::Sent);
    assert_eq!(record(&store, mailing.id, two, &[sent]).await, 1);
    let row = &read!(store, |db| deliveries::of_subscriber(db, records[0].subscriber_id))[0];
    assert_eq!((row.outcome, row.attempts, row.doubts, row.due_at), (Outcome::Sent, 2, 1, None));
});

both_dbs!(what_waits_is_told_destination_by_destination, |store| {
    let mailing = mailing_to(&store, 4).await;
    let worker = worker(&store).await;
    let locked = change!(store, |tx| mailings::lock_sending(tx, mailing.id)).expect("sending");
    let found = read!(store, |db| deliveries::candidates(db, &locked, 10));
    let born =
        |n: usize, destination, birth| Newborn { subscriber_id: found[n].subscriber_id, destination, birth };
    let newborns = [
        born(0, "google", Birth::Waiting),
        born(1, "", Birth::Waiting),
        born(2, "google", Birth::Claimed),
        born(3, "orange", Birth::Skipped),
    ];
    let inserted = change!(store, |tx| deliveries::insert(tx, mailing.id, worker, &newborns, at(5)));
    assert_eq!(inserted.len(), 4);
    let again = change!(store, |tx| deliveries::insert(tx, mailing.id, worker, &newborns, at(6)));
    assert!(again.is_empty(), "each has its row");
    assert_eq!(
        (account(&store, mailing.id).await.deferred, account(&store, mailing.id).await.skipped),
        (2, 1)
    );
    record(&store, mailing.id, worker, &[outcome(found[2].subscriber_id, Outcome::Deferred)]).await;
    let waiting = read!(store, |db| deliveries::waiting(db, mailing.id));
    let waiting: Vec<_> = waiting.iter().map(|w| (w.destination.as_str(), w.due_at)).collect();
    assert_eq!(waiting, [("", at(5)), ("google", at(5))]);
    let claim = async |destination| {
        let due = change!(store, |tx| deliveries::claim_due(tx, mailing.id, destination, worker, 9, at(7)));
        due.iter().map(|retry| retry.subscriber_id).collect::<Vec<_>>()
    };
    assert_eq!(claim("google").await, [found[0].subscriber_id]);
    assert_eq!(next_due(&store, mailing.id).await, Some(at(5)), "at the other destination");
    assert_eq!(claim("").await, [found[1].subscriber_id]);
    assert_eq!(next_due(&store, mailing.id).await, Some(at(10)));
});

both_dbs!(leaving_skips_what_is_deferred_or_not_reached_and_nothing_else, |store| {
    let mailing = mailing_to(&store, 5).await;
    let worker = worker(&store).await;
    let claimed = claim(&store, mailing.id, worker, 3).await;
    let [sent, deferred, on_wire] = [0, 1, 2].map(|n: usize| claimed[n].subscriber_id);
    let records = [outcome(sent, Outcome::Sent), outcome(deferred, Outcome::Deferred)];
    record(&store, mailing.id, worker, &records).await;
    let not_reached = SubscriberId(4);
    let stranger = SubscriberId(99);
    for _ in 0..2 {
        for (subscriber, in_audience) in
            [(sent, true), (deferred, true), (on_wire, true), (not_reached, true), (stranger, false)]
        {
            change!(store, |tx| deliveries::skip(tx, &mailing, subscriber, in_audience, at(6)));
        }
    }
    let expected = Account { audience: 5, sent: 1, skipped: 2, ..Account::default() };
    assert_eq!(account(&store, mailing.id).await, expected);
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 10));
    assert_eq!(
        ledger.iter().map(|row| (row.subscriber_id, row.outcome)).collect::<Vec<_>>(),
        [
            (sent, Outcome::Sent),
            (deferred, Outcome::Skipped),
            (on_wire, Outcome::Claimed),
            (not_reached, Outcome::Skipped),
        ]
    );
    assert_eq!(ledger[1].due_at, None);
    // The feeder passes the one that was skipped before it came there.
    let claimed = claim(&store, mailing.id, worker, 10).await;
    assert_eq!(subscriptions_of(&claimed), [SubscriptionId(5)]);
    let rest = [on_wire, claimed[0].subscriber_id].map(|to| outcome(to, Outcome::Sent));
    record(&store, mailing.id, worker, &rest).await;
    let done = change!(store, |tx| mailings::finish(tx, mailing.id, at(7))).expect("finished");
    assert!(done.account.balances());
});

both_dbs!(a_recipient_is_read_as_it_is_now, |store| {
    let mailing = mailing_to(&store, 1).await;
    let subscription = confirmed(&store, mailing.newsletter_id, 1).await;
    let subscriber = subscription.subscriber_id;
    let look = async |mailing| read!(store, |db| deliveries::recipient(db, mailing, subscriber));
    let (recipient, in_audience) = look(mailing.id).await.expect("there");
    assert_eq!((recipient.subscription_id, in_audience), (subscription.id, true));
    assert_eq!(
        (recipient.address.as_str(), recipient.name.as_str()),
        ("reader1@example.org", "Name of reader1")
    );
    // Out and in again: in the next audience, not in this one.
    change!(store, |tx| subscriptions::set_pace(tx, subscription.id, Rhythm::Monthly, None, at(1)));
    assert!(!look(mailing.id).await.expect("there").1);
    change!(store, |tx| subscriptions::set_pace(tx, subscription.id, Rhythm::Each, None, at(2)));
    assert!(!look(mailing.id).await.expect("there").1);
    change!(store, |tx| subscriptions::unsubscribe(tx, subscription.id, NOW));
    assert!(!look(mailing.id).await.expect("there").1);
    assert!(look(MailingId(i64::MAX)).await.is_none());
    change!(store, |tx| subscribers::delete(tx, subscriber));
    assert!(look(mailing.id).await.is_none());
});

both_dbs!(a_worker_that_stops_gives_back_what_was_not_on_the_wire, |store| {
    let mailing = mailing_to(&store, 3).await;
    let (one, two) = (worker(&store).await, worker(&store).await);
    let claimed = claim(&store, mailing.id, one, 2).await;
    record(&store, mailing.id, one, &[outcome(claimed[0].subscriber_id, Outcome::Sent)]).await;
    claim(&store, mailing.id, two, 1).await;
    assert_eq!(change!(store, |tx| deliveries::release(tx, one, at(8))), 1);
    assert_eq!(change!(store, |tx| deliveries::release(tx, one, at(8))), 0);
    let expected = Account { audience: 3, sent: 1, deferred: 1, ..Account::default() };
    assert_eq!(account(&store, mailing.id).await, expected);
    let again = change!(store, |tx| deliveries::claim_due(tx, mailing.id, "other", two, 10, at(8)));
    assert_eq!(again.len(), 1);
    assert_eq!((again[0].subscriber_id, again[0].attempts), (claimed[1].subscriber_id, 0));
    assert_eq!(again[0].doubts, 0);
});

both_dbs!(the_claims_of_a_dead_worker_are_tried_again_or_held_as_each_newsletter_is_set, |store| {
    let resends = newsletter(&store, "resends").await;
    let mut new = new_newsletter("holds");
    new.on_uncertain = UncertainPolicy::Hold;
    let holds = change!(store, |tx| newsletters::insert(tx, &new, NOW));
    let dead = worker(&store).await;
    let mut sent = Vec::new();
    for newsletter in [resends.id, holds.id] {
        for n in 1..=2 {
            confirmed(&store, newsletter, n).await;
        }
        let mailing = sending(&store, newsletter).await;
        let claimed = claim(&store, mailing.id, dead, 2).await;
        record(&store, mailing.id, dead, &[outcome(claimed[0].subscriber_id, Outcome::Sent)]).await;
        sent.push((mailing.id, claimed[1].subscriber_id));
    }
    let [(resent, to), (held, held_to)] = sent[..] else { panic!("two mailings") };
    for policy in [UncertainPolicy::Resend, UncertainPolicy::Hold] {
        assert_eq!(change!(store, |tx| deliveries::recover(tx, dead, policy, at(8))), 1);
        assert_eq!(change!(store, |tx| deliveries::recover(tx, dead, policy, at(8))), 0);
    }
    let expected = Account { audience: 2, sent: 1, deferred: 1, ..Account::default() };
    assert_eq!(account(&store, resent).await, expected);
    let expected = Account { audience: 2, sent: 1, uncertain: 1, ..Account::default() };
    assert_eq!(account(&store, held).await, expected);
    let row = &read!(store, |db| deliveries::ledger(db, resent, SubscriberId(to.0 - 1), 1))[0];
    assert_eq!((row.outcome, row.doubts, row.due_at), (Outcome::Deferred, 1, Some(at(8))));
    let row = &read!(store, |db| deliveries::ledger(db, held, SubscriberId(held_to.0 - 1), 1))[0];
    assert_eq!((row.outcome, row.doubts, row.due_at), (Outcome::Uncertain, 1, None));
    // The dead worker may still come back from its pause: too late.
    assert_eq!(record(&store, resent, dead, &[outcome(to, Outcome::Sent)]).await, 0);
});

both_dbs!(the_ledger_is_read_in_pages, |store| {
    let mailing = mailing_to(&store, 3).await;
    let worker = worker(&store).await;
    claim(&store, mailing.id, worker, 10).await;
    let page = async |after| {
        let rows = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(after), 2));
        rows.iter().map(|row| row.subscriber_id.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0).await, [1, 2]);
    assert_eq!(page(2).await, [3]);
    assert!(page(3).await.is_empty());
});

both_dbs!(what_one_person_was_sent_is_found_over_all_mailings, |store| {
    let first = mailing_to(&store, 2).await;
    let second = scheduled(&store, first.newsletter_id).await;
    change!(store, |tx| mailings::start(tx, second.id, NOW)).expect("begun");
    let worker = worker(&store).await;
    for mailing in [second.id, first.id] {
        claim(&store, mailing, worker, 10).await;
    }
    let found = read!(store, |db| deliveries::of_subscriber(db, SubscriberId(1)));
    assert_eq!(found.iter().map(|row| row.mailing_id).collect::<Vec<_>>(), [first.id, second.id]);
});

both_dbs!(the_words_of_relays_about_an_erased_person_are_forgotten, |store| {
    let mailing = mailing_to(&store, 2).await;
    let worker = worker(&store).await;
    let claimed = claim(&store, mailing.id, worker, 10).await;
    let records: Vec<Record> = claimed.iter().map(|to| outcome(to.subscriber_id, Outcome::Bounced)).collect();
    record(&store, mailing.id, worker, &records).await;
    change!(store, |tx| deliveries::forget_replies(tx, SubscriberId(1)));
    let ledger = read!(store, |db| deliveries::ledger(db, mailing.id, SubscriberId(0), 10));
    let replies: Vec<&str> = ledger.iter().map(|row| row.reply.as_str()).collect();
    assert_eq!(replies, ["", "bounced"]);
    assert_eq!(account(&store, mailing.id).await.bounced, 2);
});

both_dbs!(what_waits_is_counted_by_destination_the_most_first, |store| {
    let mailing = mailing_to(&store, 5).await;
    let worker = worker(&store).await;
    let ids = [1, 2, 3, 4, 5].map(SubscriberId);
    let newborns: Vec<_> = ids
        .iter()
        .zip(["google", "slow.example", "slow.example", "google", "slow.example"])
        .map(|(id, destination)| Newborn { subscriber_id: *id, destination, birth: Birth::Waiting })
        .collect();
    change!(store, |tx| deliveries::insert(tx, mailing.id, worker, &newborns, at(7)));
    let waiting = |limit| {
        let store = store.clone();
        async move {
            let rows = read!(store, |db| deliveries::waiting_counts(db, mailing.id, limit));
            rows.into_iter().map(|row| (row.destination, row.count, row.due_at)).collect::<Vec<_>>()
        }
    };
    let (slow, google) = (("slow.example".to_owned(), 3, at(7)), ("google".to_owned(), 2, at(7)));
    assert_eq!(waiting(10).await, [slow.clone(), google]);
    assert_eq!(waiting(1).await, [slow]);
});

both_dbs!(what_waits_of_a_cancelled_mailing_is_skipped_in_batches, |store| {
    let mailing = mailing_to(&store, 7).await;
    let worker = worker(&store).await;
    claim(&store, mailing.id, worker, 10).await;
    change!(store, |tx| deliveries::release(tx, worker, at(1)));
    assert!(change!(store, |tx| samples::cancel(tx, mailing.id, at(2))));
    for (batch, left) in [(3, 4), (3, 1), (1, 0), (0, 0)] {
        assert_eq!(change!(store, |tx| deliveries::skip_waiting(tx, mailing.id, 3, at(3))), batch);
        let account = account(&store, mailing.id).await;
        assert_eq!((account.deferred, account.skipped), (left, 7 - left));
    }
});

both_dbs!(somebody_waits_for_the_first_try_until_all_were_tried, |store| {
    let mailing = mailing_to(&store, 2).await;
    let has_unasked = async || read!(store, |db| deliveries::has_unasked(db, mailing.id));
    assert!(!has_unasked().await);
    let worker = worker(&store).await;
    let claimed = claim(&store, mailing.id, worker, 10).await;
    record(&store, mailing.id, worker, &[outcome(claimed[0].subscriber_id, Outcome::Deferred)]).await;
    assert!(!has_unasked().await);
    change!(store, |tx| deliveries::release(tx, worker, at(20)));
    assert!(has_unasked().await, "behind one that waits for another try");
    change!(store, |tx| deliveries::claim_due(tx, mailing.id, "other", worker, 10, at(30)));
    assert!(!has_unasked().await);
});

/// A mailing to 20,000, of whom a few bounced.
async fn large(store: &Store) -> Mailing {
    let mailing = mailing_to(store, 1).await;
    execute(
        store,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
        INSERT INTO deliveries (mailing_id, subscriber_id, outcome, attempts, doubts, at, reply)
        SELECT m.id, 1000 + n.i, CASE WHEN n.i % 1000 = 0 THEN 'bounced' ELSE 'sent' END, 1, 0, 0, ''
        FROM n, mailings m",
    )
    .await;
    execute(store, "ANALYZE").await;
    mailing
}

/// How the database would run a statement of the ledger.
async fn plan(store: &Store, sql: &str, mailing: MailingId, outcome: Option<&str>, search: &str) -> String {
    let explain = match store.pools() {
        Pools::Sqlite { .. } => format!("EXPLAIN QUERY PLAN {sql}"),
        Pools::Postgres(_) => format!("EXPLAIN {sql}"),
    };
    let sql = sqlx::AssertSqlSafe(explain);
    let lines: Vec<String> = match (store.pools(), outcome) {
        (Pools::Sqlite { writer, .. }, None) => {
            let query = sqlx::query_as(sql).bind(mailing).bind(10_i64);
            let rows: Vec<(i64, i64, i64, String)> = query.fetch_all(writer).await.expect("explained");
            rows.into_iter().map(|row| row.3).collect()
        }
        (Pools::Sqlite { writer, .. }, Some(outcome)) => {
            let query = sqlx::query_as(sql).bind(mailing).bind(0_i64).bind(outcome).bind(search).bind(50_i64);
            let rows: Vec<(i64, i64, i64, String)> = query.fetch_all(writer).await.expect("explained");
            rows.into_iter().map(|row| row.3).collect()
        }
        (Pools::Postgres(pool), None) => {
            let query = sqlx::query_scalar(sql).bind(mailing).bind(10_i64);
            query.fetch_all(pool).await.expect("explained")
        }
        (Pools::Postgres(pool), Some(outcome)) => {
            let query =
                sqlx::query_scalar(sql).bind(mailing).bind(0_i64).bind(outcome).bind(search).bind(50_i64);
            query.fetch_all(pool).await.expect("explained")
        }
    };
    lines.join("\n")
}

both_dbs!(what_failed_is_found_without_a_walk_through_the_ledger, |store| {
    let mailing = large(&store).await;
    let found = plan(&store, deliveries::COUNT_FAILED_SQL, mailing.id, None, "").await;
    assert!(found.contains("deliveries_failed"), "{found}");
    for search in ["", "%reader%"] {
        let filter = LedgerFilter { outcome: Some(Outcome::Bounced), search };
        let found = plan(&store, filter.sql(), mailing.id, Some("bounced"), search).await;
        assert!(found.contains("deliveries_failed"), "{found}");
        let rows = read!(store, |db| deliveries::ledger_with_addresses(
            db,
            mailing.id,
            LedgerFilter { search: "", ..filter },
            SubscriberId(0),
            50
        ));
        assert_eq!(rows.len(), 20);
    }
    assert_eq!(read!(store, |db| deliveries::count_failed(db, mailing.id)), 20);
    execute(&store, "UPDATE deliveries SET outcome = 'expired' WHERE outcome = 'sent'").await;
    let most = read!(store, |db| deliveries::count_failed(db, mailing.id));
    assert_eq!(most, deliveries::WAITING_COUNT_MAX + 1, "counted no further");
});

both_dbs!(the_few_that_wait_are_found_without_a_walk_through_the_ledger, |store| {
    let mailing = large(&store).await;
    execute(
        &store,
        "UPDATE deliveries SET outcome = 'deferred', destination = CASE WHEN subscriber_id % 2000 = 0 THEN 'b.example' ELSE
            'a.example' END, due_at = 30000 - subscriber_id WHERE outcome = 'bounced'",
    )
    .await;
    execute(&store, "ANALYZE").await;
    let found = plan(&store, deliveries::LEDGER_OF_WAITING, mailing.id, Some("deferred"), "").await;
    assert!(found.contains("deliveries_waiting"), "{found}");
    let page = async |after, limit| {
        let filter = LedgerFilter { outcome: Some(Outcome::Deferred), search: "" };
        let rows = read!(store, |db| deliveries::ledger_with_addresses(
            db,
            mailing.id,
            filter,
            SubscriberId(after),
            limit
        ));
        rows.into_iter().map(|row| row.delivery.subscriber_id.0).collect::<Vec<_>>()
    };
    assert_eq!(page(0, 3).await, [2000, 3000, 4000], "in the order of the ledger");
    assert_eq!(page(4000, 50).await.len(), 17);
    // Where most wait they are found in a walk.
    execute(
        &store,
        "UPDATE deliveries SET outcome = 'deferred', destination = '', due_at = 1 WHERE outcome = 'sent'",
    )
    .await;
    assert_eq!(page(1500, 3).await, [1501, 1502, 1503]);
});

both_dbs!(a_search_in_the_ledger_begins_at_the_addresses, |store| {
    let mailing = mailing_to(&store, 12).await;
    let worker = worker(&store).await;
    claim(&store, mailing.id, worker, 11).await;
    let search = async |search: &str, outcome| {
        let filter = LedgerFilter { outcome, search };
        let rows =
            read!(store, |db| deliveries::ledger_with_addresses(db, mailing.id, filter, SubscriberId(0), 50));
        rows.into_iter().map(|row| row.address.expect("an address").local().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(search("eader1", None).await, ["reader1", "reader10", "reader11"]);
    assert_eq!(search("eader1", Some(Outcome::Claimed)).await.len(), 3);
    assert!(search("eader1", Some(Outcome::Sent)).await.is_empty());
    assert_eq!(search("Reader1@EXAMPLE.org", None).await, ["reader1"]);
    assert!(search("reader1@example.org", Some(Outcome::Bounced)).await.is_empty());
    assert_eq!(search("r10@example.org", None).await, ["reader10"], "nobody's: the end of one");
    assert!(search("reader12@example.org", None).await.is_empty(), "not reached yet");
    let filter = LedgerFilter { outcome: None, search: "eader1" };
    let found = plan(&store, filter.sql(), mailing.id, Some(""), "%eader1%").await;
    // On PostgreSQL a table of a dozen is walked however it is asked for.
    if let Pools::Sqlite { .. } = store.pools() {
        let (addresses, ledger) = (found.find("SEARCH s "), found.find("SEARCH d "));
        assert!(addresses.is_some() && addresses < ledger && !found.contains("TEMP B-TREE"), "{found}");
    }
});
