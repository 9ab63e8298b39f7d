//! `subscriber import`.

use super::{newsletter, postiljon};

#[test]
fn several_columns_say_who_has_left_and_who_reads_here_all_the_same_is_told() {
    let folder = tempfile::tempdir().expect("a folder");
    newsletter(folder.path());
    let import = |file: &str, more: &[&str]| {
        std::fs::write(folder.path().join("list.csv"), file).expect("written");
        let basis = "Subscribed on our website, see the file.";
        let fixed = ["subscriber", "import", "list.csv", "--newsletter", "insights", "--basis", basis];
        let arguments: Vec<_> = fixed.iter().chain(more).copied().collect();
        let answer = postiljon(folder.path(), &arguments, "");
        assert_eq!(answer.code, 0, "{}", answer.err);
        answer.out
    };
    let file = "email,gone,dead\nan@example.org,yes,no\nbo@example.org,no,yes\njan@example.org,no,no\n";
    let out = import(file, &["--map", "gone=left", "--map", "dead=left", "--json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("JSON");
    assert_eq!((&json["counts"]["left_before"], &json["counts"]["added"]), (&2.into(), &1.into()), "{json}");
    let file = "email,unsubscribed,bounced\njan@example.org,no,yes\n";
    let out = import(file, &["--report", "report.csv"]);
    let line = out.lines().find(|line| line.starts_with("Left elsewhere, still subscribed here:"));
    assert!(
        line.is_some_and(|line| line.ends_with(" 1")) && out.contains("--report says which rows"),
        "{out}"
    );
    let report = std::fs::read_to_string(folder.path().join("report.csv")).expect("a report");
    assert_eq!(report, "row,outcome,reason\n2,still_subscribed,\n");
}
