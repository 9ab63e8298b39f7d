//! `source list`, `source add` and `source fetch`.

use super::Settings;
use super::open::Open;
use super::output::Output;
use crate::files::Files;
use crate::http::Http;
use crate::i18n::Texts;
use crate::model::{Intake, Language, SourceId};
use crate::publishing::images::Images;
use crate::publishing::sources::fetch::{Reader, fetch_now};
use crate::publishing::sources::{INTERVAL_MINUTES, SourceInput, create};
use crate::service::reach;
use crate::store::sources;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the sources, and what is wrong with each
    List {
        #[command(flatten)]
        output: Output,
    },
    /// Add a feed, which a running service asks from now on
    Add {
        /// RSS, Atom or JSON Feed
        url: String,
        /// [default: the host]
        #[arg(long, default_value = "")]
        name: String,
        /// Of its articles, where the feed does not say: nl, en, fr or de
        #[arg(long, default_value_t = Language::English)]
        language: Language,
        /// Names with commas: every article gets them
        #[arg(long, default_value = "")]
        tags: String,
        /// draft or published
        #[arg(long = "as", default_value_t = Intake::Draft)]
        intake: Intake,
        /// Minutes between two looks
        #[arg(long, default_value_t = INTERVAL_MINUTES)]
        every: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Ask a source now
    Fetch {
        /// As `source list` shows it
        id: i64,
        #[command(flatten)]
        output: Output,
    },
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    let english = Texts::new(Language::English);
    let words = |error: &str, status: i64| match error {
        "" => "fine".to_owned(),
        error => english.with(error, "status", status.to_string()),
    };
    match arguments.action {
        Action::List { output } => {
            let all = sources::all(open.store.read().await?.db()).await?;
            output.list(&all, ["ID", "NAME", "ADDRESS", "NEXT", "STATE"], |source| {
                let next = if source.is_on { source.next_at.to_string() } else { "off".to_owned() };
                let state = words(&source.error, source.error_status);
                [source.id.to_string(), source.name.clone(), source.url.clone(), next, state]
            })
        }
        Action::Add { url, name, language, tags, intake, every, output } => {
            let input = SourceInput {
                name,
                url,
                language: language.to_string(),
                tags,
                intake: intake.to_string(),
                interval_minutes: every.to_string(),
                is_on: true,
            };
            let source = create(&open.store, &open.clock, &input).await?;
            let sentence = format!(
                "{} has the id {}. `postiljon source fetch {}` asks it at once.",
                source.name, source.id, source.id
            );
            output.sentence(&source, &sentence)
        }
        Action::Fetch { id, output } => {
            let http = Http::new(reach(&open.config));
            let images = Images::new(Files::open(&open.config.images)?);
            let reader = Reader { store: &open.store, clock: &open.clock, http: &http, images: &images };
            let report = fetch_now(reader, SourceId(id)).await?;
            let report = report.ok_or_else(|| {
                anyhow::anyhow!("there is no source {id}. `postiljon source list` shows them")
            })?;
            if !report.error.is_empty() {
                let source = sources::by_id(open.store.read().await?.db(), SourceId(id)).await?;
                anyhow::bail!("{}", words(report.error, source.map_or(0, |source| source.error_status)));
            }
            let sentence = format!(
                "{} new, {} changed, {} changed there and left as they are here.",
                report.added, report.updated, report.kept
            );
            output.sentence(&report, &sentence)
        }
    }
}
