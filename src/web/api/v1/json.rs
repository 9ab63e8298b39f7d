//! The body of a request, read name by name: what is not known is refused, so that a slip of the finger changes nothing.

use std::collections::BTreeMap;

use actix_web::HttpRequest;
use actix_web::web::Bytes;
use serde_json::Value;

use super::error::{Problem, Refusal};
use crate::i18n::Message;
use crate::web::api::{is_json, once};

/// An object whose names are taken out one after the other.
#[derive(Debug)]
pub struct Names {
    all: BTreeMap<String, Value>,
    problems: Vec<Problem>,
}

impl Names {
    /// Reads a body.
    pub fn read(request: &HttpRequest, body: Result<Bytes, actix_web::Error>) -> Result<Self, Refusal> {
        if !is_json(request) {
            return Err(Refusal::NoJsonType);
        }
        let body = body.map_err(|error| match error.as_response_error().status_code().as_u16() {
            413 => Refusal::TooLarge,
            _ => Refusal::NotJson,
        })?;
        let once::Each(all) = serde_json::from_slice(&body).map_err(|_| Refusal::NotJson)?;
        Ok(Self { all, problems: Vec::new() })
    }

    /// A problem with a name.
    pub fn add(&mut self, code: &'static str, field: &str, message: Message) {
        self.problems.push(Problem::new(code, field, message));
    }

    /// `null` is as good as absent.
    fn take(&mut self, name: &str) -> Option<Value> {
        self.all.remove(name).filter(|value| !value.is_null())
    }

    pub fn text(&mut self, name: &str) -> Option<String> {
        match self.take(name)? {
            Value::String(text) => Some(text),
            _ => {
                self.add("not_a_text", name, Message::new("api-not-a-text"));
                None
            }
        }
    }

    pub fn number(&mut self, name: &str) -> Option<i64> {
        let number = self.take(name)?.as_i64();
        if number.is_none() {
            self.add("not_a_number", name, Message::new("error-not-a-number"));
        }
        number
    }

    /// A list of texts.
    pub fn list(&mut self, name: &str) -> Option<Vec<String>> {
        let texts = match self.take(name)? {
            Value::Array(values) => {
                values.into_iter().map(|value| value.as_str().map(str::to_owned)).collect()
            }
            _ => None,
        };
        if texts.is_none() {
            self.add("not_a_list", name, Message::new("api-not-a-list"));
        }
        texts
    }

    /// Everything that is wrong with the body, also the names that nobody took out.
    pub fn finish(mut self) -> Result<(), Refusal> {
        for name in std::mem::take(&mut self.all).into_keys() {
            self.add("unknown_field", &name, Message::new("api-unknown-field"));
        }
        if self.problems.is_empty() { Ok(()) } else { Err(Refusal::Invalid(self.problems)) }
    }
}
