//! `mailing list`, `show`, `watch`, `ledger`, and what can be done with one: `send-now`, `pause`, `resume`,
//! `cancel`, `resend`.

mod ledger;
mod watch;

use super::Settings;
use super::open::Open;
use super::output::{self, Output};
use crate::delivery::mailing::{Progress, progress_of};
use crate::model::{Mailing, MailingId, MailingStatus, Move, PauseReason, Timestamp, Variant};
use crate::publishing::moves::{MoveError, Moved, make_move};
use crate::store::{self, PAGE_ROWS};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Show the mailings, the latest first
    List {
        #[arg(long, value_name = "SHORT NAME")]
        newsletter: Option<String>,
        /// From 1
        #[arg(long, default_value_t = 1)]
        page: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Show the account of a mailing
    Show {
        id: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Show its progress until it has ended: exit code 0 when it is sent, 1 when it was cancelled
    ///
    /// Ctrl-C ends the watching only.
    Watch { id: i64 },
    /// Show what became of each recipient
    Ledger(ledger::Arguments),
    /// Begin one that waits, without its undo window or its moment
    SendNow { id: i64 },
    /// Stop sending, until it is resumed
    Pause { id: i64 },
    /// Go on with one that is paused
    Resume { id: i64 },
    /// Cancel one: before it begins its issue is free again, on the way the rest gets nothing
    Cancel { id: i64 },
    /// End a trial of two subjects: everybody who was not asked gets this one
    Choose {
        id: i64,
        #[arg(value_name = "first|second")]
        subject: Variant,
    },
    /// Send again to recipients of one that is sent
    Resend {
        id: i64,
        #[command(flatten)]
        whom: Whom,
    },
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct Whom {
    /// Those who were refused or given up, but for addresses that do not exist
    #[arg(long)]
    failed: bool,
    /// Those of whom nobody knows whether they have it: some may get it twice
    #[arg(long)]
    uncertain: bool,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::List { newsletter, page, output } => list(&open, newsletter.as_deref(), page, output).await,
        Action::Show { id, output } => show(&open, id, output).await,
        Action::Watch { id } => watch::run(&open, id).await,
        Action::Ledger(arguments) => ledger::run(&open, arguments).await,
        Action::SendNow { id } => tell(&open, id, Move::SendNow).await,
        Action::Pause { id } => tell(&open, id, Move::Pause).await,
        Action::Resume { id } => tell(&open, id, Move::Resume).await,
        Action::Cancel { id } => tell(&open, id, Move::Cancel).await,
        Action::Choose { id, subject } => {
            let wanted = match subject {
                Variant::First => Move::ChooseFirst,
                Variant::Second => Move::ChooseSecond,
            };
            tell(&open, id, wanted).await
        }
        Action::Resend { id, whom } => {
            tell(&open, id, if whom.failed { Move::ResendFailed } else { Move::ResendUncertain }).await
        }
    }
}

async fn list(open: &Open, newsletter: Option<&str>, page: i64, output: Output) -> anyhow::Result<()> {
    let newsletter = match newsletter {
        Some(slug) => Some(open.newsletter(slug).await?.id),
        None => None,
    };
    let mut rows = store::mailings::list(open.store.read().await?.db(), newsletter, page.max(1) - 1).await?;
    rows.truncate(usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX));
    let headings = ["ID", "NEWSLETTER", "NUMBER", "STATUS", "DUE", "AUDIENCE", "SENT", "SUBJECT"];
    output.list(&rows, headings, |row| {
        [
            row.mailing.id.to_string(),
            row.newsletter_name.clone(),
            row.number.to_string(),
            row.mailing.status.to_string(),
            row.mailing.due_at.rfc3339(),
            row.mailing.account.audience.to_string(),
            row.mailing.account.sent.to_string(),
            row.subject.clone(),
        ]
    })
}

async fn mailing(open: &Open, id: i64) -> anyhow::Result<Mailing> {
    let found = store::mailings::by_id(open.store.read().await?.db(), MailingId(id)).await?;
    found.ok_or_else(|| missing(id))
}

async fn show(open: &Open, id: i64, output: Output) -> anyhow::Result<()> {
    #[derive(serde::Serialize)]
    struct Shown {
        due_at: Timestamp,
        started_at: Option<Timestamp>,
        finished_at: Option<Timestamp>,
        #[serde(flatten)]
        progress: Progress,
    }
    let mailing = mailing(open, id).await?;
    let now = open.clock.now();
    let progress = progress_of(open.store.read().await?.db(), &mailing, now).await?;
    let account = progress.account;
    let number = |count: i64| count.to_string();
    let mut fields = vec![("Status", progress.status.to_string())];
    if progress.status == MailingStatus::Paused {
        fields.push(("Because", why(progress.pause_reason).to_owned()));
    }
    fields.push(("Due", mailing.due_at.rfc3339()));
    fields.extend(mailing.started_at.map(|at| ("Began", at.rfc3339())));
    fields.extend(mailing.finished_at.map(|at| ("Ended", at.rfc3339())));
    fields.extend([
        ("Audience", number(account.audience)),
        ("Sent", number(account.sent)),
        ("Deferred", number(account.deferred)),
        ("Bounced", number(account.bounced)),
        ("Uncertain", number(account.uncertain)),
        ("Skipped", number(account.skipped)),
        ("Expired", number(account.expired)),
        ("Open", number(account.open())),
    ]);
    fields.extend(progress.per_second.map(|rate| ("Rate", format!("{rate:.1} a second"))));
    fields.extend(progress.eta.map(|eta| ("Done in", watch::duration(eta.since(now)))));
    let (due_at, started_at, finished_at) = (mailing.due_at, mailing.started_at, mailing.finished_at);
    output.one(&Shown { due_at, started_at, finished_at, progress }, &fields)
}

/// Why a mailing is paused, as a sentence.
const fn why(reason: PauseReason) -> &'static str {
    match reason {
        PauseReason::User | PauseReason::None => "someone paused it",
        PauseReason::Bounces => "more than 5 in 100 were refused",
        PauseReason::Sender => "the relay takes no mail from its sender",
        PauseReason::Restored => "the database came back from a copy",
    }
}

/// Makes a move, and tells what it means.
async fn tell(open: &Open, id: i64, wanted: Move) -> anyhow::Result<()> {
    let Moved { mailing, again } = match make_move(&open.store, &open.clock, MailingId(id), wanted).await {
        Ok(moved) => moved,
        Err(MoveError::NotFound) => return Err(missing(id)),
        Err(error @ MoveError::MovedOn) => anyhow::bail!("{error} `postiljon mailing show {id}` tells it"),
        Err(error) => return Err(error.into()),
    };
    let words = match wanted {
        Move::SendNow => format!("Mailing {id} begins as soon as the running service sees it."),
        Move::Pause => {
            format!("Mailing {id} is paused. `postiljon mailing resume {id}` goes on with it.")
        }
        Move::Resume => format!("Mailing {id} goes on."),
        Move::ChooseFirst => format!("Mailing {id} goes on with its first subject."),
        Move::ChooseSecond => format!("Mailing {id} goes on with its second subject."),
        Move::Cancel if mailing.started_at.is_some() => format!(
            "Mailing {id} is cancelled on the way: {} have it, and the others get nothing.",
            mailing.account.sent
        ),
        Move::Cancel => format!("Mailing {id} is cancelled; its issue can be changed and scheduled again."),
        Move::ResendFailed | Move::ResendUncertain => {
            let held = if mailing.status == MailingStatus::Paused { " once it is resumed" } else { "" };
            format!("Mailing {id} is sent again to {again}{held}.")
        }
    };
    output::print(&format!("{words}\n"))
}

fn missing(id: i64) -> anyhow::Error {
    anyhow::anyhow!("there is no mailing {id}. `postiljon mailing list` shows them")
}
