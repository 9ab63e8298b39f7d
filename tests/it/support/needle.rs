//! Looking for what is left of a person: an address and a name, in every form in which they may have been written.

use std::path::Path;

use data_encoding::{BASE64, HEXLOWER};
use postiljon::store::{Pools, Store};

/// As somebody types it.
pub const ADDRESS: &str = "Needle.Haystack@Bücher.example";
pub const NAME: &str = "Naäldje Hooiberg";
/// Domain and local part as they are stored, and what stands for them in mails.
const LOCAL: &str = "needle.haystack";

/// Everything to look for, in lower case: octets of a file are folded before the comparison.
fn forms() -> Vec<Vec<u8>> {
    let mut forms: Vec<Vec<u8>> = vec![
        LOCAL.into(),
        "needle=2ehaystack".into(),
        "needle%2ehaystack".into(),
        NAME.to_lowercase().into(),
        "na=c3=a4ldje".into(),
        "na%c3%a4ldje".into(),
        "hooiberg".into(),
        "bücher.example".into(),
        "xn--bcher-kva".into(),
        "b=c3=bccher".into(),
        HEXLOWER.encode(LOCAL.as_bytes()).into(),
        LOCAL.encode_utf16().flat_map(u16::to_le_bytes).collect(),
    ];
    for text in ["Needle.Haystack", "needle.haystack", NAME] {
        // At each of three places in a longer text; the ends depend on the neighbours.
        for before in ["", "x", "xy"] {
            let encoded = BASE64.encode(format!("{before}{text}").as_bytes());
            let inside = &encoded[4..encoded.len() - 4];
            forms.push(inside.to_lowercase().into());
        }
    }
    forms
}

/// What of it stands in these octets.
pub fn found(octets: &[u8]) -> Vec<String> {
    let folded = octets.to_ascii_lowercase();
    let stands = |form: &Vec<u8>| folded.windows(form.len()).any(|window| window == form.as_slice());
    forms()
        .iter()
        .filter(|form| stands(form))
        .map(|form| String::from_utf8_lossy(form).into_owned())
        .collect()
}

/// What of it stands in the files of a folder and those below, each with the file.
pub fn in_files(folder: &Path) -> Vec<String> {
    let mut hits = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            hits.extend(in_files(&path));
        } else if let Ok(octets) = std::fs::read(&path) {
            hits.extend(found(&octets).into_iter().map(|form| format!("{}: {form}", path.display())));
        }
    }
    hits
}

/// What of it stands in the rows of all tables of PostgreSQL, each with the table.
pub async fn in_tables(store: &Store) -> Vec<String> {
    let Pools::Postgres(pool) = store.pools() else { return Vec::new() };
    let tables: Vec<String> = sqlx::query_scalar(
        "SELECT table_name::text FROM information_schema.tables WHERE table_schema = 'public'",
    )
    .fetch_all(pool)
    .await
    .expect("read");
    let mut hits = Vec::new();
    for table in tables {
        let sql = sqlx::AssertSqlSafe(format!("SELECT t::text FROM {table} t"));
        let rows: Vec<String> = sqlx::query_scalar(sql).fetch_all(pool).await.expect("read");
        hits.extend(found(rows.join("\n").as_bytes()).into_iter().map(|form| format!("{table}: {form}")));
    }
    hits
}

#[test]
fn the_needle_is_found_in_every_form() {
    for text in [
        "needle.haystack@xn--bcher-kva.example",
        "Subject: =?utf-8?Q?Na=C3=A4ldje?=",
        "\\x6e6565646c652e686179737461636b",
        "https://a.example/?email=NEEDLE%2EHAYSTACK",
    ] {
        assert!(!found(text.as_bytes()).is_empty(), "{text}");
    }
    for before in ["", "a", "ab"] {
        let encoded = BASE64.encode(format!("{before}Needle.Haystack@Bücher.example").as_bytes());
        assert!(!found(encoded.as_bytes()).is_empty(), "{encoded}");
    }
    assert!(found(b"another@example.org").is_empty());
}
