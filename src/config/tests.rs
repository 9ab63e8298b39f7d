//! The configuration as a whole: where values come from, and what is told when they are wrong.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::settings::{Fallback, Place};
use super::*;

/// A folder of its own, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("postiljon-config-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn variables(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
    pairs.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect::<Vec<_>>().into_iter()
}

fn from_environment(pairs: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    Config::load(None, variables(pairs))
}

fn from_file(name: &str, text: &str, pairs: &[(&str, &str)]) -> Result<Config, ConfigErrors> {
    let folder = Folder::new(name);
    Config::load(Some(&folder.write("postiljon.toml", text)), variables(pairs))
}

/// The mistakes as `setting: problem`.
fn mistakes(result: Result<Config, ConfigErrors>) -> Vec<String> {
    result.unwrap_err().iter().map(|error| format!("{}: {}", error.setting, error.problem)).collect()
}

#[track_caller]
fn assert_only_mistake(result: Result<Config, ConfigErrors>, setting: &str, part: &str) {
    let mistakes = mistakes(result);
    assert_eq!(mistakes.len(), 1, "{mistakes:?}");
    assert!(mistakes[0].starts_with(&format!("{setting}: ")) && mistakes[0].contains(part), "{mistakes:?}");
}

#[test]
fn nothing_set_gives_the_defaults() {
    let config = from_environment(&[]).unwrap();
    assert_eq!(config.data.folder, Path::new("postiljon-data"));
    assert!(
        matches!(&config.database.url, DatabaseUrl::Sqlite(path) if path == Path::new("postiljon-data/postiljon.db"))
    );
    assert_eq!(config.web.public_url.as_str(), "http://127.0.0.1:8080");
    assert!(config.relays.is_empty());
    assert_eq!(config.mail.retry, Duration::from_secs(48 * 3600));
    assert_eq!(config.mail.undo, Duration::from_secs(30));
}

#[test]
fn the_example_and_the_defaults_written_out_are_the_defaults() {
    let expected = format!("{:?}", from_environment(&[]).unwrap());
    let example = example();
    assert_eq!(format!("{:?}", from_file("example", &example, &[]).unwrap()), expected);

    let mut written_out = example.clone();
    for about in settings::ALL.iter().filter(|about| matches!(about.fallback, Fallback::Value(_))) {
        let lead = format!("# {} (default)\n", Place::from(about).variable());
        let line = format!("{lead}#{}\n", about.toml_line());
        assert_eq!(written_out.matches(&line).count(), 1, "{}", about.key);
        written_out = written_out.replace(&line, &format!("{lead}{}\n", about.toml_line()));
    }
    assert_ne!(written_out, example);
    assert_eq!(format!("{:?}", from_file("written-out", &written_out, &[]).unwrap()), expected);
}

#[test]
fn every_default_and_every_example_is_right() {
    for (key, result) in settings::parse_samples() {
        // The example is a file that is on no machine but the reader's.
        let files = [
            &settings::RELAY_CA_FILE.about,
            &settings::DESTINATIONS_FILE.about,
            &settings::DKIM_KEY_FILE.about,
            &settings::DKIM_ED25519_KEY_FILE.about,
            &settings::SIGNUP_DISPOSABLE_DOMAINS_FILE.about,
        ];
        if files.iter().all(|about| about.key != key) {
            assert_eq!(result, Ok(()), "{key}");
        }
    }
}

#[test]
fn every_setting_has_a_name_and_a_variable_of_its_own() {
    let keys: Vec<String> = settings::ALL.iter().flat_map(|about| Place::from(about).keys()).collect();
    let variables: Vec<String> =
        settings::ALL.iter().flat_map(|about| Place::from(about).variables()).collect();
    assert_eq!(keys.iter().collect::<BTreeSet<_>>().len(), keys.len());
    assert_eq!(variables.iter().collect::<BTreeSet<_>>().len(), variables.len());
    assert!(variables.contains(&"POSTILJON_RELAY_PASSWORD_FILE".to_owned()));
    assert!(!variables.contains(&PATH_VARIABLE.to_owned()));
}

#[test]
fn five_mistakes_are_told_at_once_each_with_its_place_and_remedy() {
    let text = "[relay]\nhots = \"a\"\nport = \"465\"\nconnections = 0\n\n[web]\nlisten = \"localhost\"\n";
    let errors = from_file("five", text, &[("POSTILJON_LOG_LEVEL", "loud")]).unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 5, "{told:#?}");
    for parts in [
        ["relay.hots", "line 2", "Did you mean relay.host?"],
        ["relay.port", "line 3", "`port = 587`"],
        ["relay.connections", "line 4", "from 1 to 500"],
        ["web.listen", "line 7", "127.0.0.1:8080"],
        ["log.level", "environment POSTILJON_LOG_LEVEL", "POSTILJON_LOG_LEVEL=info"],
    ] {
        assert!(
            told.iter().any(|line| parts.iter().all(|part| line.contains(part))),
            "{parts:?} in {told:#?}"
        );
    }
    assert!(errors.to_string().starts_with("the configuration has 5 mistakes:"));
}

#[test]
fn the_environment_wins_over_the_file() {
    let text = "[relay]\nhost = \"from-file\"\nport = 2500\n[web]\ntrusted_proxies = [\"10.0.0.1\"]\n";
    let pairs = [
        ("POSTILJON_RELAY_HOST", "from-environment"),
        ("POSTILJON_WEB_TRUSTED_PROXIES", "127.0.0.1, fd00::/8"),
        ("POSTILJON_TEST_ANYTHING", "x"),
        ("POSTILJON_CONFIG", "x"),
        ("POSTILJON_RELAY_USERNAME", ""),
        ("HOME", "/"),
    ];
    let config = from_file("wins", text, &pairs).unwrap();
    let relay = &config.relays[0].settings;
    assert_eq!((relay.host.as_str(), relay.port), ("from-environment", 2500));
    assert_eq!(config.web.trusted_proxies.len(), 2);
}

#[test]
fn unknown_names_are_mistakes_wherever_they_stand() {
    assert_only_mistake(
        from_environment(&[("POSTILJON_RELAY_HOTS", "a")]),
        "POSTILJON_RELAY_HOTS",
        "POSTILJON_RELAY_HOST?",
    );
    assert_only_mistake(from_file("section", "[realy]\nhost = \"a\"\n", &[]), "realy.host", "relay.host?");
    assert_only_mistake(from_file("empty", "[realy]\n", &[]), "realy", "no such setting");
    assert_only_mistake(from_file("top", "host = \"a\"\n", &[]), "host", "relay.host?");
    assert_only_mistake(from_file("deep", "[relay.a.b]\nc = 1\n", &[]), "relay.a", "no such setting");
    assert!(from_file("known", "[relay]\n", &[]).is_ok());
}

#[test]
fn every_wrong_type_is_told_with_the_right_one() {
    for (name, text, setting) in [
        ("type-1", "[relay]\nport = 1.5\n", "relay.port"),
        ("type-2", "[relay]\nhost = 5\n", "relay.host"),
        ("type-3", "[web]\nallow_insecure = \"true\"\n", "web.allow_insecure"),
        ("type-4", "[web]\ntrusted_proxies = \"10.0.0.1\"\n", "web.trusted_proxies"),
        ("type-5", "[web]\ntrusted_proxies = [1]\n", "web.trusted_proxies"),
        ("type-6", "[relay.host]\na = 1\n", "relay.host"),
        ("type-7", "[relay]\nport = 99999999999999999999\n", "relay.port"),
        ("type-8", "relay = 5\n", "relay"),
    ] {
        let mistakes = mistakes(from_file(name, text, &[]));
        assert!(mistakes.len() == 1 && mistakes[0].starts_with(setting), "{text}: {mistakes:?}");
    }
}

#[test]
fn a_file_that_is_no_toml_is_told_by_its_line() {
    let errors = from_file("syntax", "[relay]\nhost = \nport = = 5\n", &[]).unwrap_err();
    let told = errors.to_string();
    assert!(told.contains("line 2") && told.contains("line 3"), "{told}");
}

#[test]
fn a_file_that_is_not_there_is_told() {
    let result = Config::load(Some(Path::new("/nowhere/postiljon.toml")), variables(&[]));
    assert_only_mistake(result, "the file", "postiljon config example");
}

#[test]
fn a_secret_may_stand_in_a_file_of_its_own() {
    let folder = Folder::new("secret");
    let password = folder.write("password", "hunter 2\r\n").display().to_string();
    let pairs = [
        ("POSTILJON_RELAY_USERNAME", "me"),
        ("POSTILJON_RELAY_PASSWORD_FILE", &password),
        ("POSTILJON_RELAY_HOST", "smtp.example.com"),
    ];
    let password = |config: Config| config.relays[0].settings.credentials.clone().unwrap().password;
    assert_eq!(password(from_environment(&pairs).unwrap()), "hunter 2");

    // The environment wins over the file, whichever of the two names it has.
    let toml = folder.write("postiljon.toml", "[relay]\nusername = \"me\"\npassword = \"other\"\n");
    let config = Config::load(Some(&toml), variables(&pairs[1..])).unwrap();
    assert_eq!(password(config), "hunter 2");

    let both = [pairs[0], pairs[1], ("POSTILJON_RELAY_PASSWORD", "x")];
    assert_only_mistake(from_environment(&both), "relay.password", "given twice");
    let missing = [pairs[0], ("POSTILJON_RELAY_PASSWORD_FILE", "/nowhere/password")];
    assert!(mistakes(from_environment(&missing))[0].contains("/nowhere/password"));
}

#[test]
fn no_secret_is_shown_neither_by_debug_nor_by_mistakes() {
    let canary = "canary-canary-canary-canary-canary";
    let url = format!("postgres://me:{canary}@db/postiljon");
    let pairs = [
        ("POSTILJON_DATABASE_URL", url.as_str()),
        ("POSTILJON_SECRET_KEY", canary),
        ("POSTILJON_RELAY_HOST", "smtp.example.com"),
        ("POSTILJON_RELAY_USERNAME", "me"),
        ("POSTILJON_RELAY_PASSWORD", canary),
        ("POSTILJON_RELAYS_SECOND_HOST", "smtp.example.com"),
        ("POSTILJON_RELAYS_SECOND_USERNAME", "me"),
        ("POSTILJON_RELAYS_SECOND_PASSWORD", canary),
        ("POSTILJON_OIDC_ISSUER", "https://login.example.com"),
        ("POSTILJON_OIDC_CLIENT_ID", "postiljon"),
        ("POSTILJON_OIDC_CLIENT_SECRET", canary),
    ];
    assert!(!format!("{:?}", from_environment(&pairs).unwrap()).contains("canary"));

    let url = format!("postgres://me:{canary}@db:port/postiljon");
    let wrong = [("POSTILJON_DATABASE_URL", url.as_str()), ("POSTILJON_SECRET_KEY", "canary")];
    let errors = from_environment(&wrong).unwrap_err();
    assert_eq!(errors.iter().count(), 2);
    assert!(!format!("{errors} {errors:?}").contains("canary"));
}

#[test]
fn contradictions_are_told() {
    let host = ("POSTILJON_RELAY_HOST", "smtp.example.com");
    let none = ("POSTILJON_RELAY_TLS", "none");
    assert_only_mistake(from_environment(&[host, none]), "relay.tls", "relay.allow_plaintext");
    assert!(from_environment(&[host, none, ("POSTILJON_RELAY_ALLOW_PLAINTEXT", "true")]).is_ok());
    assert_eq!(
        from_environment(&[("POSTILJON_RELAY_HOST", "::1"), none]).unwrap().relays[0].settings.port,
        25
    );

    assert_only_mistake(
        from_environment(&[("POSTILJON_RELAY_USERNAME", "me")]),
        "relay.username",
        "relay.password",
    );
    assert_only_mistake(
        from_environment(&[("POSTILJON_RELAY_PASSWORD", "x")]),
        "relay.password",
        "relay.username",
    );

    let public = ("POSTILJON_WEB_PUBLIC_URL", "http://news.example.com");
    assert_only_mistake(from_environment(&[public]), "web.public_url", "https://");
    assert!(from_environment(&[public, ("POSTILJON_WEB_ALLOW_INSECURE", "true")]).is_ok());
    assert_only_mistake(
        from_environment(&[("POSTILJON_WEB_LISTEN", "0.0.0.0:80")]),
        "web.public_url",
        "every address",
    );

    let leave = ("POSTILJON_MAIL_UNSUBSCRIBE_ADDRESS", "leave@example.com");
    let listen = ("POSTILJON_MAIL_INBOUND_LISTEN", "127.0.0.1:25");
    assert_only_mistake(from_environment(&[leave]), "mail.unsubscribe_address", "mail.inbound_listen");
    assert_only_mistake(from_environment(&[listen]), "mail.inbound_listen", "mail.unsubscribe_address");
    assert!(from_environment(&[leave, listen]).unwrap().mail.unsubscribe.is_some());
    let tagged = ("POSTILJON_MAIL_UNSUBSCRIBE_ADDRESS", "leave+me@example.com");
    assert_only_mistake(from_environment(&[tagged, listen]), "mail.unsubscribe_address", "no +");
}

#[test]
fn each_role_needs_what_it_needs_and_no_more() {
    let postgres = [
        ("POSTILJON_DATABASE_URL", "postgres://me@db/postiljon"),
        ("POSTILJON_SECRET_KEY", "0123456789abcdef0123456789abcdef"),
    ];
    let load_for = |role, pairs: &[(&str, &str)]| Config::load_for(role, None, variables(pairs));
    assert!(load_for(Role::Web, &postgres).is_ok());
    // Relays may be set at the desk.
    assert!(load_for(Role::Sender, &postgres).is_ok() && load_for(Role::All, &[]).is_ok());
    let half = [("POSTILJON_RELAY_PORT", "25")];
    assert_only_mistake(load_for(Role::All, &half), "relay.host", "needs the SMTP server");
    assert_only_mistake(load_for(Role::Web, &[]), "database.url", "--role web");
    assert_only_mistake(from_environment(&postgres[..1]), "secret.key", "secret.key_file");

    let config = from_environment(&[("POSTILJON_RELAY_HOST", "smtp.example.com")]).unwrap();
    let main = &config.relays[0];
    assert_eq!((&*main.name, main.weight, main.settings.host.as_str()), ("main", 1, "smtp.example.com"));
    assert_eq!((main.settings.port, main.settings.hello_name.as_str()), (587, "[127.0.0.1]"));
}

#[test]
fn the_key_is_made_once_and_for_its_owner_only() {
    let folder = Folder::new("key");
    let data = folder.0.join("data").display().to_string();
    let config = from_environment(&[("POSTILJON_DATA_FOLDER", &data)]).unwrap();
    assert!(!Path::new(&data).exists(), "reading settings writes nothing");
    let key = config.secret_key().unwrap();
    assert!(key.expose().len() >= 32);
    assert_eq!(config.secret_key().unwrap().expose(), key.expose());
    let names: Vec<_> = std::fs::read_dir(&data).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["secret.key"]);

    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let path = Path::new(&data).join("secret.key");
        assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert!(matches!(config.secret_key(), Err(SecretKeyError::Readable { .. })));
    }

    std::fs::remove_file(Path::new(&data).join("secret.key")).unwrap();
    folder.write("data/secret.key", "short");
    #[cfg(unix)]
    std::fs::set_permissions(
        Path::new(&data).join("secret.key"),
        std::os::unix::fs::PermissionsExt::from_mode(0o600),
    )
    .unwrap();
    assert!(matches!(config.secret_key(), Err(SecretKeyError::Unusable { .. })));
}

#[cfg(unix)]
#[test]
fn a_signing_key_is_read_only_where_nobody_else_can() {
    use crate::model::{DkimAlgorithm, SigningKey};
    use std::os::unix::fs::PermissionsExt as _;

    let folder = Folder::new("dkim");
    let file = |name: &str, algorithm| {
        let path = folder.write(name, &SigningKey::generate(algorithm).unwrap().to_pem().unwrap());
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        path.display().to_string()
    };
    let (rsa, ed25519) = (file("rsa.pem", DkimAlgorithm::Rsa), file("ed25519.pem", DkimAlgorithm::Ed25519));
    let first = [
        ("POSTILJON_DKIM_DOMAIN", "Example.com"),
        ("POSTILJON_DKIM_SELECTOR", "R1"),
        ("POSTILJON_DKIM_KEY_FILE", &rsa),
    ];
    let second = [("POSTILJON_DKIM_ED25519_SELECTOR", "e1"), ("POSTILJON_DKIM_ED25519_KEY_FILE", &ed25519)];
    assert!(from_environment(&[]).unwrap().dkim.is_none());
    let dkim = from_environment(&first).unwrap().dkim.unwrap();
    assert_eq!(
        (dkim.domain.as_str(), dkim.keys[0].selector.as_str(), dkim.keys.len()),
        ("example.com", "r1", 1)
    );
    let both = [first[0], first[1], first[2], second[0], second[1]];
    assert_eq!(from_environment(&both).unwrap().dkim.unwrap().keys.len(), 2);

    for missing in 0..3 {
        let mut some = first.to_vec();
        some.remove(missing);
        assert_only_mistake(
            from_environment(&some),
            ["dkim.domain", "dkim.selector", "dkim.key_file"][missing],
            "needs",
        );
    }
    assert_eq!(mistakes(from_environment(&second)).len(), 3);
    let same = [first[0], first[1], first[2], ("POSTILJON_DKIM_ED25519_SELECTOR", "r1"), second[1]];
    assert_only_mistake(from_environment(&same), "dkim.ed25519_selector", "same");
    let swapped = [first[0], first[1], ("POSTILJON_DKIM_KEY_FILE", ed25519.as_str())];
    assert_only_mistake(from_environment(&swapped), "dkim.key_file", "dkim.ed25519_key_file");

    for (mode, is_right) in [(0o400, true), (0o640, false), (0o604, false), (0o620, false)] {
        std::fs::set_permissions(&rsa, std::fs::Permissions::from_mode(mode)).unwrap();
        match from_environment(&first) {
            Ok(_) => assert!(is_right, "{mode:o}"),
            result => assert_only_mistake(result, "dkim.key_file", "chmod 600"),
        }
    }
}

const SEVERAL: &str = "[relay]\nhost = \"one.example\"\nweight = 3\n\
    [relays.second]\nhost = \"two.example\"\ntls = \"implicit\"\nmails_per_hour = 20000\nidle_seconds = 5\n\
    username = \"me\"\npassword = \"x\"\nauth = \"xoauth2\"\n\
    [relays.spare-1]\nhost = \"three.example\"\nweight = 0\n";

#[test]
fn further_relays_have_the_settings_of_the_first() {
    let environment = [("POSTILJON_RELAYS_SPARE_1_CONNECTIONS", "2"), ("POSTILJON_RELAYS_LAST_HOST", "::1")];
    let config = from_file("several", SEVERAL, &environment).unwrap();
    let relays: Vec<_> =
        config.relays.iter().map(|relay| (&*relay.name, relay.weight, relay.settings.port)).collect();
    assert_eq!(relays, [("main", 3, 587), ("last", 1, 587), ("second", 1, 465), ("spare-1", 0, 587)]);
    let second = &config.relays[2].settings;
    assert_eq!(second.credentials.as_ref().unwrap().method, crate::model::AuthMethod::XOAuth2);
    assert_eq!(second.mails_per_hour.map(std::num::NonZeroU32::get), Some(20_000));
    assert_eq!(second.timeouts.idle, Duration::from_secs(5));
    assert_eq!(config.relays[3].settings.connections, 2);
}

#[test]
fn further_relays_alone_are_enough_to_send() {
    let load = |pairs: &[(&str, &str)]| Config::load_for(Role::All, None, variables(pairs));
    let second = ("POSTILJON_RELAYS_SECOND_HOST", "smtp.example.com");
    assert_eq!(&*load(&[second]).unwrap().relays[0].name, "second");
    assert_only_mistake(
        load(&[second, ("POSTILJON_RELAY_PORT", "25")]),
        "relay.host",
        "needs the SMTP server",
    );
}

#[test]
fn mistakes_in_further_relays_are_told_with_their_own_names() {
    let text = "[relay]\nhost = \"a\"\n[relays.second]\nhots = \"b\"\nport = 0\nusername = \"me\"\n\
        [relays.Third]\nhost = \"c\"\n[relays.main]\nhost = \"d\"\ntls = \"none\"\n[relays.empty]\n";
    let errors = from_file("further", text, &[("POSTILJON_RELAYS_SECOND_WEIGHT", "many")]).unwrap_err();
    let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
    for parts in [
        ["relays.second.hots", "line 4", "Did you mean relays.second.host?"],
        ["relays.second.port", "line 5", "`port = 587` under [relays.second]"],
        ["relays.second.host", "not set", "POSTILJON_RELAYS_SECOND_HOST="],
        ["relays.second.username", "line 6", "without relays.second.password."],
        ["relays.second.weight", "POSTILJON_RELAYS_SECOND_WEIGHT", "from 0 to 1000"],
        ["relays.Third", "line 7", "small letters"],
        ["relays.main", "line 9", "another name"],
        ["relays.main.tls", "line 11", "relays.main.allow_plaintext"],
        ["relays.empty.host", "not set", "under [relays.empty]"],
    ] {
        let count = told.iter().filter(|line| parts.iter().all(|part| line.contains(part))).count();
        assert_eq!(count, 1, "{parts:?} in {told:#?}");
    }
    assert_eq!(told.len(), 9, "{told:#?}");
    assert_only_mistake(from_file("no-table", "[relays]\nhost = \"a\"\n", &[]), "relays.host", "relay.host?");
    assert_only_mistake(
        from_environment(&[("POSTILJON_RELAYS_SECOND_HOTS", "a")]),
        "POSTILJON_RELAYS_SECOND_HOTS",
        "config example",
    );
    let secret = [("POSTILJON_RELAYS_SECOND_PASSWORD_FILE", "/nowhere")];
    assert!(mistakes(from_environment(&secret))[0].starts_with("relays.second.password_file"));
}

#[test]
fn a_provider_has_an_issuer_over_tls_an_id_and_a_secret() {
    const ISSUER: &str = "https://login.example.com/tenant/";
    let given = |issuer: &str, more: &[(&str, &str)]| {
        let pairs = [
            ("POSTILJON_OIDC_ISSUER", issuer),
            ("POSTILJON_OIDC_CLIENT_ID", "postiljon"),
            ("POSTILJON_OIDC_CLIENT_SECRET", "not to be seen"),
        ];
        from_environment(&[&pairs, more].concat())
    };
    assert!(from_environment(&[]).unwrap().oidc.is_none());
    let config = given(ISSUER, &[]).unwrap();
    assert!(!format!("{config:?}").contains("not to be seen"));
    let oidc = config.oidc.unwrap();
    // The issuer is compared to the letter, so that not even a slash is taken off.
    assert_eq!(
        (oidc.issuer.as_str(), oidc.label.as_str()),
        ("https://login.example.com/tenant/", "login.example.com")
    );
    assert!(oidc.password_login && !oidc.private_network && oidc.allowed_domains.is_empty());
    let more = [
        ("POSTILJON_OIDC_ALLOWED_DOMAINS", "Example.com, münchen.example"),
        ("POSTILJON_OIDC_LABEL", "Example Company"),
        ("POSTILJON_OIDC_PASSWORD_LOGIN", "false"),
    ];
    let oidc = given(ISSUER, &more).unwrap().oidc.unwrap();
    assert_eq!(oidc.allowed_domains, ["example.com", "xn--mnchen-3ya.example"]);
    assert!(!oidc.password_login && oidc.label == "Example Company");
    for (issuer, part) in [
        ("http://login.example.com", "https://"),
        ("login.example.com", "address"),
        ("https://login.example.com?tenant=1", "more than"),
        ("https://user@login.example.com", "more than"),
    ] {
        assert_only_mistake(given(issuer, &[]), "oidc.issuer", part);
    }
    assert!(given("http://127.0.0.1:9000", &[]).is_ok(), "a trial on this machine");
    assert_only_mistake(
        given(ISSUER, &[("POSTILJON_OIDC_ALLOWED_DOMAINS", "*")]),
        "oidc.allowed_domains",
        "domain",
    );
    // Half a provider is none: also where only something beside it is set.
    let lacking = mistakes(from_environment(&[("POSTILJON_OIDC_PASSWORD_LOGIN", "false")]));
    for setting in ["oidc.issuer", "oidc.client_id", "oidc.client_secret"] {
        assert!(lacking.iter().any(|mistake| mistake.starts_with(setting)), "{setting}: {lacking:?}");
    }
}
