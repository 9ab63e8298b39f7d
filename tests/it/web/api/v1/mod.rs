//! `/api/v1` through real HTTP: programs with keys.

mod articles;
mod issues;
mod keys;

use postiljon::demo::browser::{Answer, Browser};
use postiljon::keys::{random_token, token_hash};
use postiljon::model::{Grant, Permission, User};
use postiljon::store::{Store, api_keys, grants};
use serde_json::{Value, json};

use crate::support::app::{START, TestApp};
use crate::support::database::change;
use crate::support::samples;

pub const ALL: [Permission; 4] = [
    Permission::SeeArticles,
    Permission::WriteArticles,
    Permission::PublishArticles,
    Permission::SeeNewsletter,
];

/// A key of somebody, as the desk makes it.
pub async fn key(store: &Store, user: &User, permissions: &[Permission]) -> String {
    let token = random_token().expect("a token");
    let hash = token_hash(&token).expect("a hash");
    let words = permissions.iter().map(|one| one.as_str()).collect::<Vec<_>>().join(" ");
    change!(store, |tx| api_keys::insert(tx, user.id, "Blog", &hash, &words, START, None));
    format!("pj_{token}")
}

/// A program with a key.
pub struct Program(pub Browser);

impl Program {
    pub fn with(app: &TestApp, key: &str) -> Self {
        Self(app.browser().with_header("authorization", &format!("Bearer {key}")))
    }

    /// With every permission of a person who was granted this.
    pub async fn of(app: &TestApp, address: &str, granted: &[Grant]) -> Self {
        let store = &app.app.store;
        let user = samples::user(store, address).await;
        change!(store, |tx| grants::set(tx, user.id, granted));
        Self::with(app, &key(store, &user, &ALL).await)
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.0.get(path).await.expect("an answer")
    }

    pub async fn send(&self, method: &'static str, path: &str, body: &Value) -> Answer {
        let body = serde_json::to_vec(body).expect("JSON");
        self.0.send(method, path, Some(("application/json", body))).await.expect("an answer")
    }

    pub async fn post(&self, body: &Value) -> Answer {
        self.send("POST", "/api/v1/articles", body).await
    }

    /// The same program, which says what it knows.
    pub fn knowing(&self, tag: &str) -> Self {
        Self(self.0.with_header("if-match", tag))
    }
}

pub fn said(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

/// Status and first code.
pub fn refusal(answer: &Answer) -> (u16, String) {
    let code =
        said(answer)["errors"][0]["code"].as_str().unwrap_or_else(|| panic!("{}", answer.body)).to_owned();
    (answer.status, code)
}

pub fn refused(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub fn article(title: &str) -> Value {
    json!({"title": title, "language": "nl", "body": "Een *goed* verhaal."})
}
