//! The time zones that a form offers: one for each region and city, without the old names of some.

use std::sync::LazyLock;

use chrono_tz::TZ_VARIANTS;

/// Areas of the IANA database that people live in.
const AREAS: [&str; 9] =
    ["Africa", "America", "Antarctica", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific"];

/// The zones of an area.
#[derive(Debug)]
pub struct Area {
    pub name: &'static str,
    pub zones: Vec<Zone>,
}

#[derive(Debug)]
pub struct Zone {
    /// `Europe/Brussels`.
    pub id: &'static str,
    /// `Brussels`.
    pub city: String,
}

static ALL: LazyLock<Vec<Area>> = LazyLock::new(|| {
    let of = |area: &'static str| -> Vec<Zone> {
        let ids = TZ_VARIANTS.iter().map(|zone| zone.name());
        let here = ids.filter_map(|id| Some((id, id.strip_prefix(area)?.strip_prefix('/')?)));
        here.map(|(id, city)| Zone { id, city: city.replace('_', " ").replace('/', ", ") }).collect()
    };
    AREAS.into_iter().map(|name| Area { name, zones: of(name) }).collect()
});

pub fn all() -> &'static [Area] {
    &ALL
}

/// Whether the list has a zone; one that was set on the command line may be another.
pub fn has(id: &str) -> bool {
    all().iter().any(|area| area.zones.iter().any(|zone| zone.id == id))
}

/// The zone to begin with where nobody has said one: most readers of a language.
pub const fn of_language(language: crate::model::Language) -> &'static str {
    use crate::model::Language;
    match language {
        Language::Dutch | Language::English | Language::French => "Europe/Brussels",
        Language::German => "Europe/Berlin",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zones_of_the_languages_are_offered() {
        for language in crate::model::Language::ALL {
            assert!(has(of_language(*language)), "{language}");
        }
        assert!(has("America/Argentina/Buenos_Aires") && !has("US/Eastern") && !has("UTC"));
        assert!(all().iter().all(|area| !area.zones.is_empty()));
    }
}
