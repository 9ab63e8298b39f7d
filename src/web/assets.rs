//! Style sheets, scripts and the icon, compiled into the binary.

use actix_web::http::header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH};
use actix_web::{HttpRequest, HttpResponse, web};

use super::{PageError, scheme};
use crate::keys::sha256_hex;

struct Asset {
    name: &'static str,
    media_type: &'static str,
    body: &'static [u8],
}

macro_rules! assets {
    ($($name:literal: $media_type:literal $(= [$($part:literal),+])?),+ $(,)?) => {
        &[$(Asset {
            name: $name,
            media_type: $media_type,
            body: assets!(@body $name $($($part)+)?),
        }),+]
    };
    (@body $name:literal) => { include_bytes!(concat!("static/", $name)) };
    // Nothing of a script that runs on other people's websites may be seen beside it.
    (@body $name:literal $($part:literal)+) => {
        concat!("(() => {\n", $(include_str!(concat!("static/", $part)),)+ "})();\n").as_bytes()
    };
}

/// To add a file: put it into `src/web/static/` and name it here; a script of several files names them in order.
const ASSETS: &[Asset] = assets!(
    "compose.js": "text/javascript; charset=utf-8",
    "confirm.js": "text/javascript; charset=utf-8",
    "demo.css": "text/css; charset=utf-8",
    "desk.css": "text/css; charset=utf-8",
    "desk.js": "text/javascript; charset=utf-8",
    "editor.css": "text/css; charset=utf-8",
    "editor.js": "text/javascript; charset=utf-8",
    "inbox.js": "text/javascript; charset=utf-8",
    "icon.svg": "image/svg+xml",
    "mailbox.js": "text/javascript; charset=utf-8",
    "passkeys.js": "text/javascript; charset=utf-8",
    "preview.css": "text/css; charset=utf-8",
    "proof.js": "text/javascript; charset=utf-8" = ["work.js", "proof.js"],
    "signup.css": "text/css; charset=utf-8",
    "signup.js": "text/javascript; charset=utf-8" = ["work.js", "signup.js"],
    "site.css": "text/css; charset=utf-8",
);

/// `GET /static/{name}`.
pub async fn get(request: HttpRequest, name: web::Path<String>) -> Result<HttpResponse, PageError> {
    answer(&request, &name)
}

/// `GET /favicon.ico`: where browsers look on a page that names no icon, such as an issue on the web.
pub async fn icon(request: HttpRequest) -> Result<HttpResponse, PageError> {
    answer(&request, "icon.svg")
}

fn answer(request: &HttpRequest, name: &str) -> Result<HttpResponse, PageError> {
    let asset = ASSETS.iter().find(|asset| asset.name == name).ok_or(PageError::NotFound)?;
    let etag = format!("\"{}\"", &sha256_hex(asset.body)[..16]);
    let known = request.headers().get(IF_NONE_MATCH).is_some_and(|value| value.as_bytes() == etag.as_bytes());
    let mut response = if known { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    // Asked again each time: a new version of the binary must not meet an old style sheet.
    response.insert_header((CACHE_CONTROL, "no-cache")).insert_header((ETAG, etag));
    if known {
        return Ok(response.finish());
    }
    response.content_type(asset.media_type);
    let settled = match (scheme::chosen(request), std::str::from_utf8(asset.body)) {
        (Some(scheme), Ok(css)) if asset.media_type.starts_with("text/css") => scheme::settled(css, scheme),
        _ => return Ok(response.body(asset.body)),
    };
    Ok(response.body(settled))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_a_style_sheet_ends() {
        for asset in ASSETS.iter().filter(|asset| asset.media_type.starts_with("text/css")) {
            let text = std::str::from_utf8(asset.body).expect("UTF-8");
            let mut depth = 0_usize;
            for (at, line) in text.lines().enumerate() {
                // A rule that begins at the margin is in no other: else it holds only where that does.
                let begins = line.starts_with(|c: char| !c.is_whitespace() && c != '}');
                assert!(!begins || depth == 0, "{}, line {}: within another rule", asset.name, at + 1);
                depth += line.matches('{').count();
                depth = depth.checked_sub(line.matches('}').count()).expect("what ends had begun");
            }
            assert_eq!(depth, 0, "{} ends in the middle of a rule", asset.name);
        }
    }
}
