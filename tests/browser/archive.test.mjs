// The archive, the page of an issue, and that of an article: as everybody can use them, and as people go through them.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { publish } from "./support/issues.mjs";
import { LANGUAGES, checkWords } from "./support/texts.mjs";
import { Browser } from "./support/visitor.mjs";

const ARCHIVE = "/n/insights/archive";
const YEAR_MS = 366 * 86_400_000;
/** More than one page of the archive shows. */
const MANY = 24;
/** What an issue on the web has no landmarks for: it is a mail. */
const RULES = { region: { enabled: false }, "landmark-one-main": { enabled: false } };

let demo, browser, first, second, third;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  first = await publish(demo, "insights", "Een stoel die leeg blijft", "Wie beslist er mee, als niemand het zegt?", "laat-een-stoel-leeg");
  await demo.sql("UPDATE mailings SET started_at = started_at - ?", YEAR_MS);
  second = await publish(demo, "insights", "De factuur die te goed klopte", "", "de-factuur-die-te-goed-klopte:teaser", "zes-lessen-uit-een-jaar-hybride-werken");
  third = await publish(
    demo,
    "insights",
    "Neen zeggen, {{name|beste lezer}}",
    "Waarom dringend zelden belangrijk is, en wat je dan doet.",
    "de-kunst-van-neen-zeggen-tegen-dringende-dingen",
    "zes-lessen-uit-een-jaar-hybride-werken:teaser",
    "laat-een-stoel-leeg:teaser",
  );
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

describe("the archive", () => {
  it("without issues", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/n/insights-en/archive");
      await inspect(visitor, "archive-empty");
    });
  });

  it("with issues, and what a search finds", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(ARCHIVE);
      await inspect(visitor, "archive");
      const years = await visitor.page.locator(".year > h2").allInnerTexts();
      assert.equal(years.length, 2, years.join());
      await visitor.open(`${ARCHIVE}?q=factuur`);
      await inspect(visitor, "archive-found");
      await visitor.open(`${ARCHIVE}?q=${"zebra".repeat(18)}`);
      await inspect(visitor, "archive-found-none");
    });
  });

  it("speaks the language of its reader, and so does the page of an article", async () => {
    const paths = [ARCHIVE, `${ARCHIVE}?q=factuur`, `${ARCHIVE}?q=zebra`, `${ARCHIVE}?page=9`, "/n/insights-en/archive", "/a/laat-een-stoel-leeg"];
    for (const language of LANGUAGES) {
      await browser.visit(demo, { language }, async (visitor) => {
        for (const path of paths) {
          await visitor.open(path);
          assert.equal(await visitor.page.locator("html").getAttribute("lang"), language);
          checkWords(await visitor.words(), language, `${path} in ${language}`);
        }
      });
    }
  });

  it("leads without scripts to an issue and back to what was searched", async () => {
    await browser.visit(demo, { hasScripts: false }, async (visitor) => {
      const { page } = visitor;
      await visitor.open("/n/insights");
      await visitor.follow(page.getByRole("link", { name: "Eerdere nummers lezen" }));
      await page.getByRole("searchbox").fill("dringend  neen");
      await visitor.follow(page.locator(".search button"));
      const found = page.locator(".issues h3 a");
      assert.deepEqual(await found.allInnerTexts(), ["Neen zeggen, beste lezer"]);
      await visitor.follow(found);
      assert.equal(await visitor.path(), third);
      await visitor.follow(page.getByRole("link", { name: "Vorig nummer" }));
      assert.equal(await visitor.path(), second);
      await visitor.follow(page.getByRole("link", { name: "Vorig nummer" }));
      assert.equal(await visitor.path(), first);
      assert.equal(await page.getByRole("link", { name: "Vorig nummer" }).count(), 0);
      await visitor.follow(page.getByRole("link", { name: "Volgend nummer" }));
      for (let steps = 0; steps < 4; steps += 1) await page.goBack();
      assert.equal(await page.getByRole("searchbox").inputValue(), "dringend  neen");
      assert.deepEqual(await found.allInnerTexts(), ["Neen zeggen, beste lezer"]);
    });
  });

  it("has pages", async () => {
    // As after two years.
    await demo.sql(
      "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < ?) INSERT INTO issues (public_id, newsletter_id, number, subject, preheader, intro, version, created_at, updated_at) SELECT randomblob(16), newsletter_id, 1000 + n, 'Nummer ' || n, preheader, intro, 1, created_at, updated_at FROM issues, n WHERE subject LIKE 'De factuur%'",
      MANY,
    );
    await demo.sql(
      "INSERT INTO mailings (public_id, issue_id, newsletter_id, status, due_at, started_at, cursor, audience_end, audience, sent, deferred, bounced, uncertain, skipped, expired, created_at) SELECT randomblob(16), id, newsletter_id, 'sent', 1, created_at - number * 86400000, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 FROM issues WHERE number > 1000",
    );
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      await visitor.open(ARCHIVE);
      await visitor.follow(page.locator(".pages a[rel=next]"));
      assert.equal(await page.locator(".issues > li").count(), MANY + 3 - 20);
      await inspect(visitor, "archive-page");
      await visitor.follow(page.locator(".pages a[rel=prev]"));
      assert.equal(await page.locator(".issues > li").count(), 20);
    });
    await demo.sql("DELETE FROM mailings WHERE issue_id IN (SELECT id FROM issues WHERE number > 1000)");
  });
});

describe("an issue on the web", () => {
  it("stands between the issues beside it", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.openUnlocked(second);
      await inspect(visitor, "issue-web", { rules: RULES });
      const head = await visitor.page.locator("head").innerHTML();
      assert.match(head, /<meta property="og:title" content="De factuur die te goed klopte">/);
    });
  });
});

describe("an article on the web", () => {
  it("whose home is elsewhere, and one that is at home here", async () => {
    await demo.sql("UPDATE articles SET canonical_url = '' WHERE slug = 'zes-lessen-uit-een-jaar-hybride-werken'");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/a/zes-lessen-uit-een-jaar-hybride-werken");
      await inspect(visitor, "article");
      await visitor.open("/a/laat-een-stoel-leeg?lang=fr");
      await inspect(visitor, "article-elsewhere");
    });
  });
});

describe("feeds", () => {
  it("are well-formed, and found from the archive", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(ARCHIVE);
      const feeds = await visitor.page.locator("link[rel=alternate]").evaluateAll((all) => all.map((link) => link.href));
      assert.equal(feeds.length, 3);
      for (const feed of feeds) {
        const text = await (await demo.fetch(new URL(feed).pathname)).text();
        assert.ok(text.includes("Neen zeggen, beste lezer"), feed);
        if (feed.endsWith(".json")) JSON.parse(text);
        else {
          const error = await visitor.page.evaluate((xml) => new DOMParser().parseFromString(xml, "application/xml").querySelector("parsererror")?.textContent, text);
          assert.equal(error, undefined, feed);
        }
      }
    });
  });
});
