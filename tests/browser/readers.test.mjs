// Readers at the desk, with and without scripts: a file taken in, found again, made a segment, changed and given back.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** Waits, by reloading, until a page says something. */
async function until(visitor, pattern) {
  for (let tries = 0; tries < 60; tries += 1) {
    if (pattern.test(await visitor.page.locator("main").innerText())) return;
    await visitor.page.waitForTimeout(250);
    await visitor.page.reload();
  }
  assert.fail(`the page never said ${pattern}`);
}

for (const scripts of [true, false]) {
  describe(`readers ${scripts ? "with" : "without"} scripts`, () => {
    it("a file is taken in, found, made a segment, changed and given back", async () => {
      await browser.visit(demo, { hasScripts: scripts, language: "en-GB" }, async (visitor) => {
        const { page } = visitor;
        const domain = `${scripts ? "with" : "without"}.example.org`;
        await visitor.signIn();
        await visitor.open("/admin/imports");
        if (scripts) await inspect(visitor, "people-imports");
        const rows = Array.from({ length: 40 }, (_, at) => `reader${at}@${domain};Reader ${at};subscribed`);
        await page.locator("#file").setInputFiles({
          name: "list.csv",
          mimeType: "text/csv",
          buffer: Buffer.from(["E-mail;Name;Status", ...rows, "nonsense;x;subscribed", `left@${domain};L;cleaned`].join("\r\n")),
        });
        if (await page.locator("#newsletter").count()) await page.locator("#newsletter").selectOption({ index: 0 });
        await visitor.follow(page.locator("section button"));
        if (scripts) await inspect(visitor, "people-import-columns");
        await page.locator("#basis").fill("yes");
        await visitor.follow(page.locator("section.panel button"));
        if (scripts) await inspect(visitor, "people-import-mistake");
        await page.locator("#basis").fill("Subscribed with the form on our website in 2024.");
        await visitor.follow(page.locator("section.panel button"));
        const path = await visitor.path();
        await page.waitForSelector("section.final");
        if (scripts) await inspect(visitor, "people-import-checked");
        await visitor.follow(page.locator("section.final button"));
        await page.waitForSelector(`a[href^="/admin/subscribers?newsletter="]`);
        assert.match(await visitor.path(), new RegExp(path));
        if (scripts) await inspect(visitor, "people-import-done");

        await visitor.open("/admin/subscribers?newsletter=1");
        await page.locator("#address").fill(`reader3 ${domain.split(".")[0]}`);
        await visitor.follow(page.locator("form[role=search] button"));
        assert.equal(page.url().includes("reader3"), false, "what was looked for stands in no address");
        assert.equal(await page.locator("table.people tbody tr").count(), 11);
        if (scripts) await inspect(visitor, "people-found");

        await page.locator("input[name=id]").first().check();
        await page.locator("#act").selectOption("unsubscribe");
        await visitor.follow(page.locator("fieldset button"));
        await until(visitor, /1 (of|van) 1/);
        if (scripts) await inspect(visitor, "people-act");
        await page.locator("details.ask summary").click();
        await visitor.follow(page.locator("details.ask button"));
        await until(visitor, /Undone|Ongedaan gemaakt/);

        await visitor.open("/admin/segments/new?newsletter=1");
        if (scripts) await inspect(visitor, "people-segment-new");
        await page.locator("#name").fill(`Sure ${scripts}`);
        await page.locator("#new-0").selectOption("status");
        await visitor.follow(page.locator("button[value=add-0]"));
        await page.locator("[name=c0-value]").selectOption("confirmed");
        await visitor.follow(page.locator("button[value=group]"));
        if (scripts) await inspect(visitor, "people-segment");
        await visitor.follow(page.locator("button[value=save]"));
        assert.equal(await visitor.path(), "/admin/segments");
        if (scripts) await inspect(visitor, "people-segments");
        await visitor.follow(page.locator("ul.rows a.button").first());
        assert.ok((await page.locator("table.people tbody tr").count()) > 0);
        await visitor.follow(page.locator("table.people a").first());
        if (scripts) await inspect(visitor, "people-story");
      });
    });
  });
}
