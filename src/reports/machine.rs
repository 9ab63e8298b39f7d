//! Whether a hit is a person's: the rules that look at one request. What several hits say together is in [`super::hits`].

use std::sync::LazyLock;

use crate::model::HitRule;

const TABLE: &str = include_str!("machines.toml");
/// Longest name of a program that is looked at, in characters: what is longer says nothing more.
const AGENT_MAX_CHARS: usize = 500;

#[derive(Debug, Default, serde::Deserialize)]
struct Agents {
    whole: Vec<String>,
    parts: Vec<String>,
}

static AGENTS: LazyLock<Agents> = LazyLock::new(|| {
    // A test reads the table; without it nobody is known.
    let mut agents: Agents = toml::from_str(TABLE).unwrap_or_default();
    for name in agents.whole.iter_mut().chain(&mut agents.parts) {
        name.make_ascii_lowercase();
    }
    agents
});

/// What is looked at of a request.
#[derive(Debug, Clone, Copy)]
pub struct Seen<'a> {
    pub is_head: bool,
    /// `Sec-Purpose`, `Purpose`, `X-Purpose`, `X-Moz`, as far as they are there.
    pub purpose: &'a str,
    pub user_agent: &'a str,
}

/// The rule that a request falls under by itself.
pub fn judge(seen: Seen<'_>) -> HitRule {
    if seen.is_head {
        HitRule::Head
    } else if is_prefetch(seen.purpose) {
        HitRule::Prefetch
    } else if is_known_machine(seen.user_agent) {
        HitRule::Scanner
    } else {
        HitRule::Human
    }
}

fn is_prefetch(purpose: &str) -> bool {
    let purpose = purpose.to_ascii_lowercase();
    ["prefetch", "preview", "prerender"].iter().any(|word| purpose.contains(word))
}

fn is_known_machine(user_agent: &str) -> bool {
    let agent: String =
        user_agent.trim().chars().take(AGENT_MAX_CHARS).collect::<String>().to_ascii_lowercase();
    AGENTS.whole.contains(&agent) || AGENTS.parts.iter().any(|part| agent.contains(part))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";

    fn judged(is_head: bool, purpose: &str, user_agent: &str) -> HitRule {
        judge(Seen { is_head, purpose, user_agent })
    }

    #[test]
    fn people_are_people_in_every_browser_and_mail_program() {
        for agent in [
            FIREFOX,
            "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36 Edg/140.0.0.0",
            "Mozilla/5.0 (Linux; Android 15; Cubot X90) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Mobile Safari/537.36",
            "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Gecko/20100101 Thunderbird/140.1.0",
        ] {
            assert_eq!(judged(false, "", agent), HitRule::Human, "{agent}");
        }
    }

    #[test]
    fn each_rule_finds_its_machine() {
        assert_eq!(judged(true, "", FIREFOX), HitRule::Head);
        for purpose in ["prefetch", "prefetch;prerender", "preview"] {
            assert_eq!(judged(false, purpose, FIREFOX), HitRule::Prefetch, "{purpose}");
        }
        for agent in [
            "",
            "mozilla/5.0",
            "Mozilla/5.0 (compatible; Googlebot/2.1)",
            "Slackbot-LinkExpanding 1.0",
            "curl/8.5.0",
            "BarracudaCentral",
        ] {
            assert_eq!(judged(false, "", agent), HitRule::Scanner, "{agent}");
        }
    }

    #[test]
    fn the_table_can_be_read_and_says_nothing_that_finds_everybody() {
        let agents: Agents = toml::from_str(TABLE).expect("the table");
        assert!(agents.parts.len() > 20);
        assert!(agents.parts.iter().all(|part| part.len() >= 4));
    }
}
