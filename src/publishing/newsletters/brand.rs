//! How a newsletter looks: its colour and its logo.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::{FieldErrors, Message};
use crate::model::{Newsletter, NewsletterId, Permission};
use crate::publishing::url;
use crate::store::newsletters::Brand;
use crate::store::{self, Store};

/// What a newsletter has that was given none.
pub const BRAND_COLOR: &str = "#0f766e";

/// As typed.
#[derive(Debug, Clone)]
pub struct BrandInput {
    /// `#rrggbb`.
    pub brand_color: String,
    /// Absolute http(s) URL, or empty.
    pub logo_url: String,
}

impl Marked for BrandInput {
    const PART: &'static str = "brand";

    fn mark(newsletter: &Newsletter) -> String {
        mark_of(&(&newsletter.brand_color, &newsletter.logo_url))
    }
}

pub(super) fn parse(errors: &mut FieldErrors, input: &BrandInput) -> Brand {
    let brand_color = input.brand_color.trim().to_ascii_lowercase();
    let is_color = brand_color
        .strip_prefix('#')
        .is_some_and(|hex| hex.len() == 6 && hex.chars().all(|c| c.is_ascii_hexdigit()));
    if !is_color {
        errors.add("brand_color", Message::new("error-color"));
    }
    let logo_url = url(errors, "logo_url", &input.logo_url);
    Brand { brand_color, logo_url }
}

/// A newsletter as it would look, for a preview; nothing is stored.
///
/// # Errors
/// Every field that is wrong.
pub fn with_brand(newsletter: &Newsletter, input: &BrandInput) -> Result<Newsletter, FieldErrors> {
    let mut errors = FieldErrors::new();
    let Brand { brand_color, logo_url } = parse(&mut errors, input);
    errors.or(Newsletter { brand_color, logo_url, ..newsletter.clone() })
}

/// Changes how a newsletter looks, on its pages at once and in mails from now on.
///
/// # Errors
/// [`NewsletterError::Invalid`] names every field that is wrong; [`NewsletterError::Changed`] when these fields were
/// changed since `seen`.
pub async fn set_brand(
    store: &Store,
    id: NewsletterId,
    seen: Option<&str>,
    input: &BrandInput,
) -> Result<Newsletter, NewsletterError> {
    store.permit(Permission::SetNewsletter, Some(id))?;
    let mut errors = FieldErrors::new();
    let brand = parse(&mut errors, input);
    let brand = errors.or(brand)?;
    change::<BrandInput>(store, id, seen, async |tx| store::newsletters::set_brand(tx, id, &brand).await)
        .await
}
