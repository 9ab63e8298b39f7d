// The desk's pages in every state, as everybody can use them.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

const LONG_WORD = "Aankoopverantwoordelijkenvereniging".repeat(4);

/** A picture of one point. */
const PIXEL =
  "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  for (const name of ["an", "bo", "cor"]) {
    const address = `${name}@voorbeeld.example`;
    await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
    const mail = await demo.mail(address);
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
  }
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** A visit by someone who has signed in. */
function atTheDesk(steps) {
  return browser.visit(demo, {}, async (visitor) => {
    await visitor.signIn();
    await steps(visitor);
  });
}

describe("the desk", () => {
  it("to sign in, and refused", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/admin/login");
      await inspect(visitor, "desk-login");
      await visitor.page.locator("#address").fill("niemand@voorbeeld.example");
      await visitor.page.locator("#password").fill("verkeerd wachtwoord");
      await visitor.follow(visitor.page.locator("main form button"));
      await inspect(visitor, "desk-login-refused");
    });
  });

  it("start, articles and issues", async () => {
    await atTheDesk(async (visitor) => {
      for (const [path, name] of [
        ["/admin", "desk-home"],
        ["/admin/articles", "desk-articles"],
        ["/admin/articles?q=bestaatniet", "desk-articles-none"],
        ["/admin/issues", "desk-issues"],
        ["/admin/issues/new", "desk-issue-new"],
        ["/admin/calendar", "desk-calendar"],
        ["/admin/newsletters/1/digests", "desk-digests-none"],
        ["/admin/newsletters/1/digests/new", "desk-digest-new"],
        ["/admin/settings/sources", "desk-sources-none"],
        ["/admin/settings/sources/new", "desk-source-new"],
      ]) {
        await visitor.open(path);
        await inspect(visitor, name);
      }
    });
  });

  it("an article: new, with mistakes, stored", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/articles/new");
      await inspect(visitor, "desk-article-new");
      await page.locator("details:has(#canonical_url) > summary").click();
      await page.locator("#canonical_url").fill("geen adres");
      await visitor.follow(page.locator("button[value=publish]"));
      await inspect(visitor, "desk-article-mistakes");
      await page.locator("#canonical_url").fill("");
      await page.locator("#title").fill(LONG_WORD);
      await page.locator("#body").fill(`# ${LONG_WORD}\n\nTekst.`);
      await visitor.follow(page.locator("button[value=publish]"));
      assert.match(await visitor.path(), /\/admin\/articles\/\d+/);
      await inspect(visitor, "desk-article");
    });
  });

  it("an issue: composed, seen before, scheduled, sent", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/issues/1");
      await inspect(visitor, "desk-issue");
      for (const view of ["desktop", "phone", "text"]) {
        await visitor.open(`/admin/issues/1/preview?view=${view}`);
        await inspect(visitor, `desk-preview-${view}`);
      }
      await visitor.open("/admin/issues/1/schedule");
      await inspect(visitor, "desk-schedule");
      await visitor.open("/admin/issues/1/schedule?when=later&date=2020-01-01&time=09:00");
      await inspect(visitor, "desk-schedule-past");
      await visitor.open("/admin/issues/1/schedule?when=now");
      await inspect(visitor, "desk-schedule-final");
      await visitor.follow(page.locator("section.final form button"));
      await demo.mail("an@voorbeeld.example", 3);
      await page.waitForSelector(".status.sent");
      await inspect(visitor, "desk-mailing-sent");
      await visitor.open(`${await visitor.path()}/ledger`);
      await inspect(visitor, "desk-ledger");
      await visitor.open((await visitor.path()).replace("/ledger", "/report"));
      await inspect(visitor, "desk-report-nothing-counted");
      await visitor.open("/admin/newsletters/1/reports");
      await inspect(visitor, "desk-newsletter-reports");
      await visitor.open("/admin");
      await inspect(visitor, "desk-home-after");
    });
  });

  it("an issue that waits for its moment, and one that cannot go", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/issues/new");
      await page.locator("input[name=newsletter]").first().check();
      await page.locator("#subject").fill(LONG_WORD);
      await visitor.follow(page.locator("main form button"));
      const issue = await visitor.path();
      await inspect(visitor, "desk-issue-empty");
      await visitor.open(`${issue}/schedule`);
      await inspect(visitor, "desk-schedule-blocked");
      await visitor.open(issue);
      await page.locator("input[name=add]").first().check();
      await visitor.follow(page.locator("button[value=add]"));
      await visitor.open(`${issue}/schedule?when=later&date=2027-10-01&time=09:00`);
      await visitor.follow(page.locator("section.final form button"));
      await inspect(visitor, "desk-mailing-scheduled");
    });
  });

  it("domains of senders and their keys", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/settings/domains");
      await inspect(visitor, "desk-domains");
      await page.locator("#domain").fill("geen domein");
      await visitor.follow(page.locator("main form.panel button"));
      await inspect(visitor, "desk-domains-mistakes");
      await page.locator("#domain").fill("voorbeeld.invalid");
      await visitor.follow(page.locator("main form.panel button"));
      assert.equal(await visitor.path(), "/admin/settings/domains/voorbeeld.invalid");
      await page.locator("details.zone summary").first().click();
      await inspect(visitor, "desk-domain-waiting");
      // DNS has no such domain, or nobody answers: both are said.
      await visitor.follow(page.locator("form[action$='/check'] button"));
      await inspect(visitor, "desk-domain-checked");
      await visitor.follow(page.locator("button[value=begin]").first());
      await inspect(visitor, "desk-domain-signing");
      await page.locator("#selector").fill("a b");
      await visitor.follow(page.locator("form[action$='/keys'] button"));
      await inspect(visitor, "desk-domain-mistakes");
      await page.locator("#selector").fill("volgende");
      await visitor.follow(page.locator("form[action$='/keys'] button"));
      await visitor.follow(page.locator("button[value=begin]").first());
      await inspect(visitor, "desk-domain-retired");
    });
  });

  it("for how long what is kept", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/settings/retention");
      await inspect(visitor, "desk-retention");
      await page.locator("#replies-days").fill("10");
      await visitor.follow(page.locator("#replies button[value=save]"));
      await inspect(visitor, "desk-retention-unsure");
      await page.locator("#replies input[name=sure]").check();
      await visitor.follow(page.locator("#replies button[value=save]"));
      await inspect(visitor, "desk-retention-set");
      await visitor.follow(page.locator("#replies button[value=back]"));
      assert.equal(await page.locator("#replies-days").inputValue(), "90");
    });
  });

  it("a logo from this device", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters/1");
      await page.locator("#brand > summary").click();
      const drawing = { name: "logo.svg", mimeType: "image/svg+xml", buffer: Buffer.from("<svg xmlns='http://www.w3.org/2000/svg'/>") };
      await page.locator("#logo_file").setInputFiles(drawing);
      await page.waitForSelector("#logo_file-error");
      await inspect(visitor, "desk-logo-refused");
      const picture = { name: "logo.png", mimeType: "image/png", buffer: Buffer.from(PIXEL, "base64") };
      await page.locator("#logo_file").setInputFiles(picture);
      await page.waitForFunction(() => document.querySelector("#logo_url")?.value.includes("/images/"));
      await inspect(visitor, "desk-logo-preview");
      await visitor.follow(page.locator("#brand button[value=save]"));
      await page.locator("#brand > summary").click();
      await visitor.follow(page.locator("#brand button[value=no-logo]"));
      assert.equal(await page.locator("#logo_url").inputValue(), "");
    });
  });

  it("the topics of a newsletter", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await demo.sql("DELETE FROM topics WHERE newsletter_id = 2");
      await visitor.open("/admin/newsletters/2/topics");
      await inspect(visitor, "desk-topics-none");
      const form = page.locator('form[action$="/topics"]');
      await visitor.follow(form.locator("button").last());
      await inspect(visitor, "desk-topics-mistakes");
      await form.locator("input[type=text]").first().fill(LONG_WORD.slice(0, 60));
      await visitor.follow(form.locator("button").last());
      await inspect(visitor, "desk-topics");
      await visitor.follow(page.locator("main a[href*='/topics/']").first());
      await inspect(visitor, "desk-topic");
    });
  });

  it("the welcome series", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters/1/welcome");
      await inspect(visitor, "desk-welcome-none");
      await visitor.open("/admin/newsletters/1/welcome/new");
      await inspect(visitor, "desk-welcome-new");
      await visitor.follow(page.locator("button[value=save]").last());
      await inspect(visitor, "desk-welcome-mistakes");
      await page.locator("[name='subject-nl'], [name='subject_nl']").fill("Welkom");
      await page.locator("[name='body-nl'], [name='body_nl']").fill("Fijn dat je er bent.");
      await visitor.follow(page.locator("button[value=preview]"));
      const step = await visitor.path();
      for (const view of ["desktop", "phone", "text"]) {
        await visitor.open(`${step}?view=${view}`);
        await inspect(visitor, `desk-welcome-preview-${view}`);
      }
      await visitor.open(step.replace(/\/preview$/, ""));
      await inspect(visitor, "desk-welcome-step");
      await visitor.follow(page.locator("button[value=activate]"));
      await inspect(visitor, "desk-welcome-step-on");
      await visitor.open("/admin/newsletters/1/welcome");
      await inspect(visitor, "desk-welcome");
    });
  });

  it("a reader, and the receipt of a consent", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/subscribers");
      await inspect(visitor, "desk-readers");
      for (const path of ["/admin/subscribers?newsletter=1", "/admin/acts", "/admin/segments", "/admin/imports"]) {
        await visitor.open(path);
        await inspect(visitor, `desk-readers-${path.replace(/\W+/g, "-")}`);
      }
      await visitor.open("/admin/subscribers?newsletter=1&status=unsubscribed&language=de");
      await inspect(visitor, "desk-readers-none");
      await page.locator("#address").fill("niemand@voorbeeld.example");
      await visitor.follow(page.locator("form[role=search] button"));
      await inspect(visitor, "desk-reader-unknown");
      await page.locator("#address").fill("an@voorbeeld.example");
      await visitor.follow(page.locator("form[role=search] button"));
      await inspect(visitor, "desk-reader");
      await page.locator("details.ask summary").last().click();
      await visitor.follow(page.locator("details.ask form button").last());
      await inspect(visitor, "desk-reader-erase-unsure");
      await visitor.follow(page.locator("a[href*='/receipt/']").first());
      await inspect(visitor, "desk-receipt");
      await visitor.open(`${await visitor.path()}/print`);
      await inspect(visitor, "desk-receipt-print");
    });
  });
});

describe("a newsletter at the desk", { concurrency: TOGETHER }, () => {
  it("among others, and by itself, with a mistake", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters");
      await inspect(visitor, "desk-newsletters");
      await visitor.follow(page.locator("main .rows a").first());
      await inspect(visitor, "desk-newsletter");
      await page.locator("#privacy > summary").click();
      await page.locator("#privacy_url").fill("geen adres");
      await visitor.follow(page.locator("#privacy .actions button"));
      await inspect(visitor, "desk-newsletter-mistake");
      await page.locator("#privacy_url").fill("https://meridiaan.example/privacy");
      await visitor.follow(page.locator("#privacy .actions button"));
      await inspect(visitor, "desk-newsletter-saved");
    });
  });

  it("that is not there yet", async () => {
    const empty = await Demo.start();
    try {
      await empty.sql("DELETE FROM issues");
      await browser.visit(empty, {}, async (visitor) => {
        await visitor.signIn();
        await empty.sql("DELETE FROM newsletters");
        await visitor.open("/admin/newsletters");
        await inspect(visitor, "desk-newsletters-none");
      });
    } finally {
      await empty.stop();
    }
  });

  it("with its forms: all of them, a new one, each way to share it", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters/1/forms");
      await inspect(visitor, "desk-forms");
      await visitor.open("/admin/newsletters/1/forms/new");
      await inspect(visitor, "desk-form-new");
      await page.locator("#allowed_origins").fill("geen adres");
      await visitor.follow(page.locator("main form button").last());
      await inspect(visitor, "desk-form-mistakes");
      await page.locator("#name").fill(LONG_WORD.slice(0, 100));
      await page.locator("#allowed_origins").fill("https://www.voorbeeld.example");
      await visitor.follow(page.locator("main form button").last());
      const form = await visitor.path();
      for (const tab of ["link", "html", "script", "api", "settings"]) {
        await visitor.open(`${form}?tab=${tab}`);
        // The frame is a page of its own, looked at by itself.
        await inspect(visitor, `desk-form-${tab}`);
      }
      await visitor.open(`${form}?tab=html&scheme=dark`);
      await inspect(visitor, "desk-form-html-dark");
      await visitor.open(`${form}?tab=settings`);
      await visitor.follow(page.locator("form.apart button"));
      await visitor.open(`${form}?tab=settings`);
      await inspect(visitor, "desk-form-archived");
    });
  });

  it("with its fields: none yet, a new one, stored, archived", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters/2/fields");
      await inspect(visitor, "desk-fields-none");
      await visitor.open("/admin/newsletters/2/fields/new");
      await inspect(visitor, "desk-field-new");
      await page.locator("#kind").selectOption("choice");
      await visitor.follow(page.locator("main form .actions button"));
      await inspect(visitor, "desk-field-mistakes");
      await page.locator("#label_en").fill(LONG_WORD.slice(0, 100));
      await page.locator("#options").fill("one\ntwo");
      await visitor.follow(page.locator("main form .actions button"));
      await inspect(visitor, "desk-fields");
      await visitor.follow(page.locator("main .rows a").first());
      await inspect(visitor, "desk-field");
    });
  });
});

describe("people and accounts", () => {
  it("people: the list, mistakes, one who is invited, oneself, the log", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/people");
      await inspect(visitor, "people");
      await page.locator("#address").fill("geen adres");
      await visitor.follow(page.locator("section form .actions button").first());
      await inspect(visitor, "people-mistakes");
      await page.locator("#address").fill("iemand@voorbeeld.example");
      await page.locator("#name").fill(LONG_WORD.slice(0, 80));
      await page.locator("#role-1").selectOption("editor");
      await visitor.follow(page.locator("section form .actions button").first());
      await inspect(visitor, "people-invited");
      for (const [path, name] of [
        ["/admin/people/2", "person-invited"],
        ["/admin/people/1", "person-oneself"],
        ["/admin/people/log", "people-log"],
        ["/admin/people/log?kind=relay", "people-log-empty"],
      ]) {
        await visitor.open(path);
        await inspect(visitor, name);
      }
    });
  });

  it("my account, with a mistake; the second step before it is begun", async () => {
    await atTheDesk(async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/account");
      await inspect(visitor, "account");
      await page.locator("#password").fill("verkeerd");
      await page.locator("#new").fill("vier losse woorden hier");
      await visitor.follow(page.locator("form[action='/admin/account/password'] button"));
      await inspect(visitor, "account-mistake");
      await visitor.open("/admin/account/second-factor");
      await inspect(visitor, "account-factor-off");
    });
  });

  it("a forgotten password, and a link that does not work", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      for (const [path, name] of [
        ["/admin/forgot", "forgot"],
        ["/admin/forgot?sent", "forgot-sent"],
        ["/admin/link/x", "link-gone"],
      ]) {
        await visitor.open(path);
        await inspect(visitor, name);
      }
    });
  });
});
