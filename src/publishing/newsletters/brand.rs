//! How a newsletter looks: its colour and its logo.

use super::{Marked, NewsletterError, change, mark_of};
use crate::i18n::{FieldErrors, Message};
use crate::model::{Image, ImageVariant, Newsletter, NewsletterId, Permission};
use crate::publishing::url_or;
use crate::store::newsletters::Brand;
use crate::store::{self, Store};

/// What a newsletter has that was given none.
pub const BRAND_COLOR: &str = "#0f766e";

/// The room that a picture which was handed in gets as a logo, in CSS pixels.
const LOGO_WIDTH_MAX_PX: i64 = 320;
const LOGO_HEIGHT_MAX_PX: i64 = 64;

/// The address of a picture as a logo, with the size that it is shown in: as it is, or as large as there is room for it.
pub fn logo_address(public_url: &str, image: &Image) -> String {
    let (width, height) = fitted(image.width, image.height);
    format!("{public_url}/images/{}#{width}x{height}", image.file(ImageVariant::Mail))
}

fn fitted(width: i64, height: i64) -> (i64, i64) {
    let (width, height) = (width.max(1), height.max(1));
    if width <= LOGO_WIDTH_MAX_PX && height <= LOGO_HEIGHT_MAX_PX {
        return (width, height);
    }
    if width * LOGO_HEIGHT_MAX_PX > height * LOGO_WIDTH_MAX_PX {
        (LOGO_WIDTH_MAX_PX, (height * LOGO_WIDTH_MAX_PX / width).max(1))
    } else {
        ((width * LOGO_HEIGHT_MAX_PX / height).max(1), LOGO_HEIGHT_MAX_PX)
    }
}

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
    let logo_url = url_or(errors, "logo_url", "error-logo-url", &input.logo_url);
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

/// The same with as much of an input as is right: what is wrong looks as before.
pub fn with_brand_as_far_as_right(newsletter: &Newsletter, input: &BrandInput) -> Newsletter {
    let mut errors = FieldErrors::new();
    let Brand { brand_color, logo_url } = parse(&mut errors, input);
    let mut looks = newsletter.clone();
    if errors.field("brand_color").is_none() {
        looks.brand_color = brand_color;
    }
    if errors.field("logo_url").is_none() {
        looks.logo_url = logo_url;
    }
    looks
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_logo_keeps_its_proportions_in_the_room_that_there_is() {
        assert_eq!(fitted(120, 40), (120, 40));
        assert_eq!(fitted(1072, 200), (320, 59));
        assert_eq!(fitted(500, 500), (64, 64));
        assert_eq!(fitted(5000, 1), (320, 1));
        assert_eq!(fitted(1, 5000), (1, 64));
    }
}
