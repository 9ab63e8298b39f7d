//! `/admin/newsletters`: every newsletter, and what belongs to each. Its forms and fields are in [`super::forms`] and
//! [`super::fields`]; `admin/newsletter_tabs.html` joins them all.

pub mod list;
pub mod new;
pub mod overview;
pub mod sections;
pub mod topic;
pub mod topics;
pub mod welcome;

use crate::model::{NewsletterId, SubscriptionStatus};
use crate::store::{self, Reader};

/// How many read a newsletter: those who have confirmed.
pub(super) async fn readers(reader: &mut Reader, id: NewsletterId) -> store::Result<i64> {
    store::subscriptions::count(reader.db(), id, SubscriptionStatus::Confirmed).await
}
