//! `/admin/settings/domains/{domain}`: one domain of senders: its signing keys, the records to publish, and what DNS says of
//! them when somebody wants to know.

use actix_web::http::StatusCode;
use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::domains::{mistakes_of, newsletters, signed_with, status};
use crate::config::parse_domain;
use crate::i18n::Texts;
use crate::model::dkim::{record_name, txt_strings};
use crate::model::{DkimAlgorithm, DkimKeyId, DkimKeyState};
use crate::setup::domain_look::{Looked, Record, dmarc_suggestion, look, spf_suggestion};
use crate::setup::domains::{self as verbs, Domain, DomainError, KeyInput, KeyOf, KnownKey};
use crate::store;
use crate::web::admin::{Frame, Mistakes, Status, id_of};
use crate::web::form::Form;
use crate::web::layout::{html, see_other};
use crate::web::session::SignedIn;
use crate::web::{App, PageError, csrf};

const LIST: &str = "/admin/settings/domains";

/// The page of a domain.
pub(super) fn href(domain: &str) -> String {
    format!("{LIST}/{domain}")
}

#[derive(Template)]
#[template(path = "admin/domain.html")]
struct DomainPage {
    page: Frame,
    base: String,
    status: Status,
    /// Who uses it, and which keys sign for it.
    words: String,
    is_of_provider: bool,
    keys: Vec<Key>,
    policies: Vec<Policy>,
    /// Which keys sign since the look.
    begun: Option<String>,
    is_looked: bool,
    typed: Form,
    mistakes: Mistakes,
}

/// A record to publish.
struct ToPublish {
    /// Of its fields on the page.
    id: String,
    name: String,
    value: String,
    /// The same for a zone file.
    zone: String,
}

impl ToPublish {
    fn new(id: String, name: String, value: String) -> Self {
        let quoted: Vec<_> = txt_strings(&value).map(|string| format!("\"{string}\"")).collect();
        let zone = match quoted.as_slice() {
            [one] => format!("{name}. IN TXT {one}"),
            several => format!("{name}. IN TXT (\n    {}\n)", several.join("\n    ")),
        };
        Self { id, name, value, zone }
    }
}

/// What DNS says.
struct Answer {
    status: Status,
    /// What stands there, where that is not what must.
    texts: Vec<String>,
}

impl Answer {
    fn of(t: Texts, record: &Record) -> Self {
        let class = match record {
            Record::Published(_) => "published",
            Record::Missing | Record::Different(_) => "paused",
            Record::Unknown => "draft",
        };
        let texts = if let Record::Different(texts) = record { texts.clone() } else { Vec::new() };
        Self { status: Status { class, word: t.text(&format!("domain-dns-{}", record.as_str())) }, texts }
    }
}

struct Key {
    selector: String,
    /// Where its buttons post to; `None` for one of the configuration.
    action: Option<String>,
    kind: String,
    status: Status,
    /// Why it does not sign although it should, or what to do next.
    note: Option<String>,
    record: ToPublish,
    answer: Option<Answer>,
    can_begin: bool,
    can_retire: bool,
}

impl Key {
    fn of(t: Texts, key: &KnownKey, looked: Option<&Looked>) -> Self {
        let name = record_name(&key.selector, &key.domain);
        let (action, status, note) = match &key.of {
            KeyOf::Configuration => {
                (None, Status { class: "published", word: t.text("domain-key-configured") }, None)
            }
            KeyOf::Desk { stored, is_hidden, is_sealed } => {
                let class = match stored.state {
                    DkimKeyState::Waiting => "scheduled",
                    DkimKeyState::Signing if *is_hidden || *is_sealed => "paused",
                    DkimKeyState::Signing => "published",
                    DkimKeyState::Retired => "draft",
                };
                let note = match stored.state {
                    _ if *is_sealed => Some("domain-key-sealed"),
                    DkimKeyState::Retired => Some("domain-key-retired-note"),
                    _ if *is_hidden => Some("domain-key-hidden"),
                    DkimKeyState::Waiting => Some("domain-key-waiting-note"),
                    DkimKeyState::Signing => None,
                };
                let word = t.text(&format!("domain-key-{}", stored.state));
                let action = format!("{}/keys/{}", href(&key.domain), stored.id);
                (Some(action), Status { class, word }, note.map(|note| t.text(note)))
            }
        };
        let state = key.stored().map(|stored| stored.state);
        Self {
            kind: t.text(&format!("domain-kind-{}", key.algorithm)),
            action,
            status,
            note,
            record: ToPublish::new(format!("key-{}", name.replace('.', "-")), name, key.record.clone()),
            answer: looked.and_then(|looked| looked.of(key)).map(|record| Answer::of(t, record)),
            can_begin: matches!(state, Some(DkimKeyState::Waiting | DkimKeyState::Retired)),
            can_retire: state == Some(DkimKeyState::Signing),
            selector: key.selector.clone(),
        }
    }
}

/// SPF or DMARC.
struct Policy {
    title: String,
    what: String,
    record: ToPublish,
    answer: Option<Answer>,
    /// What is published already.
    found: Option<String>,
}

impl Policy {
    fn new(t: Texts, kind: &str, name: String, suggestion: String, record: Option<&Record>) -> Self {
        let found = record.and_then(|record| match record {
            Record::Published(text) => Some(text.clone()),
            _ => None,
        });
        Self {
            title: t.text(&format!("domain-{kind}-title")),
            what: t.text(&format!("domain-{kind}-what")),
            record: ToPublish::new(kind.to_owned(), name, suggestion),
            answer: record.map(|record| Answer::of(t, record)),
            found,
        }
    }
}

/// What was found, and which keys sign since.
#[derive(Default)]
struct Shown<'a> {
    looked: Option<&'a Looked>,
    begun: Vec<String>,
    typed: Form,
}

/// The domain of a URL.
async fn domain_of(app: &App, name: &str) -> Result<Domain, PageError> {
    let name = parse_domain(name).map_err(|_| PageError::NotFound)?;
    let domains = verbs::all(app.store.read().await?.db(), &app.keys).await?;
    domains.into_iter().find(|domain| domain.name == name).ok_or(PageError::NotFound)
}

/// `GET /admin/settings/domains/{domain}`.
pub async fn get(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    name: Path<String>,
) -> Result<HttpResponse, PageError> {
    let mistakes = Mistakes::none(signed_in.texts());
    show(&request, &app, &signed_in, &domain_of(&app, &name).await?, Shown::default(), mistakes).await
}

async fn show(
    request: &HttpRequest,
    app: &App,
    signed_in: &SignedIn,
    domain: &Domain,
    shown: Shown<'_>,
    mistakes: Mistakes,
) -> Result<HttpResponse, PageError> {
    let t = signed_in.texts();
    let relays = store::relays::all(app.store.read().await?.db()).await?;
    let configured = app.relays.relays();
    let hosts = configured.iter().map(|relay| relay.settings.host.as_str());
    let spf = spf_suggestion(hosts.chain(relays.iter().map(|relay| relay.host.as_str())));
    let Shown { looked, begun, typed } = shown;
    let dmarc_name =
        looked.map_or_else(|| format!("_dmarc.{}", domain.name), |looked| looked.dmarc_name.clone());
    let policies = vec![
        Policy::new(t, "spf", domain.name.clone(), spf, looked.map(|looked| &looked.spf)),
        Policy::new(
            t,
            "dmarc",
            dmarc_name,
            dmarc_suggestion(&domain.name),
            looked.map(|looked| &looked.dmarc),
        ),
    ];
    let mut words = vec![newsletters(t, domain)];
    words.extend(signed_with(t, domain));
    let above = domain.signed_with.iter().filter(|key| key.domain != domain.name);
    let template = DomainPage {
        page: Frame::new(request, signed_in, "settings", domain.name.clone()),
        base: href(&domain.name),
        status: status(t, domain),
        words: words.join(" · "),
        is_of_provider: domain.is_of_provider,
        keys: domain.keys.iter().chain(above).map(|key| Key::of(t, key, looked)).collect(),
        policies,
        begun: (!begun.is_empty()).then(|| t.with("domain-begun", "selectors", begun.join(", "))),
        is_looked: looked.is_some(),
        typed,
        mistakes,
    };
    let status = if template.mistakes.has_any() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    html(status, &template)
}

/// `GET` of where only a form is posted to.
pub async fn to_domain(_: SignedIn, name: Path<String>) -> HttpResponse {
    see_other(&parse_domain(&name).map_or_else(|_| LIST.to_owned(), |name| href(&name)))
}

/// `POST /admin/settings/domains/{domain}/check`: asks DNS. What is published and waited for it signs from now on.
pub async fn check(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    name: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let t = signed_in.texts();
    let looked = look(&app.dns, &domain_of(&app, &name).await?).await;
    let (mut begun, mistakes) =
        match verbs::were_seen(&app.store, &app.clock, &app.keys, &looked.seen()).await {
            Ok(begun) => (begun, Mistakes::none(t)),
            Err(error) => (Vec::new(), mistakes_of(t, error)?),
        };
    let domain = domain_of(&app, &name).await?;
    // One that the configuration hides signs nothing, and says so itself.
    begun.retain(|selector| domain.signed_with.iter().any(|key| key.selector == *selector));
    let shown = Shown { looked: Some(&looked), begun, typed: Form::default() };
    show(&request, &app, &signed_in, &domain, shown, mistakes).await
}

/// `POST /admin/settings/domains/{domain}/keys`: makes a key.
pub async fn make(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    name: Path<String>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let domain = domain_of(&app, &name).await?;
    let input = KeyInput {
        domain: domain.name.clone(),
        selector: form.first("selector").to_owned(),
        algorithm: form.first("algorithm").to_owned(),
    };
    match verbs::make_key(&app.store, &app.clock, &app.keys, &input).await {
        Ok(_) => Ok(see_other(&format!("{}?done=domain-key-made", href(&domain.name)))),
        Err(error) => {
            let mistakes = mistakes_of(signed_in.texts(), error)?;
            let shown = Shown { typed: form, ..Shown::default() };
            show(&request, &app, &signed_in, &domain, shown, mistakes).await
        }
    }
}

/// `POST /admin/settings/domains/{domain}/keys/{key}`: lets a key sign, retires or removes it.
pub async fn act(
    request: HttpRequest,
    app: Data<App>,
    signed_in: SignedIn,
    path: Path<(String, String)>,
    form: Form,
) -> Result<HttpResponse, PageError> {
    csrf::check(&request, &app, &signed_in, &form)?;
    let (name, key) = path.into_inner();
    let domain = domain_of(&app, &name).await?;
    let id = DkimKeyId(id_of(&key)?);
    let is_of = |key: &KnownKey| key.stored().is_some_and(|stored| stored.id == id);
    if !domain.keys.iter().any(is_of) {
        return Err(PageError::NotFound);
    }
    let (done, acted) = match form.first("do") {
        "begin" => ("domain-key-began", verbs::begin(&app.store, &app.clock, &app.keys, id).await),
        "retire" => ("domain-key-retired", verbs::retire(&app.store, &app.clock, id).await),
        "remove" => ("domain-key-removed", verbs::remove(&app.store, id).await.map(drop)),
        _ => return Err(PageError::BadRequest),
    };
    match acted {
        Ok(()) => {
            // The last key of a domain that nobody uses takes its page along.
            let is_left = domain_of(&app, &name).await.is_ok();
            let back = if is_left { href(&domain.name) } else { LIST.to_owned() };
            Ok(see_other(&format!("{back}?done={done}")))
        }
        Err(DomainError::NotFound) => Ok(see_other(&href(&domain.name))),
        Err(error) => {
            let mistakes = mistakes_of(signed_in.texts(), error)?;
            show(&request, &app, &signed_in, &domain, Shown::default(), mistakes).await
        }
    }
}

/// A kind of key to choose.
struct Kind {
    value: &'static str,
    words: String,
    is_chosen: bool,
}

impl DomainPage {
    fn kinds(&self) -> Vec<Kind> {
        let typed = self.typed.first("algorithm");
        let kind = |kind: &DkimAlgorithm| {
            let is_chosen = typed == kind.as_str() || (typed.is_empty() && *kind == DkimAlgorithm::Rsa);
            let words = self.page.t.text(&format!("domain-kind-{kind}-what"));
            Kind { value: kind.as_str(), words, is_chosen }
        };
        DkimAlgorithm::ALL.iter().map(kind).collect()
    }
}
