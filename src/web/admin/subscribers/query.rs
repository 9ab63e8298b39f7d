//! Which subscriptions a list shows, as its address says. What somebody looked for is sealed in it: an address stands in
//! no URL and no log.

use chrono::{NaiveDate, NaiveTime};
use chrono_tz::Tz;
use data_encoding::BASE64URL_NOPAD;

use crate::i18n::Texts;
use crate::keys::Purpose;
use crate::model::topic::text_for;
use crate::model::{
    Condition, FieldId, FieldTest, Filter, FormId, Import, ImportId, IssueId, Language, Newsletter,
    NewsletterId, Permission, SegmentId, Selection, SubscriptionStatus, Timestamp, TopicId, Tracking,
    search_words,
};
use crate::publishing::schedule::{moment, zone_of};
use crate::store::{self, Reader};
use crate::web::form::Form;
use crate::web::{App, PageError};

/// Longest text that somebody looks for: an address is no longer (RFC 5321, 4.5.3.1.3).
pub const FIND_MAX_CHARS: usize = 254;
/// Issues, and imports, that are offered to choose from: those of many years. One that was chosen before stays a choice.
const CHOICES_MAX: i64 = 1_000;

/// Something to choose in a `<select>`.
#[derive(Debug, Clone)]
pub struct Pick {
    pub value: String,
    pub label: String,
    pub is_chosen: bool,
}

impl Pick {
    pub fn of(value: impl Into<String>, label: impl Into<String>, chosen: &str) -> Self {
        let value = value.into();
        let is_chosen = value == chosen;
        Self { value, label: label.into(), is_chosen }
    }
}

/// Keeps what is chosen a choice, also where it is no longer offered: a browser would show the first one in its place, and
/// saving would change what is meant.
pub fn keep_chosen(t: Texts, picks: &mut Vec<Pick>, chosen: &str, name: &str) {
    if !chosen.is_empty() && !picks.iter().any(|pick| pick.is_chosen) {
        picks.push(Pick::of(chosen, t.with("people-not-offered", "value", name), chosen));
    }
}

/// A list as it was asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub newsletters: Vec<Newsletter>,
    pub newsletter: Option<Newsletter>,
    pub selection: Selection,
    /// What was looked for.
    pub find: String,
    /// All of it but the page, as a query.
    pub query: String,
    /// Whether it leaves anybody out, beside the newsletter.
    pub is_filtered: bool,
}

/// Text that was looked for, for an address.
pub fn seal(app: &App, find: &str) -> Result<String, PageError> {
    let find: String = find.trim().chars().take(FIND_MAX_CHARS).collect();
    let sealed = app.keys.seal(Purpose::Search, b"", find.as_bytes());
    let sealed = sealed.map_err(|error| PageError::internal("no randomness", error))?;
    Ok(BASE64URL_NOPAD.encode(&sealed))
}

fn unseal(app: &App, sealed: &str) -> Option<String> {
    let sealed = BASE64URL_NOPAD.decode(sealed.as_bytes()).ok()?;
    String::from_utf8(app.keys.unseal(Purpose::Search, b"", &sealed)?).ok()
}

/// When a day begins.
pub fn day(text: &str, zone: Tz, days_later: u64) -> Option<Timestamp> {
    let date = NaiveDate::parse_from_str(text.trim(), "%Y-%m-%d").ok()?;
    let date = date.checked_add_days(chrono::Days::new(days_later))?;
    moment(date.and_time(NaiveTime::MIN), zone).ok()
}

/// The day of a moment that [`day`] made.
pub fn day_of(at: Timestamp, zone: Tz) -> String {
    at.to_utc().with_timezone(&zone).format("%Y-%m-%d").to_string()
}

impl Asked {
    pub async fn read(app: &App, reader: &mut Reader, form: &Form) -> Result<Self, PageError> {
        /// What of a query is a filter; the rest is dropped.
        const KNOWN: [&str; 12] = [
            "newsletter",
            "find",
            "status",
            "language",
            "topic",
            "form",
            "from",
            "until",
            "issue",
            "segment",
            "field",
            "value",
        ];
        let actor = app.store.actor();
        let mut newsletters = store::newsletters::all(reader.db()).await?;
        newsletters.retain(|one| actor.may(Permission::SeeSubscribers, Some(one.id)));
        let wanted: Option<i64> = form.first("newsletter").parse().ok();
        let newsletter = match (newsletters.as_slice(), wanted) {
            ([only], _) => Some(only.clone()),
            (all, wanted) => all.iter().find(|known| Some(known.id.0) == wanted).cloned(),
        };
        // Another one in its place would be looked at, or changed, by mistake.
        if wanted.is_some() && newsletter.as_ref().map(|found| found.id.0) != wanted {
            return Err(PageError::NotFound);
        }
        // Who does not see all of them looks at one at a time.
        let sees_all = actor.may(Permission::SeeSubscribers, None);
        let newsletter = newsletter.or_else(|| newsletters.first().filter(|_| !sees_all).cloned());
        if newsletter.is_none() && !sees_all {
            return Err(PageError::Denied);
        }
        let zone = newsletter.as_ref().map_or(Tz::UTC, zone_of);
        let number = |name: &str| form.first(name).parse::<i64>().ok();
        let mut conditions = Vec::new();
        if let Ok(status) = form.first("status").parse::<SubscriptionStatus>() {
            conditions.push(Condition::Status { is: true, status });
        }
        if let Ok(language) = form.first("language").parse::<Language>() {
            conditions.push(Condition::Language { is: true, language });
        }
        if let Some(at) = day(form.first("from"), zone, 0) {
            conditions.push(Condition::SignedUpFrom { at });
        }
        if let Some(at) = day(form.first("until"), zone, 1) {
            conditions.push(Condition::SignedUpBefore { at });
        }
        let mut within = Filter::default();
        if let Some(newsletter) = &newsletter {
            conditions.extend(number("topic").map(|id| Condition::Topic { has: true, topic: TopicId(id) }));
            conditions.extend(number("form").map(|id| Condition::Form { is: true, form: FormId(id) }));
            if let Some((was, id)) = form.first("issue").split_once('-')
                && let Ok(id) = id.parse()
            {
                conditions.push(Condition::Mailed { was: was == "was", issue: IssueId(id) });
            }
            if let Some(id) = number("field") {
                let fields = store::fields::of_newsletter(reader.db(), newsletter.id).await?;
                let value = form.first("value").trim().to_owned();
                conditions.extend(fields.iter().find(|field| field.id.0 == id).map(|field| {
                    let test = if value.is_empty() { FieldTest::Given } else { FieldTest::Contains };
                    Condition::Field { field: FieldId(id), field_kind: field.kind, test, value }
                }));
            }
            if let Some(id) = number("segment") {
                let segment = store::segments::by_id(reader.db(), SegmentId(id)).await?;
                let segment = segment.filter(|segment| segment.newsletter_id == newsletter.id);
                let segment = segment.ok_or(PageError::NotFound)?;
                within = Filter::parse(&segment.filter)
                    .map_err(|error| PageError::internal("a segment cannot be read", error))?;
            }
        }
        let find = match form.first("find") {
            "" => String::new(),
            // Without it everybody would be selected.
            sealed => unseal(app, sealed).ok_or(PageError::BadRequest)?,
        };
        let mut words = search_words::words_typed(&find);
        if words.is_empty() && !find.trim().is_empty() {
            // Signs alone: nobody has such a word.
            words.push("!".to_owned());
        }
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form.fields() {
            if KNOWN.contains(&name.as_str()) && !value.is_empty() {
                query.append_pair(name, value);
            }
        }
        let filter = Filter::all(conditions).checked().map_err(|_| PageError::BadRequest)?;
        let selection = Selection {
            newsletter: newsletter.as_ref().map(|newsletter| newsletter.id),
            words,
            within,
            filter,
            ids: Vec::new(),
        };
        let is_filtered =
            !selection.filter.is_everyone() || !selection.within.is_everyone() || !selection.words.is_empty();
        Ok(Self { newsletters, newsletter, selection, find, query: query.finish(), is_filtered })
    }
}

/// What a filter names already: it can be chosen however many came after it.
#[derive(Debug, Clone, Default)]
pub struct Named {
    pub issues: Vec<IssueId>,
    pub imports: Vec<ImportId>,
}

impl Named {
    pub fn of(filter: &Filter) -> Self {
        let mut named = Self::default();
        for condition in filter.conditions() {
            match condition {
                Condition::Mailed { issue, .. } | Condition::Clicked { issue, .. } => {
                    named.issues.push(*issue);
                }
                Condition::Import { import, .. } => named.imports.push(*import),
                _ => {}
            }
        }
        named
    }
}

/// What can be chosen about the people of a newsletter.
#[derive(Debug, Clone, Default)]
pub struct Choices {
    pub topics: Vec<(i64, String)>,
    pub forms: Vec<(i64, String)>,
    pub fields: Vec<(crate::model::Field, String)>,
    pub issues: Vec<(i64, String)>,
    pub segments: Vec<(i64, String)>,
    pub imports: Vec<(i64, String)>,
    /// Whether clicks are counted of each person who agrees.
    pub counts_people: bool,
}

impl Choices {
    pub async fn of(
        reader: &mut Reader,
        t: Texts,
        newsletter: &Newsletter,
        named: &Named,
    ) -> Result<Self, PageError> {
        let id: NewsletterId = newsletter.id;
        let texts = store::topics::texts(reader.db(), id).await?;
        let topics = store::topics::of_newsletter(reader.db(), id).await?;
        let topic_name = |topic: &crate::model::Topic| {
            text_for(&texts, topic.id, t.language(), newsletter.language)
                .map_or_else(|| topic.key.clone(), |text| text.name.clone())
        };
        let labels = store::fields::texts_of_newsletter(reader.db(), id).await?;
        let fields = store::fields::of_newsletter(reader.db(), id).await?;
        let label = |field: &crate::model::Field| {
            let own = |language| {
                labels.iter().find(move |text| text.field_id == field.id && text.language == language)
            };
            own(t.language())
                .or_else(|| own(newsletter.language))
                .map_or_else(|| field.key.clone(), |text| text.label.clone())
        };
        let forms = store::forms::of_newsletter(reader.db(), id).await?;
        let segments = store::segments::list(reader.db(), Some(id)).await?;
        Ok(Self {
            counts_people: newsletter.tracking == Tracking::Person,
            topics: topics.iter().map(|topic| (topic.id.0, topic_name(topic))).collect(),
            forms: forms.into_iter().map(|form| (form.id.0, form.name)).collect(),
            fields: fields.into_iter().map(|field| (field.clone(), label(&field))).collect(),
            issues: issues(reader, id, &named.issues).await?,
            segments: segments.into_iter().map(|segment| (segment.id.0, segment.name)).collect(),
            imports: imports(reader, t, newsletter, &named.imports).await?,
        })
    }
}

/// The issues that were sent, and those that are named, if they are the newsletter's.
async fn issues(
    reader: &mut Reader,
    newsletter: NewsletterId,
    named: &[IssueId],
) -> Result<Vec<(i64, String)>, PageError> {
    let mut found = store::issues::sent(reader.db(), newsletter, CHOICES_MAX).await?;
    for id in named {
        if found.iter().any(|(known, ..)| known == id) {
            continue;
        }
        let issue = store::issues::by_id(reader.db(), *id).await?;
        let issue = issue.filter(|issue| issue.newsletter_id == newsletter);
        found.extend(issue.map(|issue| (issue.id, issue.number, issue.subject)));
    }
    Ok(found.into_iter().map(|(id, number, subject)| (id.0, format!("{number}. {subject}"))).collect())
}

/// The imports that brought people, and those that are named, if they are the newsletter's.
async fn imports(
    reader: &mut Reader,
    t: Texts,
    newsletter: &Newsletter,
    named: &[ImportId],
) -> Result<Vec<(i64, String)>, PageError> {
    let mut found = store::imports::that_ran(reader.db(), newsletter.id, CHOICES_MAX).await?;
    for id in named {
        if found.iter().any(|known| known.id == *id) {
            continue;
        }
        let import = store::imports::by_id(reader.db(), *id).await?;
        found.extend(import.filter(|import| import.newsletter_id == newsletter.id));
    }
    let zone = zone_of(newsletter);
    let name = |import: &Import| format!("{}, {}", import.file_name, t.date(import.created_at, zone));
    Ok(found.iter().map(|import| (import.id.0, name(import))).collect())
}
