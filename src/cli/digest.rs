//! `digest list`, `digest preview` and `digest skip`.

use super::Settings;
use super::open::Open;
use super::output::Output;
use crate::model::{DigestRule, DigestRuleId, Newsletter};
use crate::publishing::digest::plan::Plan;
use crate::publishing::digest::{POOL_MAX, acts, run};
use crate::publishing::schedule::zone_of;
use crate::store::{digests, newsletters};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the digests of a newsletter, and when each comes next
    List {
        /// Short name of the newsletter
        newsletter: String,
        #[command(flatten)]
        output: Output,
    },
    /// Show what a digest would hold if it were made now
    Preview {
        /// As `digest list` shows it
        id: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Skip the next date of a digest; its articles wait for the one after
    Skip {
        /// As `digest list` shows it
        id: i64,
    },
}

#[derive(Debug, serde::Serialize)]
struct Row {
    #[serde(flatten)]
    rule: DigestRule,
    next: String,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::List { newsletter, output } => {
            let newsletter = open.newsletter(&newsletter).await?;
            let rules = digests::of_newsletter(open.store.read().await?.db(), newsletter.id).await?;
            let row = |rule: DigestRule| {
                let now = open.clock.now();
                let next = rule.on_since.and_then(|_| run::next(&rule, &newsletter, now));
                let next = next.map_or_else(
                    || "off".to_owned(),
                    |next| {
                        let due_at = run::due_at(&rule, next.occasion, now);
                        let local = due_at.to_utc().with_timezone(&zone_of(&newsletter));
                        local.format("%Y-%m-%d %H:%M").to_string()
                    },
                );
                Row { rule, next }
            };
            let rows: Vec<Row> = rules.into_iter().map(row).collect();
            output.list(&rows, ["ID", "NAME", "CALENDAR", "NEXT"], |row| {
                [
                    row.rule.id.to_string(),
                    row.rule.name.clone(),
                    row.rule.calendar.as_str().to_owned(),
                    row.next.clone(),
                ]
            })
        }
        Action::Preview { id, output } => {
            let (_, rule) = find(&open, id).await?;
            let now = open.clock.now();
            let pool = digests::candidates(open.store.read().await?.db(), &rule, now, POOL_MAX).await?;
            match run::choose(&rule, &pool, now) {
                Plan::TooFew { found } => anyhow::bail!(
                    "{found} articles wait, and {} has at least {}: nothing would be sent",
                    rule.name,
                    rule.fewest
                ),
                Plan::Make { articles, .. } => {
                    let chosen: Vec<_> = articles
                        .iter()
                        .filter_map(|id| pool.iter().find(|one| one.id == *id))
                        .map(|one| (one.id, one.language, one.at, one.title.clone()))
                        .collect();
                    output.list(&chosen, ["ID", "LANGUAGE", "SINCE", "TITLE"], |(id, language, at, title)| {
                        [id.to_string(), language.to_string(), at.to_string(), title.clone()]
                    })
                }
            }
        }
        Action::Skip { id } => {
            let (newsletter, rule) = find(&open, id).await?;
            let skipped = acts::skip_next(&open.store, &open.clock, rule.id, None).await?;
            let local = skipped.to_utc().with_timezone(&zone_of(&newsletter));
            let day = local.format("%Y-%m-%d %H:%M");
            super::output::print(&format!(
                "{} of {day} is skipped. Its articles wait for the next.\n",
                rule.name
            ))
        }
    }
}

async fn find(open: &Open, id: i64) -> anyhow::Result<(Newsletter, DigestRule)> {
    let missing =
        || anyhow::anyhow!("there is no digest {id}. `postiljon digest list NEWSLETTER` shows them");
    let mut reader = open.store.read().await?;
    let rule = digests::by_id(reader.db(), DigestRuleId(id)).await?.ok_or_else(missing)?;
    let newsletter = newsletters::by_id(reader.db(), rule.newsletter_id).await?.ok_or_else(missing)?;
    Ok((newsletter, rule))
}
