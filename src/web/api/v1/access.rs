//! Who may ask for what: one table of every route under `/api/v1`, and the guard that holds it before any handler runs.
//! As the desk's ([`crate::web::access`]), for who comes with a key.

use std::collections::BTreeMap;
use std::future::{Ready, ready};
use std::rc::Rc;
use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Path, Payload, ServiceRequest, ServiceResponse};
use actix_web::http::header::AUTHORIZATION;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, FromRequest, HttpMessage as _, HttpRequest};

use super::error::Refusal;
use crate::accounts::api_keys::{self, Holder};
use crate::i18n::Texts;
use crate::model::{Actor, Language, NewsletterId, Permission, UserId};
use crate::web::access::{Need, Of, Pattern, Route, newsletters_of, patterns};
use crate::web::api::{asked_texts, texts};
use crate::web::client::Client;
use crate::web::{App, PageError};

use Need::{May, MayWith};
use Permission::{SeeArticles, SeeNewsletter, WriteArticles};

/// Every route of the API for which a key is needed.
pub const ROUTES: &[Route] = &[
    Route { method: "GET", pattern: "/api/v1/articles", need: May(SeeArticles) },
    Route { method: "POST", pattern: "/api/v1/articles", need: May(WriteArticles) },
    Route { method: "GET", pattern: "/api/v1/articles/{id}", need: May(SeeArticles) },
    Route { method: "PUT", pattern: "/api/v1/articles/{id}", need: May(WriteArticles) },
    Route { method: "GET", pattern: "/api/v1/issues", need: May(SeeNewsletter) },
    Route { method: "GET", pattern: "/api/v1/issues/{id}", need: MayWith(SeeNewsletter, Of::Issue) },
    Route { method: "GET", pattern: "/api/v1/issues/{id}/checks", need: MayWith(SeeNewsletter, Of::Issue) },
];

static PATTERNS: LazyLock<BTreeMap<&'static str, Pattern>> = LazyLock::new(|| patterns(ROUTES));

const ROOT: &str = "/api/v1";

/// Whether a path is guarded, as the router reads it: behind its own decoding.
fn is_guarded(path: &str) -> bool {
    path.strip_prefix(ROOT).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Who comes with the key of a request.
#[derive(Debug, Clone)]
pub struct Caller {
    pub user: UserId,
    /// The owner of the key, as far as it lets them.
    pub actor: Actor,
    /// In the language that was asked for, or that of the owner.
    pub t: Texts,
}

impl FromRequest for Caller {
    type Error = PageError;
    type Future = Ready<Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        // The guard has put it there, or answered.
        ready(request.extensions().get::<Self>().cloned().ok_or(PageError::Denied))
    }
}

/// Middleware: lets a request of the API through to its handler, or answers it.
///
/// # Errors
/// Of the services behind it.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    let path = request.match_info().as_str().to_owned();
    if !is_guarded(&path) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let mut t = texts(request.request(), Language::English);
    let entered = match request.app_data::<Data<App>>().cloned() {
        Some(app) => enter(&app, &request, &path, &mut t).await.map(|caller| (app, caller)),
        None => Err(Refusal::Internal),
    };
    match entered {
        Ok((app, caller)) => {
            let theirs = App { store: app.store.acting(caller.actor.clone()), ..App::clone(&app) };
            let mut data = Extensions::new();
            data.insert(Data::new(theirs));
            request.add_data_container(Rc::new(data));
            request.extensions_mut().insert(caller);
        }
        Err(refusal) => return Ok(request.into_response(refusal.response(t))),
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// The key of a request, from the one header that may hold it.
fn key_of(request: &ServiceRequest) -> Result<&str, Refusal> {
    let mut given = request.headers().get_all(AUTHORIZATION);
    let (Some(first), None) = (given.next(), given.next()) else { return Err(Refusal::KeyMissing) };
    let text = first.to_str().map_err(|_| Refusal::KeyUnknown)?;
    match text.trim().split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Ok(key.trim()),
        _ => Err(Refusal::KeyMissing),
    }
}

async fn enter(app: &App, request: &ServiceRequest, path: &str, t: &mut Texts) -> Result<Caller, Refusal> {
    let key = key_of(request)?;
    let ip = Client::of(request.request()).ip;
    let Holder { user, actor } = api_keys::enter(app.desk(), key, ip).await?;
    *t = asked_texts(request.request()).unwrap_or(Texts::new(user.language));
    let pattern = request.resource_map().match_pattern(path).ok_or(Refusal::NotFound)?;
    let Some(known) = PATTERNS.get(pattern.as_str()) else {
        tracing::error!(pattern, "a route has no line in web::api::v1::access::ROUTES");
        return Err(Refusal::Internal);
    };
    let is_method = |route: &&&Route| route.method == request.method().as_str();
    let Some(route) = known.routes.iter().find(is_method) else {
        return Err(Refusal::Method(known.methods()));
    };
    match route.need {
        Need::Nothing | Need::Session => {}
        May(permission) => permit_somewhere(&actor, permission)?,
        MayWith(permission, of) => {
            // Whether there is such an object is nobody's business whose key has nothing to do with any.
            permit_somewhere(&actor, permission)?;
            let mut path = Path::new(path);
            let id = known.def.capture_match_info(&mut path).then(|| path.get("id")).flatten();
            let newsletters = newsletters_of(&app.store, of, id.unwrap_or_default()).await?;
            permit(&actor, permission, &newsletters)?;
        }
    }
    Ok(Caller { user: user.id, actor, t: *t })
}

fn permit_somewhere(actor: &Actor, permission: Permission) -> Result<(), Refusal> {
    if actor.may_somewhere(permission) { Ok(()) } else { Err(Refusal::Denied(permission)) }
}

fn permit(actor: &Actor, permission: Permission, newsletters: &[NewsletterId]) -> Result<(), Refusal> {
    let may_any = |permission| newsletters.iter().any(|id| actor.may(permission, Some(*id)));
    if may_any(permission) {
        return Ok(());
    }
    Err(if may_any(SeeNewsletter) { Refusal::Denied(permission) } else { Refusal::NotFound })
}
