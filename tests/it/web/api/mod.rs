//! The API, through real HTTP.

mod forms;
mod hostile;
mod signups;
pub mod v1;

use postiljon::demo::browser::{Answer, Browser};
use postiljon::model::Form;
use postiljon::store::Store;
use serde_json::Value;

use super::public::Site;
use crate::support::forms as samples;

/// A running site whose newsletter has a form that asks a field of each kind.
pub struct FormSite {
    pub site: Site,
    pub form: Form,
}

impl FormSite {
    pub async fn start(store: &Store) -> Self {
        let site = Site::start(store).await;
        let fields = samples::fields(store, &site.app.clock, site.newsletter.id).await;
        let form = samples::form(store, &site.app.clock, site.newsletter.id, &fields).await;
        Self { site, form }
    }

    pub fn api(&self) -> String {
        format!("/api/forms/{}/signups", self.form.public_id)
    }

    pub fn page(&self) -> String {
        format!("/f/{}", self.form.public_id)
    }
}

/// Posts JSON.
pub async fn post(browser: &Browser, path: &str, body: &Value) -> Answer {
    let body = serde_json::to_vec(body).expect("JSON");
    browser.send("POST", path, Some(("application/json", body))).await.expect("an answer")
}

/// Field and code of each error.
pub fn errors(answer: &Answer) -> Vec<(String, String)> {
    let body: Value =
        serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body));
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let errors = body["errors"].as_array().expect("errors");
    errors.iter().map(|error| (text(&error["field"]), text(&error["code"]))).collect()
}
