//! `issue compose`, `preview`, `check`, `test`, `schedule` and `list`.

use std::path::PathBuf;

use super::Settings;
use super::article;
use super::open::Open;
use super::output::{self, Output};
use crate::http::Http;
use crate::i18n::Texts;
use crate::mail::slot::{escape_html, without_recipient};
use crate::model::{ArticleDisplay, IssueId, Language, NewsletterId, Placed, Theme, TopicId};
use crate::publishing::check::Finding;
use crate::publishing::compose::{Composed, compose};
use crate::publishing::issues::{self, IssueInput};
use crate::publishing::links::check_links;
use crate::publishing::schedule::{ScheduleError, Scheduling, When, parse_local, schedule, zone_of};
use crate::publishing::test_mail::send_test;
use crate::store::{self, PAGE_ROWS};

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, clap::Subcommand)]
enum Action {
    /// Make an issue of articles
    Compose {
        #[arg(long, value_name = "SHORT NAME")]
        newsletter: String,
        #[arg(long)]
        subject: String,
        /// The line that inboxes show behind the subject
        #[arg(long, default_value = "")]
        preheader: String,
        /// Markdown above the articles
        #[arg(long, default_value = "")]
        intro: String,
        #[arg(long, value_name = "FILE", conflicts_with = "intro")]
        intro_file: Option<PathBuf>,
        /// Markdown below the articles
        #[arg(long, default_value = "")]
        outro: String,
        /// letter, magazine or note [default: that of the newsletter]
        #[arg(long)]
        theme: Option<Theme>,
        /// SHORT-NAME, or SHORT-NAME:teaser; repeat it for each article, in order
        #[arg(long, required = true)]
        article: Vec<String>,
        /// Only for readers who have this topic, named by its key [default: for everyone]
        #[arg(long, value_name = "KEY")]
        topic: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Print an issue as it will arrive
    Preview {
        id: i64,
        /// HTML instead of the text part
        #[arg(long)]
        html: bool,
    },
    /// Tell what must or should be mended before sending
    Check {
        id: i64,
        /// First ask every web address of it whether it is there
        #[arg(long)]
        links: bool,
        #[command(flatten)]
        output: Output,
    },
    /// Send a test of an issue to an address
    Test {
        id: i64,
        #[arg(long)]
        to: String,
    },
    /// Schedule an issue; what is sent is frozen by it
    Schedule {
        id: i64,
        #[arg(long, conflicts_with = "at", required_unless_present = "at")]
        now: bool,
        /// Without the undo window (mail.undo_seconds)
        #[arg(long, requires = "now")]
        at_once: bool,
        /// On the clocks of the newsletter's time zone: "2026-12-01 09:30"
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Send in spite of errors that may be overridden, and keep this as the reason
        #[arg(long, value_name = "REASON")]
        despite: Option<String>,
        #[command(flatten)]
        output: Output,
    },
    /// Make an issue that is like an earlier one
    Copy {
        id: i64,
        #[command(flatten)]
        output: Output,
    },
    /// Show the issues, the newest first
    List {
        #[arg(long, value_name = "SHORT NAME")]
        newsletter: Option<String>,
        /// From 1
        #[arg(long, default_value_t = 1)]
        page: i64,
        #[command(flatten)]
        output: Output,
    },
}

const ENGLISH: Texts = Texts::new(Language::English);

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.action {
        Action::Compose {
            newsletter,
            subject,
            preheader,
            intro,
            intro_file,
            outro,
            theme,
            article: chosen,
            topic,
            output,
        } => {
            let newsletter = open.newsletter(&newsletter).await?;
            let mut articles = Vec::new();
            for choice in &chosen {
                let (slug, display) = choice.split_once(':').unwrap_or((choice, "full"));
                let display: ArticleDisplay =
                    display.parse().map_err(|error| anyhow::anyhow!("--article {choice}: {error}"))?;
                articles.push(Placed::new(article::find(&open.store, slug).await?.id, display));
            }
            let intro = match intro_file {
                Some(path) => article::read(Some(&path))?,
                None => intro,
            };
            let topic = match topic {
                Some(key) => Some(topic_of(&open, newsletter.id, &key).await?),
                None => None,
            };
            let input = IssueInput {
                subject,
                preheader,
                intro,
                outro,
                articles,
                topic,
                theme,
                ..IssueInput::default()
            };
            let issue = issues::create(&open.store, &open.clock, newsletter.id, &input).await?;
            let sentence = format!("Issue {} of {} has the id {}.", issue.number, newsletter.name, issue.id);
            output.sentence(&issue, &sentence)
        }
        Action::Preview { id, html } => {
            let composed = composed(&open, id).await?;
            let rendered = match composed.rendered {
                Ok(rendered) => rendered,
                Err(error) => anyhow::bail!("issue {id} cannot be rendered: {error}"),
            };
            let text = if html {
                without_recipient(&rendered.html, escape_html)
            } else {
                let subject = without_recipient(&rendered.subject, str::to_owned);
                format!("Subject: {subject}\n\n{}", without_recipient(&rendered.text, str::to_owned))
            };
            output::print(&format!("{text}\n"))
        }
        Action::Check { id, links, output } => {
            if links {
                let http = Http::new(crate::service::reach(&open.config));
                check_links(&open.store, &open.clock, &http, open.public_url(), IssueId(id)).await?;
            }
            let composed = composed(&open, id).await?;
            let lines = lines(&composed.findings);
            output
                .list(&lines, ["SEVERITY", "WHAT"], |line| [line.severity.to_owned(), line.words.clone()])?;
            if composed.is_ready() { Ok(()) } else { Err(anyhow::anyhow!("issue {id} cannot be sent yet")) }
        }
        Action::Test { id, to } => {
            send_test(&open.store, &open.clock, open.public_url(), IssueId(id), &to).await?;
            output::print(&format!("The test to {to} is in the outbox; the running service sends it.\n"))
        }
        Action::Copy { id, output } => {
            let issue = issues::copy(&open.store, &open.clock, IssueId(id), None).await?;
            let sentence = format!("Issue {} is like issue {id}; its id is {}.", issue.number, issue.id);
            output.sentence(&issue, &sentence)
        }
        Action::Schedule { id, now: _, at_once, at, despite, output } => {
            let when = match at {
                Some(text) => When::Local(parse_local(&text)?),
                None if at_once => When::Now,
                None => When::AfterUndo(open.config.mail.undo),
            };
            let scheduling = Scheduling { reason: despite, ..Scheduling::from(when) };
            let done = schedule(&open.store, &open.clock, open.public_url(), IssueId(id), scheduling).await;
            let scheduled = match done {
                Ok(scheduled) => scheduled,
                Err(ScheduleError::Blocked(findings)) => {
                    let errors: Vec<String> = lines(&findings).into_iter().map(|line| line.words).collect();
                    anyhow::bail!("issue {id} cannot be sent yet. {}", errors.join(". "));
                }
                Err(ScheduleError::NotFound) => return Err(missing(id)),
                Err(error) => return Err(error.into()),
            };
            let newsletter = {
                let mut reader = open.store.read().await?;
                store::newsletters::by_id(reader.db(), scheduled.mailing.newsletter_id).await?
            };
            let moment = newsletter.map_or_else(String::new, |newsletter| {
                let words = ENGLISH.date_time(scheduled.mailing.due_at, zone_of(&newsletter));
                format!("{words} ({})", newsletter.time_zone)
            });
            let state = if scheduled.is_new { "is scheduled" } else { "was scheduled already" };
            let mut sentence =
                format!("Issue {id} {state} as mailing {} for {moment}.", scheduled.mailing.id);
            if let When::AfterUndo(window) = when
                && scheduled.is_new
                && !window.is_zero()
            {
                sentence += &format!(
                    " For {} seconds `postiljon mailing cancel {}` calls it back.",
                    window.as_secs(),
                    scheduled.mailing.id
                );
            }
            output.sentence(&scheduled.mailing, &sentence)
        }
        Action::List { newsletter, page, output } => {
            let newsletter = match newsletter {
                Some(slug) => Some(open.newsletter(&slug).await?.id),
                None => None,
            };
            let mut reader = open.store.read().await?;
            let mut rows = store::issues::list(reader.db(), newsletter, page.max(1) - 1).await?;
            rows.truncate(usize::try_from(PAGE_ROWS).unwrap_or(usize::MAX));
            output.list(&rows, ["ID", "NEWSLETTER", "NUMBER", "STATUS", "ARTICLES", "SUBJECT"], |row| {
                [
                    row.id.to_string(),
                    row.newsletter_name.clone(),
                    row.number.to_string(),
                    row.mailing_status.map_or("draft", |status| status.as_str()).to_owned(),
                    row.articles.to_string(),
                    row.subject.clone(),
                ]
            })
        }
    }
}

fn missing(id: i64) -> anyhow::Error {
    anyhow::anyhow!("there is no issue {id}. `postiljon issue list` shows them")
}

async fn composed(open: &Open, id: i64) -> anyhow::Result<Composed> {
    let mut reader = open.store.read().await?;
    let composed = compose(reader.db(), IssueId(id), open.clock.now(), open.public_url()).await?;
    composed.ok_or_else(|| missing(id))
}

/// The topic of a newsletter that has this key.
async fn topic_of(open: &Open, newsletter: NewsletterId, key: &str) -> anyhow::Result<TopicId> {
    let topics = store::topics::of_newsletter(open.store.read().await?.db(), newsletter).await?;
    let offered: Vec<_> = topics.iter().filter(|topic| topic.archived_at.is_none()).collect();
    let found = offered.iter().find(|topic| topic.key == key).map(|topic| topic.id);
    let keys: Vec<_> = offered.iter().map(|topic| topic.key.as_str()).collect();
    found.ok_or_else(|| anyhow::anyhow!("--topic {key} is not one of: {}", keys.join(", ")))
}

#[derive(serde::Serialize)]
struct Line {
    key: &'static str,
    severity: &'static str,
    can_be_overridden: bool,
    words: String,
}

fn lines(findings: &[Finding]) -> Vec<Line> {
    findings
        .iter()
        .map(|finding| Line {
            key: finding.key(),
            severity: finding.severity.as_str(),
            can_be_overridden: finding.can_be_overridden(),
            words: finding.in_words(ENGLISH),
        })
        .collect()
}
