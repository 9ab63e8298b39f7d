//! A file of people that is taken in.

use super::{FieldKind, ImportId, NewsletterId, Timestamp, UserId};

text_enum!(ImportStatus {
    /// The file is being read.
    Reading = "reading",
    /// Somebody says what the columns mean.
    Mapping = "mapping",
    /// It is looked at what would become of each row; nothing is written.
    Checking = "checking",
    Checked = "checked",
    Running = "running",
    Done = "done",
    Cancelled = "cancelled",
    /// The rows could not be worked off.
    Failed = "failed",
});

impl ImportStatus {
    /// Whether the background has something to do.
    pub const fn is_moving(self) -> bool {
        matches!(self, Self::Checking | Self::Running)
    }
}

text_enum!(
    /// The system that wrote the file.
    ImportOrigin {
        Unknown = "unknown",
        Mailchimp = "mailchimp",
        Listmonk = "listmonk",
        Ghost = "ghost",
        Substack = "substack",
        Buttondown = "buttondown",
    }
);

text_enum!(
    /// What became of a row.
    RowOutcome {
        /// Is subscribed now.
        Added = "added",
        /// Gets a mail that asks for confirmation.
        Asked = "asked",
        /// Had left elsewhere, and is kept as someone who has left.
        LeftBefore = "left_before",
        /// Was known already: nothing has changed.
        Known = "known",
        /// Has left elsewhere, and is subscribed here, or was asked to confirm: nothing has changed, and somebody must look.
        StillSubscribed = "still_subscribed",
        /// Has left this newsletter, or said no to it, or has another address by now; and stays so.
        RefusedLeft = "refused_left",
        /// Was erased, and stays so.
        RefusedErased = "refused_erased",
        /// The same address stands further up in the file, or has left in another row of it.
        Duplicate = "duplicate",
        /// The row cannot be used; the report says why.
        Invalid = "invalid",
    }
);

text_enum!(
    /// Why a row cannot be used.
    RowProblem {
        AddressMissing = "address_missing",
        AddressWrong = "address_wrong",
        NameTooLong = "name_too_long",
        ValueWrong = "value_wrong",
        /// Octets that are no text in the encoding of the file.
        NotText = "not_text",
        /// NUL or another control character.
        Control = "control",
        /// Longer than a row may be, or with more columns.
        TooLarge = "too_large",
        /// A quote is opened and not closed, or text stands behind one that closes.
        Quote = "quote",
        /// It ends before a column that says who has left: nobody knows whether this person has.
        TooShort = "too_short",
    }
);

/// What a column means.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "is", rename_all = "snake_case")]
pub enum Meaning {
    Ignored,
    Address,
    Name,
    FirstName,
    LastName,
    Language,
    /// A word that says whether somebody is subscribed there.
    Status,
    /// `true` means subscribed.
    Subscribed,
    /// `true` means left.
    Left,
    /// Something stands here for who has left.
    LeftAt,
    Field {
        key: String,
        field: i64,
        kind: FieldKind,
    },
}

impl Meaning {
    /// Whether a file may have several such columns: each of them can say that somebody has left, and one is enough.
    pub const fn may_repeat(&self) -> bool {
        matches!(self, Self::Ignored) || self.says_who_left()
    }

    /// Whether such a column says of somebody that they have left, or have not.
    pub const fn says_who_left(&self) -> bool {
        matches!(self, Self::Status | Self::Subscribed | Self::Left | Self::LeftAt)
    }
}

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Import {
    pub id: ImportId,
    pub public_id: uuid::Uuid,
    pub newsletter_id: NewsletterId,
    pub status: ImportStatus,
    pub file_name: String,
    pub origin: ImportOrigin,
    /// JSON: names of the columns.
    pub columns: String,
    /// JSON: [`Meaning`] of each column.
    pub mapping: String,
    /// On what the company bases that these people get mail; empty: each is asked.
    pub basis: String,
    pub row_count: i64,
    pub chunk_count: i64,
    /// How many chunks are done, of those who have left and of the others.
    pub cursor: i64,
    #[sqlx(flatten)]
    pub counts: ImportCounts,
    pub user_id: Option<UserId>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
}

/// Rows by what became of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct ImportCounts {
    pub added: i64,
    pub asked: i64,
    pub left_before: i64,
    pub known: i64,
    pub still_subscribed: i64,
    pub refused_left: i64,
    pub refused_erased: i64,
    pub duplicate: i64,
    pub invalid: i64,
}

impl ImportCounts {
    pub const fn of(&self, outcome: RowOutcome) -> i64 {
        match outcome {
            RowOutcome::Added => self.added,
            RowOutcome::Asked => self.asked,
            RowOutcome::LeftBefore => self.left_before,
            RowOutcome::Known => self.known,
            RowOutcome::StillSubscribed => self.still_subscribed,
            RowOutcome::RefusedLeft => self.refused_left,
            RowOutcome::RefusedErased => self.refused_erased,
            RowOutcome::Duplicate => self.duplicate,
            RowOutcome::Invalid => self.invalid,
        }
    }

    pub const fn count(&mut self, outcome: RowOutcome) {
        let number = match outcome {
            RowOutcome::Added => &mut self.added,
            RowOutcome::Asked => &mut self.asked,
            RowOutcome::LeftBefore => &mut self.left_before,
            RowOutcome::Known => &mut self.known,
            RowOutcome::StillSubscribed => &mut self.still_subscribed,
            RowOutcome::RefusedLeft => &mut self.refused_left,
            RowOutcome::RefusedErased => &mut self.refused_erased,
            RowOutcome::Duplicate => &mut self.duplicate,
            RowOutcome::Invalid => &mut self.invalid,
        };
        *number += 1;
    }

    /// All rows that were looked at: each has one outcome.
    pub const fn total(&self) -> i64 {
        self.added
            + self.asked
            + self.left_before
            + self.known
            + self.still_subscribed
            + self.refused_left
            + self.refused_erased
            + self.duplicate
            + self.invalid
    }
}
