//! `newsletter add`, `newsletter set` and `newsletter list`.

use std::io::{self, Write as _};

use super::Settings;
use super::open::Open;
use super::output::Output;
use crate::model::{
    ArchivePolicy, EmailAddress, Language, Newsletter, ReaderLanguages, Theme, Tracking, UncertainPolicy,
};
use crate::publishing::newsletters::{
    AboutInput, BrandInput, IssuesInput, NewsletterInput, PrivacyInput, SenderInput, SendingInput,
    add_newsletter, set_about, set_archive, set_brand, set_issues, set_privacy, set_sender, set_sending,
    set_tracking,
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
    /// Change a newsletter: what it is, its sender, its look, how its issues are sent and who finds them on the web
    Set(Box<Set>),
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
    /// Languages that readers can choose, with commas [default: all]
    #[arg(long, value_name = "LANGUAGES")]
    reader_languages: Option<ReaderLanguages>,
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
    #[arg(long, group = "what")]
    name: Option<String>,
    /// One or two sentences for the sign-up page
    #[arg(long, group = "what")]
    description: Option<String>,
    /// nl, en, fr or de
    #[arg(long, group = "what")]
    language: Option<Language>,
    /// Languages that readers can choose, with commas: nl,fr
    #[arg(long, value_name = "LANGUAGES", group = "what")]
    reader_languages: Option<ReaderLanguages>,
    /// In which times are entered and shown
    #[arg(long, group = "what")]
    time_zone: Option<String>,
    #[arg(long, group = "what")]
    sender_name: Option<String>,
    /// From which address issues come
    #[arg(long, group = "what")]
    sender_address: Option<String>,
    /// Where answers go, or none
    #[arg(long, group = "what")]
    reply_to: Option<String>,
    /// In every issue, as the law asks; lines separated by "; "
    #[arg(long, group = "what")]
    postal_address: Option<String>,
    /// Such as #0f766e
    #[arg(long, group = "what")]
    brand_color: Option<String>,
    /// Absolute address of a picture, with its size behind it, or none
    #[arg(long, group = "what")]
    logo_url: Option<String>,
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
    /// Version or date of the privacy notice, or none
    #[arg(long, value_name = "TEXT", group = "what")]
    privacy_version: Option<String>,
    /// Who finds its issues on the web: public, unlisted or off
    #[arg(long, group = "what")]
    archive: Option<ArchivePolicy>,
    /// How its issues look: letter, magazine or note
    #[arg(long, group = "what")]
    theme: Option<Theme>,
    /// Whether somebody else than who wrote an issue must approve it before it goes out: true or false
    #[arg(long, value_name = "BOOL", group = "what")]
    needs_approval: Option<bool>,
    /// Whether clicks and opens of its issues are counted: off, aggregate or person (of those who agree)
    #[arg(long, group = "what")]
    tracking: Option<Tracking>,
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
            let languages = add.reader_languages.clone();
            let mut added = add_newsletter(&open.store, &open.clock, &add.into_input()).await?;
            if let Some(languages) = languages {
                let about = AboutInput { reader_languages: languages.iter().collect(), ..about_of(&added) };
                added = set_about(&open.store, added.id, None, &about).await?;
            }
            let url = open.public_url();
            let sentence = format!("{} is there: {url}/n/{} is its sign-up page.", added.name, added.slug);
            output.sentence(&added, &sentence)
        }
        Action::Set(set) => {
            let set = *set;
            let newsletter = open.newsletter(&set.slug).await?;
            let mut newsletter = change_words(&open, newsletter, &set).await?;
            let relay = set.relay.map(|name| if name == NONE { String::new() } else { name });
            if let Some(name) = relay.as_deref().filter(|name| !name.is_empty()) {
                check_relay(name, &open).await?;
            }
            if set.privacy_url.is_some() || set.privacy_version.is_some() {
                let given = |typed: &Option<String>, stored: &str| match typed.as_deref() {
                    Some(NONE) => String::new(),
                    typed => typed.unwrap_or(stored).to_owned(),
                };
                let input = PrivacyInput {
                    privacy_url: given(&set.privacy_url, &newsletter.privacy_url),
                    privacy_version: given(&set.privacy_version, &newsletter.privacy_version),
                };
                newsletter = set_privacy(&open.store, newsletter.id, None, &input).await?;
            }
            if let Some(policy) = set.archive {
                newsletter = set_archive(&open.store, newsletter.id, None, policy).await?;
            }
            if let Some(tracking) = set.tracking {
                newsletter = set_tracking(&open.store, newsletter.id, None, tracking).await?;
            }
            if set.theme.is_some() || set.needs_approval.is_some() {
                let theme = set.theme.unwrap_or(newsletter.theme);
                let needs_approval = set.needs_approval.unwrap_or(newsletter.needs_approval);
                let input = IssuesInput { theme, needs_approval };
                newsletter = set_issues(&open.store, newsletter.id, None, &input).await?;
            }
            let input = SendingInput {
                relay: relay.unwrap_or(newsletter.relay),
                mails_per_hour: set.mails_per_hour.map_or(newsletter.mails_per_hour, |given| given.0),
                on_uncertain: set.on_uncertain.unwrap_or(newsletter.on_uncertain),
            };
            let changed = set_sending(&open.store, newsletter.id, None, &input).await?;
            let relay = if changed.relay.is_empty() { "any relay" } else { &changed.relay };
            let pace = match changed.mails_per_hour {
                Some(mails) => format!("at most {mails} mails an hour"),
                None => "as fast as it is taken".to_owned(),
            };
            let says_privacy = set.privacy_url.is_some() || set.privacy_version.is_some();
            let privacy = match (changed.privacy_url.as_str(), changed.privacy_version.as_str()) {
                _ if !says_privacy => String::new(),
                ("", _) => format!("; privacy notice: {NONE}"),
                (url, "") => format!("; privacy notice: {url}"),
                (url, version) => format!("; privacy notice: {url} ({version})"),
            };
            let approval = if changed.needs_approval { "; issues must be approved" } else { "" };
            let archive = set.archive.map(|policy| format!("; archive: {policy}")).unwrap_or_default();
            let tracking = set.tracking.map(|tracking| format!("; tracking: {tracking}")).unwrap_or_default();
            let (name, uncertain, theme) = (&changed.name, changed.on_uncertain, changed.theme);
            let sentence = format!(
                "{name}: by {relay}, {pace}; uncertain mails: {uncertain}; theme: {theme}{approval}{privacy}{archive}{tracking}."
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

/// A name that no relay has would be no wish at all. Where there is none another machine may send.
async fn check_relay(name: &str, open: &Open) -> anyhow::Result<()> {
    let stored = store::relays::all(open.store.read().await?.db()).await?;
    let mut names: Vec<&str> = open.config.relays.iter().map(|relay| &*relay.name).collect();
    names.extend(stored.iter().map(|relay| relay.name.as_str()));
    if names.is_empty() {
        // Where standard error is closed nobody can be told.
        let _ = writeln!(io::stderr(), "No relay is set here, so the name {name} is not checked.");
        return Ok(());
    }
    anyhow::ensure!(names.contains(&name), "no relay is called {name}; there is {}", names.join(", "));
    Ok(())
}

fn about_of(newsletter: &Newsletter) -> AboutInput {
    AboutInput {
        name: newsletter.name.clone(),
        description: newsletter.description.clone(),
        language: newsletter.language,
        reader_languages: newsletter.languages_of_readers(),
        time_zone: newsletter.time_zone.clone(),
    }
}

/// Changes what it is, who it comes from and how it looks: each only where something of it was given.
async fn change_words(open: &Open, newsletter: Newsletter, set: &Set) -> anyhow::Result<Newsletter> {
    let mut newsletter = newsletter;
    let (id, store) = (newsletter.id, &open.store);
    let or = |given: &Option<String>, there: &str| given.clone().unwrap_or_else(|| there.to_owned());
    let or_none = |given: &Option<String>, there: &str| match given.as_deref() {
        Some(NONE) => String::new(),
        _ => or(given, there),
    };
    let Set { name, description, language, reader_languages, time_zone, .. } = set;
    let has_about = name.is_some() || description.is_some() || time_zone.is_some();
    if has_about || language.is_some() || reader_languages.is_some() {
        let there = about_of(&newsletter);
        let input = AboutInput {
            name: or(name, &there.name),
            description: or_none(description, &there.description),
            language: language.unwrap_or(there.language),
            reader_languages: reader_languages
                .as_ref()
                .map_or(there.reader_languages, |set| set.iter().collect()),
            time_zone: or(time_zone, &there.time_zone),
        };
        newsletter = set_about(store, id, None, &input).await?;
    }
    let Set { sender_name, sender_address, reply_to, postal_address, .. } = set;
    if [sender_name, sender_address, reply_to, postal_address].iter().any(|given| given.is_some()) {
        let known_reply_to = newsletter.reply_to.as_ref().map_or("", EmailAddress::as_str);
        let input = SenderInput {
            sender_name: or(sender_name, &newsletter.sender_name),
            sender_address: or(sender_address, newsletter.sender_address.as_str()),
            reply_to: or_none(reply_to, known_reply_to),
            postal_address: or(postal_address, &newsletter.postal_address).replace("; ", "\n"),
        };
        newsletter = set_sender(store, id, None, &input).await?;
    }
    if set.brand_color.is_some() || set.logo_url.is_some() {
        let input = BrandInput {
            brand_color: or(&set.brand_color, &newsletter.brand_color),
            logo_url: or_none(&set.logo_url, &newsletter.logo_url),
        };
        newsletter = set_brand(store, id, None, &input).await?;
    }
    Ok(newsletter)
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
