//! From the file, the environment and the files of secrets to one text for each setting.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin, relay_of};
use super::settings::{self, About, Fallback, Form, Place, Setting};
use super::{PATH_VARIABLE, TEST_VARIABLE_PREFIX, VARIABLE_PREFIX, values};

/// A setting as someone wrote it.
struct Given {
    text: String,
    origin: Origin,
    /// The text is the path of a file that holds the value.
    is_path: bool,
}

/// What one source gives, by key.
type Source = BTreeMap<String, Given>;

/// How the variables begin of relays that have a name.
const RELAYS_VARIABLE_PREFIX: &str = "POSTILJON_RELAYS_";

/// The texts of all sources, and every mistake that was found so far.
pub(super) struct Reader {
    given: Source,
    /// The names of `[relays.NAME]`, each with one place where it stands.
    relays: BTreeMap<String, Origin>,
    pub errors: Vec<ConfigError>,
}

/// A section that may stand several times: `[relay]`, or the `[relays.NAME]` of a name.
pub(super) struct Section<'a> {
    reader: &'a mut Reader,
    relay: Option<&'a str>,
}

impl Reader {
    /// Reads the sources. A variable of the environment wins over the file.
    pub fn new(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Self {
        let mut reader = Self { given: Source::new(), relays: BTreeMap::new(), errors: Vec::new() };
        let mut given = file.map(|path| reader.file(path)).unwrap_or_default();
        given.extend(reader.environment(environment));
        for (key, given) in given {
            if let Some(given) = reader.resolve(&key, given) {
                reader.given.insert(key, given);
            }
        }
        reader
    }

    /// The settings of `[relay]`, or of the `[relays.NAME]` of a name.
    pub fn relay<'a>(&'a mut self, relay: Option<&'a str>) -> Section<'a> {
        Section { reader: self, relay }
    }

    /// The names of `[relays.NAME]`, each with one place where it stands.
    pub fn relays(&self) -> &BTreeMap<String, Origin> {
        &self.relays
    }

    /// Whether `[relay]` says anything.
    pub fn has_main_relay(&self) -> bool {
        settings::ALL.iter().any(|about| about.is_of_relay() && self.is_given(about))
    }

    /// The value of a setting: as given, or its default. `None` when it has no default, or when what was given
    /// is wrong; then the mistake is noted.
    pub fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        self.relay(None).get(setting)
    }

    pub fn is_given(&self, about: &About) -> bool {
        self.given.contains_key(about.key)
    }

    /// Notes that a setting does not go together with another. `problem` is whole sentences.
    pub fn contradiction(&mut self, about: &About, problem: impl Into<String>) {
        self.relay(None).contradiction(about, problem);
    }

    fn file(&mut self, path: &Path) -> Source {
        let mut source = Source::new();
        let origin = |line| Origin::File { path: path.to_owned(), line };
        let text = match values::read_file(path) {
            Ok(text) => text,
            Err(complaint) => {
                let advice = "`postiljon config example` prints one to begin with.";
                let problem = format!("{complaint}. {advice}");
                self.errors.push(ConfigError::new("the file", origin(None), problem));
                return source;
            }
        };
        let line = |at: usize| Some(1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count());
        let (table, errors) = DeTable::parse_recoverable(&text);
        for error in &errors {
            let origin = origin(error.span().and_then(|span| line(span.start)));
            self.errors.push(ConfigError::new(
                "the file",
                origin,
                format!("is not TOML here: {}.", error.message()),
            ));
        }
        if errors.is_empty() {
            self.table("", table.get_ref(), &|at| origin(line(at)), &mut source);
        }
        source
    }

    /// Takes every value of a table, `prefix` being the keys above it.
    fn table(
        &mut self,
        prefix: &str,
        table: &DeTable<'_>,
        origin: &dyn Fn(usize) -> Origin,
        into: &mut Source,
    ) {
        for (name, value) in table {
            let key = format!("{prefix}{}", name.get_ref());
            let origin_here = origin(name.span().start);
            match (find_key(&key), value.get_ref()) {
                (Some((place, is_path)), value) => {
                    let form = if is_path { Form::Text } else { place.about.form };
                    match as_text(form, value) {
                        Ok(text) => self.give(into, place, Given { text, origin: origin_here, is_path }),
                        Err(complaint) => {
                            let example = place.about.toml_line();
                            let problem = format!("{complaint}. Write for example `{example}`.");
                            self.errors.push(ConfigError::new(key, origin_here, problem));
                        }
                    }
                }
                (None, DeValue::Table(inner)) if prefix == "relays." => {
                    if self.name_relay(name.get_ref(), &key, origin_here) {
                        self.table(&format!("{key}."), inner, origin, into);
                    }
                }
                (None, DeValue::Table(inner)) if prefix.is_empty() && !inner.is_empty() => {
                    self.table(&format!("{key}."), inner, origin, into);
                }
                // An empty section says nothing, but its name must be one.
                (None, DeValue::Table(_)) if key == "relays" || is_section(&key) => {}
                (None, _) => self.errors.push(ConfigError::unknown(key, origin_here)),
            }
        }
    }

    /// Notes that there is a relay of this name, or that it cannot be one. `written` is what was read.
    fn name_relay(&mut self, name: &str, written: &str, origin: Origin) -> bool {
        let is_right = values::is_relay_name(name);
        if is_right {
            self.relays.entry(name.to_owned()).or_insert(origin);
        } else {
            let problem = "the name of a relay has small letters, digits and hyphens, at most 32. Write for example \
                           [relays.second].";
            self.errors.push(ConfigError::new(written, origin, problem));
        }
        is_right
    }

    fn environment(&mut self, environment: impl Iterator<Item = (String, String)>) -> Source {
        let mut source = Source::new();
        for (variable, text) in environment {
            let is_ours = variable.starts_with(VARIABLE_PREFIX)
                && !variable.starts_with(TEST_VARIABLE_PREFIX)
                && variable != PATH_VARIABLE;
            let origin = Origin::Environment(variable.clone());
            match find_variable(&variable) {
                _ if !is_ours => {}
                // Compose files and units pass on variables that nobody set as empty ones.
                Some(_) if text.is_empty() => {}
                Some((about, None, is_path)) => {
                    self.give(&mut source, about.into(), Given { text, origin, is_path });
                }
                Some((about, Some(relay), is_path)) => {
                    if self.name_relay(&relay, &variable, origin.clone()) {
                        let place = Place::of(about, Some(&relay));
                        self.give(&mut source, place, Given { text, origin, is_path });
                    }
                }
                None => self.errors.push(ConfigError::unknown(variable, origin)),
            }
        }
        source
    }

    fn give(&mut self, source: &mut Source, place: Place<'_>, given: Given) {
        let origin = given.origin.clone();
        let key = place.key();
        if source.insert(key.clone(), given).is_some() {
            let problem = format!("it is given twice, by itself and by {key}_file. Remove one of them.");
            self.errors.push(ConfigError::new(key, origin, problem));
        }
    }

    /// Reads the file of a secret. Editors end a file with a line break, which is no part of it.
    fn resolve(&mut self, key: &str, given: Given) -> Option<Given> {
        if !given.is_path {
            return Some(given);
        }
        match values::read_file(Path::new(&given.text)) {
            Ok(text) => {
                let text = text.trim_end_matches(['\r', '\n']).to_owned();
                Some(Given { text, origin: given.origin, is_path: false })
            }
            Err(complaint) => {
                let problem = format!(
                    "the file \"{}\" {complaint}. Write the path of a file with the secret.",
                    given.text
                );
                self.errors.push(ConfigError::new(format!("{key}_file"), given.origin, problem));
                None
            }
        }
    }
}

impl Section<'_> {
    /// As [`Reader::get`].
    pub fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let place = Place::of(&setting.about, self.relay);
        match (self.reader.given.get(&place.key()), setting.about.fallback) {
            (Some(given), _) => match (setting.parse)(&given.text) {
                Ok(value) => Some(value),
                Err(complaint) => {
                    let error = ConfigError::wrong(place, given.origin.clone(), &given.text, &complaint);
                    self.reader.errors.push(error);
                    None
                }
            },
            (None, Fallback::Value(text)) => (setting.parse)(text).ok(),
            (None, Fallback::Example(_)) => None,
        }
    }

    pub fn is_given(&self, about: &About) -> bool {
        self.reader.given.contains_key(&self.key(about))
    }

    /// How the setting is called here.
    pub fn key(&self, about: &About) -> String {
        Place::of(about, self.relay).key()
    }

    /// As [`Reader::contradiction`].
    pub fn contradiction(&mut self, about: &About, problem: impl Into<String>) {
        let key = self.key(about);
        let origin = self.reader.given.get(&key).map_or(Origin::Nowhere, |given| given.origin.clone());
        self.reader.errors.push(ConfigError::new(key, origin, problem));
    }

    /// Notes a setting that must be there. `why` is a whole sentence.
    pub fn missing(&mut self, about: &About, why: &str) {
        self.reader.errors.push(ConfigError::missing(Place::of(about, self.relay), why));
    }
}

fn is_section(name: &str) -> bool {
    settings::ALL.iter().any(|about| about.section() == name)
}

/// The setting that has this key, and whether the key is that of its file.
fn find_key(key: &str) -> Option<(Place<'_>, bool)> {
    let relay = relay_of(key);
    settings::ALL.iter().map(|about| Place::of(about, relay)).find_map(|place| {
        let at = place.keys().iter().position(|known| known == key)?;
        Some((place, at == 1))
    })
}

/// The setting that has this variable, the relay in whose table it stands, and whether the variable is that of
/// its file.
fn find_variable(variable: &str) -> Option<(&'static About, Option<String>, bool)> {
    let plain = settings::ALL.iter().find_map(|about| {
        let at = Place::from(about).variables().iter().position(|known| known == variable)?;
        Some((about, None, at == 1))
    });
    if plain.is_some() {
        return plain;
    }
    let rest = variable.strip_prefix(RELAYS_VARIABLE_PREFIX)?;
    // SECOND_HELLO_NAME ends with the names of no other setting; the longest wins all the same.
    let ends = settings::ALL.iter().filter(|about| about.is_of_relay()).flat_map(|about| {
        let names = Place::from(about).variables();
        names.into_iter().enumerate().map(move |(at, name)| (about, name, at == 1))
    });
    ends.filter_map(|(about, name, is_path)| {
        let end = name.strip_prefix(VARIABLE_PREFIX)?.strip_prefix("RELAY")?;
        let relay = rest.strip_suffix(end).filter(|relay| !relay.is_empty())?;
        Some((end.len(), (about, Some(relay.to_ascii_lowercase().replace('_', "-")), is_path)))
    })
    .max_by_key(|(length, _)| *length)
    .map(|(_, found)| found)
}

/// A TOML value as the text that its parser reads.
fn as_text(form: Form, value: &DeValue<'_>) -> Result<String, String> {
    let wanted = match form {
        Form::Text | Form::Secret => "a text in quotes",
        Form::Integer => "a whole number without quotes",
        Form::Boolean => "true or false without quotes",
        Form::List => "a list of texts in brackets",
    };
    let text = match (form, value) {
        (Form::Text | Form::Secret, DeValue::String(text)) => Some(text.to_string()),
        (Form::Integer, DeValue::Integer(number)) => {
            i64::from_str_radix(number.as_str(), number.radix()).ok().map(|number| number.to_string())
        }
        (Form::Boolean, DeValue::Boolean(value)) => Some(value.to_string()),
        (Form::List, DeValue::Array(items)) => {
            let items: Option<Vec<&str>> = items.iter().map(|item| item.get_ref().as_str()).collect();
            items.map(|items| items.join(","))
        }
        _ => None,
    };
    text.ok_or_else(|| format!("it is of type {}, but must be {wanted}", value.type_str()))
}
