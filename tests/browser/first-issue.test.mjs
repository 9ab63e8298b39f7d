// Somebody who has never seen it, from the link that the program prints to the first issue in a mailbox, by what the
// pages say alone. What that asks is counted for each page and printed; no time is promised here.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { Effort } from "./support/effort.mjs";
import { SmtpServer } from "./support/smtp.mjs";
import { Browser } from "./support/visitor.mjs";

const OWNER = "an@meridiaan.example";
const TITLE = "We moved house";
const ARTICLE = [
  "We moved house. Since Monday you find us at Handelskaai 12, two minutes from the station.",
  "There is more light, a kitchen where we talk, and a room where you can work while you wait.",
  "Come and see it on Friday from four o’clock. There is soup.",
].join("\n\n");

let browser, smtp;
before(async () => {
  [browser, smtp] = await Promise.all([Browser.start(), SmtpServer.start()]);
});
after(async () => {
  await browser?.stop();
  smtp?.stop();
});

/** The steps of the first run, with what nobody can guess. */
async function setUp(effort, link) {
  await effort.visitor.open(link);
  await effort.arrive("owner");
  await effort.type("#name", "An Peeters");
  await effort.type("#address", OWNER);
  await effort.type("#password", "vier losse woorden hier");
  await effort.follow("main form button");

  await effort.arrive("newsletter");
  await effort.type("#name", "Meridiaan");
  await effort.follow("button[value=next]");

  await effort.arrive("sender");
  assert.equal(await effort.visitor.page.locator("#sender_name").inputValue(), "Meridiaan");
  assert.equal(await effort.visitor.page.locator("#sender_address").inputValue(), OWNER);
  await effort.type("#postal_address", "Handelskaai 12\n1000 Brussel");
  await effort.follow("button[value=next]");

  await effort.arrive("relay");
  await effort.type("#host", "localhost");
  await effort.type("#port", `${smtp.port}`);
  await effort.click("input[name=tls][value=none]");
  await effort.type("#username", "news");
  await effort.type("#password", "secret");
  await effort.follow("button[value=test]");
  await effort.arrive("relay works");
  await effort.follow(".beside button[value=next]");

  await effort.arrive("brand");
  await effort.follow("button[value=next]");
  await effort.arrive("done");
}

/** The owner is the first reader: the form is filled in, the mail has the link. */
async function subscribe(effort) {
  const { visitor } = effort;
  // It opens in a tab of its own, and the page that it stood on is still there afterwards.
  await visitor.open(await visitor.page.locator("main a[href^='/n/']").getAttribute("href"));
  effort.pressed();
  await effort.arrive("sign-up");
  assert.equal(await visitor.page.locator("input[name=email]").inputValue(), OWNER);
  await effort.click("input[name=consent]");
  await visitor.takeTime();
  await effort.follow("main form button[type=submit]");
  await effort.arrive("check inbox");
  const mail = await effort.wait(smtp.mail((mail) => mail.includes("/confirm/")));
  const [link] = /http:\/\/[^\s"<>]+\/confirm\/[^\s"<>]+/.exec(mail);
  await visitor.open(link);
  // In the browser that signed up the button presses itself.
  await visitor.page.waitForURL((url) => !url.pathname.startsWith("/confirm/") || url.pathname.endsWith("/done"), { timeout: 5000 }).catch(() => {});
  if ((await visitor.page.locator("#confirm").count()) > 0) {
    await effort.arrive("confirm");
    await effort.follow("#confirm button");
  }
  await effort.arrive("confirmed");
}

async function write(effort) {
  const { visitor } = effort;
  await visitor.open("/setup/done");
  await effort.arrive("done again");
  await effort.follow("main a.button[href='/admin/articles/new']");
  await effort.arrive("article");
  await effort.type("#title", TITLE);
  await effort.type("#body", ARTICLE);
  await effort.read();
  await effort.follow("button[value=publish]");
  await effort.arrive("published");
  await effort.follow("form[action='/admin/issues'] button");
}

async function send(effort) {
  const { page } = effort.visitor;
  await effort.arrive("issue");
  assert.equal(await page.locator("#subject").inputValue(), TITLE);
  assert.match(await page.locator("#preheader").inputValue(), /^We moved house\. Since Monday/);
  assert.equal(await page.locator("#checks .check.error").count(), 0);
  await effort.follow("aside button[value=preview]");
  await effort.arrive("preview");
  assert.equal(await page.locator("#to").inputValue(), OWNER);
  await effort.follow("form[action*='/test'] button");
  await effort.wait(smtp.mail((mail) => mail.includes(`] ${TITLE}`) || /Subject:.*We moved house/.test(mail)));
  const tests = smtp.mails.length;
  await effort.arrive("test sent");
  await effort.follow("aside a[href$='/schedule']");
  await effort.arrive("schedule");
  await effort.click("input[name=when][value=now]");
  await effort.follow("main form.panel button:not([formaction])");
  await effort.arrive("last look");
  await effort.follow(".final form button");
  await effort.arrive("on its way");
  const now = page.locator("form[action$='/send_now'] button, form[action$='/send-now'] button");
  if ((await now.count()) > 0) await effort.follow("form[action$='/send_now'] button, form[action$='/send-now'] button");
  await effort.wait(smtp.mail((mail) => smtp.mails.length > tests && /List-Unsubscribe-Post/.test(mail) && /We moved house/.test(mail)));
  await effort.arrive("sent");
}

describe("a first issue", () => {
  it("is sent by somebody who has never seen it", async (t) => {
    // No DNS is asked whether the owner’s domain takes mail.
    const demo = await Demo.startNew({ settings: { POSTILJON_SIGNUP_CHECK_MX: "false" } });
    try {
      await browser.visit(demo, { language: "en-GB", viewport: { width: 1280, height: 900 } }, async (visitor) => {
        const effort = new Effort(visitor);
        await setUp(effort, demo.link);
        await subscribe(effort);
        await write(effort);
        await send(effort);
        for (const line of effort.table()) t.diagnostic(line);
      });
    } finally {
      await demo.stop();
    }
  });
});
