//! The command line, by the real binary on a data folder of its own.

mod digests;
mod doctor;
mod imports;
mod mailings;
mod relays;
mod reload;
mod reports;
mod schema;

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// What a command answered.
struct Answer {
    code: i32,
    out: String,
    err: String,
}

fn postiljon(folder: &Path, arguments: &[&str], input: &str) -> Answer {
    let mut child = command(folder, arguments).stdin(Stdio::piped()).spawn().expect("the binary starts");
    child.stdin.take().expect("a pipe").write_all(input.as_bytes()).expect("input is taken");
    finish(child)
}

/// The binary with these arguments, on a data folder of its own.
fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_postiljon"));
    // Settings of whoever runs the tests are not those of the test.
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("POSTILJON_")) {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .current_dir(folder)
        .env("POSTILJON_DATA_FOLDER", folder.join("data"))
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn finish(child: Child) -> Answer {
    let output = child.wait_with_output().expect("the binary ends");
    Answer {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

const ARTICLE: &str = "---\ntitle: Proef één\nauthor: An\nlanguage: nl\nteaser: Kort.\n\
    canonical_url: https://voorbeeld.example/proef\n---\n## Kop\n\nTekst **vet**.\n";

fn newsletter(folder: &Path) {
    let added = postiljon(
        folder,
        &[
            "newsletter",
            "add",
            "--name",
            "Insights",
            "--language",
            "nl",
            "--sender-address",
            "a@voorbeeld.example",
            "--postal-address",
            "Kaai 1; 1000 Brussel",
        ],
        "",
    );
    assert_eq!(added.code, 0, "{}", added.err);
}

#[test]
fn an_issue_is_made_and_scheduled_on_the_command_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str], input: &str| postiljon(folder.path(), arguments, input);
    newsletter(folder.path());
    let article = run(&["article", "add", "--publish"], ARTICLE);
    assert_eq!(article.out, "Stored as proef-een (published).\n", "{}", article.err);
    std::fs::write(folder.path().join("twee.md"), ARTICLE.replace("één", "twee")).expect("written");
    assert_eq!(run(&["article", "add", "--file", "twee.md"], "").code, 0);
    let listed: serde_json::Value =
        serde_json::from_str(&run(&["article", "list", "--json"], "").out).expect("JSON");
    assert_eq!(listed.as_array().map(Vec::len), Some(2));
    let composed = run(
        &[
            "issue",
            "compose",
            "--newsletter",
            "insights",
            "--subject",
            "Eerste",
            "--intro",
            "Dag {{name|lezer}}",
            "--article",
            "proef-een",
            "--article",
            "proef-twee:teaser",
        ],
        "",
    );
    assert_eq!(composed.out, "Issue 1 of Insights has the id 1.\n", "{}", composed.err);
    let preview = run(&["issue", "preview", "1"], "");
    assert!(preview.out.contains("Dag lezer") && preview.out.contains("Tekst"), "{}", preview.out);
    let blocked = run(&["issue", "schedule", "1", "--now"], "");
    assert_eq!(blocked.code, 1);
    assert!(blocked.err.contains("draft"), "{}", blocked.err);
    assert_eq!(run(&["article", "publish", "proef-twee"], "").code, 0);
    let past = run(&["issue", "schedule", "1", "--at", "2020-01-01 10:00"], "");
    assert!(past.code == 1 && past.err.contains("passed"), "{}", past.err);
    // 02:30 does not exist in that night (R20).
    let scheduled = run(&["issue", "schedule", "1", "--at", "2027-03-28 02:30"], "");
    assert!(scheduled.out.contains("28 March 2027 at 03:00 (Europe/Brussels)"), "{}", scheduled.out);
    let again = run(&["issue", "schedule", "1", "--at", "2027-03-28 02:30"], "");
    assert!(again.out.contains("was scheduled already as mailing 1"), "{}", again.out);
    let listed: serde_json::Value =
        serde_json::from_str(&run(&["issue", "list", "--json"], "").out).expect("JSON");
    assert_eq!(listed[0]["mailing_status"], "scheduled");
    assert_eq!(run(&["mailing", "cancel", "1"], "").code, 0);
}

#[test]
fn a_privacy_notice_is_set_and_taken_away_without_touching_how_issues_are_sent() {
    let folder = tempfile::tempdir().expect("a folder");
    newsletter(folder.path());
    let set = |arguments: &[&str]| {
        postiljon(folder.path(), &[&["newsletter", "set", "insights"][..], arguments].concat(), "")
    };
    let done = set(&["--mails-per-hour", "500", "--privacy-url", "https://voorbeeld.example/privacy"]);
    assert_eq!(done.code, 0, "{}", done.err);
    assert!(done.out.contains("at most 500 mails an hour"), "{}", done.out);
    assert!(done.out.contains("privacy notice: https://voorbeeld.example/privacy."), "{}", done.out);
    let wrong = set(&["--privacy-url", "voorbeeld.example"]);
    assert!(wrong.code == 1 && wrong.err.contains("privacy_url: Please enter a whole web address"));
    let gone: serde_json::Value =
        serde_json::from_str(&set(&["--privacy-url", "none", "--json"]).out).expect("JSON");
    assert_eq!((&gone["privacy_url"], &gone["mails_per_hour"]), (&"".into(), &500.into()));
    let nothing = set(&[]);
    assert!(nothing.code == 2 && nothing.err.contains("--privacy-url <URL>"), "{}", nothing.err);
    let added = [
        "newsletter",
        "add",
        "--name",
        "Two",
        "--sender-address",
        "a@voorbeeld.example",
        "--postal-address",
        "Kaai 1",
        "--privacy-url",
        "https://voorbeeld.example/p",
        "--json",
    ];
    let added = postiljon(folder.path(), &added, "");
    assert!(
        added.out.contains("\"privacy_url\": \"https://voorbeeld.example/p\""),
        "{}{}",
        added.out,
        added.err
    );
}

#[test]
fn what_is_not_there_is_told_with_the_way_to_see_what_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let answer = postiljon(folder.path(), &["article", "show", "nergens"], "");
    assert_eq!((answer.code, answer.out.as_str()), (1, ""));
    assert!(answer.err.contains("postiljon article list"), "{}", answer.err);
    let answer = postiljon(folder.path(), &["subscriber", "show", "geen adres"], "");
    assert!(answer.code == 1 && answer.err.contains("is no address"), "{}", answer.err);
    let answer = postiljon(folder.path(), &["article", "add"], "---\ntitel: x\n---\n");
    assert!(answer.code == 1 && answer.err.contains("titel"), "{}", answer.err);
}

#[test]
fn a_person_is_erased_only_on_purpose() {
    let folder = tempfile::tempdir().expect("a folder");
    let refused = postiljon(folder.path(), &["subscriber", "erase", "an@voorbeeld.example"], "");
    assert!(refused.code == 1 && refused.err.contains("--yes"), "{}", refused.err);
    let done = postiljon(folder.path(), &["subscriber", "erase", "an@voorbeeld.example", "--yes"], "");
    assert_eq!(done.code, 0, "{}", done.err);
}

#[test]
fn a_password_is_not_taken_when_it_is_too_short() {
    let folder = tempfile::tempdir().expect("a folder");
    let user = ["user", "add", "--address", "an@voorbeeld.example", "--name", "An"];
    let short = postiljon(folder.path(), &user, "kort\n");
    assert!(short.code == 1 && short.err.contains("password"), "{}", short.err);
    assert_eq!(postiljon(folder.path(), &user, "een lange zin als wachtwoord\n").code, 0);
    let twice = postiljon(folder.path(), &user, "een lange zin als wachtwoord\n");
    assert_eq!(twice.code, 1, "{}", twice.out);
}

#[test]
fn five_mistakes_in_the_configuration_are_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = "[web]\nlisten = \"abc\"\nworkers = \"many\"\n[relay]\ntls = \"maybe\"\nconnections = 0\n[log]\nlevl = \"info\"\n";
    std::fs::write(folder.path().join("bad.toml"), file).expect("written");
    let answer = postiljon(folder.path(), &["--config", "bad.toml", "config", "check"], "");
    assert_eq!(answer.code, 2);
    for setting in ["web.listen", "web.workers", "relay.tls", "relay.connections", "log.levl"] {
        assert!(answer.err.contains(setting), "{setting}: {}", answer.err);
    }
}

#[test]
fn an_export_is_for_its_owners_eyes_and_whole() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    newsletter(folder.path());
    let done = postiljon(folder.path(), &["subscriber", "export", "--out", "all.csv"], "");
    assert_eq!(done.out, "0 subscriptions are in all.csv.\n", "{}", done.err);
    let file = folder.path().join("all.csv");
    let mode = std::fs::metadata(&file).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(std::fs::read_to_string(&file).expect("the file").starts_with("address,name,newsletter,status"));
    let nothing = postiljon(folder.path(), &["mailing", "ledger", "7"], "");
    assert!(nothing.code == 1 && nothing.err.contains("no mailing 7"), "{}", nothing.err);
}

#[test]
fn a_signing_key_is_made_once_and_its_record_is_shown_again() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let run = |arguments: &[&str]| postiljon(folder.path(), arguments, "");
    let place = ["--domain", "Voorbeeld.example", "--selector", "p1"];
    let made = run(&[&["dkim", "new", "--out", "rsa.pem"][..], &place].concat());
    assert_eq!(made.code, 0, "{}", made.err);
    assert!(made.out.contains("\np1._domainkey.voorbeeld.example\n\nv=DKIM1; k=rsa; p="), "{}", made.out);
    assert!(made.out.contains("IN TXT ( \"v=DKIM1"), "{}", made.out);
    let file = folder.path().join("rsa.pem");
    let pem = std::fs::read_to_string(&file).expect("the key");
    assert_eq!(std::fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o600);

    let again = run(&[&["dkim", "new", "--ed25519", "--out", "rsa.pem"][..], &place].concat());
    assert!(again.code == 1 && again.err.contains("there already"), "{}", again.err);
    assert_eq!(std::fs::read_to_string(&file).expect("the key"), pem);

    let shown = run(&[&["dkim", "record", "--key", "rsa.pem"][..], &place].concat());
    assert_eq!(shown.out, made.out, "{}", shown.err);
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).expect("changed");
    let refused = run(&[&["dkim", "record", "--key", "rsa.pem"][..], &place].concat());
    assert!(refused.code == 1 && refused.err.contains("chmod 600 rsa.pem"), "{}", refused.err);

    let wrong = run(&["dkim", "new", "--out", "b.pem", "--domain", "nergens", "--selector", "p1"]);
    assert!(wrong.code == 2 && wrong.err.contains("such as example.com"), "{}", wrong.err);
}

#[test]
fn what_dkim_new_says_of_the_configuration_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let lines = |arguments: &[&str]| -> Vec<String> {
        let answer = postiljon(folder.path(), arguments, "");
        let shown: serde_json::Value = serde_json::from_str(&answer.out).expect("JSON");
        serde_json::from_value(shown["configuration"].clone()).expect("lines")
    };
    let new = ["dkim", "new", "--json", "--domain", "voorbeeld.example"];
    let mut toml = lines(&[&new[..], &["--selector", "p1", "--out", "rsa.pem"]].concat());
    let ed25519 = lines(&[&new[..], &["--selector", "p2", "--out", "ed.pem", "--ed25519"]].concat());
    toml.extend(ed25519.into_iter().filter(|line| line.starts_with("ed25519_")));
    toml.push("[relay]\nhost = \"smtp.voorbeeld.example\"\n".to_owned());
    std::fs::write(folder.path().join("p.toml"), toml.join("\n")).expect("written");
    let checked = postiljon(folder.path(), &["--config", "p.toml", "config", "check"], "");
    assert_eq!(checked.code, 0, "{}", checked.err);
    assert!(checked.out.contains("senders of voorbeeld.example, with p1 and p2"), "{}", checked.out);
}
