//! Who may open which page: one table of every route under `/admin` and `/setup`, and the guard that holds it before any
//! handler runs. What is not in the table is refused. The verbs ask again, whichever door they are called through.
//!
//! To add a route of the desk: its URL in a `configure`, and a line in [`ROUTES`] for each of its methods; without one
//! it answers 403, and `tests/it/web/access.rs` says what is missing. A route with an object of a kind that is not here
//! needs a value of [`Of`] and its arm in [`newsletters_of`].
//!
//! Behind the guard `Data<App>` acts for whoever is signed in: its `store` is theirs, so that a handler cannot forget it.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::LazyLock;

use actix_web::body::MessageBody;
use actix_web::dev::{Extensions, Path, ResourceDef, ServiceRequest, ServiceResponse};
use actix_web::http::header::ALLOW;
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{Error, HttpMessage as _, HttpResponse, ResponseError as _};
use uuid::Uuid;

use super::session::{NobodyYet, SESSION_COOKIE, SignedIn, cookie_name};
use super::{App, PageError};
use crate::accounts::{first_user, sessions};
use crate::model::{Actor, IssueId, MailingId, NewsletterId, Permission, SegmentId};
use crate::store::{self, Store};

/// What a route asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Need {
    /// Nothing: who comes here has no session yet.
    Nothing,
    /// A session, whatever its role: one's own account.
    Session,
    /// A permission: for some newsletter at least, where it is about newsletters.
    May(Permission),
    /// A permission for the object in the URL. Who does not even see it is told that there is none.
    MayWith(Permission, Of),
}

/// What the `{id}` of a URL is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    Newsletter,
    Issue,
    Mailing,
    Segment,
    Import,
    /// Of many readers at once.
    BulkAct,
    /// A reader: of one newsletter at least for which the permission is there.
    Reader,
}

/// One method of one route.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    pub pattern: &'static str,
    pub need: Need,
}

const fn get(pattern: &'static str, need: Need) -> Route {
    Route { method: "GET", pattern, need }
}

const fn post(pattern: &'static str, need: Need) -> Route {
    Route { method: "POST", pattern, need }
}

use Need::{May, MayWith, Nothing, Session};
use Permission::{
    AddNewsletters, ApproveIssues, ChangeSubscribers, DraftIssues, EraseSubscribers, ExportSubscribers,
    ImportSubscribers, ManagePeople, ReadAudit, SeeArticles, SeeNewsletter, SeeSubscribers, SendIssues,
    SetDigests, SetDomains, SetNewsletter, SetRelays, SetRetention, SetSources, TestIssues, WriteArticles,
    WriteWelcome,
};

const SEES: Need = MayWith(SeeNewsletter, Of::Newsletter);
const SETS: Need = MayWith(SetNewsletter, Of::Newsletter);
const DIGESTS: Need = MayWith(SetDigests, Of::Newsletter);
const WELCOMES: Need = MayWith(WriteWelcome, Of::Newsletter);
const READER: Need = MayWith(SeeSubscribers, Of::Reader);

/// Every route of the desk and of the first run.
pub const ROUTES: &[Route] = &[
    get("/admin", Session),
    get("/admin/login", Nothing),
    post("/admin/login", Nothing),
    get("/admin/login/code", Nothing),
    post("/admin/login/code", Nothing),
    post("/admin/login/provider", Nothing),
    get("/admin/login/provider/return", Nothing),
    post("/admin/login/passkey", Nothing),
    post("/admin/login/passkey/challenge", Nothing),
    post("/admin/link/{token}/provider", Nothing),
    get("/admin/forgot", Nothing),
    post("/admin/forgot", Nothing),
    get("/admin/link/{token}", Nothing),
    post("/admin/link/{token}", Nothing),
    post("/admin/logout", Session),
    post("/admin/language", Session),
    // Writing.
    get("/admin/articles", May(SeeArticles)),
    post("/admin/articles", May(WriteArticles)),
    get("/admin/articles/new", May(WriteArticles)),
    post("/admin/articles/preview", May(WriteArticles)),
    post("/admin/articles/paste", May(WriteArticles)),
    post("/admin/articles/autosave", May(WriteArticles)),
    get("/admin/articles/{id}", May(SeeArticles)),
    post("/admin/articles/{id}", May(WriteArticles)),
    post("/admin/articles/{id}/archive", May(WriteArticles)),
    get("/admin/articles/{id}/preview", May(SeeArticles)),
    post("/admin/articles/{id}/autosave", May(WriteArticles)),
    post("/admin/articles/{id}/presence", May(WriteArticles)),
    post("/admin/articles/{id}/translations", May(WriteArticles)),
    get("/admin/articles/{id}/versions", May(SeeArticles)),
    get("/admin/articles/{id}/versions/{number}", May(SeeArticles)),
    post("/admin/articles/{id}/versions/{number}", May(WriteArticles)),
    get("/admin/images", May(WriteArticles)),
    post("/admin/images", May(WriteArticles)),
    // Issues.
    get("/admin/issues", May(SeeNewsletter)),
    post("/admin/issues", May(DraftIssues)),
    get("/admin/issues/new", May(DraftIssues)),
    get("/admin/issues/{id}", MayWith(SeeNewsletter, Of::Issue)),
    post("/admin/issues/{id}", MayWith(DraftIssues, Of::Issue)),
    get("/admin/issues/{id}/preview", MayWith(SeeNewsletter, Of::Issue)),
    post("/admin/issues/{id}/preview", MayWith(SeeNewsletter, Of::Issue)),
    get("/admin/issues/{id}/checks.json", MayWith(SeeNewsletter, Of::Issue)),
    get("/admin/issues/{id}/languages/{language}", MayWith(SeeNewsletter, Of::Issue)),
    post("/admin/issues/{id}/languages/{language}", MayWith(DraftIssues, Of::Issue)),
    post("/admin/issues/{id}/copy", MayWith(DraftIssues, Of::Issue)),
    post("/admin/issues/{id}/discard", MayWith(DraftIssues, Of::Issue)),
    post("/admin/issues/{id}/ask", MayWith(DraftIssues, Of::Issue)),
    post("/admin/issues/{id}/approve", MayWith(ApproveIssues, Of::Issue)),
    post("/admin/issues/{id}/groups/{group}/delete", MayWith(TestIssues, Of::Issue)),
    get("/admin/issues/{id}/mail", MayWith(SeeNewsletter, Of::Issue)),
    post("/admin/issues/{id}/test", MayWith(TestIssues, Of::Issue)),
    get("/admin/issues/{id}/schedule", MayWith(SendIssues, Of::Issue)),
    post("/admin/issues/{id}/schedule", MayWith(SendIssues, Of::Issue)),
    // Mailings.
    get("/admin/mailings/{id}.json", MayWith(SeeNewsletter, Of::Mailing)),
    get("/admin/mailings/{id}", MayWith(SeeNewsletter, Of::Mailing)),
    get("/admin/mailings/{id}/events", MayWith(SeeNewsletter, Of::Mailing)),
    // Its lines are addresses.
    get("/admin/mailings/{id}/ledger", MayWith(SeeSubscribers, Of::Mailing)),
    get("/admin/mailings/{id}/report", MayWith(SeeNewsletter, Of::Mailing)),
    get("/admin/mailings/{id}/report/mail", MayWith(SeeNewsletter, Of::Mailing)),
    get("/admin/mailings/{id}/report/{table}.csv", MayWith(SeeNewsletter, Of::Mailing)),
    post("/admin/mailings/{id}/{move}", MayWith(SendIssues, Of::Mailing)),
    // Newsletters.
    get("/admin/newsletters", May(SeeNewsletter)),
    post("/admin/newsletters", May(AddNewsletters)),
    get("/admin/newsletters/new", May(AddNewsletters)),
    get("/admin/newsletters/{id}", SEES),
    get("/admin/newsletters/{id}/about", SEES),
    post("/admin/newsletters/{id}/about", SETS),
    get("/admin/newsletters/{id}/sender", SEES),
    post("/admin/newsletters/{id}/sender", SETS),
    get("/admin/newsletters/{id}/brand", SEES),
    post("/admin/newsletters/{id}/brand", SETS),
    get("/admin/newsletters/{id}/brand/mail", SEES),
    get("/admin/newsletters/{id}/brand/notes", SEES),
    get("/admin/newsletters/{id}/brand/page", SEES),
    get("/admin/newsletters/{id}/issues", SEES),
    post("/admin/newsletters/{id}/issues", SETS),
    get("/admin/newsletters/{id}/archive", SEES),
    post("/admin/newsletters/{id}/archive", SETS),
    get("/admin/newsletters/{id}/sending", SEES),
    post("/admin/newsletters/{id}/sending", SETS),
    get("/admin/newsletters/{id}/tracking", SEES),
    post("/admin/newsletters/{id}/tracking", SETS),
    get("/admin/newsletters/{id}/privacy", SEES),
    post("/admin/newsletters/{id}/privacy", SETS),
    get("/admin/newsletters/{id}/forms", SEES),
    post("/admin/newsletters/{id}/forms", SETS),
    get("/admin/newsletters/{id}/forms/new", SETS),
    get("/admin/newsletters/{id}/forms/{form}", SEES),
    post("/admin/newsletters/{id}/forms/{form}", SETS),
    post("/admin/newsletters/{id}/forms/{form}/archive", SETS),
    get("/admin/newsletters/{id}/forms/{form}/qr.svg", SEES),
    get("/admin/newsletters/{id}/fields", SEES),
    post("/admin/newsletters/{id}/fields", SETS),
    get("/admin/newsletters/{id}/fields/new", SETS),
    get("/admin/newsletters/{id}/fields/{field}", SETS),
    post("/admin/newsletters/{id}/fields/{field}", SETS),
    post("/admin/newsletters/{id}/fields/{field}/archive", SETS),
    get("/admin/newsletters/{id}/topics", SEES),
    post("/admin/newsletters/{id}/topics", SETS),
    get("/admin/newsletters/{id}/topics/{topic}", SETS),
    post("/admin/newsletters/{id}/topics/{topic}", SETS),
    get("/admin/newsletters/{id}/welcome", SEES),
    post("/admin/newsletters/{id}/welcome", WELCOMES),
    get("/admin/newsletters/{id}/welcome/new", WELCOMES),
    get("/admin/newsletters/{id}/welcome/{step}", WELCOMES),
    post("/admin/newsletters/{id}/welcome/{step}", WELCOMES),
    post("/admin/newsletters/{id}/welcome/{step}/delete", WELCOMES),
    get("/admin/newsletters/{id}/welcome/{step}/preview", SEES),
    get("/admin/newsletters/{id}/welcome/{step}/mail", SEES),
    post("/admin/newsletters/{id}/welcome/{step}/test", WELCOMES),
    get("/admin/newsletters/{id}/reports", SEES),
    get("/admin/newsletters/{id}/reports/summary", SEES),
    post("/admin/newsletters/{id}/reports/summary", SEES),
    get("/admin/newsletters/{id}/reports/{table}.csv", SEES),
    // What is coming.
    get("/admin/calendar", May(SeeNewsletter)),
    get("/admin/newsletters/{id}/calendar", SEES),
    get("/admin/newsletters/{id}/digests", SEES),
    post("/admin/newsletters/{id}/digests", DIGESTS),
    get("/admin/newsletters/{id}/digests/new", DIGESTS),
    get("/admin/newsletters/{id}/digests/{rule}", SEES),
    post("/admin/newsletters/{id}/digests/{rule}", DIGESTS),
    post("/admin/newsletters/{id}/digests/{rule}/do", DIGESTS),
    post("/admin/newsletters/{id}/digests/{rule}/runs/{run}", DIGESTS),
    // Readers.
    get("/admin/subscribers", May(SeeSubscribers)),
    post("/admin/subscribers", May(SeeSubscribers)),
    post("/admin/subscribers/export.csv", May(ExportSubscribers)),
    get("/admin/subscribers/{id}", READER),
    get("/admin/subscribers/{id}/data.json", MayWith(ExportSubscribers, Of::Reader)),
    post(
        "/admin/subscribers/{id}/subscriptions/{subscription}/{act}",
        MayWith(ChangeSubscribers, Of::Reader),
    ),
    post("/admin/subscribers/{id}/erase", MayWith(EraseSubscribers, Of::Reader)),
    get("/admin/subscribers/{id}/receipt/{newsletter}.json", READER),
    get("/admin/subscribers/{id}/receipt/{newsletter}/print", READER),
    get("/admin/subscribers/{id}/receipt/{newsletter}", READER),
    get("/admin/acts", May(SeeSubscribers)),
    post("/admin/acts", May(ChangeSubscribers)),
    get("/admin/acts/{id}.json", MayWith(SeeSubscribers, Of::BulkAct)),
    get("/admin/acts/{id}", MayWith(SeeSubscribers, Of::BulkAct)),
    post("/admin/acts/{id}/undo", MayWith(ChangeSubscribers, Of::BulkAct)),
    get("/admin/segments", May(SeeSubscribers)),
    get("/admin/segments/new", May(ChangeSubscribers)),
    post("/admin/segments/new", May(ChangeSubscribers)),
    get("/admin/segments/{id}", MayWith(SeeSubscribers, Of::Segment)),
    post("/admin/segments/{id}", MayWith(ChangeSubscribers, Of::Segment)),
    post("/admin/segments/{id}/delete", MayWith(ChangeSubscribers, Of::Segment)),
    get("/admin/imports", May(ImportSubscribers)),
    post("/admin/imports", May(ImportSubscribers)),
    get("/admin/imports/{id}.json", MayWith(ImportSubscribers, Of::Import)),
    get("/admin/imports/{id}/report.csv", MayWith(ImportSubscribers, Of::Import)),
    get("/admin/imports/{id}", MayWith(ImportSubscribers, Of::Import)),
    post("/admin/imports/{id}/{act}", MayWith(ImportSubscribers, Of::Import)),
    // The installation.
    get("/admin/settings", Session),
    get("/admin/settings/relays", May(SetRelays)),
    post("/admin/settings/relays", May(SetRelays)),
    get("/admin/settings/relays/new", May(SetRelays)),
    get("/admin/settings/relays/test", May(SetRelays)),
    post("/admin/settings/relays/test", May(SetRelays)),
    get("/admin/settings/relays/{id}", May(SetRelays)),
    post("/admin/settings/relays/{id}", May(SetRelays)),
    get("/admin/settings/relays/{id}/remove", May(SetRelays)),
    post("/admin/settings/relays/{id}/remove", May(SetRelays)),
    get("/admin/settings/domains", May(SetDomains)),
    post("/admin/settings/domains", May(SetDomains)),
    get("/admin/settings/domains/{domain}", May(SetDomains)),
    get("/admin/settings/domains/{domain}/check", May(SetDomains)),
    post("/admin/settings/domains/{domain}/check", May(SetDomains)),
    get("/admin/settings/domains/{domain}/keys", May(SetDomains)),
    post("/admin/settings/domains/{domain}/keys", May(SetDomains)),
    post("/admin/settings/domains/{domain}/keys/{key}", May(SetDomains)),
    get("/admin/settings/retention", May(SetRetention)),
    post("/admin/settings/retention", May(SetRetention)),
    get("/admin/settings/sources", May(SetSources)),
    post("/admin/settings/sources", May(SetSources)),
    get("/admin/settings/sources/new", May(SetSources)),
    get("/admin/settings/sources/{id}", May(SetSources)),
    post("/admin/settings/sources/{id}", May(SetSources)),
    post("/admin/settings/sources/{id}/fetch", May(SetSources)),
    post("/admin/settings/sources/{id}/remove", May(SetSources)),
    // People.
    get("/admin/people", May(ManagePeople)),
    post("/admin/people", May(ManagePeople)),
    get("/admin/people/log", May(ReadAudit)),
    post("/admin/people/rules", May(ManagePeople)),
    get("/admin/people/{id}", May(ManagePeople)),
    post("/admin/people/{id}", May(ManagePeople)),
    post("/admin/people/{id}/{move}", May(ManagePeople)),
    // One's own account.
    get("/admin/account", Session),
    post("/admin/account", Session),
    get("/admin/account/password", Session),
    post("/admin/account/password", Session),
    get("/admin/account/sessions", Session),
    post("/admin/account/sessions", Session),
    get("/admin/account/keys", Session),
    post("/admin/account/keys", Session),
    get("/admin/account/keys/{id}/revoke", Session),
    post("/admin/account/keys/{id}/revoke", Session),
    get("/admin/account/identities", Session),
    post("/admin/account/identities", Session),
    get("/admin/account/passkeys", Session),
    post("/admin/account/passkeys", Session),
    get("/admin/account/second-factor", Session),
    post("/admin/account/second-factor", Session),
    // The first run. Its link is looked at by the handler.
    get("/setup", Nothing),
    get("/setup/{token}", Nothing),
    post("/setup/{token}", Nothing),
    get("/setup/owner", Session),
    post("/setup/owner", Session),
    get("/setup/newsletter", May(AddNewsletters)),
    post("/setup/newsletter", May(AddNewsletters)),
    get("/setup/sender", May(AddNewsletters)),
    post("/setup/sender", May(AddNewsletters)),
    get("/setup/relay", May(SetRelays)),
    post("/setup/relay", May(SetRelays)),
    get("/setup/brand", May(AddNewsletters)),
    post("/setup/brand", May(AddNewsletters)),
    get("/setup/done", May(AddNewsletters)),
];

/// Where one gets to without a second factor although everybody needs one.
const WITHOUT_FACTOR: [&str; 3] = ["/admin/account/second-factor", "/admin/language", "/admin/logout"];

/// The lines of a pattern.
pub(super) struct Pattern {
    pub def: ResourceDef,
    pub routes: Vec<&'static Route>,
}

impl Pattern {
    /// For `Allow`.
    pub fn methods(&self) -> String {
        let methods: Vec<&str> = self.routes.iter().map(|route| route.method).collect();
        methods.join(", ")
    }
}

static PATTERNS: LazyLock<BTreeMap<&'static str, Pattern>> = LazyLock::new(|| patterns(ROUTES));

/// The lines of a table by their pattern.
pub(super) fn patterns(routes: &'static [Route]) -> BTreeMap<&'static str, Pattern> {
    let mut patterns: BTreeMap<&'static str, Pattern> = BTreeMap::new();
    for route in routes {
        let new = || Pattern { def: ResourceDef::new(route.pattern), routes: Vec::new() };
        patterns.entry(route.pattern).or_insert_with(new).routes.push(route);
    }
    patterns
}

/// Whether a path is guarded, as the router reads it: behind its own decoding.
fn is_guarded(path: &str) -> bool {
    ["/admin", "/setup"]
        .iter()
        .any(|desk| path.strip_prefix(desk).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}

/// Middleware: lets a request of the desk through to its handler, or answers it.
///
/// # Errors
/// Of the services behind it.
pub async fn guard(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<impl MessageBody>, Error> {
    // The path that the router matches, not that of the request line: `/%61dmin` is the desk too.
    let path = request.match_info().as_str().to_owned();
    if !is_guarded(&path) {
        return Ok(next.call(request).await?.map_into_boxed_body());
    }
    let Some(app) = request.app_data::<Data<App>>().cloned() else {
        return Ok(request.into_response(PageError::Internal.error_response()));
    };
    match enter(&app, &request, &path).await {
        Ok(Some(signed_in)) => {
            let theirs = App { store: signed_in.store.clone(), ..App::clone(&app) };
            let mut data = Extensions::new();
            data.insert(Data::new(theirs));
            request.add_data_container(Rc::new(data));
            request.extensions_mut().insert(signed_in);
        }
        Ok(None) => {}
        Err(Refusal::Page(error)) => return Ok(request.into_response(error.error_response())),
        Err(Refusal::Method(allowed)) => {
            let answer = HttpResponse::MethodNotAllowed().insert_header((ALLOW, allowed)).finish();
            return Ok(request.into_response(answer));
        }
    }
    Ok(next.call(request).await?.map_into_boxed_body())
}

/// Why a request goes no further.
enum Refusal {
    Page(PageError),
    /// Which there are instead.
    Method(String),
}

impl From<PageError> for Refusal {
    fn from(error: PageError) -> Self {
        Self::Page(error)
    }
}

impl From<store::StoreError> for Refusal {
    fn from(error: store::StoreError) -> Self {
        Self::Page(error.into())
    }
}

/// Who comes in, where that is anybody.
async fn enter(app: &App, request: &ServiceRequest, path: &str) -> Result<Option<SignedIn>, Refusal> {
    let signed_in = session(app, request).await?;
    // What is no page of ours gets the router's own answer.
    let Some(pattern) = request.resource_map().match_pattern(path) else { return Ok(signed_in) };
    let Some(known) = PATTERNS.get(pattern.as_str()) else {
        return Err(PageError::internal("a route has no line in web::access::ROUTES", pattern).into());
    };
    let is_method = |route: &&&Route| route.method == request.method().as_str();
    let Some(route) = known.routes.iter().find(is_method) else {
        return Err(Refusal::Method(known.methods()));
    };
    if route.need == Nothing {
        if signed_in.is_none() && first_user::is_missing(&app.store).await? {
            request.extensions_mut().insert(NobodyYet);
        }
        return Ok(signed_in);
    }
    let Some(signed_in) = signed_in else {
        let is_new = first_user::is_missing(&app.store).await?;
        return Err(if is_new { PageError::NotSetUp } else { PageError::SignIn }.into());
    };
    if signed_in.lacks_factor && !WITHOUT_FACTOR.contains(&pattern.as_str()) {
        return Err(PageError::NeedsFactor.into());
    }
    let actor = signed_in.actor();
    match route.need {
        Nothing | Session => {}
        May(permission) if actor.may_somewhere(permission) => {}
        May(_) => return Err(PageError::Denied.into()),
        MayWith(permission, of) => {
            let mut path = Path::new(path);
            let id = known.def.capture_match_info(&mut path).then(|| path.get("id")).flatten();
            let newsletters = newsletters_of(&app.store, of, id.unwrap_or_default()).await?;
            permit(actor, permission, of, &newsletters)?;
        }
    }
    Ok(Some(signed_in))
}

async fn session(app: &App, request: &ServiceRequest) -> Result<Option<SignedIn>, Refusal> {
    let Some(cookie) = request.cookie(&cookie_name(app, SESSION_COOKIE)) else { return Ok(None) };
    let session = sessions::find(&app.store, &app.clock, cookie.value()).await?;
    Ok(session.map(|session| SignedIn::new(app, session)))
}

/// The newsletters that an object belongs to.
///
/// # Errors
/// [`PageError::NotFound`] when there is no such object.
pub(super) async fn newsletters_of(store: &Store, of: Of, id: &str) -> Result<Vec<NewsletterId>, PageError> {
    let mut reader = store.read().await?;
    if of == Of::Reader {
        let id = Uuid::try_parse(id).map_err(|_| PageError::NotFound)?;
        let person = store::subscribers::by_public_id(reader.db(), id).await?.ok_or(PageError::NotFound)?;
        let all = store::subscriptions::of_subscriber(reader.db(), person.id).await?;
        return Ok(all.into_iter().map(|subscription| subscription.newsletter_id).collect());
    }
    if matches!(of, Of::Import | Of::BulkAct) {
        let id = Uuid::try_parse(id).map_err(|_| PageError::NotFound)?;
        let found = match of {
            Of::Import => {
                store::imports::by_public_id(reader.db(), id).await?.map(|import| import.newsletter_id)
            }
            _ => store::bulk_acts::by_public_id(reader.db(), id).await?.map(|act| act.newsletter_id),
        };
        return Ok(vec![found.ok_or(PageError::NotFound)?]);
    }
    let id: i64 = id.parse().map_err(|_| PageError::NotFound)?;
    let found = match of {
        Of::Segment => {
            store::segments::by_id(reader.db(), SegmentId(id)).await?.map(|segment| segment.newsletter_id)
        }
        Of::Newsletter => {
            store::newsletters::by_id(reader.db(), NewsletterId(id)).await?.map(|newsletter| newsletter.id)
        }
        Of::Issue => store::issues::by_id(reader.db(), IssueId(id)).await?.map(|issue| issue.newsletter_id),
        Of::Mailing | Of::Reader | Of::Import | Of::BulkAct => {
            store::mailings::by_id(reader.db(), MailingId(id)).await?.map(|mailing| mailing.newsletter_id)
        }
    };
    Ok(vec![found.ok_or(PageError::NotFound)?])
}

fn permit(
    actor: &Actor,
    permission: Permission,
    of: Of,
    newsletters: &[NewsletterId],
) -> Result<(), PageError> {
    let may_any = |permission| newsletters.iter().any(|id| actor.may(permission, Some(*id)));
    // A person without a subscription is nobody's reader but of those who may see all.
    if may_any(permission) || (newsletters.is_empty() && actor.may(permission, None)) {
        return Ok(());
    }
    let sees = if of == Of::Reader { SeeSubscribers } else { SeeNewsletter };
    let is_seen = may_any(sees) || (of == Of::Reader && !actor.may_somewhere(sees));
    Err(if is_seen { PageError::Denied } else { PageError::NotFound })
}
