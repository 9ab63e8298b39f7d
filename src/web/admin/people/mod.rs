//! `/admin/people`: who works at the desk, what each may do, and what they did.

pub mod list;
pub mod log;
pub mod person;

use actix_web::web::{ServiceConfig, resource};

use crate::i18n::Texts;
use crate::model::{Grant, Newsletter, NewsletterId, Role};
use crate::web::form::Form;

pub fn configure(config: &mut ServiceConfig) {
    config
        .service(resource("/admin/people").get(list::get).post(list::invite))
        .service(resource("/admin/people/log").get(log::get))
        .service(resource("/admin/people/rules").post(list::rules))
        .service(resource("/admin/people/{id}").get(person::get).post(person::save))
        .service(resource("/admin/people/{id}/{move}").post(person::make_move));
}

/// The choice of a role, for one newsletter or for all.
pub struct RoleField {
    /// `role-all` or `role-3`.
    pub name: String,
    pub label: String,
    pub chosen: Option<Role>,
}

impl RoleField {
    fn is(&self, role: &Role) -> bool {
        self.chosen == Some(*role)
    }
}

/// A choice for all newsletters, and one for each.
fn role_fields(
    t: Texts,
    newsletters: &[Newsletter],
    chosen: impl Fn(Option<NewsletterId>) -> Option<Role>,
) -> Vec<RoleField> {
    let all = RoleField {
        name: "role-all".to_owned(),
        label: t.text("people-all-newsletters"),
        chosen: chosen(None),
    };
    let one = |newsletter: &Newsletter| RoleField {
        name: format!("role-{}", newsletter.id),
        label: newsletter.name.clone(),
        chosen: chosen(Some(newsletter.id)),
    };
    std::iter::once(all).chain(newsletters.iter().map(one)).collect()
}

fn role_in(grants: &[Grant], newsletter: Option<NewsletterId>) -> Option<Role> {
    grants.iter().find(|grant| grant.newsletter_id == newsletter).map(|grant| grant.role)
}

fn role_typed(form: &Form, newsletter: Option<NewsletterId>) -> Option<Role> {
    let name = newsletter.map_or_else(|| "role-all".to_owned(), |id| format!("role-{id}"));
    form.first(&name).parse().ok()
}

/// What a form grants.
fn grants_typed(form: &Form, newsletters: &[Newsletter]) -> Vec<Grant> {
    let places = std::iter::once(None).chain(newsletters.iter().map(|newsletter| Some(newsletter.id)));
    places
        .filter_map(|newsletter_id| Some(Grant { newsletter_id, role: role_typed(form, newsletter_id)? }))
        .collect()
}

/// "Owner of all newsletters", "Editor of Insights · Viewer of Weekly".
fn grants_in_words(t: Texts, grants: &[Grant], newsletters: &[Newsletter]) -> String {
    if grants.is_empty() {
        return t.text("people-no-role");
    }
    let words = grants.iter().map(|grant| {
        let role = t.text(&format!("role-{}", grant.role));
        match grant.newsletter_id {
            None => t.with("people-role-all", "role", role),
            Some(id) => {
                let name = newsletters
                    .iter()
                    .find(|one| one.id == id)
                    .map_or_else(|| id.to_string(), |one| one.name.clone());
                t.with2("people-role-of", "role", role, "newsletter", name)
            }
        }
    });
    words.collect::<Vec<_>>().join(" · ")
}
