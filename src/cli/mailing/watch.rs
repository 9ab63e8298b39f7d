//! `mailing watch`: a bar that moves on a terminal, a line every few seconds elsewhere.

use std::io::{self, IsTerminal as _, Write as _};
use std::time::Duration;

use super::super::open::Open;
use super::super::output;
use crate::delivery::mailing::{Progress, Samples, flows};
use crate::model::{MailingStatus, Timestamp};

/// How often the mailing is looked at.
const TICK: Duration = Duration::from_millis(500);
/// How often a line is written where there is no terminal; a change of status is told at once.
const LINE_EVERY: Duration = Duration::from_secs(5);
const BAR_WIDTH: i64 = 20;
/// Back to the first column, and empties the line (ECMA-48, EL). Until [`WRAP`] a line that is longer than the
/// terminal is wide ends at its edge (DECAWM): one that goes on below could not be drawn over.
const REDRAW: &str = "\r\x1b[2K\x1b[?7l";
const WRAP: &str = "\x1b[?7h";

pub async fn run(open: &Open, id: i64) -> anyhow::Result<()> {
    let mut samples = Samples::default();
    let mut shown = Shown { is_terminal: io::stdout().is_terminal(), status: None, line_at: None };
    loop {
        let mailing = super::mailing(open, id).await?;
        let flows = samples.are_few(&open.clock) && flows(open.store.read().await?.db(), &mailing).await?;
        let progress = samples.look(&mailing, flows, &open.clock);
        let now = open.clock.now();
        shown.show(&line(&progress, mailing.due_at, now), &progress, open.clock.elapsed())?;
        match progress.status {
            MailingStatus::Sent => return shown.end(),
            MailingStatus::Cancelled => {
                shown.end()?;
                anyhow::bail!("mailing {id} was cancelled");
            }
            MailingStatus::Paused if shown.is_news(progress.status) => {
                shown.note(&format!(
                    "Mailing {id} is paused: {}. Look at the replies (`postiljon mailing ledger {id} --outcome bounced`), then \
                     `postiljon mailing resume {id}` or `postiljon mailing cancel {id}`.",
                    super::why(progress.pause_reason)
                ));
            }
            _ => {}
        }
        shown.status = Some(progress.status);
        open.clock.sleep(TICK).await;
    }
}

/// What stands on the screen.
struct Shown {
    is_terminal: bool,
    status: Option<MailingStatus>,
    /// When the last line was written, by the clock's elapsed time.
    line_at: Option<Duration>,
}

impl Shown {
    fn is_news(&self, status: MailingStatus) -> bool {
        self.status != Some(status)
    }

    fn show(&mut self, line: &str, progress: &Progress, now: Duration) -> anyhow::Result<()> {
        if self.is_terminal {
            return output::print(&format!("{REDRAW}{line}{WRAP}"));
        }
        let is_due = self.line_at.is_none_or(|at| now.saturating_sub(at) >= LINE_EVERY);
        if !is_due && !self.is_news(progress.status) {
            return Ok(());
        }
        self.line_at = Some(now);
        output::print(&format!("{line}\n"))
    }

    /// Something to read beside the line: to standard error, since it is no part of the answer.
    fn note(&self, words: &str) {
        let before = if self.is_terminal { "\n" } else { "" };
        // Where standard error is closed nobody can be told.
        let _ = writeln!(io::stderr(), "{before}{words}");
    }

    /// Leaves the last line on the screen.
    fn end(&self) -> anyhow::Result<()> {
        if self.is_terminal { output::print("\n") } else { Ok(()) }
    }
}

/// `[########------------]  40 %  400/1000  sending  20/s  30 s left  waiting 5`, the most important first.
fn line(progress: &Progress, due_at: Timestamp, now: Timestamp) -> String {
    let account = &progress.account;
    if progress.status == MailingStatus::Scheduled {
        return format!("scheduled, begins in {}", duration(due_at.since(now)));
    }
    let settled = account.settled();
    let part = |of: i64| (settled * of).checked_div(account.audience).unwrap_or(of).clamp(0, of);
    let done = part(BAR_WIDTH);
    let bar: String = (0..BAR_WIDTH).map(|at| if at < done { '#' } else { '-' }).collect();
    let mut words =
        format!("[{bar}] {:>3} %  {settled}/{}  {}", part(100), account.audience, progress.status);
    if progress.status == MailingStatus::Sending {
        if let Some(rate) = progress.per_second {
            words += &format!("  {rate:.0}/s");
        }
        if let Some(eta) = progress.eta {
            words += &format!("  {} left", duration(eta.since(now)));
        }
    }
    for (name, count) in
        [("waiting", account.deferred), ("bounced", account.bounced), ("uncertain", account.uncertain)]
    {
        if count > 0 {
            words += &format!("  {name} {count}");
        }
    }
    words
}

/// `about 4 min`, in the largest unit of which there are at least two.
pub fn duration(rest: Duration) -> String {
    let seconds = rest.as_secs() + u64::from(rest.subsec_nanos() > 0);
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", (seconds + 30) / 60),
        7_200..172_800 => format!("{} h", (seconds + 1_800) / 3_600),
        _ => format!("{} days", (seconds + 43_200) / 86_400),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Account, PauseReason};

    #[test]
    fn the_line_tells_how_far_how_fast_and_how_long() {
        let now = Timestamp::from_millis(0);
        let progress = Progress {
            status: MailingStatus::Sending,
            pause_reason: PauseReason::None,
            account: Account { audience: 1000, sent: 390, bounced: 10, deferred: 5, ..Account::default() },
            per_second: Some(20.0),
            eta: Some(now.plus(Duration::from_secs(300))),
        };
        assert_eq!(
            line(&progress, now, now),
            "[########------------]  40 %  400/1000  sending  20/s  5 min left  waiting 5  bounced 10"
        );
        let none =
            Progress { account: Account::default(), status: MailingStatus::Sent, eta: None, ..progress };
        assert_eq!(line(&none, now, now), "[####################] 100 %  0/0  sent");
        let scheduled = Progress { status: MailingStatus::Scheduled, ..none };
        let due_at = now.plus(Duration::from_secs(27));
        assert_eq!(line(&scheduled, due_at, now), "scheduled, begins in 27 s");
    }
}
