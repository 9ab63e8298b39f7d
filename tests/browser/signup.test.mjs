// Signing up: by keyboard, with and without scripts, and with mistakes.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** State of the subscription of an address: pending, confirmed, unsubscribed; null for nobody. */
async function status(address) {
  const rows = await demo.sql(
    "SELECT s.status FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?",
    address,
  );
  return rows[0]?.[0] ?? null;
}

describe("signing up", { concurrency: TOGETHER }, () => {
  for (const hasScripts of [true, false]) {
    const way = hasScripts ? "with scripts" : "without scripts";

    it(`needs nothing but a keyboard, ${way}`, async () => {
      const address = `toetsenbord-${hasScripts}@voorbeeld.example`;
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        const { page } = visitor;
        await visitor.open("/n/insights");
        await visitor.tabTo(page.locator("input[name=email]"));
        await page.keyboard.type(address);
        await visitor.tabTo(page.locator("input[name=name]"));
        await page.keyboard.type("Zoë");
        await visitor.tabTo(page.locator("input[name=consent]"));
        await page.keyboard.press("Space");
        await visitor.takeTime();
        await visitor.tabTo(visitor.mainButton);
        await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
        assert.match(await visitor.path(), /\/check-inbox$/);
        const mail = await demo.mail(address);
        await visitor.open(mail.link("/confirm/"));
        if (hasScripts) {
          await page.waitForSelector("form#confirm", { state: "detached" });
        } else {
          await visitor.tabTo(visitor.mainButton);
          await Promise.all([page.waitForEvent("load"), page.keyboard.press("Space")]);
        }
        assert.equal(await status(address), "confirmed");
      });
    });

    it(`tells all mistakes at once and loses nothing, ${way}`, async () => {
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        const { page } = visitor;
        await visitor.open("/n/insights");
        await page.locator("input[name=email]").fill("geen adres");
        await page.locator("input[name=name]").fill("Zoë & <b>Co</b>");
        await page.locator("select[name=language]").selectOption("fr");
        await visitor.takeTime();
        await visitor.follow(visitor.mainButton);
        for (const field of ["email", "consent"]) {
          const input = page.locator(`input[name=${field}]`);
          assert.equal(await input.getAttribute("aria-invalid"), "true", field);
          const line = page.locator(`#${(await input.getAttribute("aria-describedby")).split(" ").pop()}`);
          assert.notEqual((await line.innerText()).trim(), "", field);
        }
        const isFocused = await page.locator("input[name=email]").evaluate((element) => element === document.activeElement);
        assert.ok(isFocused, "the cursor is in the first wrong field");
        assert.equal(await page.locator("input[name=email]").inputValue(), "geen adres");
        assert.equal(await page.locator("input[name=name]").inputValue(), "Zoë & <b>Co</b>");
        assert.equal(await page.locator("select[name=language]").inputValue(), "fr");
        await page.locator("input[name=email]").fill(`hersteld-${hasScripts}@voorbeeld.example`);
        await page.locator("input[name=consent]").check();
        await visitor.takeTime();
        await visitor.follow(visitor.mainButton);
        assert.match(await visitor.path(), /\/check-inbox$/);
        const mail = await demo.mail(`hersteld-${hasScripts}@voorbeeld.example`);
        assert.match(mail.html, /<html lang="fr"/, "the mail is in the chosen language");
      });
    });
  }

  it("answers a reader who is subscribed as it answers anybody else", async () => {
    const address = "alweer@voorbeeld.example";
    const first = await browser.visit(demo, {}, async (visitor) => {
      await visitor.signUp(address);
      const page = await visitor.words();
      await visitor.open((await demo.mail(address)).link("/confirm/"));
      await visitor.page.waitForSelector("form#confirm", { state: "detached" });
      return page;
    });
    const { number } = await demo.mail(address);
    await demo.sql("DELETE FROM rate_limits");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.signUp(address);
      assert.equal(await visitor.words(), first);
    });
    const mail = await demo.mail(address, number);
    assert.ok(!mail.links.some((link) => link.includes("/confirm/")), "there is nothing left to confirm");
  });
});
