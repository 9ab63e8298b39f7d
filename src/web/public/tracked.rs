//! `/c/TOKEN` and `/o/TOKEN.gif`: links of a mailing that count who follows them, and the picture that counts who opens.
//!
//! The token names a link by its number and is signed; where that leads stands in the database, frozen with the mailing
//! (S12). A reader waits for one probe of an index: the counting is done behind the answer.

use actix_web::http::Method;
use actix_web::web::{Bytes, Data, Path};
use actix_web::{HttpRequest, HttpResponse};

use crate::keys::{Purpose, TrackedLink};
use crate::reports::hits::Hit;
use crate::reports::machine::{Seen, judge};
use crate::store::mailing_links;
use crate::web::client::Client;
use crate::web::{App, PageError};

/// One transparent pixel (GIF89a).
const PIXEL: &[u8] = b"GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff!\xf9\x04\x01\x00\x00\x00\x00,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;";
/// By which browsers say that they load ahead.
const PURPOSES: [&str; 4] = ["sec-purpose", "purpose", "x-purpose", "x-moz"];

/// `GET /c/TOKEN`.
pub async fn click(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let link = app.keys.open_tracked(Purpose::Click, &token).ok_or(PageError::NotFound)?;
    let mut reader = app.store.read().await?;
    let url = mailing_links::destination(reader.db(), link.mailing, link.number).await?;
    drop(reader);
    let url = url.ok_or(PageError::NotFound)?;
    app.hits.note(hit(&request, &app, link));
    Ok(HttpResponse::Found().insert_header(("Location", url)).finish())
}

/// `GET /o/TOKEN.gif`: the same picture whatever is counted.
pub async fn open(
    request: HttpRequest,
    app: Data<App>,
    token: Path<String>,
) -> Result<HttpResponse, PageError> {
    let link = app.keys.open_tracked(Purpose::Open, &token).ok_or(PageError::NotFound)?;
    app.hits.note(hit(&request, &app, link));
    Ok(HttpResponse::Ok().content_type("image/gif").body(Bytes::from_static(PIXEL)))
}

fn hit(request: &HttpRequest, app: &App, link: TrackedLink) -> Hit {
    let client = Client::of(request);
    let header = |name: &&str| request.headers().get(*name)?.to_str().ok();
    let purpose = PURPOSES.iter().find_map(header).unwrap_or_default();
    let seen = Seen { is_head: request.method() == Method::HEAD, purpose, user_agent: &client.user_agent };
    Hit {
        mailing: link.mailing,
        number: link.number,
        reader: link.reader,
        stranger: app.hits.stranger(client.ip, &client.user_agent),
        at: app.clock.now(),
        rule: judge(seen),
    }
}
