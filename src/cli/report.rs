//! `report`: what came of an issue, or how a newsletter does.

use super::Settings;
use super::open::Open;
use super::output::{self, Output};
use crate::model::calendar::Period;
use crate::model::{IssueId, Newsletter};
use crate::publishing::schedule::zone_of;
use crate::reports::mailing::{MailingReport, bounce_rate, of_mailing, per_mille};
use crate::reports::newsletter::{EveryMailing, Line, growth_of};
use crate::store;
use crate::store::reports::MailingLine;
use crate::subscriptions::export::guarded;

#[derive(Debug, clap::Args)]
pub(super) struct Arguments {
    /// The id of an issue, or the short name of a newsletter
    #[arg(value_name = "ISSUE|NEWSLETTER")]
    what: String,
    /// Of a newsletter: week or month
    #[arg(long, default_value_t = Period::Week)]
    by: Period,
    /// A table for spreadsheets: the links of an issue, the mailings of a newsletter
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    #[command(flatten)]
    output: Output,
}

pub(super) async fn run(arguments: Arguments, settings: &Settings) -> anyhow::Result<()> {
    let open = Open::new(settings).await?;
    match arguments.what.parse() {
        Ok(id) => issue(&open, IssueId(id), &arguments).await,
        Err(_) => newsletter(&open, &arguments).await,
    }
}

async fn issue(open: &Open, id: IssueId, arguments: &Arguments) -> anyhow::Result<()> {
    let mut reader = open.store.read().await?;
    let mailing = store::mailings::of_issue(reader.db(), id).await?.ok_or_else(|| {
        anyhow::anyhow!("there is no issue {id} that was scheduled. `postiljon issue list` shows them")
    })?;
    let report = of_mailing(&mut reader, mailing.id).await?;
    let report = report.ok_or_else(|| anyhow::anyhow!("the issue of mailing {} is gone", mailing.id))?;
    if arguments.csv {
        return csv_of(
            ["number", "label", "heading", "url", "clicks", "machine_clicks", "readers"],
            report.links.iter().map(|link| {
                [
                    link.number.to_string(),
                    link.label.clone(),
                    link.heading.clone(),
                    link.url.clone(),
                    link.clicks.to_string(),
                    link.machine_clicks.to_string(),
                    link.readers.to_string(),
                ]
            }),
        );
    }
    arguments.output.one(&report, &fields(&report))
}

fn share(part: i64, whole: i64) -> String {
    with_rate(part, per_mille(part, whole))
}

fn with_rate(count: i64, rate: i64) -> String {
    format!("{count} ({}.{}%)", rate / 10, (rate % 10).abs())
}

fn fields(report: &MailingReport) -> Vec<(&'static str, String)> {
    let (account, counts) = (&report.mailing.account, &report.counts);
    let mut fields = vec![
        ("Issue", format!("{} of {}: {}", report.issue.number, report.newsletter.name, report.issue.subject)),
        ("Status", report.mailing.status.to_string()),
        ("Sent", format!("{} of {}", account.sent, account.audience)),
        ("Bounced", with_rate(account.bounced, bounce_rate(account.bounced, account.sent))),
        ("Left after it", share(counts.departures, account.sent)),
        ("Counted", report.mailing.tracking.to_string()),
    ];
    if report.mailing.tracking.is_on() {
        fields.push(("Clicks", share(counts.clicks, account.sent)));
        fields.push(("Clicks by machines", counts.machine_clicks.to_string()));
        fields.push(("Readers who agreed and clicked", counts.click_readers.to_string()));
        fields.push(("Opens (unreliable)", counts.opens.to_string()));
    }
    if let Some(usual) = report.usual {
        let rate = |rate: i64| format!("{}.{}%", rate / 10, (rate % 10).abs());
        let clicks = usual.clicks.map(|clicks| format!("clicks {}, ", rate(clicks))).unwrap_or_default();
        let words = format!(
            "{clicks}bounced {}, left {} (the middle of {} issues)",
            rate(usual.bounced),
            rate(usual.departures),
            usual.mailings
        );
        fields.push(("Usual", words));
    }
    let mut links: Vec<_> = report.links.iter().collect();
    links.sort_by_key(|link| (-link.clicks, link.number));
    for (at, link) in links.into_iter().enumerate() {
        let name = if at == 0 { "Links" } else { "" };
        fields.push((name, format!("{} {} {}", link.clicks, link.label, link.url)));
    }
    fields
}

/// What `--json` answers for a newsletter.
#[derive(serde::Serialize)]
struct NewsletterReport {
    newsletter: Newsletter,
    growth: Vec<GrowthLine>,
    /// The last ones, the latest first.
    mailings: Vec<MailingLine>,
}

#[derive(serde::Serialize)]
struct GrowthLine {
    /// Its first day, on the clocks of the newsletter.
    from: String,
    confirmed: i64,
    departed: i64,
    bounced: i64,
}

impl GrowthLine {
    fn of(line: &Line) -> Self {
        let (confirmed, departed) = (line.growth.confirmed, line.growth.departed);
        Self { from: line.span.first.to_string(), confirmed, departed, bounced: line.bounced }
    }
}

async fn newsletter(open: &Open, arguments: &Arguments) -> anyhow::Result<()> {
    let newsletter = open.newsletter(&arguments.what).await?;
    let zone = zone_of(&newsletter);
    let mut reader = open.store.read().await?;
    if arguments.csv {
        drop(reader);
        let mut every = EveryMailing::of(&open.store, newsletter.id);
        let mut mailings = Vec::new();
        while let Some(part) = every.next().await? {
            mailings.extend(part);
        }
        return csv_of(
            [
                "mailing",
                "issue",
                "subject",
                "started_at",
                "sent",
                "bounced",
                "departures",
                "clicks",
                "machine_clicks",
                "opens",
                "machine_opens",
            ],
            mailings.iter().map(|line| {
                [
                    line.id.to_string(),
                    line.number.to_string(),
                    line.subject.clone(),
                    line.started_at.rfc3339(),
                    line.sent.to_string(),
                    line.bounced.to_string(),
                    line.departures.to_string(),
                    line.clicks.to_string(),
                    line.machine_clicks.to_string(),
                    line.opens.to_string(),
                    line.machine_opens.to_string(),
                ]
            }),
        );
    }
    let lines = growth_of(&mut reader, newsletter.id, arguments.by, open.clock.now(), zone).await?;
    let mailings = store::reports::mailings(reader.db(), newsletter.id, 0).await?;
    drop(reader);
    let growth: Vec<GrowthLine> = lines.iter().map(GrowthLine::of).collect();
    if arguments.output.json {
        return arguments.output.one(&NewsletterReport { newsletter, growth, mailings }, &[]);
    }
    arguments.output.list(&growth, ["FROM", "CAME", "LEFT", "BOUNCED"], |line| {
        [line.from.clone(), line.confirmed.to_string(), line.departed.to_string(), line.bounced.to_string()]
    })?;
    output::print("\n")?;
    arguments.output.list(&mailings, ["ISSUE", "SENT", "BOUNCED", "LEFT", "CLICKS", "SUBJECT"], |line| {
        let clicks = if line.tracking.is_on() { line.clicks.to_string() } else { "not counted".to_owned() };
        [
            line.number.to_string(),
            line.sent.to_string(),
            line.bounced.to_string(),
            line.departures.to_string(),
            clicks,
            line.subject.clone(),
        ]
    })
}

fn csv_of<const N: usize>(
    headings: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> anyhow::Result<()> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(headings)?;
    for row in rows {
        writer.write_record(row.map(|cell| guarded(&cell)))?;
    }
    let bytes = writer.into_inner().map_err(|error| anyhow::anyhow!("{error}"))?;
    output::print(&String::from_utf8_lossy(&bytes))
}
