// What a reader decides: topics, a pause, language, address, and to be forgotten. With and without scripts.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  // Readers are asked about it where it is done only.
  await demo.command("newsletter", "set", "insights", "--tracking", "person");
  await browser.visit(demo, {}, async (visitor) => {
    await visitor.signIn();
    for (const name of ["Mensen", "Technologie"]) {
      await visitor.open("/admin/newsletters/1/topics");
      const form = visitor.page.locator('form[action$="/topics"]');
      await form.locator("input[type=text]").first().fill(name);
      await visitor.follow(form.locator("button").last());
    }
  });
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** A reader who has confirmed; gives the link to the preferences, as it stands in a mail. */
async function reader(address) {
  await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
  const mail = await demo.mail(address);
  await demo.post(new URL(mail.link("/confirm/")).pathname, {});
  // As if a day had passed.
  await demo.sql("DELETE FROM rate_limits");
  await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
  return (await demo.mail(address, mail.number)).link("/preferences/");
}

/** One row about the subscription of an address. */
async function subscription(address, columns) {
  const [row] = await demo.sql(
    `SELECT ${columns} FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?`,
    address,
  );
  return row;
}

for (const hasScripts of [true, false]) {
  const way = hasScripts ? "with scripts" : "without scripts";
  describe(`preferences, ${way}`, { concurrency: TOGETHER }, () => {
    it("keep each group by itself, and show what is kept", async () => {
      const address = `keuzes-${hasScripts}@voorbeeld.example`;
      const link = await reader(address);
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        const { page } = visitor;
        await visitor.open(link);
        const topic = page.locator("input[name=topic]").first();
        assert.ok(await topic.isChecked(), "a new reader has every topic");
        await topic.uncheck();
        await visitor.follow(page.locator('form[action*="/topics"] button'));
        await visitor.open(link);
        assert.ok(!(await page.locator("input[name=topic]").first().isChecked()));

        await page.locator("input[name=until]").first().check();
        await visitor.follow(page.locator('form[action*="/pause"] button'));
        assert.deepEqual(await subscription(address, "s.audience_since IS NULL, s.paused_until IS NULL"), [1, 0]);
        await visitor.follow(page.locator('form[action*="/resume"] button'));
        assert.deepEqual(await subscription(address, "s.audience_since IS NULL, s.paused_until IS NULL"), [0, 1]);

        await page.locator("details", { has: page.locator("select[name=language]") }).locator("summary").click();
        await page.locator("select[name=language]").selectOption("fr");
        await visitor.follow(page.locator('form[action*="/language"] button'));
        assert.equal(await page.locator("html").getAttribute("lang"), "fr");
        assert.deepEqual(await subscription(address, "s.language"), ["fr"]);
      });
    });

    it("need nothing but a keyboard", async () => {
      const address = `toetsen-${hasScripts}@voorbeeld.example`;
      const link = await reader(address);
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        const { page } = visitor;
        const press = async (locator, key) => {
          await visitor.tabTo(locator);
          await page.keyboard.press(key);
        };
        const send = async (locator) => {
          await visitor.tabTo(locator);
          await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
        };
        const topics = page.locator('form[action*="/topics"]');
        await visitor.open(link);
        await press(topics.locator("input[name=topic]").first(), "Space");
        await send(topics.locator("button"));
        assert.ok(!(await page.locator("input[name=topic]").first().isChecked()));
        assert.ok(await page.locator("input[name=topic]").last().isChecked());

        const pause = page.locator('form[action*="/pause"]');
        await press(pause.locator("input[name=until]").first(), "ArrowDown");
        await send(pause.locator("button"));
        assert.deepEqual(await subscription(address, "s.paused_until IS NULL"), [0]);
        await send(page.locator('form[action*="/resume"] button'));
        assert.deepEqual(await subscription(address, "s.paused_until IS NULL"), [1]);

        const group = (field) => page.locator("details", { has: page.locator(field) });
        await press(group("select[name=language]").locator("summary"), "Enter");
        await visitor.tabTo(page.locator("select[name=language]"));
        await page.keyboard.type("Deu");
        await send(group("select[name=language]").locator("button"));
        assert.deepEqual(await subscription(address, "s.language"), ["de"]);

        const agreed = () => subscription(address, "s.opens_since IS NOT NULL, s.clicks_since IS NOT NULL");
        const counted = group("input[name=clicks]");
        await press(counted.locator("summary"), "Space");
        assert.ok(!(await page.locator("input[name=opens]").isChecked()), "nothing is ticked beforehand");
        await press(page.locator("input[name=clicks]"), "Space");
        await send(counted.locator("button"));
        assert.deepEqual(await agreed(), [0, 1], "one box says nothing about the other");
        await press(counted.locator("summary"), "Space");
        await press(page.locator("input[name=opens]"), "Space");
        await press(page.locator("input[name=clicks]"), "Space");
        await send(counted.locator("button"));
        assert.deepEqual(await agreed(), [1, 0]);

        await press(group("input[name=email]").locator("summary"), "Enter");
        await visitor.tabTo(page.locator("input[name=email]"));
        await page.keyboard.type("geen adres");
        await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
        assert.ok(await page.locator("input[name=email]").evaluate((input) => input === document.activeElement), "at the mistake");
      });
    });

    it("move to another address only after its owner has agreed", async () => {
      const [from, to] = [`oud-${hasScripts}@voorbeeld.example`, `nieuw-${hasScripts}@voorbeeld.example`];
      const link = await reader(from);
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        const { page } = visitor;
        await visitor.open(link);
        await page.locator("details", { has: page.locator("input[name=email]") }).locator("summary").click();
        await page.locator("input[name=email]").fill(to);
        await visitor.follow(page.locator('form[action*="/address"] button'));
        const mail = await demo.mail(to);
        assert.ok(await subscription(from, "s.status"), "until then nothing has changed");
        await visitor.open(mail.link("/address/"));
        assert.ok(await subscription(from, "s.status"), "the page itself does nothing");
        await visitor.follow(visitor.mainButton);
        assert.deepEqual(await subscription(to, "s.status"), ["confirmed"]);
        assert.equal(await subscription(from, "s.status"), undefined);
      });
    });

    it("forget a reader who asks for it", async () => {
      const address = `vergeten-${hasScripts}@voorbeeld.example`;
      const link = await reader(address);
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        const { page } = visitor;
        await visitor.open(link);
        await page.locator("details", { has: page.locator('a[href*="/erase"]') }).locator("summary").click();
        await visitor.follow(page.locator('a[href*="/erase"]'));
        assert.ok(await subscription(address, "s.status"), "the page itself does nothing");
        await visitor.follow(visitor.mainButton);
        assert.equal(await subscription(address, "s.status"), undefined);
      });
    });
  });
}
