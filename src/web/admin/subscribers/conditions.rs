//! The rows of the builder of filters: what stands in the form, and the condition that it means.
//!
//! A row has a kind that was chosen when it was added, and then a comparison and a value of that kind, so that the page
//! needs no script.

use chrono_tz::Tz;

use super::query::{Choices, Named, Pick, day, day_of};
use crate::i18n::Texts;
use crate::model::{
    Condition, FieldId, FieldKind, FieldTest, Filter, FormId, Group, ImportId, IssueId, Joined, Language,
    SubscriptionStatus, TopicId,
};
use crate::web::form::Form;

/// How a value is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    None,
    Text,
    Number,
    Date,
    Choice(Vec<(String, String)>),
}

/// A row as it stands in the form.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Row {
    /// Its group.
    pub group: usize,
    /// `status`, `language`, `topic`, `form`, `import`, `mailed`, `from`, `before` or `field:ID`.
    pub kind: String,
    /// `is`, `is_not`, or a test of a field.
    pub test: String,
    pub value: String,
}

/// The builder as it stands in the form.
#[derive(Debug, Clone)]
pub struct Draft {
    pub joined: Joined,
    /// How each group is joined.
    pub groups: Vec<Joined>,
    pub rows: Vec<Row>,
}

impl Draft {
    pub fn new() -> Self {
        Self { joined: Joined::All, groups: vec![Joined::All], rows: Vec::new() }
    }

    /// What was posted; more rows than a filter may have are dropped.
    pub fn of_form(form: &Form) -> Self {
        let joined = |name: &str| form.first(name).parse().unwrap_or(Joined::All);
        let groups = (0..crate::model::filter::GROUPS_MAX)
            .map_while(|at| form.has(&format!("g{at}")).then(|| joined(&format!("g{at}"))));
        let groups: Vec<_> = groups.collect();
        let rows = (0..=crate::model::filter::CONDITIONS_MAX).filter_map(|at| {
            let of = |part: &str| form.first(&format!("c{at}-{part}")).to_owned();
            form.has(&format!("c{at}-kind")).then(|| Row {
                group: of("group").parse().unwrap_or(0),
                kind: of("kind"),
                test: of("test"),
                value: of("value"),
            })
        });
        let groups = if groups.is_empty() { vec![Joined::All] } else { groups };
        Self { joined: joined("joined"), rows: rows.collect(), groups }
    }

    /// The builder of a filter.
    pub fn of_filter(filter: &Filter, zone: Tz) -> Self {
        let rows =
            filter.groups.iter().enumerate().flat_map(|(group, of)| {
                of.conditions.iter().map(move |condition| row(group, condition, zone))
            });
        let groups: Vec<_> = filter.groups.iter().map(|group| group.joined).collect();
        let groups = if groups.is_empty() { vec![Joined::All] } else { groups };
        Self { joined: filter.joined, rows: rows.collect(), groups }
    }

    /// What the rows name.
    pub fn named(&self) -> Named {
        let mut named = Named::default();
        for row in &self.rows {
            let Ok(id) = row.value.parse() else { continue };
            match row.kind.as_str() {
                "mailed" | "clicked" => named.issues.push(IssueId(id)),
                "import" => named.imports.push(ImportId(id)),
                _ => {}
            }
        }
        named
    }

    /// The filter, and which rows mean nothing yet.
    pub fn filter(&self, choices: &Choices, zone: Tz) -> (Filter, Vec<usize>) {
        let mut wrong = Vec::new();
        let mut groups: Vec<Group> =
            self.groups.iter().map(|joined| Group { joined: *joined, conditions: Vec::new() }).collect();
        for (at, row) in self.rows.iter().enumerate() {
            match (condition(row, choices, zone), groups.get_mut(row.group)) {
                (Some(condition), Some(group)) => group.conditions.push(condition),
                _ => wrong.push(at),
            }
        }
        groups.retain(|group| !group.conditions.is_empty());
        (Filter::of(self.joined, groups), wrong)
    }
}

fn row(group: usize, condition: &Condition, zone: Tz) -> Row {
    let is = |is: &bool| if *is { "is" } else { "is_not" };
    let (kind, test, value) = match condition {
        Condition::Status { is: yes, status } => ("status".to_owned(), is(yes), status.to_string()),
        Condition::Language { is: yes, language } => ("language".to_owned(), is(yes), language.to_string()),
        Condition::Topic { has, topic } => ("topic".to_owned(), is(has), topic.to_string()),
        Condition::Form { is: yes, form } => ("form".to_owned(), is(yes), form.to_string()),
        Condition::Import { is: yes, import } => ("import".to_owned(), is(yes), import.to_string()),
        Condition::Field { field, test, value, .. } => {
            (format!("field:{field}"), test.as_str(), value.clone())
        }
        Condition::SignedUpFrom { at } => ("from".to_owned(), "is", day_of(*at, zone)),
        Condition::SignedUpBefore { at } => ("before".to_owned(), "is", day_of(*at, zone)),
        Condition::Mailed { was, issue } => ("mailed".to_owned(), is(was), issue.to_string()),
        Condition::Clicked { has, issue } => ("clicked".to_owned(), is(has), issue.to_string()),
    };
    Row { group, kind, test: test.to_owned(), value }
}

fn condition(row: &Row, choices: &Choices, zone: Tz) -> Option<Condition> {
    let is = row.test != "is_not";
    let known = |all: &[(i64, String)]| {
        let id: i64 = row.value.parse().ok()?;
        all.iter().any(|(known, _)| *known == id).then_some(id)
    };
    Some(match row.kind.as_str() {
        "status" => Condition::Status { is, status: row.value.parse().ok()? },
        "language" => Condition::Language { is, language: row.value.parse().ok()? },
        "topic" => Condition::Topic { has: is, topic: TopicId(known(&choices.topics)?) },
        "form" => Condition::Form { is, form: FormId(known(&choices.forms)?) },
        "import" => Condition::Import { is, import: ImportId(known(&choices.imports)?) },
        "mailed" => Condition::Mailed { was: is, issue: IssueId(known(&choices.issues)?) },
        "clicked" => Condition::Clicked { has: is, issue: IssueId(known(&choices.issues)?) },
        "from" => Condition::SignedUpFrom { at: day(&row.value, zone, 0)? },
        "before" => Condition::SignedUpBefore { at: day(&row.value, zone, 0)? },
        kind => {
            let id: i64 = kind.strip_prefix("field:")?.parse().ok()?;
            let (field, _) = choices.fields.iter().find(|(field, _)| field.id.0 == id)?;
            let test: FieldTest = row.test.parse().ok()?;
            let value = row.value.trim().to_owned();
            let is_wrong = match (test, field.kind) {
                (FieldTest::Given | FieldTest::NotGiven, _) => false,
                (FieldTest::AtLeast | FieldTest::AtMost, FieldKind::Number) => value.parse::<i64>().is_err(),
                (FieldTest::AtLeast | FieldTest::AtMost, FieldKind::Date) => {
                    chrono::NaiveDate::parse_from_str(&value, "%Y-%m-%d").is_err()
                }
                _ => value.is_empty(),
            };
            if is_wrong || !tests_of(field.kind).contains(&test) {
                return None;
            }
            Condition::Field { field: FieldId(id), field_kind: field.kind, test, value }
        }
    })
}

const fn tests_of(kind: FieldKind) -> &'static [FieldTest] {
    use FieldTest::{AtLeast, AtMost, Contains, Given, Is, IsNot, NotGiven};
    match kind {
        FieldKind::Text => &[Is, IsNot, Contains, Given, NotGiven],
        FieldKind::Choice | FieldKind::YesNo => &[Is, IsNot, Given, NotGiven],
        FieldKind::Number | FieldKind::Date => &[Is, AtLeast, AtMost, Given, NotGiven],
    }
}

/// The kinds that can be added.
pub fn kinds(t: Texts, choices: &Choices) -> Vec<Pick> {
    let mut kinds = vec!["status", "language", "from", "before"];
    for (kind, all) in [
        ("topic", &choices.topics),
        ("form", &choices.forms),
        ("import", &choices.imports),
        ("mailed", &choices.issues),
    ] {
        if !all.is_empty() {
            kinds.push(kind);
        }
    }
    if choices.counts_people && !choices.issues.is_empty() {
        kinds.push("clicked");
    }
    let mut picks: Vec<_> =
        kinds.into_iter().map(|kind| Pick::of(kind, label(t, choices, kind), "")).collect();
    picks.extend(
        choices.fields.iter().map(|(field, label)| Pick::of(format!("field:{}", field.id), label, "")),
    );
    picks
}

/// What a kind is called.
pub fn label(t: Texts, choices: &Choices, kind: &str) -> String {
    if let Some(id) = kind.strip_prefix("field:") {
        let field = choices.fields.iter().find(|(field, _)| field.id.to_string() == id);
        return field.map_or_else(|| kind.to_owned(), |(_, label)| label.clone());
    }
    match kind {
        "status" => t.text("people-kind-status"),
        "language" => t.text("people-kind-language"),
        "topic" => t.text("people-kind-topic"),
        "form" => t.text("people-kind-form"),
        "import" => t.text("people-kind-import"),
        "mailed" => t.text("people-kind-mailed"),
        "clicked" => t.text("people-kind-clicked"),
        "from" => t.text("people-kind-from"),
        "before" => t.text("people-kind-before"),
        other => other.to_owned(),
    }
}

/// The comparisons of a row, the chosen one marked.
pub fn tests(t: Texts, choices: &Choices, row: &Row) -> Vec<Pick> {
    let pick = |name: &str| Pick::of(name, t.text(&format!("people-test-{name}")), &row.test);
    match row.kind.as_str() {
        "from" | "before" => Vec::new(),
        kind => match field_of(choices, kind) {
            Some(field) => tests_of(field.kind).iter().map(|test| pick(test.as_str())).collect(),
            None => vec![pick("is"), pick("is_not")],
        },
    }
}

fn field_of<'a>(choices: &'a Choices, kind: &str) -> Option<&'a crate::model::Field> {
    let id = kind.strip_prefix("field:")?;
    choices.fields.iter().map(|(field, _)| field).find(|field| field.id.to_string() == id)
}

/// How the value of a row is asked for.
pub fn input(t: Texts, choices: &Choices, row: &Row) -> Input {
    let of = |all: &[(i64, String)]| {
        Input::Choice(all.iter().map(|(id, label)| (id.to_string(), label.clone())).collect())
    };
    match row.kind.as_str() {
        "status" => Input::Choice(
            SubscriptionStatus::ALL
                .iter()
                .map(|status| (status.to_string(), t.text(&format!("reader-status-{status}"))))
                .collect(),
        ),
        "language" => Input::Choice(
            Language::ALL.iter().map(|one| (one.to_string(), one.own_name().to_owned())).collect(),
        ),
        "topic" => of(&choices.topics),
        "form" => of(&choices.forms),
        "import" => of(&choices.imports),
        "mailed" | "clicked" => of(&choices.issues),
        "from" | "before" => Input::Date,
        kind => match field_of(choices, kind) {
            None => Input::None,
            Some(field) => match field.kind {
                FieldKind::Text => Input::Text,
                FieldKind::Number => Input::Number,
                FieldKind::Date => Input::Date,
                FieldKind::YesNo => Input::Choice(vec![
                    ("yes".to_owned(), t.text("people-yes")),
                    ("no".to_owned(), t.text("people-no")),
                ]),
                FieldKind::Choice => Input::Choice(
                    field.options.lines().map(|option| (option.to_owned(), option.to_owned())).collect(),
                ),
            },
        },
    }
}
