//! From the file, the environment and the files of secrets to one text for each setting.

use std::collections::BTreeMap;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::error::{ConfigError, Origin, keys, variables};
use super::settings::{self, About, Fallback, Form, Setting};
use super::{PATH_VARIABLE, TEST_VARIABLE_PREFIX, VARIABLE_PREFIX, values};

/// A setting as someone wrote it.
struct Given {
    text: String,
    origin: Origin,
    /// The text is the path of a file that holds the value.
    is_path: bool,
}

/// What one source gives, by key.
type Source = BTreeMap<&'static str, Given>;

/// The texts of all sources, and every mistake that was found so far.
pub(super) struct Reader {
    given: Source,
    pub errors: Vec<ConfigError>,
}

impl Reader {
    /// Reads the sources. A variable of the environment wins over the file.
    pub fn new(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Self {
        let mut reader = Self { given: Source::new(), errors: Vec::new() };
        let mut given = file.map(|path| reader.file(path)).unwrap_or_default();
        given.extend(reader.environment(environment));
        for (key, given) in given {
            if let Some(given) = reader.resolve(key, given) {
                reader.given.insert(key, given);
            }
        }
        reader
    }

    /// The value of a setting: as given, or its default. `None` when it has no default, or when what was given
    /// is wrong; then the mistake is noted.
    pub fn get<T>(&mut self, setting: &Setting<T>) -> Option<T> {
        let about = &setting.about;
        match (self.given.get(about.key), about.fallback) {
            (Some(given), _) => match (setting.parse)(&given.text) {
                Ok(value) => Some(value),
                Err(complaint) => {
                    let error = ConfigError::wrong(about, given.origin.clone(), &given.text, &complaint);
                    self.errors.push(error);
                    None
                }
            },
            (None, Fallback::Value(text)) => (setting.parse)(text).ok(),
            (None, Fallback::Example(_)) => None,
        }
    }

    pub fn is_given(&self, about: &About) -> bool {
        self.given.contains_key(about.key)
    }

    /// Notes that a setting does not go together with another. `problem` is whole sentences.
    pub fn contradiction(&mut self, about: &About, problem: impl Into<String>) {
        let origin = self.given.get(about.key).map_or(Origin::Nowhere, |given| given.origin.clone());
        self.errors.push(ConfigError::new(about.key, origin, problem));
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
            let found = find(keys, &key);
            match (found, value.get_ref()) {
                (Some((about, is_path)), value) => {
                    let form = if is_path { Form::Text } else { about.form };
                    match as_text(form, value) {
                        Ok(text) => self.give(into, about, Given { text, origin: origin_here, is_path }),
                        Err(complaint) => {
                            let problem = format!("{complaint}. Write for example `{}`.", about.toml_line());
                            self.errors.push(ConfigError::new(key, origin_here, problem));
                        }
                    }
                }
                (None, DeValue::Table(inner)) if prefix.is_empty() && !inner.is_empty() => {
                    self.table(&format!("{key}."), inner, origin, into);
                }
                // An empty section says nothing, but its name must be one.
                (None, DeValue::Table(_)) if settings::ALL.iter().any(|about| about.section() == key) => {}
                (None, _) => self.errors.push(ConfigError::unknown(key, origin_here)),
            }
        }
    }

    fn environment(&mut self, environment: impl Iterator<Item = (String, String)>) -> Source {
        let mut source = Source::new();
        for (variable, text) in environment {
            let is_ours = variable.starts_with(VARIABLE_PREFIX)
                && !variable.starts_with(TEST_VARIABLE_PREFIX)
                && variable != PATH_VARIABLE;
            let origin = Origin::Environment(variable.clone());
            match find(variables, &variable) {
                _ if !is_ours => {}
                // Compose files and units pass on variables that nobody set as empty ones.
                Some(_) if text.is_empty() => {}
                Some((about, is_path)) => self.give(&mut source, about, Given { text, origin, is_path }),
                None => self.errors.push(ConfigError::unknown(variable, origin)),
            }
        }
        source
    }

    fn give(&mut self, source: &mut Source, about: &About, given: Given) {
        let origin = given.origin.clone();
        if source.insert(about.key, given).is_some() {
            let problem =
                format!("it is given twice, by itself and by {}_file. Remove one of them.", about.key);
            self.errors.push(ConfigError::new(about.key, origin, problem));
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

/// The setting that has this name, and whether the name is that of its file.
fn find(names: fn(&About) -> Vec<String>, name: &str) -> Option<(&'static About, bool)> {
    settings::ALL.iter().find_map(|about| {
        let at = names(about).iter().position(|known| known == name)?;
        Some((about, at == 1))
    })
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
