//! People of a newsletter to whom a filter applies, under a name.

use super::{NewsletterId, SegmentId, Timestamp};

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct Segment {
    pub id: SegmentId,
    pub newsletter_id: NewsletterId,
    pub name: String,
    /// JSON of a [`Filter`](super::filter::Filter).
    pub filter: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
