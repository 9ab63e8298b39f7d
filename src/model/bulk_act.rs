//! An act on many subscriptions at once, worked off in the background.

use super::{BulkActId, NewsletterId, SubscriptionId, Timestamp, TopicId, UserId};

text_enum!(BulkActKind {
    AddTopic = "add_topic",
    RemoveTopic = "remove_topic",
    Unsubscribe = "unsubscribe",
    /// Has no undo.
    Erase = "erase",
});

text_enum!(BulkActStatus {
    Running = "running",
    Done = "done",
    Undoing = "undoing",
    Undone = "undone",
    Failed = "failed",
});

#[derive(Debug, Clone, sqlx::FromRow, serde::Serialize)]
pub struct BulkAct {
    pub id: BulkActId,
    pub public_id: uuid::Uuid,
    pub kind: BulkActKind,
    pub status: BulkActStatus,
    pub newsletter_id: NewsletterId,
    pub topic_id: Option<TopicId>,
    /// JSON of a [`Selection`](super::filter::Selection).
    pub selection: String,
    /// How many were selected when it began.
    pub total: i64,
    /// The last subscription that it has passed.
    pub cursor: SubscriptionId,
    /// The last one that was there when it began: who comes later is not meant.
    pub end_id: SubscriptionId,
    pub looked_at: i64,
    pub changed: i64,
    pub restored: i64,
    pub user_id: Option<UserId>,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

impl BulkActStatus {
    /// Whether there is something left to do.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Running | Self::Undoing)
    }
}

impl BulkActKind {
    pub const fn can_be_undone(self) -> bool {
        !matches!(self, Self::Erase)
    }
}
