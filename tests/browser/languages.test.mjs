// An issue in two languages, and two subjects tried before everybody gets the better one: written, checked, looked at, sent
// and read. With scripts and without.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

const READERS = 40;
/** Percent of them that a trial asks here. */
const SHARE = 50;

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  const readers = Array.from({ length: READERS }, (_, n) => `reader${n}@example.org,Reader ${n},${n % 2 ? "fr" : "nl"}`);
  const file = join(demo.folder, "readers.csv");
  await writeFile(file, ["email,name,language", ...readers].join("\n"));
  const basis = "They asked for it at the counter, in writing.";
  await demo.command("subscriber", "import", file, "--newsletter", "insights", "--basis", basis);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

function atTheDesk(steps, options = {}) {
  return browser.visit(demo, options, async (visitor) => {
    await visitor.signIn();
    await steps(visitor, visitor.page);
  });
}

/** A new issue of the Dutch newsletter with one article; gives its path. */
async function draft(visitor, subject) {
  const { page } = visitor;
  await visitor.open("/admin/issues/new");
  await page.locator("input[name=newsletter]").first().check();
  await page.locator("#subject").fill(subject);
  await visitor.follow(page.locator("main form button").last());
  const path = await visitor.path();
  await page.locator("input[name=add]").first().check();
  await visitor.follow(page.locator("button[value=add]"));
  return path.split("#")[0];
}

/** Schedules it for now and begins at once, through the pages; gives the path of the mailing. */
async function sendNow(visitor, path) {
  const { page } = visitor;
  await visitor.open(`${path}/schedule?when=now`);
  const sentence = await page.locator(".sentence").innerText();
  await visitor.follow(page.locator(".final form button"));
  const mailing = await visitor.path();
  await visitor.follow(page.locator("form[action$='/send-now'] button"));
  return { mailing, sentence };
}

const rows = (text, ...values) => demo.sql(text, ...values);

/** Waits until so many mails of a mailing were sent. */
async function sent(mailing, count) {
  const id = Number(mailing.split("/").pop());
  for (let tries = 0; tries < 300; tries += 1) {
    const [[now]] = await rows("SELECT sent FROM mailings WHERE id = ?", id);
    if (now >= count) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${mailing} did not come to ${count}`);
}

for (const javaScriptEnabled of [true, false]) {
  const how = javaScriptEnabled ? "with scripts" : "without scripts";

  describe(`an issue in two languages, ${how}`, () => {
    it("is written, says what is missing, is looked at, and each reader gets their own", async () => {
      await atTheDesk(
        async (visitor, page) => {
          const path = await draft(visitor, "Wat wij lazen");
          await visitor.follow(page.locator(`a[href="${path}/languages/fr"]`));
          if (javaScriptEnabled) await inspect(visitor, "issue-language-none");
          await page.locator("#preheader").fill("Trois histoires à lire avec un café, et ce que nous en avons appris.");
          await visitor.follow(page.locator("button.quiet[value=save]"));
          assert.match(await page.locator("#checks").innerText(), /Français/);
          await page.locator("#subject").fill("Ce que nous avons lu");
          await visitor.follow(page.locator("button.quiet[value=save]"));
          if (javaScriptEnabled) await inspect(visitor, "issue-language");
          // What is not translated stands as it is, and the check says so.
          assert.match(await page.locator("#checks").innerText(), /Français/);
          await visitor.follow(page.locator("button[value=preview]"));
          assert.match(await page.locator(".inbox").innerText(), /Ce que nous avons lu/);
          const { mailing, sentence } = await sendNow(visitor, path);
          assert.match(sentence, /Dutch, French/);
          await sent(mailing, READERS);
          const dutch = await demo.mail("reader0@example.org");
          const french = await demo.mail("reader1@example.org");
          assert.equal(dutch.subject, "Wat wij lazen");
          assert.equal(french.subject, "Ce que nous avons lu");
          assert.match(french.html, /lang="fr"/);
        },
        { javaScriptEnabled },
      );
    });

    it("tries two subjects on a share, waits, and sends the chosen one to everybody else", async () => {
      await atTheDesk(
        async (visitor, page) => {
          const path = await draft(visitor, `Eerste ${how}`);
          const trial = page.locator("details.trial");
          if (!(await trial.evaluate((element) => element.open))) await trial.locator("summary").click();
          await page.locator("#second_subject").fill(`Tweede ${how}`);
          await page.locator("#trial_share").selectOption(String(SHARE));
          await visitor.follow(page.locator("button.quiet[value=save]"));
          if (javaScriptEnabled) await inspect(visitor, "issue-trial");
          const { mailing, sentence } = await sendNow(visitor, path);
          assert.match(sentence, /50/);
          // Exactly the share: everybody else waits, also while somebody looks.
          const id = Number(mailing.split("/").pop());
          const [[asked]] = await rows(
            "SELECT count(*) FROM subscriptions WHERE newsletter_id = 1 AND status = 'confirmed' AND (subscriber_id * 61 + ?) % 100 < ?",
            id,
            SHARE,
          );
          assert.ok(asked > 0 && asked < READERS, `${asked} are asked`);
          assert.equal(await sent(mailing, asked), asked);
          await visitor.open(mailing);
          if (javaScriptEnabled) await inspect(visitor, "mailing-trial");
          const choose = page.locator("details:has(form[action$='/choose-second'])");
          await choose.locator("summary").click();
          // Not any load: the page shows its progress by itself.
          await Promise.all([page.waitForURL(/done=chosen/), choose.locator("form button").click()]);
          assert.equal(await sent(mailing, READERS), READERS);
          await visitor.open(mailing);
          assert.equal(await page.locator("h1").innerText(), `Tweede ${how}`);
          if (javaScriptEnabled) await inspect(visitor, "mailing-trial-decided");
          const mails = await Promise.all(
            Array.from({ length: READERS }, (_, n) => demo.mail(`reader${n}@example.org`)),
          );
          const count = (subject) => mails.filter((mail) => mail.subject === subject).length;
          assert.equal(count(`Eerste ${how}`) + count(`Tweede ${how}`), READERS);
          assert.ok(count(`Eerste ${how}`) > 0 && count(`Eerste ${how}`) < asked);
        },
        { javaScriptEnabled },
      );
    });
  });
}
