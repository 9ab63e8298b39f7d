//! `GET /admin/mailings/{id}/events`: the progress as Server-Sent Events (the HTML standard, 9.2), until the
//! mailing has ended or who watches has signed out.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::http::header::{CONTENT_ENCODING, HeaderName};
use actix_web::web::{Bytes, Data, Path};
use futures_util::stream;

use super::mailing_of;
use super::progress::shown;
use crate::accounts::sessions;
use crate::i18n::Texts;
use crate::model::Timestamp;
use crate::web::session::SignedIn;
use crate::web::watching::Watcher;
use crate::web::{App, PageError};

/// A comment is sent so often, so that no proxy takes the stream for dead; and the session is looked at.
const HEARTBEAT: Duration = Duration::from_secs(15);
const HEARTBEAT_LINE: &str = ": still here\n\n";

pub async fn get(app: Data<App>, signed_in: SignedIn, id: Path<String>) -> Result<HttpResponse, PageError> {
    let mailing = mailing_of(&app, &id).await?;
    let watcher = app.watching.watch(&app.store, &app.clock, mailing.id).ok_or(PageError::Unavailable)?;
    let events = Events {
        t: signed_in.texts(),
        token_hash: signed_in.token_hash,
        heartbeat_at: app.clock.now().plus(HEARTBEAT),
        last: String::new(),
        watcher,
        app,
    };
    let body = stream::unfold(events, |mut events| async move {
        let line = events.next().await?;
        Some((Ok::<_, PageError>(Bytes::from(line)), events))
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        // Compression would hold lines back until its buffer is full; so would nginx.
        .insert_header((CONTENT_ENCODING, "identity"))
        .insert_header((HeaderName::from_static("x-accel-buffering"), "no"))
        // At its end the process must not wait for this connection.
        .force_close()
        .streaming(body))
}

struct Events {
    app: Data<App>,
    watcher: Watcher,
    t: Texts,
    token_hash: Vec<u8>,
    heartbeat_at: Timestamp,
    /// What was sent last: a change that changes no words is none.
    last: String,
}

impl Events {
    /// The next lines of the stream; `None` at its end.
    async fn next(&mut self) -> Option<String> {
        loop {
            tokio::select! {
                progress = self.watcher.next() => {
                    let data = shown(self.t, &progress?, self.app.clock.now()).ok()?;
                    if data != self.last {
                        let event = format!("data: {data}\n\n");
                        self.last = data;
                        return Some(event);
                    }
                }
                () = self.app.clock.sleep_until(self.heartbeat_at) => {
                    self.heartbeat_at = self.app.clock.now().plus(HEARTBEAT);
                    return self.is_signed_in().await.then(|| HEARTBEAT_LINE.to_owned());
                }
            }
        }
    }

    async fn is_signed_in(&self) -> bool {
        // Where the database does not answer, the browser comes again.
        sessions::is_live(&self.app.store, &self.app.clock, &self.token_hash).await.unwrap_or(false)
    }
}
