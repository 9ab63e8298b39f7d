//! `subscriber show`, `subscriber proof`, `subscriber export`, `subscriber import` and `subscriber erase`.

mod import;

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use super::Settings;
use super::open::{Open, address};
use super::output::{self, Output};
use crate::i18n::Texts;
use crate::model::{Condition, Filter, Language, Selection, Slug, SubscriptionStatus};
use crate::store;
use crate::subscriptions::erase::erase;
use crate::subscriptions::export::{Format, export};
use crate::subscriptions::receipt::{Receipt, of_address};
use crate::subscriptions::show::{Details, dossier};
use crate::web::receipt::{View, document};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show everything that is known of a person
    Show {
        address: String,
        #[command(flatten)]
        output: Output,
    },
    /// Show the proof of a person's subscriptions: who asked for what, in which words, and how it was confirmed
    Proof {
        address: String,
        /// Of this newsletter only
        #[arg(long, value_name = "SHORT NAME")]
        newsletter: Option<String>,
        /// Write one HTML document, to be printed or saved as PDF
        #[arg(long, conflicts_with = "json")]
        html: bool,
        /// Of the HTML document: nl, en, fr or de [default: that of the subscription]
        #[arg(long, requires = "html")]
        language: Option<Language>,
        #[command(flatten)]
        output: Output,
    },
    /// Write subscriptions as CSV, or as JSON with an object a line
    Export {
        #[arg(long, value_name = "SHORT NAME")]
        newsletter: Option<String>,
        /// Of this segment of the newsletter only
        #[arg(long, value_name = "NAME", requires = "newsletter")]
        segment: Option<String>,
        /// Only those in this state: pending, confirmed or unsubscribed
        #[arg(long)]
        status: Option<SubscriptionStatus>,
        #[arg(long)]
        json_lines: bool,
        /// [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Take in a file of people; whoever has left or was erased stays so
    Import(import::Arguments),
    /// Erase a person; only a keyed hash of the address is kept, so that no import brings it back
    Erase {
        address: String,
        /// It cannot be undone
        #[arg(long)]
        yes: bool,
    },
}

/// What there is of a subscription beside its row.
fn details_of(details: &Details) -> Vec<(&'static str, String)> {
    let mut fields = Vec::new();
    if let Some(import) = &details.import {
        fields.push(("Import", format!("{} {}", import.created_at.rfc3339(), import.file_name)));
    }
    for mail in &details.mails {
        let line = format!("{} {}: {} {}", mail.created_at.rfc3339(), mail.kind, mail.status, mail.reply);
        fields.push(("Single mail", line));
    }
    for had in &details.welcome {
        fields.push(("Welcome", format!("{} day {}", had.at.rfc3339(), had.days)));
    }
    for change in &details.changes {
        fields.push(("Change", format!("{} {}", change.at.rfc3339(), change.what)));
    }
    if let Some(said) = &details.departure {
        fields.push(("Reason", format!("{} {}: {}", said.at.rfc3339(), said.reason, said.remark)));
    }
    fields
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Show { address: text, output } => {
            let found = dossier(&open.store, &address(&text)?).await?;
            let Some(dossier) = found else { anyhow::bail!("nobody has the address {text}") };
            let mut fields = vec![
                ("Address", dossier.subscriber.address.to_string()),
                ("Name", dossier.subscriber.name.clone()),
                ("Language", dossier.subscriber.language.to_string()),
            ];
            for subscription in &dossier.subscriptions {
                let line = format!("newsletter {}, {}", subscription.newsletter_id, subscription.status);
                fields.push(("Subscription", line));
            }
            for details in &dossier.details {
                fields.extend(details_of(details));
            }
            for change in &dossier.address_changes {
                let line = format!("{} to {}", change.created_at.rfc3339(), change.new_address);
                fields.push(("New address", line));
            }
            for answer in &dossier.answers {
                fields.push(("Answer", format!("{}: {}", answer.key, answer.value)));
            }
            for consent in &dossier.consents {
                let line =
                    format!("{} {} ({}) {}", consent.at.rfc3339(), consent.event, consent.source, consent.ip);
                fields.push(("Consent", line));
            }
            for delivery in &dossier.deliveries {
                let line = format!(
                    "{} mailing {}: {} {}",
                    delivery.at.rfc3339(),
                    delivery.mailing_id,
                    delivery.outcome,
                    delivery.reply
                );
                fields.push(("Delivery", line));
            }
            for hit in &dossier.hits {
                let what = hit.url.as_deref().unwrap_or("opened");
                fields.push(("Click", format!("{} {}: {what}", hit.first_at.rfc3339(), hit.subject)));
            }
            output.one(&dossier, &fields)
        }
        Action::Proof { address, newsletter, html, language, output } => {
            let newsletter = match newsletter {
                Some(slug) => Some(open.newsletter(&slug).await?.slug),
                None => None,
            };
            proof(&open, &address, newsletter.as_ref(), html.then_some(language), output).await
        }
        Action::Export { newsletter, segment, status, json_lines, out } => {
            let selection = selection(&open, newsletter.as_deref(), segment.as_deref(), status).await?;
            let format = if json_lines { Format::JsonLines } else { Format::Csv };
            match out {
                Some(path) => {
                    let rows = export_to(&open, selection, format, &path).await?;
                    output::print(&format!("{rows} subscriptions are in {}.\n", path.display()))
                }
                None => Ok(export(&open.store, selection, format, std::io::stdout()).await.map(drop)?),
            }
        }
        Action::Import(arguments) => import::run(arguments, &open).await,
        Action::Erase { address: text, yes } => {
            let address = address(&text)?;
            anyhow::ensure!(yes, "erasing {text} cannot be undone. Add --yes if that is what you want");
            let was_there = erase(&open.store, &open.clock, &open.keys().await?, &address).await?;
            let what = if was_there { "is erased" } else { "was not known" };
            output::print(&format!("{text} {what}; the address will not be mailed again.\n"))
        }
    }
}

/// The receipts of an address; `html` holds the language that was asked for, if one was.
async fn proof(
    open: &Open,
    text: &str,
    newsletter: Option<&Slug>,
    html: Option<Option<Language>>,
    output: Output,
) -> anyhow::Result<()> {
    let found = of_address(&open.store, &open.clock, &address(text)?, newsletter).await?;
    let Some(receipts) = found else { anyhow::bail!("nobody has the address {text}") };
    let Some(first) = receipts.first() else {
        anyhow::bail!("{text} has no subscription, and had none, of that newsletter")
    };
    if let Some(language) = html {
        let language = language.unwrap_or(first.subscription.language);
        return output::print(&document(Texts::new(language), &receipts)?);
    }
    if output.json {
        return output.sentence(&receipts, "");
    }
    receipts.iter().try_for_each(|receipt| output.one(receipt, &in_words(receipt)))
}

fn in_words(receipt: &Receipt) -> Vec<(&'static str, String)> {
    let t = Texts::new(Language::English);
    let view = View::new(t, receipt);
    let mut fields = vec![
        ("Newsletter", format!("{} ({})", view.newsletter, view.short_name)),
        ("Person", format!("{} {}", view.address, view.person)),
        ("Now", view.status),
    ];
    let mark = |is_proof| if is_proof { "+" } else { "-" };
    fields.extend(
        view.deductions.into_iter().map(|line| ("Shows", format!("{} {}", mark(line.is_proof), line.words))),
    );
    for link in view.chain {
        fields.push(("Chain", format!("{}  {}", link.moment.utc, link.title)));
        fields.extend(link.facts.into_iter().map(|fact| ("", format!("  {}: {}", fact.name, fact.value))));
    }
    for text in view.texts {
        fields.push(("Words", format!("{}, SHA-256 {}", text.title, text.sha256)));
        fields.push(("", format!("  {}", text.words)));
    }
    fields
}

/// Of whom the arguments speak.
async fn selection(
    open: &Open,
    newsletter: Option<&str>,
    segment: Option<&str>,
    status: Option<SubscriptionStatus>,
) -> anyhow::Result<Selection> {
    let mut selection = Selection::default();
    if let Some(slug) = newsletter {
        selection.newsletter = Some(open.newsletter(slug).await?.id);
    }
    if let Some(name) = segment {
        let mut reader = open.store.read().await?;
        let all = store::segments::list(reader.db(), selection.newsletter).await?;
        let found = all.into_iter().find(|segment| segment.name == name);
        let Some(found) = found else { anyhow::bail!("the newsletter has no segment {name}") };
        selection.within = Filter::parse(&found.filter)?;
    }
    if let Some(status) = status {
        selection.filter = Filter::all(vec![Condition::Status { is: true, status }]);
    }
    Ok(selection)
}

/// Writes beside the file and renames, so that nobody meets half of it; for its owner's eyes only.
async fn export_to(open: &Open, selection: Selection, format: Format, path: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let cannot = |error| anyhow::anyhow!("{} cannot be written: {error}", path.display());
    let part = path.with_added_extension("part");
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(cannot)?;
    let rows = export(&open.store, selection, format, &file).await?;
    file.sync_all().map_err(cannot)?;
    std::fs::rename(&part, path).map_err(cannot)?;
    Ok(rows)
}
