//! Whether what an issue links to is there.

use super::Timestamp;

text_enum!(
    LinkVerdict {
        Fine = "fine",
        /// Its server says that there is nothing: 404, 410.
        Gone = "gone",
        /// No answer, or an error of the server.
        Unreachable = "unreachable",
        /// It did not let us look: 401, 403, 429 and the like. A reader may well see it.
        Unsure = "unsure",
    }
);

/// What a web address answered when it was last asked.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct LinkCheck {
    pub url: String,
    pub verdict: LinkVerdict,
    /// Of HTTP; 0 where there was no answer.
    pub status: i64,
    /// Of its content, where the server says so.
    pub octets: Option<i64>,
    pub checked_at: Timestamp,
}
