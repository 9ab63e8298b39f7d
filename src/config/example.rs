//! A configuration file to begin with.

use std::fmt::Write as _;

use super::settings::{self, About, Fallback, Place};

const HEAD: &str = "\
# Settings of Postiljon.
#
# A line that begins with # and no space is a setting: take the # away to set it. What it shows is the default,
# or an example where there is no default. The variable of the environment beside it wins over this file.
# A secret may stand in a file of its own: `password_file = \"/run/secrets/relay-password\"`, or the variable with _FILE.
# Paths are relative to the folder in which Postiljon is started.
# `postiljon config check` tells all mistakes at once.
";

const MORE_RELAYS: &str = "
# More relays: a table for each, with the settings of [relay] and a name of small letters, digits and hyphens.
# [relay] itself is called main. A newsletter may prefer one; the others have their shares by weight, and step in
# when one cannot be used. POSTILJON_RELAYS_SECOND_HOST, and so on.
#[relays.second]
#host = \"smtp.second.example\"
";

/// The commented TOML file that `postiljon config example` prints. Read as it is, it sets nothing.
pub fn example() -> String {
    let mut text = HEAD.to_owned();
    let mut section = "";
    for about in settings::ALL {
        if about.section() != section {
            if section == "relay" {
                text.push_str(MORE_RELAYS);
            }
            section = about.section();
            // Writing to a String cannot fail.
            let _ = write!(text, "\n[{section}]\n");
        }
        let _ = write!(text, "\n{}", entry(about));
    }
    text
}

fn entry(about: &About) -> String {
    let lines: String = about.documentation.iter().map(|line| format!("#{line}\n")).collect();
    let kind = match about.fallback {
        Fallback::Value(_) => "default",
        Fallback::Example(_) => "example",
    };
    format!("{lines}# {} ({kind})\n#{}\n", Place::from(about).variable(), about.toml_line())
}
