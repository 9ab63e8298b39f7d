//! Trials of two subjects that clicks decide: when their hours are over, everybody else gets the subject whose readers
//! clicked more. Where nobody clicked, or both did alike, it is the first.

use super::shift::Shift;
use crate::model::{Mailing, Move, PauseReason, Timestamp};
use crate::store::{Result, deliveries, mailing_links, mailings};

/// Decides those whose hours are over. Answers when the next one's are.
pub async fn decide_due(shift: &Shift) -> Result<Option<Timestamp>> {
    let open = mailings::tried_by_clicks(shift.store.read().await?.db()).await?;
    let mut next: Option<Timestamp> = None;
    for mailing in open {
        let Some(ends_at) = mailing.trial_ends_at() else { continue };
        if ends_at > shift.clock.now() {
            next = Some(next.map_or(ends_at, |next| next.min(ends_at)));
            continue;
        }
        let mut reader = shift.store.read().await?;
        let clicks = mailing_links::clicks_by_subject(reader.db(), mailing.id).await?;
        let sent = deliveries::count_tried(reader.db(), &mailing).await?;
        drop(reader);
        choose(shift, &mailing, winner(clicks, sent)).await?;
    }
    Ok(next)
}

async fn choose(shift: &Shift, mailing: &Mailing, winner: Move) -> Result<()> {
    let mut tx = shift.store.begin().await?;
    // Somebody may have chosen in between: then that stands.
    let chosen =
        mailings::make_move(&mut tx, mailing.id, winner, PauseReason::None, shift.clock.now()).await?;
    tx.commit().await?;
    if chosen.is_some() {
        tracing::info!(mailing = %mailing.id, winner = winner.as_str(), "clicks decided the trial of a mailing");
        shift.signals.wake();
        shift.signals.did();
    }
    Ok(())
}

/// The subject with more clicks for each mail that was sent.
fn winner(clicks: [i64; 2], sent: [i64; 2]) -> Move {
    // Across: no division, and so no mails are no special case.
    if clicks[1] * sent[0] > clicks[0] * sent[1] { Move::ChooseSecond } else { Move::ChooseFirst }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_wins_only_with_more_clicks_for_each_mail() {
        for (clicks, sent, expected) in [
            ([0, 0], [0, 0], Move::ChooseFirst),
            ([5, 5], [100, 100], Move::ChooseFirst),
            ([5, 6], [100, 100], Move::ChooseSecond),
            ([5, 6], [100, 130], Move::ChooseFirst),
            ([0, 1], [100, 100], Move::ChooseSecond),
        ] {
            assert_eq!(winner(clicks, sent), expected, "{clicks:?} {sent:?}");
        }
    }
}
