// Reports: an issue whose links count, followed by people, and what the desk shows of it, with scripts and without, on
// paper, on a phone and in the dark.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { SCHEMES, checkAxe, inspect } from "./support/inspect.mjs";
import { publish } from "./support/issues.mjs";
import { ARTEFACTS, Browser, TOGETHER } from "./support/visitor.mjs";

const AN = "an@voorbeeld.example";
/** As people have it: without a screen Chromium says so, and counts as a machine. */
const PERSON = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0";
/** Longest until what was counted is written. */
const COUNTED_MAX_MS = 10_000;

let demo, browser, mailing;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  await demo.post("/n/insights/subscribe", { email: AN, consent: "yes", language: "nl" });
  const mail = await demo.mail(AN);
  await demo.post(new URL(mail.link("/confirm/")).pathname, {});
  await demo.command("newsletter", "set", "insights", "--tracking", "person");
  const [[article]] = await demo.sql("SELECT slug FROM articles WHERE status = 'published' AND language = 'nl' ORDER BY id LIMIT 1");
  await publish(demo, "insights", "Wat telt", "Een nummer met links die tellen", `${article}:teaser`);
  [[mailing]] = await demo.sql("SELECT MAX(id) FROM mailings");
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** A visit by someone who has signed in. */
function atTheDesk(options, steps) {
  return browser.visit(demo, options, async (visitor) => {
    await visitor.signIn();
    await steps(visitor);
  });
}

/** Clicks that were counted as people's, once there are as many. */
async function counted(wanted) {
  const deadline = Date.now() + COUNTED_MAX_MS;
  for (;;) {
    const rows = await demo.sql("SELECT clicks FROM mailing_counts WHERE mailing_id = ?", mailing);
    if ((rows[0]?.[0] ?? 0) >= wanted || Date.now() > deadline) return rows[0]?.[0] ?? 0;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

describe("reports", { concurrency: TOGETHER }, () => {
  it("a click in a real browser counts as a person's, and leads on", async () => {
    const mail = await demo.mail(AN, 1);
    const link = mail.link("/c/");
    await browser.visit(demo, { userAgent: PERSON }, async (visitor) => {
      const answer = await visitor.page.request.get(link, { maxRedirects: 0 });
      assert.equal(answer.status(), 302);
      assert.match(answer.headers().location, /^https?:\/\//);
      assert.equal(new URL(link).search, "", "no destination in the address");
    });
    assert.equal(await counted(1), 1);
  });

  it("the report of an issue, with its mail and its tables", async () => {
    await atTheDesk({ language: "nl-BE" }, async (visitor) => {
      const { page } = visitor;
      await visitor.open(`/admin/mailings/${mailing}/report`);
      assert.equal(await page.locator("svg.chart:visible").count(), 1, "one drawing, of the size that fits");
      await inspect(visitor, "desk-report");
      for (const table of await page.locator("details.table").all()) await table.locator("summary").click();
      const frame = page.frameLocator("iframe.mail");
      await frame.locator("span[title]").first().waitFor();
      await inspect(visitor, "desk-report-open");
    });
  });

  it("on paper a chart and its numbers, dark on white", async () => {
    for (const colorScheme of SCHEMES) {
      await atTheDesk({ language: "nl-BE" }, async (visitor) => {
        const { page } = visitor;
        await page.emulateMedia({ media: "print", colorScheme });
        for (const [path, name] of [[`/admin/mailings/${mailing}/report`, "report"], ["/admin/newsletters/1/reports", "reports"]]) {
          await visitor.open(path);
          assert.equal(await page.locator("svg.chart.wide:visible").count(), 1, path);
          assert.equal(await page.locator("svg.chart.narrow:visible").count(), 0, path);
          const table = page.locator("details.table:not([open]) table").first();
          assert.ok(await table.isVisible(), `${path}: the numbers`);
          await checkAxe(page, `${path}, on paper, ${colorScheme}`, {}, true, true);
          const [paper, ink] = await page.evaluate(() => ["backgroundColor", "color"].map((what) => getComputedStyle(document.body)[what]));
          const brightness = (color) => Math.max(...color.match(/\d+/g).slice(0, 3).map(Number));
          assert.ok(brightness(paper) > 240 && brightness(ink) < 80, `${path}: ${ink} on ${paper}`);
          await page.screenshot({ path: `${ARTEFACTS}desk-${name}-paper-${colorScheme}.png`, fullPage: true });
        }
      });
    }
  });

  it("on a phone a chart of its own, and no page wider than it", async () => {
    await atTheDesk({ viewport: { width: 320, height: 700 } }, async (visitor) => {
      const { page } = visitor;
      for (const path of [`/admin/mailings/${mailing}/report`, "/admin/newsletters/1/reports"]) {
        await visitor.open(path);
        assert.equal(await page.locator("svg.chart.narrow:visible").count(), 1, path);
        assert.equal(await page.locator("svg.chart.wide:visible").count(), 0, path);
        assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), path);
        const size = await page.locator("svg.chart.narrow .axis").first().evaluate((text) => text.getBoundingClientRect().height);
        assert.ok(size >= 13, `${path}: letters of ${size} px`);
      }
    });
  });

  it("growth by week and by month, and the summary, without scripts", async () => {
    await atTheDesk({ hasScripts: false }, async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters/1/reports");
      await visitor.follow(page.locator("a[href$='by=month']"));
      assert.match(page.url(), /by=month$/);
      await page.locator("details.table summary").first().click();
      assert.ok(await page.locator("details.table table").first().isVisible());
      await visitor.follow(page.locator("button[name=summary]"));
      assert.equal(await page.locator("button[value=off]").count(), 1);
      await visitor.follow(page.locator("button[name=summary]"));
      assert.equal(await page.locator("button[value=on]").count(), 1);
    });
  });

  it("the pages of reports and what a newsletter counts, for everybody", async () => {
    await atTheDesk({}, async (visitor) => {
      const { page } = visitor;
      await visitor.open("/admin/newsletters/1/reports");
      await inspect(visitor, "desk-reports");
      await visitor.open("/admin/newsletters/2/reports");
      await inspect(visitor, "desk-reports-empty");
      await visitor.open("/admin/newsletters/1");
      await page.locator("#tracking > summary").click();
      await inspect(visitor, "desk-tracking");
      await page.locator("#tracking input[value=aggregate]").check();
      await visitor.follow(page.locator("#tracking button"));
      assert.match(await page.locator("#tracking > summary").innerText(), /Alleen totalen|Totals only/);
    });
  });

  it("a report that counts nothing says so kindly", async () => {
    const quiet = await demo.sql("SELECT tracking FROM mailings WHERE id = ?", mailing);
    assert.deepEqual(quiet, [["person"]]);
    await publish(demo, "insights-en", "Quiet", "Nothing is counted", ...(await english()));
    const [[id]] = await demo.sql("SELECT MAX(m.id) FROM mailings m WHERE m.tracking = 'off'");
    await atTheDesk({}, async (visitor) => {
      await visitor.open(`/admin/mailings/${id}/report`);
      await inspect(visitor, "desk-report-quiet");
    });
  });
});

async function english() {
  const rows = await demo.sql("SELECT slug FROM articles WHERE status = 'published' AND language = 'en' ORDER BY id LIMIT 1");
  return rows.map(([slug]) => `${slug}:full`);
}
