//! `subscriber show`, `subscriber export` and `subscriber erase`.

use std::fs::OpenOptions;
use std::path::{Path, PathBuf};

use super::Settings;
use super::open::{Open, address};
use super::output::{self, Output};
use crate::model::NewsletterId;
use crate::subscriptions::erase::erase;
use crate::subscriptions::export::export_csv;
use crate::subscriptions::show::dossier;

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
    /// Write all subscriptions as CSV
    Export {
        #[arg(long, value_name = "SHORT NAME")]
        newsletter: Option<String>,
        /// [default: standard output]
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Erase a person; only a keyed hash of the address is kept, so that no import brings it back
    Erase {
        address: String,
        /// It cannot be undone
        #[arg(long)]
        yes: bool,
    },
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
            output.one(&dossier, &fields)
        }
        Action::Export { newsletter, out } => {
            let newsletter = match newsletter {
                Some(slug) => Some(open.newsletter(&slug).await?.id),
                None => None,
            };
            match out {
                Some(path) => {
                    let rows = export_to(&open, newsletter, &path).await?;
                    output::print(&format!("{rows} subscriptions are in {}.\n", path.display()))
                }
                None => Ok(export_csv(&open.store, newsletter, std::io::stdout()).await.map(drop)?),
            }
        }
        Action::Erase { address: text, yes } => {
            let address = address(&text)?;
            anyhow::ensure!(yes, "erasing {text} cannot be undone. Add --yes if that is what you want");
            let was_there = erase(&open.store, &open.clock, &open.keys()?, &address).await?;
            let what = if was_there { "is erased" } else { "was not known" };
            output::print(&format!("{text} {what}; the address will not be mailed again.\n"))
        }
    }
}

/// Writes beside the file and renames, so that nobody meets half of it; for its owner's eyes only.
async fn export_to(open: &Open, newsletter: Option<NewsletterId>, path: &Path) -> anyhow::Result<u64> {
    use std::os::unix::fs::OpenOptionsExt as _;
    let cannot = |error| anyhow::anyhow!("{} cannot be written: {error}", path.display());
    let part = path.with_added_extension("part");
    let file =
        OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part).map_err(cannot)?;
    let rows = export_csv(&open.store, newsletter, &file).await?;
    file.sync_all().map_err(cannot)?;
    std::fs::rename(&part, path).map_err(cannot)?;
    Ok(rows)
}
