//! R9: a tenth of a thousand recipients, at random places, has one fault or another, and so has the server.

use super::*;
use crate::support::database::both_dbs;
use crate::support::dice::Dice;
use crate::support::smtp_server::At;

const READERS: usize = 1_000;
/// What happens to how many: a tenth together.
const FAULTS: [(&str, usize); 15] = [
    ("drop-at-rcpt-1", 12),
    ("drop-at-data-1", 12),
    ("drop-in-data-1", 12),
    ("drop-after-dot-1", 12),
    ("450-at-rcpt-1", 8),
    ("451-at-data-2", 11),
    ("452-at-dot-1", 8),
    ("451-at-dot-2", 8),
    ("550-at-rcpt", 4),
    ("550-at-dot", 3),
    ("552-at-data", 4),
    ("554-at-dot", 3),
    ("421-at-rcpt-1", 1),
    ("421-at-data-1", 1),
    ("421-at-dot-1", 1),
];
const REFUSED: usize = 14;
const DROPPED_AFTER_DOT: usize = 12;

fn readers() -> Vec<String> {
    let mut dice = Dice::new();
    let mut readers: Vec<String> = FAULTS.iter().flat_map(|(what, count)| ill(what, *count)).collect();
    let well = READERS - readers.len();
    readers.extend(fine(well));
    for last in (1..readers.len()).rev() {
        let other = dice.below(last as u64 + 1);
        readers.swap(last, usize::try_from(other).unwrap());
    }
    readers
}

both_dbs!(a_tenth_of_all_kinds_of_faults_loses_nobody_and_every_copy_is_accounted_for, |store| {
    let readers = readers();
    let mailing = mailing_to(&store, readers.iter().cloned()).await;
    let rig = Rig::new(&store, Options { times: Some(2), ..Options::default() }).await;
    let engine = rig.bench.start();
    let server_too = async {
        rig.server.wait_for_accepted(200).await;
        rig.server.change(|options| options.at_mail = At::Drop);
        rig.server.wait_for_accepted(500).await;
        rig.server.change(|options| options.at_mail = At::Say("421 4.3.2 closing"));
    };
    let (sent, ()) = tokio::join!(rig.until_sent(&engine, &mailing), server_too);
    let refused = i64::try_from(REFUSED).unwrap();
    assert_eq!((sent.account.audience, sent.account.bounced), (1_000, refused), "{:?}", sent.account);
    assert_eq!(sent.account.sent, 1_000 - refused, "{:?}", sent.account);
    let copies = rig.server.copies();
    assert_eq!(copies.len(), READERS - REFUSED, "recipients with a copy");
    let more: usize = copies.values().map(|copies| copies - 1).sum();
    assert!(more <= DROPPED_AFTER_DOT, "{more} copies too many");
    // The readers were made in this order.
    for (row, to) in rig.ledger(&sent).await.iter().zip(&readers) {
        let made = copies.get(to).copied().unwrap_or(0);
        let told = usize::try_from(row.doubts).unwrap() + 1;
        assert!(made <= told, "{to} has {made} copies: {row:?}");
    }
    rig.close(engine).await;
});
