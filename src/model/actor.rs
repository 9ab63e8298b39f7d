//! Who acts, and what they may do. The one table of permissions is [`Role::may`]; `docs/operating.md` has it in words,
//! and a test compares the two.
//!
//! To add something that not everybody may do: a value of [`Permission`], its line in [`Role::may`] and in
//! [`Permission::scope`], and a row in the table of the docs.

use std::sync::Arc;

use super::{NewsletterId, UserId};

text_enum!(
    /// What somebody is, for one newsletter or for all.
    Role {
        /// Also settings, people, relays, exports and erasing.
        Owner = "owner",
        /// Also composes, approves and schedules, and sees the subscribers.
        Editor = "editor",
        /// Also writes articles, and puts them into issues that are not sent yet.
        Author = "author",
        /// Reads articles, issues and reports.
        Viewer = "viewer",
    }
);

text_enum!(
    /// What somebody wants to do.
    Permission {
        /// A newsletter with its issues, mailings and reports.
        SeeNewsletter = "see_newsletter",
        SeeArticles = "see_articles",
        WriteArticles = "write_articles",
        /// Let readers see an article or a change of it, and withdraw it.
        PublishArticles = "publish_articles",
        /// Make and save issues that are not scheduled.
        DraftIssues = "draft_issues",
        /// Send an issue to colleagues, and keep groups of them.
        TestIssues = "test_issues",
        ApproveIssues = "approve_issues",
        /// Schedule, pause, resume, cancel, send again.
        SendIssues = "send_issues",
        WriteWelcome = "write_welcome",
        /// Rules by which issues are made, and their runs.
        SetDigests = "set_digests",
        SeeSubscribers = "see_subscribers",
        ChangeSubscribers = "change_subscribers",
        ImportSubscribers = "import_subscribers",
        ExportSubscribers = "export_subscribers",
        EraseSubscribers = "erase_subscribers",
        /// Its words, sender, look, forms, fields and topics.
        SetNewsletter = "set_newsletter",
        AddNewsletters = "add_newsletters",
        SetRelays = "set_relays",
        /// The keys that sign for the domains of senders.
        SetDomains = "set_domains",
        /// For how long what is kept.
        SetRetention = "set_retention",
        /// Feeds from which articles come.
        SetSources = "set_sources",
        ManagePeople = "manage_people",
        /// What everybody did.
        ReadAudit = "read_audit",
    }
);

/// What a permission is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// One newsletter: the role for it counts.
    Newsletter,
    /// What belongs to no newsletter, and serves all: a role for any of them is enough.
    Anywhere,
    /// The installation: only a role for all newsletters counts.
    Installation,
}

impl Permission {
    pub const fn scope(self) -> Scope {
        match self {
            Self::SeeArticles | Self::WriteArticles | Self::PublishArticles => Scope::Anywhere,
            Self::AddNewsletters
            | Self::SetRelays
            | Self::SetDomains
            | Self::SetRetention
            | Self::SetSources
            | Self::ManagePeople
            | Self::ReadAudit => Scope::Installation,
            _ => Scope::Newsletter,
        }
    }
}

impl Role {
    /// The table of permissions.
    pub const fn may(self, permission: Permission) -> bool {
        match permission {
            Permission::SeeNewsletter | Permission::SeeArticles => true,
            Permission::WriteArticles | Permission::PublishArticles | Permission::DraftIssues => {
                matches!(self, Self::Owner | Self::Editor | Self::Author)
            }
            Permission::TestIssues
            | Permission::ApproveIssues
            | Permission::SendIssues
            | Permission::WriteWelcome
            | Permission::SetDigests
            | Permission::SetSources
            | Permission::SeeSubscribers
            | Permission::ChangeSubscribers => matches!(self, Self::Owner | Self::Editor),
            Permission::ImportSubscribers
            | Permission::ExportSubscribers
            | Permission::EraseSubscribers
            | Permission::SetNewsletter
            | Permission::AddNewsletters
            | Permission::SetRelays
            | Permission::SetDomains
            | Permission::SetRetention
            | Permission::ManagePeople
            | Permission::ReadAudit => matches!(self, Self::Owner),
        }
    }
}

/// A role for a newsletter, or for all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow, serde::Serialize)]
pub struct Grant {
    /// `None`: all, also those that are added later.
    pub newsletter_id: Option<NewsletterId>,
    pub role: Role,
}

impl Grant {
    pub const fn of_all(role: Role) -> Self {
        Self { newsletter_id: None, role }
    }

    pub const fn of_one(newsletter: NewsletterId, role: Role) -> Self {
        Self { newsletter_id: Some(newsletter), role }
    }

    /// Whether it makes its holder an owner of everything, of which one always remains.
    pub fn is_full(&self) -> bool {
        *self == Self::of_all(Role::Owner)
    }

    fn covers(&self, newsletter: NewsletterId) -> bool {
        self.newsletter_id.is_none_or(|id| id == newsletter)
    }
}

/// In whose name something is done. Cheap to clone.
#[derive(Debug, Clone)]
pub enum Actor {
    /// Who has the machine: the command line, the engine, the demo's preparation. May everything.
    Operator,
    /// Nobody who is signed in. The verbs of a visitor (sign up, confirm, leave) ask for no permission; all others refuse.
    Visitor,
    /// Somebody who works at the desk.
    User(Arc<Person>),
}

/// Somebody who works at the desk, and what they were granted.
#[derive(Debug, Clone)]
pub struct Person {
    pub id: UserId,
    pub name: String,
    pub grants: Vec<Grant>,
    /// `None`: they are here themselves.
    pub by_key: Option<ByKey>,
}

/// A key of the API by which somebody acts, and all that it lets through of what they may.
#[derive(Debug, Clone)]
pub struct ByKey {
    pub name: String,
    pub permissions: Vec<Permission>,
}

impl Person {
    /// Whether the key lets something through, if they come by one.
    fn is_let_through(&self, permission: Permission) -> bool {
        self.by_key.as_ref().is_none_or(|key| key.permissions.contains(&permission))
    }
}

/// Why something may not be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Denied {
    pub permission: Permission,
    /// The newsletter is none of theirs: they are not told that it exists.
    pub is_hidden: bool,
}

impl std::fmt::Display for Denied {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "you may not do this (it needs the permission {}); ask an owner", self.permission)
    }
}

impl Actor {
    pub fn user(id: UserId, name: &str, grants: Vec<Grant>) -> Self {
        Self::User(Arc::new(Person { id, name: name.to_owned(), grants, by_key: None }))
    }

    /// The same by a key of the API, which never lets more through than they may themselves.
    pub fn by_key(id: UserId, name: &str, grants: Vec<Grant>, key: ByKey) -> Self {
        Self::User(Arc::new(Person { id, name: name.to_owned(), grants, by_key: Some(key) }))
    }

    /// How they are called; empty for the operator and for visitors.
    pub fn name(&self) -> &str {
        match self {
            Self::User(person) => &person.name,
            Self::Operator | Self::Visitor => "",
        }
    }

    /// Whether it is somebody who works at the desk, and not a key of theirs.
    pub fn is_present(&self) -> bool {
        matches!(self, Self::User(person) if person.by_key.is_none())
    }

    /// Who it is, of those who work at the desk.
    pub fn user_id(&self) -> Option<UserId> {
        match self {
            Self::User(person) => Some(person.id),
            Self::Operator | Self::Visitor => None,
        }
    }

    /// Whether something may be done with a newsletter; `None`: with all of them, or with what belongs to none.
    pub fn may(&self, permission: Permission, newsletter: Option<NewsletterId>) -> bool {
        let person = match self {
            Self::Operator => return true,
            Self::Visitor => return false,
            Self::User(person) => person,
        };
        if !person.is_let_through(permission) {
            return false;
        }
        person.grants.iter().filter(|grant| grant.role.may(permission)).any(|grant| {
            match (permission.scope(), newsletter) {
                (Scope::Anywhere, _) => true,
                (Scope::Installation, _) | (Scope::Newsletter, None) => grant.newsletter_id.is_none(),
                (Scope::Newsletter, Some(newsletter)) => grant.covers(newsletter),
            }
        })
    }

    /// Whether something may be done with some newsletter at least: whether its list has anything to show.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        match self {
            Self::User(person) if permission.scope() == Scope::Newsletter => {
                person.is_let_through(permission)
                    && person.grants.iter().any(|grant| grant.role.may(permission))
            }
            _ => self.may(permission, None),
        }
    }

    /// Whether somebody knows of a newsletter.
    pub fn sees(&self, newsletter: NewsletterId) -> bool {
        self.may(Permission::SeeNewsletter, Some(newsletter))
    }

    /// # Errors
    /// [`Denied`].
    pub fn permit(&self, permission: Permission, newsletter: Option<NewsletterId>) -> Result<(), Denied> {
        if self.may(permission, newsletter) {
            return Ok(());
        }
        let is_hidden = newsletter.is_some_and(|newsletter| !self.sees(newsletter));
        Err(Denied { permission, is_hidden })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINE: NewsletterId = NewsletterId(1);
    const THEIRS: NewsletterId = NewsletterId(2);

    fn who(grants: &[Grant]) -> Actor {
        Actor::user(UserId(1), "An", grants.to_vec())
    }

    #[test]
    fn each_role_may_what_the_next_may_and_more() {
        for pair in Role::ALL.windows(2) {
            let count = |role: Role| Permission::ALL.iter().filter(|one| role.may(**one)).count();
            assert!(count(pair[0]) > count(pair[1]), "{} and {}", pair[0], pair[1]);
            for permission in Permission::ALL {
                assert!(pair[0].may(*permission) || !pair[1].may(*permission), "{} {permission}", pair[0]);
            }
        }
        assert!(Permission::ALL.iter().all(|permission| Role::Owner.may(*permission)));
    }

    #[test]
    fn a_role_counts_for_its_newsletter_and_the_installation_needs_all() {
        let owner = who(&[Grant::of_one(MINE, Role::Owner)]);
        assert!(owner.may(Permission::SendIssues, Some(MINE)));
        assert!(!owner.may(Permission::SeeNewsletter, Some(THEIRS)));
        assert!(
            !owner.may(Permission::SeeNewsletter, None) && owner.may_somewhere(Permission::SeeNewsletter)
        );
        assert!(owner.may(Permission::WriteArticles, None));
        for permission in [Permission::ManagePeople, Permission::SetRelays, Permission::AddNewsletters] {
            assert!(!owner.may(permission, None) && !owner.may(permission, Some(MINE)), "{permission}");
            assert!(!owner.may_somewhere(permission), "{permission}");
        }
        let all = who(&[Grant::of_all(Role::Owner)]);
        assert!(Permission::ALL.iter().all(|one| all.may(*one, None) && all.may(*one, Some(THEIRS))));
    }

    #[test]
    fn roles_do_not_add_up_across_newsletters() {
        let both = who(&[Grant::of_one(MINE, Role::Viewer), Grant::of_one(THEIRS, Role::Editor)]);
        assert!(
            both.may(Permission::SendIssues, Some(THEIRS)) && !both.may(Permission::SendIssues, Some(MINE))
        );
        let denied = both.permit(Permission::SendIssues, Some(MINE)).expect_err("denied");
        assert!(!denied.is_hidden);
        assert!(both.permit(Permission::SendIssues, Some(NewsletterId(3))).expect_err("denied").is_hidden);
    }

    #[test]
    fn a_key_lets_through_what_it_was_given_of_what_its_owner_may() {
        let key = |grants: &[Grant]| {
            let permissions = vec![Permission::SeeNewsletter, Permission::WriteArticles];
            Actor::by_key(UserId(1), "An", grants.to_vec(), ByKey { name: "Blog".into(), permissions })
        };
        let (author, viewer) =
            (key(&[Grant::of_one(MINE, Role::Author)]), key(&[Grant::of_all(Role::Viewer)]));
        assert!(author.may(Permission::WriteArticles, None) && author.sees(MINE) && !author.sees(THEIRS));
        assert!(!author.may(Permission::SeeArticles, None), "it was not given");
        assert!(
            !author.may_somewhere(Permission::DraftIssues) && author.may_somewhere(Permission::SeeNewsletter)
        );
        assert!(!viewer.may(Permission::WriteArticles, None), "its owner may not");
        assert!(!author.is_present() && who(&[]).is_present());
        for permission in Permission::ALL {
            let owner = key(&[Grant::of_all(Role::Owner)]);
            let is_given = matches!(permission, Permission::SeeNewsletter | Permission::WriteArticles);
            assert_eq!(owner.may(*permission, None), is_given, "{permission}");
            assert_eq!(owner.may_somewhere(*permission), is_given, "{permission}");
        }
    }

    #[test]
    fn a_visitor_may_nothing_and_the_operator_everything() {
        for permission in Permission::ALL {
            assert!(!Actor::Visitor.may(*permission, None) && !Actor::Visitor.may(*permission, Some(MINE)));
            assert!(Actor::Operator.may(*permission, None) && Actor::Operator.may(*permission, Some(MINE)));
        }
        assert!(!who(&[]).may_somewhere(Permission::SeeNewsletter));
        assert!(!who(&[]).may(Permission::SeeArticles, None));
    }
}
