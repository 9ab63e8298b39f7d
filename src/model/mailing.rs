//! One sending of an issue to its audience.

use super::{
    IssueId, MailingId, NewsletterId, Rhythm, SubscriptionId, Timestamp, TopicId, Tracking, Trial, TrialBy,
    Variant,
};

text_enum!(MailingStatus {
    /// Waits for its moment; may be cancelled.
    Scheduled = "scheduled",
    Sending = "sending",
    Paused = "paused",
    Sent = "sent",
    Cancelled = "cancelled",
});

text_enum!(
    /// Why a mailing was last paused.
    PauseReason {
        None = "",
        User = "user",
        /// Too many recipients were refused.
        Bounces = "bounces",
        /// The relays take no mail from its sender.
        Sender = "sender",
        /// The database came back from a copy.
        Restored = "restored",
    }
);

text_enum!(
    /// What a person, or the breaker, can do with a mailing. [`Move::from`] says when.
    Move {
        /// Ends the undo window.
        SendNow = "send_now",
        Cancel = "cancel",
        Pause = "pause",
        Resume = "resume",
        /// Tries those again who bounced or expired, but for addresses that do not exist.
        ResendFailed = "resend_failed",
        /// Sends to those again of whom nobody knows whether the relay took their mail.
        ResendUncertain = "resend_uncertain",
        /// Everybody who was not asked gets the first of two subjects.
        ChooseFirst = "choose_first",
        /// Everybody who was not asked gets the second of two subjects.
        ChooseSecond = "choose_second",
    }
);

impl Move {
    /// The states in which this is possible.
    pub const fn from(self) -> &'static [MailingStatus] {
        use MailingStatus::{Paused, Scheduled, Sending, Sent};
        match self {
            Self::SendNow => &[Scheduled],
            Self::Cancel => &[Scheduled, Sending, Paused],
            Self::Pause => &[Sending],
            Self::Resume => &[Paused],
            Self::ResendFailed => &[Sent],
            Self::ResendUncertain => &[Sent, Sending, Paused],
            Self::ChooseFirst | Self::ChooseSecond => &[Sending, Paused],
        }
    }

    /// The winner of a trial that it names.
    pub const fn winner(self) -> Option<Variant> {
        match self {
            Self::ChooseFirst => Some(Variant::First),
            Self::ChooseSecond => Some(Variant::Second),
            _ => None,
        }
    }

    /// Whether it sends to those again who had an outcome.
    pub const fn is_again(self) -> bool {
        matches!(self, Self::ResendFailed | Self::ResendUncertain)
    }

    /// The state after it; `None` where it stays.
    pub const fn to(self) -> Option<MailingStatus> {
        match self {
            Self::SendNow | Self::ResendUncertain | Self::ChooseFirst | Self::ChooseSecond => None,
            Self::Cancel => Some(MailingStatus::Cancelled),
            Self::Pause => Some(MailingStatus::Paused),
            Self::Resume | Self::ResendFailed => Some(MailingStatus::Sending),
        }
    }
}

impl MailingStatus {
    /// Whether a move is possible now.
    pub fn allows(self, wanted: Move) -> bool {
        wanted.from().contains(&self)
    }

    /// Begun and not ended: who leaves now must be skipped in it.
    pub const fn is_in_progress(self) -> bool {
        matches!(self, Self::Sending | Self::Paused)
    }
}

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Mailing {
    pub id: MailingId,
    pub public_id: uuid::Uuid,
    pub issue_id: IssueId,
    pub newsletter_id: NewsletterId,
    pub status: MailingStatus,
    pub due_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    /// The last subscription that the feeder has passed.
    pub cursor: SubscriptionId,
    /// The last subscription of the audience, fixed at the start.
    pub audience_end: SubscriptionId,
    #[sqlx(flatten)]
    pub account: Account,
    pub created_at: Timestamp,
    /// From when retries are counted: the start, or when someone resumed it or had it sent again.
    pub retry_from: Option<Timestamp>,
    /// Why it was last paused.
    pub pause_reason: PauseReason,
    /// Somebody had it go on although more bounced than is usual.
    pub are_bounces_accepted: bool,
    #[sqlx(flatten)]
    pub trial: Trial,
    /// The topic of its issue, as it was when this was scheduled: then only who has it is in the audience.
    pub topic_id: Option<TopicId>,
    /// Whether clicks and opens are counted, as it was when this was scheduled.
    pub tracking: Tracking,
    /// Whom it is for, as it was when this was scheduled: readers of each issue, or of monthly digests.
    pub rhythm: Rhythm,
    /// Of the segment that it goes to, as it was called when this was scheduled; `None`: to everyone.
    pub segment_name: Option<String>,
    /// The filter of then, as JSON.
    pub segment_filter: Option<String>,
}

impl Mailing {
    /// Whether a move is possible now.
    pub fn allows(&self, wanted: Move) -> bool {
        self.status.allows(wanted) && (wanted.winner().is_none() || self.trial.is_open())
    }

    /// Whether only the share of a trial is mailed now.
    pub fn is_trying(&self) -> bool {
        self.trial.is_open() && self.status != MailingStatus::Cancelled
    }

    /// When the clicks of a trial decide; `None`: somebody does, or has.
    pub fn trial_ends_at(&self) -> Option<Timestamp> {
        let hours = u64::try_from(self.trial.hours).unwrap_or(0);
        let ends = self.started_at?.plus(std::time::Duration::from_secs(hours * 3600));
        (self.trial.is_open() && self.trial.by == TrialBy::Clicks).then_some(ends)
    }
}

/// The numbers of a mailing, moved in the transactions of the rows that they count.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Account {
    /// Confirmed subscriptions at the start.
    pub audience: i64,
    pub sent: i64,
    pub deferred: i64,
    pub bounced: i64,
    pub uncertain: i64,
    pub skipped: i64,
    pub expired: i64,
}

impl Account {
    /// Those with an outcome that stands.
    pub const fn settled(&self) -> i64 {
        self.sent + self.bounced + self.uncertain + self.skipped + self.expired
    }

    /// Those without any outcome yet: not reached by the feeder, or on the wire.
    pub const fn open(&self) -> i64 {
        self.audience - self.settled() - self.deferred
    }

    /// The promise as an equation: true for every mailing that is Sent.
    pub const fn balances(&self) -> bool {
        self.deferred == 0 && self.audience == self.settled()
    }
}
