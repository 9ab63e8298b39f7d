//! `/api/v1`: what programs do with articles and issues, by a key. Described in docs/api.md.
//!
//! - A request has `Authorization: Bearer KEY`, and nothing else lets it in: no cookie, no session, no other website's
//!   script (there are no CORS headers).
//! - Before a handler runs, [`access`] has looked at the key and at what its owner may. `Data<App>` then acts for them.
//! - Every answer that fails is [`error::Refusal`]: a code that stays, and words.
//!
//! To add a route: its URL in [`configure`], a line in [`access::ROUTES`], and its part of docs/api.md.

use actix_web::HttpRequest;
use actix_web::web::{ServiceConfig, resource};

pub mod access;
pub mod articles;
pub mod error;
pub mod issues;
pub mod json;

use crate::i18n::Message;
use crate::web::form::Form;
use error::{Problem, Refusal};

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/api/v1/articles").get(articles::list::get).post(articles::create::post))
        .service(resource("/api/v1/articles/{id}").get(articles::show::get).put(articles::change::put))
        .service(resource("/api/v1/issues").get(issues::list::get))
        .service(resource("/api/v1/issues/{id}").get(issues::show::get))
        .service(resource("/api/v1/issues/{id}/checks").get(issues::checks::get));
}

/// The number in a URL.
fn id_of(text: &str) -> Result<i64, Refusal> {
    text.parse().map_err(|_| Refusal::NotFound)
}

/// Rows of a page where nothing is said, and at most.
const PAGE_ROWS: i64 = 20;
const PAGE_ROWS_MAX: i64 = 100;

/// Which part of a list is asked for.
struct Page {
    /// Only smaller ids.
    before: i64,
    rows: i64,
    query: Form,
}

impl Page {
    /// Reads `cursor`, `limit` and the filters of a list, each at most once.
    fn of(request: &HttpRequest, filters: &[&str]) -> Result<Self, Refusal> {
        let query = Form::of_query(request);
        let mut problems = Vec::new();
        for (name, _) in query.fields() {
            if !["cursor", "limit", "language"].contains(&name.as_str()) && !filters.contains(&name.as_str())
            {
                problems.push(Problem::new("unknown_field", name, Message::new("api-unknown-field")));
            } else if query.one(name).is_err() {
                problems.push(Problem::new("given_twice", name, Message::new("error-field-twice")));
            }
        }
        let number = |name: &str, absent: i64| match query.first(name) {
            "" => Some(absent),
            text => text.parse::<i64>().ok().filter(|number| *number > 0),
        };
        let (before, rows) = (number("cursor", i64::MAX), number("limit", PAGE_ROWS));
        let rows = rows.filter(|rows| *rows <= PAGE_ROWS_MAX);
        if before.is_none() {
            problems.push(Problem::new("not_a_cursor", "cursor", Message::new("api-cursor")));
        }
        if rows.is_none() {
            let message = Message::new("api-limit").number("most", PAGE_ROWS_MAX);
            problems.push(Problem::new("not_a_limit", "limit", message));
        }
        match (before, rows) {
            (Some(before), Some(rows)) if problems.is_empty() => Ok(Self { before, rows, query }),
            _ => Err(Refusal::Invalid(problems)),
        }
    }

    /// Cuts the row that only says that there is a next page; answers the cursor of that page.
    fn cut<T>(&self, rows: &mut Vec<T>, id: impl Fn(&T) -> i64) -> Option<String> {
        let most = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let has_more = rows.len() > most;
        rows.truncate(most);
        rows.last().filter(|_| has_more).map(|last| id(last).to_string())
    }
}
