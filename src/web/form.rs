//! A posted form (`application/x-www-form-urlencoded`), read by hand: a visitor's mistake must end in the
//! same page with the mistake beside its field, not in a serde error.

use std::future::Future;
use std::pin::Pin;

use actix_web::dev::Payload;
use actix_web::http::header::CONTENT_TYPE;
use actix_web::{FromRequest, HttpRequest, web};

use super::PageError;

/// Most fields in one form.
const FIELDS_MAX: usize = 500;

/// The fields of a form, in order.
#[derive(Debug, Clone, Default)]
pub struct Form {
    fields: Vec<(String, String)>,
}

/// A field stands in the form twice with different values: which one was meant, nobody knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the field stands in the form twice")]
pub struct GivenTwice;

impl Form {
    fn parse(body: &[u8]) -> Result<Self, PageError> {
        let mut fields = Vec::new();
        for (name, value) in form_urlencoded::parse(body) {
            if fields.len() == FIELDS_MAX {
                return Err(PageError::TooLarge);
            }
            fields.push((name.into_owned(), value.into_owned()));
        }
        Ok(Self { fields })
    }

    /// A form filled with what is known.
    pub fn of(fields: &[(&str, &str)]) -> Self {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { fields: fields.iter().map(own).collect() }
    }

    /// A form as [`Form::encoded`] wrote it; what is too much is dropped.
    pub fn decoded(text: &str) -> Self {
        Self::parse(text.as_bytes()).unwrap_or_default()
    }

    /// The form as one text, without some of its fields.
    pub fn encoded(&self, without: &[&str]) -> String {
        let kept = self.fields.iter().filter(|(name, _)| !without.contains(&name.as_str()));
        form_urlencoded::Serializer::new(String::new()).extend_pairs(kept).finish()
    }

    /// One value more.
    pub fn push(&mut self, name: &str, value: impl Into<String>) {
        self.fields.push((name.to_owned(), value.into()));
    }

    /// Another value in the place of all that a field has.
    pub fn set(&mut self, name: &str, value: &str) {
        self.fields.retain(|(field, _)| field != name);
        self.push(name, value);
    }

    /// The fields of a query string; what is too much is dropped.
    pub fn of_query(request: &HttpRequest) -> Self {
        Self::parse(request.query_string().as_bytes()).unwrap_or_default()
    }

    /// The value of a field; empty when it is absent.
    ///
    /// # Errors
    /// [`GivenTwice`] with two different values.
    pub fn one(&self, name: &str) -> Result<&str, GivenTwice> {
        let mut values = self.all(name);
        let first = values.next().unwrap_or_default();
        if values.all(|value| value == first) { Ok(first) } else { Err(GivenTwice) }
    }

    /// The first value of a field, to fill the form again; empty when it is absent.
    pub fn first(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of a field: check boxes.
    pub fn all<'f, 'n>(&'f self, name: &'n str) -> impl Iterator<Item = &'f str> + use<'f, 'n> {
        self.fields.iter().filter(move |(field, _)| field == name).map(|(_, value)| value.as_str())
    }

    /// Whether a check box is ticked, or a button was pressed.
    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }

    /// Whether one of the values of a field is this one.
    pub fn is(&self, name: &str, value: &str) -> bool {
        self.all(name).any(|known| known == value)
    }

    /// All fields in order.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

impl FromRequest for Form {
    type Error = PageError;
    type Future = Pin<Box<dyn Future<Output = Result<Self, PageError>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let media_type =
            request.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let media_type = media_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let body = web::Bytes::from_request(request, payload);
        Box::pin(async move {
            if media_type != "application/x-www-form-urlencoded" {
                return Err(PageError::UnsupportedMediaType);
            }
            let body =
                body.await.map_err(|error| match error.as_response_error().status_code().as_u16() {
                    413 => PageError::TooLarge,
                    _ => PageError::BadRequest,
                })?;
            Self::parse(&body)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_given_twice_is_noticed_unless_it_says_the_same() {
        let form = Form::parse(b"a=1&b=2&a=3&c=x&c=x").expect("a form");
        assert_eq!(form.one("a"), Err(GivenTwice));
        assert_eq!(form.one("b"), Ok("2"));
        assert_eq!(form.one("c"), Ok("x"));
        assert_eq!(form.one("absent"), Ok(""));
        assert_eq!(form.first("a"), "1");
    }

    #[test]
    fn a_form_is_written_and_read_again_without_what_is_left_out() {
        let form = Form::of(&[("a", "1 & 2"), ("secret", "x"), ("b", "é"), ("b", "")]);
        let text = form.encoded(&["secret"]);
        assert!(!text.contains("secret"));
        let again = Form::decoded(&text);
        assert_eq!((again.first("a"), again.has("secret")), ("1 & 2", false));
        assert!(again.is("b", "é") && again.is("b", ""));
    }

    #[test]
    fn a_form_with_too_many_fields_is_refused() {
        assert!(Form::parse("a=1&".repeat(FIELDS_MAX + 1).as_bytes()).is_err());
    }
}
