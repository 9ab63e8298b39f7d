//! The layers of `src/lib.rs`, and what may stand in one place only, read from the sources.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Everything under `src/`, as the path from there and the text outside tests.
fn sources() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).expect("UTF-8");
                let name = path.strip_prefix(&root).expect("below src").to_string_lossy().replace('\\', "/");
                found.push((name, code(&text)));
            }
        }
    }
    found.sort();
    found
}

/// The text without comments, and up to the tests, which stand at the end of a file.
fn code(text: &str) -> String {
    let text = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// The level of each module, from the table in the docs of `src/lib.rs`.
fn levels() -> BTreeMap<String, u8> {
    let text = include_str!("../../src/lib.rs");
    let rows = text.lines().filter_map(|line| line.strip_prefix("//! | ")).filter_map(|row| {
        let mut cells = row.split(" | ");
        let level = cells.next()?.trim().parse().ok()?;
        let name = cells.next()?.trim().strip_prefix("[`")?.strip_suffix("`]")?;
        Some((name.to_owned(), level))
    });
    rows.collect()
}

/// The top modules that a text names behind `crate::`, also those in braces.
fn used(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for rest in code.split("crate::").skip(1) {
        match rest.strip_prefix('{') {
            Some(list) => found.extend(first_names(list)),
            None => found.push(word(rest)),
        }
    }
    found
}

/// The first name of each part of a `use` list, up to the brace that closes it.
fn first_names(list: &str) -> Vec<String> {
    let mut depth = 0;
    let mut part = String::new();
    let mut names = Vec::new();
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => names.push(word(std::mem::take(&mut part).trim())),
            _ if depth == 0 => part.push(c),
            _ => {}
        }
    }
    names.push(word(part.trim()));
    names.retain(|name| !name.is_empty());
    names
}

fn word(text: &str) -> String {
    text.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

/// What breaks the rule in a file: a module of its own layer or above.
fn upward(levels: &BTreeMap<String, u8>, path: &str, code: &str) -> Vec<String> {
    let module = path.split('/').next().unwrap_or_default().trim_end_matches(".rs");
    let own = levels.get(module).copied().unwrap_or(u8::MAX);
    let breaks = |used: &String| {
        // What is no module is a macro of the crate's root: nothing to hold.
        used.as_str() != module && levels.get(used).is_some_and(|level| *level >= own)
    };
    used(code).into_iter().filter(breaks).map(|used| format!("{path} uses {used}")).collect()
}

#[test]
fn every_module_has_a_layer() {
    let levels = levels();
    let lib = include_str!("../../src/lib.rs");
    let modules: Vec<&str> =
        lib.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';')).collect();
    assert_eq!(levels.keys().map(String::as_str).collect::<Vec<_>>(), modules);
}

#[test]
fn modules_use_lower_layers_only() {
    let levels = levels();
    let found: Vec<String> = sources()
        .iter()
        .filter(|(path, _)| path != "lib.rs" && path != "main.rs")
        .flat_map(|(path, code)| upward(&levels, path, code))
        .collect();
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn the_check_of_the_layers_sees_every_way_to_name_a_module() {
    let levels = levels();
    let broken = |path: &str, code: &str| !upward(&levels, path, code).is_empty();
    assert!(broken("store/users.rs", "use crate::web::App;"));
    assert!(broken("store/users.rs", "let x = crate::mail::send();"));
    assert!(broken("store/users.rs", "use crate::{model::{User, UserId}, delivery};"));
    assert!(broken("delivery/mod.rs", "use crate::publishing::compose;"));
    assert!(broken("clock.rs", "use crate::keys;"));
    assert!(!broken("store/users.rs", "use crate::{model::{User, UserId}, clock};"));
    assert!(!broken("store/users.rs", "use crate::store::Tx;"));
}

/// The files outside `home` in which a text stands.
fn elsewhere(text: &str, home: &str) -> Vec<String> {
    let sources = sources();
    assert!(
        sources.iter().any(|(path, code)| path.starts_with(home) && code.contains(text)),
        "{text} is not even in {home}: is the check still right?"
    );
    let strays = sources.into_iter().filter(|(path, code)| !path.starts_with(home) && code.contains(text));
    strays.map(|(path, _)| path).collect()
}

#[test]
fn sql_stands_in_the_store_only() {
    assert_eq!(elsewhere("sqlx::query", "store/"), [""; 0]);
}

#[test]
fn the_time_comes_from_the_clock_only() {
    assert_eq!(elsewhere("Utc::now", "clock.rs"), [""; 0]);
    let strays: Vec<String> = sources()
        .into_iter()
        .filter(|(path, code)| {
            path != "clock.rs" && (code.contains("SystemTime::now") || code.contains("Local::now"))
        })
        .map(|(path, _)| path)
        .collect();
    assert_eq!(strays, [""; 0]);
}
