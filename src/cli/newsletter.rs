//! `newsletter add`, `newsletter set` and `newsletter list`.

use std::io::{self, Write as _};

use super::Settings;
use super::open::Open;
use super::output::Output;
use crate::model::{ArchivePolicy, Language, NamedRelay, Theme, UncertainPolicy};
use crate::publishing::newsletters::{
    NewsletterInput, SendingInput, add_newsletter, set_archive, set_issues, set_privacy_url, set_sending,
};
use crate::store;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Add a newsletter
    Add(Box<Add>),
    /// Change how the issues of a newsletter are sent, who finds them on the web, or where its privacy notice is
    Set(Set),
    /// Show the newsletters
    List {
        #[command(flatten)]
        output: Output,
    },
}

#[derive(Debug, clap::Args)]
struct Add {
    #[arg(long)]
    name: String,
    /// Its short name in addresses [default: made of the name]
    #[arg(long, default_value = "")]
    slug: String,
    /// One or two sentences for the sign-up page
    #[arg(long, default_value = "")]
    description: String,
    /// nl, en, fr or de
    #[arg(long, default_value_t = Language::English)]
    language: Language,
    /// In which times are entered and shown
    #[arg(long, default_value = "Europe/Brussels")]
    time_zone: String,
    /// [default: the name]
    #[arg(long)]
    sender_name: Option<String>,
    /// From which address issues come
    #[arg(long)]
    sender_address: String,
    #[arg(long, default_value = "")]
    reply_to: String,
    /// In every issue, as the law asks; lines separated by "; "
    #[arg(long)]
    postal_address: String,
    #[arg(long, default_value = "#0f766e")]
    brand_color: String,
    /// Absolute address of a picture, with its size behind it: https://../logo.png#320x64
    #[arg(long, default_value = "")]
    logo_url: String,
    /// Where your privacy notice is: https://..
    #[arg(long, default_value = "")]
    privacy_url: String,
    /// Who finds its issues on the web: public, unlisted or off
    #[arg(long, default_value_t = ArchivePolicy::Unlisted)]
    archive: ArchivePolicy,
    /// What happens to a mail of which nobody knows whether it arrived: resend or hold
    #[arg(long, default_value_t = UncertainPolicy::Resend)]
    on_uncertain: UncertainPolicy,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
struct Set {
    #[arg(value_name = "SHORT NAME")]
    slug: String,
    /// Name of the relay that is asked first, or none
    #[arg(long, value_name = "NAME", group = "what")]
    relay: Option<String>,
    /// Most mails in an hour, or none
    #[arg(long, value_name = "NUMBER", group = "what", value_parser = number_or_none)]
    mails_per_hour: Option<MailsPerHour>,
    /// What happens to a mail of which nobody knows whether it arrived: resend or hold
    #[arg(long, group = "what")]
    on_uncertain: Option<UncertainPolicy>,
    /// Where the privacy notice is, or none
    #[arg(long, value_name = "URL", group = "what")]
    privacy_url: Option<String>,
    /// Who finds its issues on the web: public, unlisted or off
    #[arg(long, group = "what")]
    archive: Option<ArchivePolicy>,
    /// How its issues look: letter, magazine or note
    #[arg(long, group = "what")]
    theme: Option<Theme>,
    /// Whether somebody else than who wrote an issue must approve it before it goes out: true or false
    #[arg(long, value_name = "BOOL", group = "what")]
    needs_approval: Option<bool>,
    #[command(flatten)]
    output: Output,
}

#[derive(Debug, Clone, Copy)]
struct MailsPerHour(Option<i64>);

fn number_or_none(text: &str) -> Result<MailsPerHour, String> {
    if text == NONE {
        return Ok(MailsPerHour(None));
    }
    match text.parse() {
        // Here, before anything else of the command is done.
        Ok(mails) if mails < 1 => Err(format!("write a number above 0, or {NONE}")),
        Ok(mails) => Ok(MailsPerHour(Some(mails))),
        Err(_) => Err(format!("write a number, or {NONE}")),
    }
}

/// Takes a limit or a choice away.
const NONE: &str = "none";

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Add(add) => {
            let output = add.output;
            let added = add_newsletter(&open.store, &open.clock, &add.into_input()).await?;
            let url = open.public_url();
            let sentence = format!("{} is there: {url}/n/{} is its sign-up page.", added.name, added.slug);
            output.sentence(&added, &sentence)
        }
        Action::Set(set) => {
            let mut newsletter = open.newsletter(&set.slug).await?;
            let relay = set.relay.map(|name| if name == NONE { String::new() } else { name });
            if let Some(name) = relay.as_deref().filter(|name| !name.is_empty()) {
                check_relay(name, &open.config.relays)?;
            }
            if let Some(url) = &set.privacy_url {
                let url = if url == NONE { "" } else { url };
                newsletter = set_privacy_url(&open.store, newsletter.id, url).await?;
            }
            if let Some(policy) = set.archive {
                newsletter = set_archive(&open.store, newsletter.id, policy).await?;
            }
            if set.theme.is_some() || set.needs_approval.is_some() {
                let theme = set.theme.unwrap_or(newsletter.theme);
                let needs_approval = set.needs_approval.unwrap_or(newsletter.needs_approval);
                newsletter = set_issues(&open.store, newsletter.id, theme, needs_approval).await?;
            }
            let input = SendingInput {
                relay: relay.unwrap_or(newsletter.relay),
                mails_per_hour: set.mails_per_hour.map_or(newsletter.mails_per_hour, |given| given.0),
                on_uncertain: set.on_uncertain.unwrap_or(newsletter.on_uncertain),
            };
            let changed = set_sending(&open.store, newsletter.id, &input).await?;
            let relay = if changed.relay.is_empty() { "any relay" } else { &changed.relay };
            let pace = match changed.mails_per_hour {
                Some(mails) => format!("at most {mails} mails an hour"),
                None => "as fast as it is taken".to_owned(),
            };
            let privacy = match (set.privacy_url, changed.privacy_url.as_str()) {
                (None, _) => String::new(),
                (Some(_), "") => format!("; privacy notice: {NONE}"),
                (Some(_), url) => format!("; privacy notice: {url}"),
            };
            let approval = if changed.needs_approval { "; issues must be approved" } else { "" };
            let archive = set.archive.map(|policy| format!("; archive: {policy}")).unwrap_or_default();
            let (name, uncertain, theme) = (&changed.name, changed.on_uncertain, changed.theme);
            let sentence = format!(
                "{name}: by {relay}, {pace}; uncertain mails: {uncertain}; theme: {theme}{approval}{privacy}{archive}."
            );
            set.output.sentence(&changed, &sentence)
        }
        Action::List { output } => {
            let all = store::newsletters::all(open.store.read().await?.db()).await?;
            output.list(&all, ["SHORT NAME", "NAME", "LANGUAGE", "SENDER"], |newsletter| {
                [
                    newsletter.slug.to_string(),
                    newsletter.name.clone(),
                    newsletter.language.to_string(),
                    newsletter.sender_address.to_string(),
                ]
            })
        }
    }
}

/// A name that no relay has would be no wish at all. Where none is configured another machine sends.
fn check_relay(name: &str, relays: &[NamedRelay]) -> anyhow::Result<()> {
    if relays.is_empty() {
        // Where standard error is closed nobody can be told.
        let _ = writeln!(io::stderr(), "No relay is configured here, so the name {name} is not checked.");
        return Ok(());
    }
    if relays.iter().any(|relay| &*relay.name == name) {
        return Ok(());
    }
    let names: Vec<&str> = relays.iter().map(|relay| &*relay.name).collect();
    anyhow::bail!("no relay of the configuration is called {name}; it has {}", names.join(", "))
}

impl Add {
    fn into_input(self) -> NewsletterInput {
        NewsletterInput {
            sender_name: self.sender_name.unwrap_or_else(|| self.name.clone()),
            slug: self.slug,
            name: self.name,
            description: self.description,
            language: self.language,
            time_zone: self.time_zone,
            sender_address: self.sender_address,
            reply_to: self.reply_to,
            postal_address: self.postal_address.replace("; ", "\n"),
            brand_color: self.brand_color,
            logo_url: self.logo_url,
            privacy_url: self.privacy_url,
            archive: self.archive,
            on_uncertain: self.on_uncertain,
        }
    }
}
