// Leaving: the page behind the link, its undo, and the button of a mail program (RFC 8058).

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo, pause } from "./support/demo.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

/** Longest that a script of the page may take until it does what it should not. */
const SCRIPT_MS = 1_000;

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

async function status(address) {
  const rows = await demo.sql(
    "SELECT s.status FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?",
    address,
  );
  return rows[0]?.[0] ?? null;
}

/** A confirmed reader; gives the link to leave that stands in the confirmation mail's header. */
async function reader(address) {
  const answer = await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
  assert.equal(answer.status, 303);
  const mail = await demo.mail(address);
  assert.equal((await demo.post(new URL(mail.link("/confirm/")).pathname, {})).status, 303);
  return mail.link("/unsubscribe/");
}

describe("leaving", { concurrency: TOGETHER }, () => {
  for (const hasScripts of [true, false]) {
    it(`takes one button and can be undone, ${hasScripts ? "with" : "without"} scripts`, async () => {
      const address = `weg-${hasScripts}@voorbeeld.example`;
      const link = await reader(address);
      await browser.visit(demo, { hasScripts }, async (visitor) => {
        await visitor.open(link);
        await pause(SCRIPT_MS);
        assert.equal(await status(address), "confirmed", "the page itself does nothing");
        await visitor.follow(visitor.mainButton);
        assert.equal(await status(address), "unsubscribed");
        await visitor.follow(visitor.page.locator('form[action*="/resubscribe/"] button'));
        assert.equal(await status(address), "confirmed");
        await visitor.open(link);
        await visitor.follow(visitor.mainButton);
        assert.equal(await status(address), "unsubscribed");
      });
    });
  }

  it("cannot be undone a day later", async () => {
    const link = await reader("morgen@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(link);
      await visitor.follow(visitor.mainButton);
      await demo.sql(
        "UPDATE subscriptions SET unsubscribed_at = unsubscribed_at - 86400000 WHERE subscriber_id = (SELECT id FROM subscribers WHERE address = ?)",
        "morgen@voorbeeld.example",
      );
      await visitor.follow(visitor.page.locator('form[action*="/resubscribe/"] button'));
      assert.equal(await status("morgen@voorbeeld.example"), "unsubscribed");
      assert.ok((await visitor.page.locator("main a, main button").count()) > 0, "there is a way on");
    });
  });

  it("withdraws a request that was never confirmed", async () => {
    const address = "nooit@voorbeeld.example";
    await demo.post("/n/insights/subscribe", { email: address, consent: "yes" });
    const mail = await demo.mail(address);
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(mail.link("/unsubscribe/"));
      await visitor.follow(visitor.mainButton);
      assert.notEqual(await status(address), "pending");
      const answer = await visitor.open(mail.link("/confirm/"));
      assert.equal(answer.status(), 404, "the link in the mail is of no use any more");
    });
  });

  it("takes the mail program's post without a page, a cookie or a question", async () => {
    const address = "knop@voorbeeld.example";
    const link = await reader(address);
    const answer = await demo.post(new URL(link).pathname, { "List-Unsubscribe": "One-Click" });
    assert.deepEqual([answer.status, answer.headers.get("set-cookie")], [200, null]);
    assert.equal(await status(address), "unsubscribed");
  });
});
