//! Colleagues who get test mails together.

use super::{NewsletterId, TestGroupId, Timestamp};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct TestGroup {
    pub id: TestGroupId,
    pub newsletter_id: NewsletterId,
    pub name: String,
    /// One a line.
    pub addresses: String,
    pub created_at: Timestamp,
}
