// A digest from its rule to the reader's inbox: made at the desk, shown by mail, approved by the button behind the link,
// seen in the calendar, and chosen by a reader who wants one mail a month. With scripts and without.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

let demo, browser;
/** Of the last mail that was looked at. */
let seen = 0;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

const BASE = "/admin/newsletters/1/digests";

/** A rule that proposes at once: every day has one, and a day is the time to look. */
async function everyDay(visitor, name) {
  const { page } = visitor;
  await visitor.open(`${BASE}/new`);
  await page.locator("#name").fill(name);
  for (const box of await page.locator("input[name=weekday]").all()) await box.check();
  await visitor.follow(page.locator("form .actions button").first());
  assert.match(await visitor.path(), /\/digests\/\d+/);
}

for (const javaScriptEnabled of [true, false]) {
  describe(`a digest ${javaScriptEnabled ? "with" : "without"} scripts`, () => {
    it("is made, watched and switched off", async () => {
      await browser.visit(demo, { javaScriptEnabled }, async (visitor) => {
        const { page } = visitor;
        await visitor.signIn();
        // Of the second browser one hears by mail; the demo's first is the one that is known.
        if (!javaScriptEnabled) seen = (await demo.mail(demo.login, seen)).number;
        const name = javaScriptEnabled ? "Dagoverzicht" : "Tweede overzicht";
        await everyDay(visitor, name);
        assert.ok((await page.locator("#next li").count()) > 0, "the next one can be seen before");
        await visitor.open(BASE);
        const card = page.locator("section.digest", { hasText: name });
        await visitor.follow(card.locator("button[value=on]"));
        assert.equal(await card.locator("h2 .status").textContent(), "On");
        // Those who work with it hear of it.
        const mail = await demo.mail(demo.login, seen);
        seen = mail.number;
        const link = new URL(mail.link("/digest/"));
        assert.ok(mail.subject.includes(name), mail.subject);
        await visitor.open(BASE);
        if (javaScriptEnabled) await inspect(visitor, "desk-digests");
        await visitor.open("/admin/calendar");
        await page.locator("table.month a", { hasText: name }).first().waitFor();
        if (javaScriptEnabled) await inspect(visitor, "desk-calendar");
        await visitor.open(link.pathname + link.search);
        if (javaScriptEnabled) await inspect(visitor, "digest-link");
        await visitor.follow(page.locator("form[action$='/approve'] button"));
        await page.locator(".notice.good").waitFor();
        await visitor.open(BASE);
        await page.locator(".status", { hasText: "Approved" }).first().waitFor();
        await visitor.follow(card.locator("button[value=desk]").first());
        assert.match(await visitor.path(), /\/admin\/issues\/\d+/, "from now on it is an issue like any other");
        await visitor.open(BASE);
        await visitor.follow(card.locator("button[value=off]"));
        assert.equal(await card.locator("h2 .status").textContent(), "Off");
      });
    });
  });
}

describe("the pages of digests and sources", () => {
  it("are for everybody, in every state", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      await visitor.signIn();
      for (const [path, name] of [
        ["/admin/newsletters/2/digests", "desk-digests-none"],
        ["/admin/newsletters/2/digests/new", "desk-digest-new"],
        ["/admin/newsletters/2/calendar", "desk-calendar-none"],
        ["/admin/settings/sources", "desk-sources-none"],
        ["/admin/settings/sources/new", "desk-source-new"],
      ]) {
        await visitor.open(path);
        await inspect(visitor, name);
      }
      await page.locator("#url").fill("geen adres");
      await visitor.follow(page.locator("main form .actions button").first());
      await inspect(visitor, "desk-source-mistakes");
      await page.locator("#url").fill(`${demo.url}/n/insights/feed.rss`);
      await visitor.follow(page.locator("main form .actions button").first());
      await inspect(visitor, "desk-sources");
      await visitor.open(`${BASE}/new`);
      await page.locator("#name").fill("");
      await page.locator("#time").fill("");
      await visitor.follow(page.locator("main form .actions button").first());
      await inspect(visitor, "desk-digest-mistakes");
    });
  });
});
