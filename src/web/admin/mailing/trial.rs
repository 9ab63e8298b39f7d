//! The trial of two subjects on the page of a mailing: what was sent to how many, and what everybody else gets.

use super::grouped;
use crate::i18n::Texts;
use crate::mail::slot::without_recipient;
use crate::model::{Mailing, Newsletter, TrialBy, Variant};
use crate::publishing::schedule::zone_of;
use crate::store::{self, Db, Result};

pub(super) struct TrialPart {
    pub rows: Vec<Row>,
    /// What happens next, or what was decided.
    pub words: String,
}

/// One of the two subjects.
pub(super) struct Row {
    pub subject: String,
    /// To how many it was sent before the winner was known.
    pub sent: String,
    pub is_winner: bool,
}

/// `None` where one subject was sent to everybody.
pub(super) async fn part(
    t: Texts,
    mut db: Db<'_>,
    mailing: &Mailing,
    newsletter: &Newsletter,
) -> Result<Option<TrialPart>> {
    if mailing.trial.share == 0 {
        return Ok(None);
    }
    let contents = store::mailings::contents(db.again(), mailing.id).await?;
    let own = contents.iter().find(|content| content.language == newsletter.language);
    let Some(content) = own.or(contents.first()) else { return Ok(None) };
    let sent = store::deliveries::count_tried(db, mailing).await?;
    let subjects = [&content.subject, &content.second_subject];
    let rows = Variant::ALL.iter().zip(subjects).zip(sent).map(|((variant, subject), sent)| Row {
        subject: without_recipient(subject, str::to_owned),
        sent: t.with("desk-trial-sent", "count", grouped(sent)),
        is_winner: mailing.trial.winner == Some(*variant),
    });
    Ok(Some(TrialPart { rows: rows.collect(), words: words(t, mailing, newsletter) }))
}

fn words(t: Texts, mailing: &Mailing, newsletter: &Newsletter) -> String {
    let share = mailing.trial.share.to_string();
    match (mailing.trial.winner, mailing.trial_ends_at(), mailing.trial.by) {
        (Some(_), ..) => t.text("desk-trial-decided"),
        (None, Some(at), _) => {
            let at = t.date_time(at, zone_of(newsletter));
            t.with2("desk-trial-until", "share", share, "at", at)
        }
        (None, None, TrialBy::Clicks) => t.with("desk-trial-later", "share", share),
        (None, None, TrialBy::Choice) => t.with("desk-trial-choose", "share", share),
    }
}
