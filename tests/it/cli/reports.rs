//! `report`, and what a newsletter counts.

use super::{ARTICLE, newsletter, postiljon};

#[test]
fn a_report_is_told_in_words_as_json_and_as_a_table() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], input: &str| postiljon(folder.path(), arguments, input);
    newsletter(folder.path());
    let set = run(&["newsletter", "set", "insights", "--tracking", "aggregate"], "");
    assert!(set.code == 0 && set.out.contains("; tracking: aggregate."), "{}{}", set.out, set.err);
    let body = format!("{ARTICLE}\nLees [=dit](https://een.example/a).\n");
    assert_eq!(run(&["article", "add", "--publish"], &body).code, 0);
    let compose = [
        "issue",
        "compose",
        "--newsletter",
        "insights",
        "--subject",
        "Proef",
        "--preheader",
        "Kort",
        "--article",
        "proef-een",
    ];
    assert_eq!(run(&compose, "").code, 0);
    let early = run(&["report", "1"], "");
    assert!(early.code == 1 && early.err.contains("no issue 1 that was scheduled"), "{}", early.err);
    let scheduled = run(&["issue", "schedule", "1", "--at", "2999-01-01 10:00"], "");
    assert_eq!(scheduled.code, 1, "a year that is mistyped");
    let scheduled = run(&["issue", "schedule", "1", "--now"], "");
    assert_eq!(scheduled.code, 0, "{}", scheduled.err);
    let words = run(&["report", "1"], "");
    for part in [
        "1 of Insights: Proef",
        "Sent:",
        "0 of 0",
        "Counted:",
        "aggregate",
        "https://een.example/a",
        "Opens (unreliable)",
    ] {
        assert!(words.out.contains(part), "{part}: {}{}", words.out, words.err);
    }
    let json: serde_json::Value =
        serde_json::from_str(&run(&["report", "1", "--json"], "").out).expect("JSON");
    let links = json["links"].as_array().expect("links");
    assert!(links.iter().any(|link| link["url"] == "https://een.example/a" && link["clicks"] == 0), "{json}");
    let csv = run(&["report", "1", "--csv"], "").out;
    assert!(csv.starts_with("number,label,heading,url,clicks,machine_clicks,readers\n"), "{csv}");
    assert!(csv.contains(",'=dit,"), "a spreadsheet runs nothing of it: {csv}");
    let all = run(&["report", "insights", "--by", "month"], "");
    assert!(
        all.code == 0 && all.out.contains("FROM") && all.out.contains("SUBJECT"),
        "{}{}",
        all.out,
        all.err
    );
    let json = run(&["report", "insights", "--json"], "").out;
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert!(
        json["growth"].as_array().is_some_and(Vec::is_empty) && json["newsletter"]["tracking"] == "aggregate"
    );
    assert!(run(&["report", "insights", "--csv"], "").out.starts_with("mailing,issue,subject,started_at,"));
    assert_eq!(run(&["report", "nergens"], "").code, 1);
}
