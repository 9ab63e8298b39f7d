//! `GET /n/{slug}/brand.css?color=rrggbb`: a newsletter's colour, or the one that the address names, as variables, moved as far as it takes to be readable
//! in light and in dark.

use actix_web::http::header::CACHE_CONTROL;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::mail::color::Color;
use crate::web::form::Form;
use crate::web::{App, PageError, scheme};

/// `--surface` of `site.css` in dark: the lightest of the dark backgrounds.
const DARK_SURFACE: &str = "#211e1b";
/// `--paper` of `site.css` in light: the darkest of the light backgrounds.
const LIGHT_PAPER: &str = "#fbfaf7";
/// Long enough for one visit, short enough for an editor who tries colours.
const CACHE: &str = "public, max-age=300";

pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    slug: Path<String>,
) -> Result<HttpResponse, PageError> {
    let newsletter = super::newsletter(&app, &slug).await?;
    let asked = format!("#{}", Form::of_query(&request).first("color"));
    let css = css(Color::parse(&asked).map_or(newsletter.brand_color.as_str(), |_| asked.as_str()));
    let css = scheme::chosen(&request).map_or(css.clone(), |scheme| scheme::settled(&css, scheme));
    Ok(HttpResponse::Ok()
        .content_type("text/css; charset=utf-8")
        .insert_header((CACHE_CONTROL, CACHE))
        .body(css))
}

/// The variables of a brand, as the rules of a style sheet.
pub(super) fn css(brand: &str) -> String {
    let (light, dark) = readable(Color::brand(brand));
    format!(
        ":root {{ --brand: {light}; --on-brand: {}; --link: {light}; }}\n\
         @media (prefers-color-scheme: dark) {{ :root {{ --brand: {dark}; --on-brand: {}; --link: {dark}; }} }}\n",
        light.text_on(),
        dark.text_on()
    )
}

fn paper() -> Color {
    Color::parse(LIGHT_PAPER).unwrap_or(Color::WHITE)
}

fn surface() -> Color {
    Color::parse(DARK_SURFACE).unwrap_or(Color::BLACK)
}

fn readable(brand: Color) -> (Color, Color) {
    (brand.readable_on(paper()), brand.readable_on(surface()))
}

/// A brand's colour in mails, on one background.
pub struct Shade {
    pub background: String,
    /// As it is used for links.
    pub color: String,
    /// Of the colour as it is used, with the background: 1 to 21.
    pub contrast: f64,
    /// Whether it had to be moved to be readable.
    pub is_moved: bool,
}

/// What becomes of a colour in light and in dark: in mails, whose grounds ask more of it than those of pages.
pub fn shades(brand: &str) -> (Shade, Shade) {
    let brand = Color::brand(brand);
    let shade = |background: Color| {
        let used = brand.readable_on(background);
        Shade {
            background: background.to_string(),
            color: used.to_string(),
            contrast: used.contrast(background),
            is_moved: used != brand,
        }
    };
    (shade(Color::MAIL_LIGHT), shade(Color::MAIL_DARK))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pale_brand_is_darkened_in_light_and_a_dark_one_lightened_in_dark() {
        assert!(!css("#ffff00").contains("--brand: #ffff00; --on-brand: #ffffff"));
        assert!(css("#0f766e").starts_with(":root { --brand: #0f766e; --on-brand: #ffffff;"));
        assert!(css("#000000").contains("dark"));
        assert!(!css("red; } body { display: none").contains("display"));
    }

    #[test]
    fn the_contrast_told_is_that_of_the_colour_in_use() {
        for brand in ["#0f766e", "#ffff00", "#000000", "#ffffff", "#777777"] {
            let (light, dark) = shades(brand);
            assert!(light.contrast >= 4.5 && dark.contrast >= 4.5, "{brand}");
        }
        let (light, dark) = shades("#0f766e");
        assert!(!light.is_moved && dark.is_moved && dark.color != "#0f766e");
        // Where a mail can use a colour as it is, a page can.
        for brand in ["#0f766e", "#336699", "#e4002b", "#8fb8b5"] {
            let (light, dark) = shades(brand);
            let css = css(brand);
            let used = [
                (&light, format!(":root {{ --brand: {brand}")),
                (&dark, format!("{{ :root {{ --brand: {brand}")),
            ];
            for (shade, rule) in used {
                assert!(shade.is_moved || css.contains(&rule), "{brand}: {css}");
            }
        }
    }
}
