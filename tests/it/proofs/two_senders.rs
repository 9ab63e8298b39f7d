//! Two senders on one PostgreSQL, of which one freezes for so long that the other takes over.

use std::collections::HashSet;

use postiljon::model::{Delivery, Outcome, UncertainPolicy, WorkerId};
use postiljon::store::{Store, workers};

use super::{ASK_EVERY, CONNECTIONS, Dice, PATIENCE, Proof, RESUME_MAX, address_of, ledger, within};
use crate::support::database::{on_postgres, read};

/// Outcomes that may wait to be recorded, and a mail on each connection: all that a sender may have in doubt.
const IN_DOUBT_MAX: usize = 96 + CONNECTIONS;
const FROZEN: &str = "frozen.example.org";
const AWAKE: &str = "awake.example.org";

async fn workers_are(store: &Store, is_so: impl Fn(&[WorkerId]) -> bool) -> Vec<WorkerId> {
    loop {
        let all = read!(store, |db| workers::all(db));
        let ids: Vec<WorkerId> = all.into_iter().map(|(id, _)| id).collect();
        if is_so(&ids) {
            return ids;
        }
        tokio::time::sleep(ASK_EVERY).await;
    }
}

/// Mails that the relay has of the frozen sender, and of which the ledger did not know when it froze.
fn in_doubt(proof: &Proof, at_freeze: &[Delivery]) -> usize {
    let known: HashSet<String> = at_freeze
        .iter()
        .filter(|row| row.outcome == Outcome::Sent)
        .map(|row| address_of(row.subscriber_id))
        .collect();
    let copies = proof.relay.copies();
    let of_frozen = copies.iter().filter(|(_, copies)| copies[0].sender == FROZEN);
    of_frozen.filter(|(to, _)| !known.contains(*to)).count()
}

fn as_text(ledger: &[Delivery]) -> String {
    serde_json::to_string(ledger).expect("JSON")
}

on_postgres!(a_sender_that_was_frozen_past_its_lease_neither_sends_on_nor_writes, |database| {
    let mut dice = Dice::new();
    let proof = Proof::new(database, 6_000, UncertainPolicy::Resend).await;
    let store = proof.store().await;
    let folder = |name: &str| proof.folder.path().join(name);
    // Nobody is answered before both have begun: on a fast machine one alone is done before the other is there.
    proof.relay.hold(true);
    let mut frozen = proof.start_as("sender", FROZEN, folder("frozen"), &[]);
    let mut awake = proof.start_as("sender", AWAKE, folder("awake"), &[]);
    let begun = proof.relay.until(|tally| tally.of(FROZEN) > 0 && tally.of(AWAKE) > 0);
    within(RESUME_MAX, "both begin", begun).await;
    proof.relay.hold(false);
    let mails = usize::try_from(1 + dice.below(300)).expect("a small number");
    let both = proof.relay.until(|tally| tally.of(FROZEN) >= mails && tally.of(AWAKE) > 0);
    within(RESUME_MAX, "both send", both).await;
    let two = within(RESUME_MAX, "both signed on", workers_are(&store, |ids| ids.len() == 2)).await;
    frozen.signal("STOP");
    let at_freeze = ledger(&store, proof.mailing).await;

    let sent = proof.until_sent(&mut awake).await;
    let one = within(PATIENCE, "one is buried", workers_are(&store, |ids| ids.len() == 1)).await;
    let books = as_text(&ledger(&store, proof.mailing).await);
    let by_frozen = proof.relay.tally().of(FROZEN);
    let in_doubt = in_doubt(&proof, &at_freeze);
    frozen.signal("CONT");
    // It finds itself buried, lets go of everything, and signs on anew.
    let is_new = |id: &WorkerId| !two.contains(id);
    let back = workers_are(&store, |ids| ids.len() == 2 && ids.iter().any(is_new));
    within(PATIENCE, "the frozen one signs on anew", back).await;
    assert!(frozen.is_running() && two.contains(&one[0]));

    let thawed = proof.relay.tally().of(FROZEN) - by_frozen;
    let too_many = proof.books_are_right(&sent).await;
    println!(
        "in doubt {in_doubt}, copies too many {too_many}, {thawed} mails by the sender after it was frozen"
    );
    assert!(in_doubt <= IN_DOUBT_MAX, "{in_doubt} mails were sent and not recorded when it froze");
    assert!(thawed <= CONNECTIONS, "{thawed} mails were sent by a sender that was buried");
    assert!(too_many <= in_doubt + thawed, "{too_many} copies too many, {in_doubt} were in doubt");
    let now = as_text(&ledger(&store, proof.mailing).await);
    assert!(now == books, "a sender that was buried wrote into the ledger");
    store.close().await;
});
