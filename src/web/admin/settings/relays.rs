//! `/admin/settings/relays`: the relays of the configuration and of the database, and a test of each.

use actix_web::http::StatusCode;
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::relay_form::test_result;
use crate::i18n::{Message, Texts};
use crate::model::{NamedRelay, StoredRelay, TlsMode};
use crate::setup::connection;
use crate::setup::relays::{is_readable, open};
use crate::store;
use crate::web::admin::{Frame, Mistakes, grouped, relay_troubles};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

#[derive(Template)]
#[template(path = "admin/relays.html")]
struct RelaysPage {
    page: Frame,
    relays: Vec<Row>,
    /// What the test of one found: HTML.
    tested: Option<String>,
    mistakes: Mistakes,
}

struct Row {
    name: String,
    /// Where it is changed; `None` for one of the configuration.
    href: Option<String>,
    badge: Option<String>,
    words: String,
    warning: Option<String>,
    /// Why it cannot be used now.
    trouble: Option<String>,
}

/// `GET /admin/settings`, and where only a form is posted to.
pub async fn to_list(_: SignedIn) -> HttpResponse {
    see_other("/admin/settings/relays")
}

/// `GET /admin/settings/relays`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
) -> Result<HttpResponse, PageError> {
    show(&request, &app, &signed_in, None, Mistakes::none(signed_in.texts())).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    tested: Option<String>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let mut reader = app.store.read().await?;
    let stored = store::relays::all(reader.db()).await?;
    let troubles = relay_troubles::lines(&mut reader, signed_in, app.clock.now()).await?;
    drop(reader);
    let mut relays: Vec<Row> = app.relays.relays().iter().map(|relay| Row::of_configured(t, relay)).collect();
    relays.extend(stored.iter().map(|relay| Row::of_stored(t, app, relay)));
    for row in &mut relays {
        let trouble = troubles.iter().find(|trouble| trouble.relay == row.name);
        row.trouble = trouble
            .map(|trouble| format!("{}. {}", trouble.title, trouble.reason.as_deref().unwrap_or_default()));
    }
    let status = if mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Frame::new(request, signed_in, "settings", t.text("desk-relays"));
    html(status, &RelaysPage { page, relays, tested, mistakes })
}

/// What a relay is, in one line.
struct Facts<'a> {
    host: &'a str,
    port: i64,
    tls: TlsMode,
    username: &'a str,
    weight: i64,
    mails_per_hour: Option<i64>,
}

impl Facts<'_> {
    fn in_words(&self, t: Texts) -> String {
        let mut words = vec![format!("{}:{}", self.host, self.port)];
        words.push(t.text(match self.tls {
            TlsMode::Implicit => "relay-words-implicit",
            TlsMode::StartTls => "relay-words-starttls",
            TlsMode::None => "relay-words-none",
        }));
        words.push(match self.username {
            "" => t.text("relay-words-no-login"),
            username => username.to_owned(),
        });
        if let Some(mails) = self.mails_per_hour {
            words.push(t.with("desk-sending-rate", "mails", grouped(mails)));
        }
        match self.weight {
            0 => words.push(t.text("relay-words-reserve")),
            1 => {}
            weight => words.push(t.with("relay-words-weight", "weight", weight)),
        }
        words.join(" · ")
    }
}

impl Row {
    fn of_configured(t: Texts, relay: &NamedRelay) -> Self {
        let settings = &relay.settings;
        let facts = Facts {
            host: &settings.host,
            port: settings.port.into(),
            tls: settings.tls,
            username: settings.credentials.as_ref().map_or("", |login| login.username.as_str()),
            weight: relay.weight.into(),
            mails_per_hour: settings.mails_per_hour.map(|mails| mails.get().into()),
        };
        Self {
            name: relay.name.to_string(),
            href: None,
            badge: Some(t.text("relay-configured")),
            words: facts.in_words(t),
            warning: warning(t, &settings.host, settings.tls),
            trouble: None,
        }
    }

    fn of_stored(t: Texts, app: &App, relay: &StoredRelay) -> Self {
        let facts = Facts {
            host: &relay.host,
            port: relay.port,
            tls: relay.tls,
            username: &relay.username,
            weight: relay.weight,
            mails_per_hour: relay.mails_per_hour,
        };
        let warning = if app.relays.has(&relay.name) {
            Some(t.text("relay-hidden"))
        } else if open(&app.keys, &app.relays, relay).is_none() {
            Some(t.text("relay-sealed"))
        } else {
            warning(t, &relay.host, relay.tls)
        };
        Self {
            name: relay.name.clone(),
            href: Some(format!("/admin/settings/relays/{}", relay.id)),
            badge: None,
            words: facts.in_words(t),
            warning,
            trouble: None,
        }
    }
}

fn warning(t: Texts, host: &str, tls: TlsMode) -> Option<String> {
    is_readable(host, tls).then(|| t.text("relay-readable"))
}

/// `POST /admin/settings/relays/test`: tries the relay of that name, and sends nothing.
pub async fn test(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let name = form.first("name");
    let configured = app.relays.relays().into_iter().find(|relay| &*relay.name == name);
    let relay = match configured {
        Some(relay) => Some(relay),
        None => {
            let stored = store::relays::by_name(app.store.read().await?.db(), name).await?;
            stored.and_then(|relay| open(&app.keys, &app.relays, &relay))
        }
    };
    let Some(relay) = relay else {
        let mistakes = Mistakes::notice(t, &Message::new("error-relay-not-found"));
        return show(&request, &app, &signed_in, None, mistakes).await;
    };
    let tested = test_result(t, &relay, &connection::test(&relay).await)?;
    show(&request, &app, &signed_in, Some(tested), Mistakes::none(t)).await
}
