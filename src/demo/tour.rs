//! The whole journey by itself, through the doors that people use: pages over HTTP, and the mailbox. Prints
//! each step with its time, and fails at the first that does not hold.

use std::future::Future;
use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, ensure};

use super::Demo;
use super::browser::{Answer, Browser};
use super::mailbox::Mail;
use crate::model::{IssueId, Mailing, MailingStatus, NewsletterId, Slug};
use crate::store;
use std::sync::Arc;

/// Longest that one step may take.
const STEP_MAX: Duration = Duration::from_secs(30);
/// How far ahead the issue is scheduled, before it is hurried.
const AHEAD: Duration = Duration::from_secs(3600);
/// How often the tour looks whether a mailing has ended.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// People need longer than this to fill in the form, and so does the tour.
const FILL_TIME: Duration = Duration::from_millis(2_100);

/// Words of a page that a failed step repeats.
const WORDS_MAX: usize = 40;

const ANNA: &str = "anna@voorbeeld.example";
const BRAM: &str = "bram@voorbeeld.example";
const CELINE: &str = "celine@voorbeeld.example";

/// Takes the tour.
///
/// # Errors
/// With the step that did not hold, and why.
pub async fn run(demo: &Demo) -> anyhow::Result<()> {
    let tour = Tour { demo, began: Instant::now() };
    tour.journey().await?;
    say(&format!("\n  Every step held, in {:.1} s.\n", tour.began.elapsed().as_secs_f64()))?;
    Ok(())
}

struct Tour<'a> {
    demo: &'a Demo,
    began: Instant,
}

impl Tour<'_> {
    async fn journey(&self) -> anyhow::Result<()> {
        say(&format!("\n  A tour of Postiljon on {}\n", self.demo.url))?;
        let [anna, bram, celine] = [ANNA, BRAM, CELINE]
            .map(|address| (address, Browser::new(&self.demo.url).with_header("accept-language", "nl")));
        let visitors = [&anna, &bram, &celine];
        self.step("three visitors sign up, and get the same answer", self.sign_up(&visitors)).await?;
        let mails = self.step("each gets a mail with one link", self.confirmations(&visitors)).await?;
        self.step("opening the links confirms nobody", self.look_only(&mails)).await?;
        self.step("two of them press the button", self.confirm(&visitors[..2], &mails)).await?;
        let desk = self.step("an editor signs in at the desk", self.sign_in()).await?;
        let article = self.step("stores an article", desk.store_article()).await?;
        let issue = self.step("composes an issue of three articles", desk.compose(&article)).await?;
        let before = self.demo.mailbox.received();
        let mailing =
            self.step("schedules it an hour ahead, and sends it now after all", desk.schedule(issue)).await?;
        let mails =
            self.step("exactly two mails arrive, well formed", self.issue_mails(&mailing, before)).await?;
        self.step("the account of the mailing balances", self.account(&mailing, 2)).await?;
        self.step("one reader leaves by one click (RFC 8058)", self.leave_by_one_click(&mails[0])).await?;
        let second =
            self.step("sends a second issue, and calls it back in time", self.call_back(&desk)).await?;
        self.step("one reader leaves on the page", self.leave_on_the_page(&mails[1])).await?;
        self.step("sent after all, it reaches nobody", self.second_issue(&desk, second)).await?;
        self.step("nothing is left in any queue", self.nothing_left()).await
    }

    /// Runs one step within its time, and tells it.
    async fn step<T>(&self, what: &str, work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
        let began = Instant::now();
        let done = tokio::time::timeout(STEP_MAX, work)
            .await
            .unwrap_or_else(|_| Err(anyhow::anyhow!("it took longer than {} s", STEP_MAX.as_secs())));
        let mark = if done.is_ok() { "✓" } else { "✗" };
        say(&format!("  {mark} {what:<56} {:>7.0} ms\n", began.elapsed().as_secs_f64() * 1_000.0))?;
        done.with_context(|| format!("the tour stopped: {what}"))
    }

    async fn sign_up(&self, visitors: &[&(&str, Browser)]) -> anyhow::Result<()> {
        let mut stamps = Vec::new();
        for (_, browser) in visitors {
            let page = expect(browser.get("/n/insights").await?, 200)?;
            stamps.push(page.field("stamp").context("the page has no stamp")?);
        }
        tokio::time::sleep(FILL_TIME).await;
        let mut answers = Vec::new();
        for ((address, browser), stamp) in visitors.iter().zip(&stamps) {
            let name = address.split('@').next().unwrap_or_default();
            let fields = [
                ("email", *address),
                ("name", name),
                ("language", "nl"),
                ("consent", "yes"),
                ("stamp", stamp),
            ];
            let answer = expect(browser.post("/n/insights/subscribe", &fields).await?, 303)?;
            expect(browser.get(answer.location()).await?, 200)?;
            answers.push(answer.location().to_owned());
        }
        ensure!(answers.iter().all(|answer| *answer == answers[0]), "the answers differ: {answers:?}");
        Ok(())
    }

    async fn confirmations(&self, visitors: &[&(&str, Browser)]) -> anyhow::Result<Vec<Arc<Mail>>> {
        let mut mails = Vec::new();
        for (address, _) in visitors {
            let mail = self.demo.mailbox.wait_for(address, 0).await;
            well_formed(&mail)?;
            ensure!(
                mail.header("Auto-Submitted").as_deref() == Some("auto-generated"),
                "it is not marked as automatic"
            );
            self.link(&mail, "/confirm/")?;
            mails.push(mail);
        }
        Ok(mails)
    }

    async fn look_only(&self, mails: &[Arc<Mail>]) -> anyhow::Result<()> {
        for mail in mails {
            let scanner = Browser::new(&self.demo.url);
            expect(scanner.get(&self.link(mail, "/confirm/")?).await?, 200)?;
        }
        ensure!(self.confirmed().await? == 0, "a GET has confirmed somebody");
        Ok(())
    }

    async fn confirm(&self, visitors: &[&(&str, Browser)], mails: &[Arc<Mail>]) -> anyhow::Result<()> {
        for ((_, browser), mail) in visitors.iter().zip(mails) {
            let link = self.link(mail, "/confirm/")?;
            // A second press is the same success.
            for _ in 0..2 {
                let pressed = expect(browser.post(&link, &[]).await?, 303)?;
                expect(browser.get(pressed.location()).await?, 200)?;
            }
        }
        let confirmed = self.confirmed().await?;
        ensure!(confirmed == 2, "{confirmed} are confirmed, and should be 2");
        Ok(())
    }

    async fn sign_in(&self) -> anyhow::Result<Desk<'_>> {
        let browser = Browser::new(&self.demo.url);
        expect(browser.get("/admin/login").await?, 200)?;
        let fields = [("address", super::USER_ADDRESS), ("password", self.demo.password.as_str())];
        expect(browser.post("/admin/login", &fields).await?, 303)?;
        expect(browser.get("/admin").await?, 200)?;
        Ok(Desk { demo: self.demo, browser })
    }

    async fn issue_mails(&self, mailing: &Mailing, before: u64) -> anyhow::Result<Vec<Arc<Mail>>> {
        let mut mails = Vec::new();
        for address in [ANNA, BRAM] {
            mails.push(self.demo.mailbox.wait_for(address, before).await);
        }
        self.ended(mailing).await?;
        let received = self.demo.mailbox.received() - before;
        ensure!(received == 2, "{received} mails arrived, and should be 2");
        for mail in &mails {
            well_formed(mail)?;
            for field in ["List-Id", "List-Unsubscribe", "List-Unsubscribe-Post", "Feedback-ID"] {
                ensure!(mail.header_count(field) == 1, "{field} stands {} times", mail.header_count(field));
            }
            let post = mail.header("List-Unsubscribe-Post").unwrap_or_default();
            ensure!(post == "List-Unsubscribe=One-Click", "List-Unsubscribe-Post says {post}");
        }
        ensure!(mails[0].header("Message-ID") != mails[1].header("Message-ID"), "both have one Message-ID");
        Ok(mails)
    }

    async fn account(&self, mailing: &Mailing, sent: i64) -> anyhow::Result<()> {
        let mailing = self.ended(mailing).await?;
        ensure!(mailing.account.balances(), "it does not balance: {:?}", mailing.account);
        ensure!(mailing.account.audience == sent && mailing.account.sent == sent, "{:?}", mailing.account);
        Ok(())
    }

    async fn leave_by_one_click(&self, mail: &Mail) -> anyhow::Result<()> {
        let url = mail.unsubscribe_url().context("the mail has no unsubscribe address")?;
        let program = Browser::new(&self.demo.url);
        expect(program.get(&url).await?, 200)?;
        ensure!(self.confirmed().await? == 2, "a GET has unsubscribed somebody");
        let answer = expect(program.post(&url, &[("List-Unsubscribe", "One-Click")]).await?, 200)?;
        ensure!(answer.header("set-cookie").is_none(), "the answer sets a cookie");
        ensure!(self.confirmed().await? == 1, "nobody has left");
        Ok(())
    }

    async fn leave_on_the_page(&self, mail: &Mail) -> anyhow::Result<()> {
        let link = self.link(mail, "/unsubscribe/")?;
        let reader = Browser::new(&self.demo.url);
        expect(reader.get(&link).await?, 200)?;
        expect(reader.post(&link, &[]).await?, 200)?;
        expect(reader.post(&link, &[]).await?, 200)?;
        ensure!(self.confirmed().await? == 0, "somebody is still subscribed");
        Ok(())
    }

    /// The undo window: a mailing that was sent a moment ago still waits, and its issue is free again.
    async fn call_back(&self, desk: &Desk<'_>) -> anyhow::Result<IssueId> {
        let article = desk.sample("laat-een-stoel-leeg").await?;
        let issue = desk.compose(&article).await?;
        let mailing = desk.schedule_now(issue).await?;
        desk.press(&mailing, "cancel").await?;
        let mut reader = self.demo.service.store.read().await?;
        let left = store::mailings::of_issue(reader.db(), issue).await?;
        ensure!(left.is_none(), "the issue is not free: {left:?}");
        Ok(issue)
    }

    async fn second_issue(&self, desk: &Desk<'_>, issue: IssueId) -> anyhow::Result<()> {
        let before = self.demo.mailbox.received();
        // Now it would be refused: there is nobody who would get it.
        let mailing = desk.schedule(issue).await?;
        self.account(&mailing, 0).await?;
        ensure!(self.demo.mailbox.received() == before, "a mail arrived");
        Ok(())
    }

    async fn nothing_left(&self) -> anyhow::Result<()> {
        let mut reader = self.demo.service.store.read().await?;
        let single = store::outbox::open_count(reader.db()).await?;
        ensure!(single == 0, "{single} single mails wait");
        let sending = store::mailings::sending(reader.db()).await?.len();
        ensure!(sending == 0, "{sending} mailings are not at their end");
        Ok(())
    }

    /// The first link in the text part that leads to such a path, as a path.
    fn link(&self, mail: &Mail, path: &str) -> anyhow::Result<String> {
        let text = mail.text().context("the mail has no text")?;
        let start = format!("{}{path}", self.demo.url);
        let at = text.find(&start).with_context(|| format!("the text has no link to {start}"))?;
        let end = text[at..]
            .find(|c: char| c.is_whitespace() || matches!(c, '>' | ')' | ']'))
            .map_or(text.len(), |end| at + end);
        Ok(text[at + self.demo.url.len()..end].to_owned())
    }

    async fn newsletter(&self) -> anyhow::Result<NewsletterId> {
        newsletter(self.demo).await
    }

    async fn confirmed(&self) -> anyhow::Result<i64> {
        let newsletter = self.newsletter().await?;
        let mut reader = self.demo.service.store.read().await?;
        let status = crate::model::SubscriptionStatus::Confirmed;
        Ok(store::subscriptions::count(reader.db(), newsletter, status).await?)
    }

    /// The mailing once it is Sent.
    async fn ended(&self, mailing: &Mailing) -> anyhow::Result<Mailing> {
        loop {
            let mut reader = self.demo.service.store.read().await?;
            let now =
                store::mailings::by_id(reader.db(), mailing.id).await?.context("the mailing is gone")?;
            drop(reader);
            if now.status == MailingStatus::Sent {
                return Ok(now);
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

async fn newsletter(demo: &Demo) -> anyhow::Result<NewsletterId> {
    let mut reader = demo.service.store.read().await?;
    let newsletter = store::newsletters::by_slug(reader.db(), &Slug::parse("insights")?).await?;
    Ok(newsletter.context("there is no newsletter Insights")?.id)
}

/// Someone who is signed in.
struct Desk<'a> {
    demo: &'a Demo,
    browser: Browser,
}

impl Desk<'_> {
    /// Writes an article, and publishes it. Answers its number at the desk.
    async fn store_article(&self) -> anyhow::Result<String> {
        let csrf = self.token("/admin/articles/new").await?;
        let fields = [
            ("csrf", csrf.as_str()),
            ("title", "Een artikel van onderweg"),
            ("author", "De gids"),
            ("language", "nl"),
            ("teaser", "Geschreven tijdens een rondleiding."),
            ("canonical_url", "https://www.meridiaan.example/insights/onderweg"),
            ("slug", ""),
            ("then", "publish"),
            (
                "body",
                "## Onderweg\n\nDit artikel werd *tijdens de rondleiding* geschreven.\n\n1. Opgeslagen\n2. Gepubliceerd\n",
            ),
        ];
        let saved = expect(self.browser.post("/admin/articles", &fields).await?, 303)?;
        Ok(number_in(saved.location()).to_owned())
    }

    /// The number of a sample article.
    async fn sample(&self, slug: &str) -> anyhow::Result<String> {
        let mut reader = self.demo.service.store.read().await?;
        let article = store::articles::by_slug(reader.db(), &Slug::parse(slug)?).await?;
        Ok(article.with_context(|| format!("there is no article {slug}"))?.id.to_string())
    }

    /// An issue of this article and two samples.
    async fn compose(&self, article: &str) -> anyhow::Result<IssueId> {
        const SUBJECT: (&str, &str) = ("subject", "Drie stukken voor onderweg");
        let csrf = self.token("/admin/issues/new").await?;
        let newsletter = newsletter(self.demo).await?.to_string();
        let begun = [("csrf", csrf.as_str()), ("newsletter", newsletter.as_str()), SUBJECT];
        let made = expect(self.browser.post("/admin/issues", &begun).await?, 303)?;
        let number = number_in(made.location()).to_owned();
        let path = format!("/admin/issues/{number}");
        let version = expect(self.browser.get(&path).await?, 200)?.field("version").context("no version")?;
        let second = self.sample("de-kunst-van-neen-zeggen-tegen-dringende-dingen").await?;
        let third = self.sample("de-factuur-die-te-goed-klopte").await?;
        let fields = [
            ("csrf", csrf.as_str()),
            ("version", version.as_str()),
            SUBJECT,
            ("preheader", "Een uitgave die zichzelf heeft verstuurd."),
            ("intro", "Dag {{name|lezer}},\n\nDeze uitgave kwam van een rondleiding."),
            ("add", article),
            ("add", second.as_str()),
            ("add", third.as_str()),
        ];
        expect(self.browser.post(&path, &fields).await?, 303)?;
        let issue = IssueId(number.parse().with_context(|| format!("{number} is no number of an issue"))?);
        let mut reader = self.demo.service.store.read().await?;
        let articles = store::issues::articles(reader.db(), issue).await?.len();
        ensure!(articles == 3, "the issue has {articles} articles, and should have 3");
        Ok(issue)
    }

    /// The token against forged forms, from a page with a form.
    async fn token(&self, path: &str) -> anyhow::Result<String> {
        expect(self.browser.get(path).await?, 200)?.field("csrf").context("the form has no token")
    }

    async fn schedule(&self, issue: IssueId) -> anyhow::Result<Mailing> {
        self.send(issue, Some(AHEAD)).await
    }

    async fn schedule_now(&self, issue: IssueId) -> anyhow::Result<Mailing> {
        self.send(issue, None).await
    }

    /// Presses a button on the page of a mailing.
    async fn press(&self, mailing: &Mailing, button: &str) -> anyhow::Result<()> {
        let page = format!("/admin/mailings/{}", mailing.id);
        let csrf = self.token(&page).await?;
        expect(self.browser.post(&format!("{page}/{button}"), &[("csrf", &csrf)]).await?, 303)?;
        Ok(())
    }

    /// Presses the button on the page where an issue is scheduled, twice: it gives one mailing.
    async fn send(&self, issue: IssueId, ahead: Option<Duration>) -> anyhow::Result<Mailing> {
        let path = format!("/admin/issues/{issue}/schedule");
        let due = self.demo.service.clock.now().plus(ahead.unwrap_or_default());
        let local = due.to_utc().with_timezone(&chrono_tz::Europe::Brussels);
        let (date, time) = (local.format("%Y-%m-%d").to_string(), local.format("%H:%M:%S").to_string());
        let when = if ahead.is_some() { "later" } else { "now" };
        let query = form_urlencoded::Serializer::new(String::new())
            .extend_pairs([("when", when), ("date", &date), ("time", &time)])
            .finish();
        let page = expect(self.browser.get(&format!("{path}?{query}")).await?, 200)?;
        let csrf = page.field("csrf").context("the form has no token")?;
        let seen = page.field("seen").context("the last step does not say what it shows")?;
        let fields =
            [("csrf", csrf.as_str()), ("seen", &seen), ("when", when), ("date", &date), ("time", &time)];
        expect(self.browser.post(&path, &fields).await?, 303)?;
        expect(self.browser.post(&path, &fields).await?, 303)?;
        let mut reader = self.demo.service.store.read().await?;
        let mailing = store::mailings::of_issue(reader.db(), issue).await?;
        drop(reader);
        let mailing = mailing.context("the issue was not scheduled")?;
        if ahead.is_some() {
            self.press(&mailing, "send-now").await?;
        }
        Ok(mailing)
    }
}

/// The number at the end of a path.
fn number_in(location: &str) -> &str {
    location.split('?').next().unwrap_or_default().rsplit('/').next().unwrap_or_default()
}

/// What every mail must be (D1, D2, D3, D4, D6).
fn well_formed(mail: &Mail) -> anyhow::Result<()> {
    for field in ["Date", "From", "To", "Subject", "Message-ID", "MIME-Version"] {
        ensure!(mail.header_count(field) == 1, "{field} stands {} times", mail.header_count(field));
    }
    ensure!(mail.bytes.iter().all(u8::is_ascii), "it has octets beyond ASCII");
    let source = mail.source();
    ensure!(!source.replace("\r\n", "").contains(['\r', '\n', '\0']), "it has a line end that is not CRLF");
    ensure!(source.lines().all(|line| line.len() <= 998), "a line is longer than 998 octets");
    let parsed = mail.parsed().context("it cannot be parsed")?;
    ensure!(
        parsed.text_body_count() >= 1 && mail.text().is_some_and(|text| !text.trim().is_empty()),
        "it has no text"
    );
    let html = mail.html().context("it has no HTML")?;
    ensure!(html.contains("<html lang=\"nl\""), "its HTML does not say its language");
    ensure!(!html.contains(['\u{e000}', '\u{e001}']), "a slot was not filled");
    Ok(())
}

fn expect(answer: Answer, status: u16) -> anyhow::Result<Answer> {
    if answer.status == status {
        return Ok(answer);
    }
    // What the page says to a person: its heading, and its notice or mistakes.
    let words = |mark: &str| {
        let rest = answer.body.split(mark).nth(1).unwrap_or_default();
        let text: String = rest.split('<').map(|part| part.split('>').nth(1).unwrap_or_default()).collect();
        text.split_whitespace().take(WORDS_MAX).collect::<Vec<_>>().join(" ")
    };
    anyhow::bail!(
        "the answer was {} instead of {status}: {} {}",
        answer.status,
        words("<h1"),
        words("role=\"alert\"")
    )
}

fn say(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}
