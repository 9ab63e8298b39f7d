//! Forms and fields made through the verbs.

use postiljon::clock::Clock;
use postiljon::model::{Field, FieldId, Form, Language, NewsletterId};
use postiljon::store::Store;
use postiljon::subscriptions::fields::{FieldInput, WordsInput, add_field};
use postiljon::subscriptions::forms::{FormInput, add_form};

/// A website whose scripts may use the form.
pub const WEBSITE: &str = "https://www.company.example";

pub fn words(language: Language, label: &str) -> WordsInput {
    WordsInput { language, label: label.into(), hint: String::new(), options: String::new() }
}

/// A field of each kind: `company` (at most 20 characters), `size` (1 to 500), `since`, `role`, `customer`.
pub async fn fields(store: &Store, clock: &Clock, newsletter: NewsletterId) -> Vec<Field> {
    let field = |key: &str, kind: &str| FieldInput {
        key: key.into(),
        kind: kind.into(),
        words: vec![words(Language::Dutch, key), words(Language::English, &format!("My {key}"))],
        ..FieldInput::default()
    };
    let inputs = [
        FieldInput { max_length: "20".into(), ..field("company", "text") },
        FieldInput { least: "1".into(), most: "500".into(), ..field("size", "number") },
        field("since", "date"),
        FieldInput { options: "editor\nbuyer".into(), ..field("role", "choice") },
        field("customer", "yes_no"),
    ];
    let mut fields = Vec::new();
    for input in &inputs {
        fields.push(add_field(store, clock, newsletter, input).await.expect("a field"));
    }
    fields
}

/// A form that asks these fields, the first of them always, and lets [`WEBSITE`] in.
pub async fn form(store: &Store, clock: &Clock, newsletter: NewsletterId, fields: &[Field]) -> Form {
    add_form(store, clock, newsletter, &input(fields)).await.expect("a form")
}

pub fn input(fields: &[Field]) -> FormInput {
    let asked = |(at, field): (usize, &Field)| -> (FieldId, bool) { (field.id, at == 0) };
    FormInput {
        name: "Foot of the website".into(),
        allowed_origins: format!("{WEBSITE}/\nhttp://localhost:8080"),
        asked: fields.iter().enumerate().map(asked).collect(),
        ..FormInput::default()
    }
}
