//! Commands on a database of another version.

use postiljon::store::Store;

use super::postiljon;
use crate::support::database::execute;

#[tokio::test]
async fn no_command_but_migrate_changes_the_schema_of_a_database_in_use() {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("p.toml"), "[data]\nfolder = \"data\"\n").expect("written");
    let run = |command: &[&str]| {
        let all: Vec<&str> = ["--config", "p.toml"].iter().chain(command).copied().collect();
        postiljon(folder.path(), &all, "")
    };
    // An empty one gets it.
    assert_eq!(run(&["newsletter", "list"]).code, 0);
    let url = format!("sqlite:{}", folder.path().join("data/postiljon.db").display());
    let store = Store::open(&url, 1).await.expect("a database");

    execute(&store, "CREATE TABLE kept AS SELECT * FROM _sqlx_migrations ORDER BY version DESC LIMIT 1")
        .await;
    execute(&store, "DELETE FROM _sqlx_migrations WHERE version = (SELECT version FROM kept)").await;
    let older = run(&["newsletter", "list"]);
    assert!(older.code == 1 && older.err.contains("then run: postiljon migrate"), "{}", older.err);
    execute(&store, "INSERT INTO _sqlx_migrations SELECT * FROM kept").await;
    assert_eq!(run(&["newsletter", "list"]).code, 0);
    assert_eq!(run(&["migrate"]).code, 0);

    execute(&store, "UPDATE kept SET version = 9999").await;
    execute(&store, "INSERT INTO _sqlx_migrations SELECT * FROM kept").await;
    for command in [&["newsletter", "list"][..], &["migrate"], &["serve"]] {
        let newer = run(command);
        assert!(newer.code == 1 && newer.err.contains("a newer version has used"), "{}", newer.err);
    }
    store.close().await;
}
