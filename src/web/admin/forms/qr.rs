//! `GET ../forms/{form}/qr.svg`: the hosted page's address for a poster or a slide.

use actix_web::HttpResponse;
use actix_web::http::header::CONTENT_DISPOSITION;
use actix_web::web::{Data, Path};
use qrcodegen::{QrCode, QrCodeEcc};

use super::form_of;
use crate::web::session::SignedIn;
use crate::web::{App, PageError};

/// Modules of white around the code, as readers want it (ISO/IEC 18004, 9.1).
const QUIET: i32 = 4;

pub async fn get(
    app: Data<App>,
    _signed_in: SignedIn,
    ids: Path<(String, String)>,
) -> Result<HttpResponse, PageError> {
    let (_, form) = form_of(&mut app.store.read().await?, &ids).await?;
    let svg = svg(&app.url(&format!("/f/{}", form.public_id)));
    let svg = svg.map_err(|error| PageError::internal("a QR code could not be drawn", error))?;
    Ok(HttpResponse::Ok()
        .content_type("image/svg+xml")
        .insert_header((CONTENT_DISPOSITION, format!("inline; filename=\"form-{}-qr.svg\"", form.id)))
        .body(svg))
}

/// Black on white in both schemes: many readers do not see a code the other way round.
pub(in crate::web::admin) fn svg(text: &str) -> Result<String, qrcodegen::DataTooLong> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium)?;
    let side = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            path.push_str(&format!("M{} {}h1v1h-1z", x + QUIET, y + QUIET));
        }
    }
    Ok(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
         <path fill=\"#fff\" d=\"M0 0h{side}v{side}h-{side}z\"/><path d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_has_its_quiet_zone() {
        let svg = svg("https://news.example/f/0190a5b0-0000-7000-8000-000000000001").expect("short enough");
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>"));
        // The corner of the finder pattern, and nothing before it.
        assert!(svg.contains("M4 4h1v1h-1z") && !svg.contains("M3 4h1"));
    }
}
