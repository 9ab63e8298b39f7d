//! Which subscriptions are meant: a filter that people put together without SQL, and that is kept as JSON.
//!
//! To add a condition: a variant of [`Condition`], its SQL in `store/filter.rs`, and its row of the builder in
//! `web/admin/subscribers/conditions.rs`. The compiler names the places.

use super::{
    FieldId, FieldKind, FormId, ImportId, IssueId, Language, NewsletterId, SubscriptionId,
    SubscriptionStatus, Timestamp, TopicId,
};

/// Most conditions of a filter: what has more, nobody understands any longer.
pub const CONDITIONS_MAX: usize = 20;
/// Most groups.
pub const GROUPS_MAX: usize = 5;
/// Longest value of a condition, in characters: that of a field.
pub const VALUE_MAX_CHARS: usize = 500;
/// Of the JSON. A newer one is not understood, and then nothing is selected.
const VERSION: u32 = 1;

text_enum!(
    /// How conditions are joined.
    Joined {
        All = "all",
        Any = "any",
    }
);

text_enum!(
    /// What is asked of an answer.
    FieldTest {
        Is = "is",
        IsNot = "is_not",
        Contains = "contains",
        AtLeast = "at_least",
        AtMost = "at_most",
        Given = "given",
        NotGiven = "not_given",
    }
);

/// One thing that is asked of a subscription.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Condition {
    Status {
        is: bool,
        status: SubscriptionStatus,
    },
    Language {
        is: bool,
        language: Language,
    },
    Topic {
        has: bool,
        topic: TopicId,
    },
    Form {
        is: bool,
        form: FormId,
    },
    Import {
        is: bool,
        import: ImportId,
    },
    Field {
        field: FieldId,
        field_kind: FieldKind,
        test: FieldTest,
        value: String,
    },
    /// On or after a moment.
    SignedUpFrom {
        at: Timestamp,
    },
    /// Before a moment.
    SignedUpBefore {
        at: Timestamp,
    },
    /// Whether an issue was sent to this person: the relay took it.
    Mailed {
        was: bool,
        issue: IssueId,
    },
    /// Whether this person followed a link of an issue: known only of those who agreed to be counted, and as long as they do.
    Clicked {
        has: bool,
        issue: IssueId,
    },
}

/// Conditions that are joined in one way.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Group {
    pub joined: Joined,
    pub conditions: Vec<Condition>,
}

/// Groups that are joined in one way; without any it means everyone.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Filter {
    version: u32,
    pub joined: Joined,
    pub groups: Vec<Group>,
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FilterError {
    #[error("the filter has more than {CONDITIONS_MAX} conditions, or more than {GROUPS_MAX} groups")]
    TooMany,
    #[error("a value of the filter is longer than {VALUE_MAX_CHARS} characters")]
    TooLong,
    #[error("the filter has no conditions")]
    Empty,
    #[error("the filter cannot be read: {0}")]
    Unreadable(String),
}

impl Default for Filter {
    fn default() -> Self {
        Self::of(Joined::All, Vec::new())
    }
}

impl Filter {
    pub const fn of(joined: Joined, groups: Vec<Group>) -> Self {
        Self { version: VERSION, joined, groups }
    }

    /// All of these conditions.
    pub fn all(conditions: Vec<Condition>) -> Self {
        Self::of(Joined::All, vec![Group { joined: Joined::All, conditions }])
    }

    pub fn conditions(&self) -> impl Iterator<Item = &Condition> {
        self.groups.iter().flat_map(|group| &group.conditions)
    }

    /// Whether it leaves nobody out.
    pub fn is_everyone(&self) -> bool {
        self.conditions().next().is_none()
    }

    /// Holds the limits.
    ///
    /// # Errors
    /// [`FilterError`].
    pub fn checked(self) -> Result<Self, FilterError> {
        if self.conditions().count() > CONDITIONS_MAX || self.groups.len() > GROUPS_MAX {
            return Err(FilterError::TooMany);
        }
        let long = |condition: &Condition| match condition {
            Condition::Field { value, .. } => value.chars().count() > VALUE_MAX_CHARS,
            _ => false,
        };
        if self.conditions().any(long) { Err(FilterError::TooLong) } else { Ok(self) }
    }

    /// As it is kept.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// As it was kept.
    ///
    /// # Errors
    /// [`FilterError::Unreadable`], also of a version that is not known here; and the limits.
    pub fn parse(json: &str) -> Result<Self, FilterError> {
        let filter: Self =
            serde_json::from_str(json).map_err(|error| FilterError::Unreadable(error.to_string()))?;
        if filter.version != VERSION {
            return Err(FilterError::Unreadable(format!("version {}", filter.version)));
        }
        filter.checked()
    }
}

/// Who is shown, exported or changed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Selection {
    /// Of this newsletter only.
    pub newsletter: Option<NewsletterId>,
    pub filter: Filter,
    /// To whom this filter applies too: that of a segment.
    #[serde(default)]
    pub within: Filter,
    /// Beginnings of words that stand in address or name ([`super::search_words`]); all of them.
    pub words: Vec<String>,
    /// Exactly these, if any: those that were ticked.
    pub ids: Vec<SubscriptionId>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_is_read_as_it_was_written_and_never_by_guess() {
        let filter = Filter::all(vec![
            Condition::Status { is: true, status: SubscriptionStatus::Confirmed },
            Condition::Field {
                field: FieldId(3),
                field_kind: FieldKind::Text,
                test: FieldTest::Contains,
                value: "a'b".into(),
            },
            Condition::SignedUpFrom { at: Timestamp::from_millis(1_767_268_800_000) },
        ]);
        assert_eq!(Filter::parse(&filter.to_json()), Ok(filter.clone()));
        let newer = filter.to_json().replace("\"version\":1", "\"version\":2");
        assert!(matches!(Filter::parse(&newer), Err(FilterError::Unreadable(_))));
        let unknown = filter.to_json().replace("\"status\"", "\"clicked\"");
        assert!(matches!(Filter::parse(&unknown), Err(FilterError::Unreadable(_))));
    }

    #[test]
    fn a_filter_has_limits() {
        let condition = Condition::Language { is: true, language: Language::Dutch };
        assert!(Filter::all(vec![condition.clone(); CONDITIONS_MAX]).checked().is_ok());
        let many = Filter::all(vec![condition; CONDITIONS_MAX + 1]);
        assert_eq!(many.clone().checked(), Err(FilterError::TooMany));
        assert_eq!(Filter::parse(&many.to_json()), Err(FilterError::TooMany));
    }
}
