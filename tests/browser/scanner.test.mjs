// Mail scanners open links, and some run scripts (D14, D15): every link of a hundred mails, opened by a program
// without scripts and by a browser with them, changes nothing in the database.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo, pause } from "./support/demo.mjs";
import { Browser } from "./support/visitor.mjs";

const MAILS = 100;
/** Of them mails to confirm, before anything is confirmed. */
const SIGN_UPS = 60;
/** Readers who get an issue. */
const READERS = 30;
/** Pages of the scanner open at a time. */
const TABS = 4;
/** How long a scanner stays on a page, for scripts that wait before they act. */
const STAY_MS = 400;
/** What is written by the clock and not by visitors: the sign of life of the process. */
const OF_THE_CLOCK = ["workers"];

let demo, browser, mails;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  mails = await manyMails();
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

async function digest() {
  const tables = await demo.digest();
  for (const table of OF_THE_CLOCK) delete tables[table];
  return tables;
}

async function signUp(address, slug) {
  const answer = await demo.post(`/n/${slug}/subscribe`, { email: address, name: "An", consent: "yes", language: "nl" });
  assert.equal(answer.status, 303);
}

/** A hundred mails of every kind that readers get: to confirm, you are subscribed already, an issue. */
async function manyMails() {
  const found = [];
  // Of several domains: one domain gets sixty confirmation mails an hour.
  const addresses = Array.from({ length: SIGN_UPS }, (_, index) => `lezer${index}@domein${index % 4}.example`);
  for (const address of addresses) {
    await signUp(address, "insights");
    found.push(await demo.mail(address));
  }
  const readers = found.slice(0, READERS);
  for (const mail of readers) {
    assert.equal((await demo.post(new URL(mail.link("/confirm/")).pathname, {})).status, 303);
  }
  // As if a day had passed.
  await demo.sql("DELETE FROM rate_limits");
  for (const mail of readers.slice(0, MAILS - SIGN_UPS - READERS)) {
    await signUp(mail.to[0], "insights");
    found.push(await demo.mail(mail.to[0], mail.number));
  }
  await browser.visit(demo, {}, async (visitor) => {
    await visitor.signIn();
    await visitor.open("/admin/issues/1/schedule?when=now");
    await visitor.follow(visitor.page.locator("section.final form button"));
  });
  const last = Math.max(...found.map((mail) => mail.number));
  for (const mail of readers) found.push(await demo.mail(mail.to[0], last));
  assert.equal(found.length, MAILS);
  return found;
}

/** Our own links of all mails, each once; those to other websites are not ours to answer for. */
function links() {
  const all = mails.flatMap((mail) => [...mail.links, ...addresses(mail.head), ...addresses(mail.text ?? "")]);
  return [...new Set(all)].filter((link) => link.startsWith(demo.url));
}

function addresses(text) {
  return [...text.replaceAll("\r\n ", " ").matchAll(/https?:\/\/[^\s<>"]+/g)].map(([address]) => address);
}

/** Waits until the mailing is done with: what it writes is no scanner's doing. */
async function quiet() {
  for (let tries = 0; tries < 100; tries += 1) {
    const before = JSON.stringify(await digest());
    await pause(500);
    if (JSON.stringify(await digest()) === before) return;
  }
  assert.fail("the database does not come to rest");
}

describe("the links of a hundred mails", () => {
  it("are of every kind", () => {
    const kinds = ["/confirm/", "/unsubscribe/", "/preferences/", "/i/"];
    for (const kind of kinds) {
      assert.ok(links().some((link) => link.startsWith(demo.url + kind)), `none begins with ${kind}`);
    }
    assert.ok(links().length > MAILS, `only ${links().length} links`);
  });

  it("change nothing when a program opens them by GET, HEAD and OPTIONS", async () => {
    await quiet();
    const before = await digest();
    const deeper = new Set();
    const own = new Set(links());
    for (const link of own) {
      const page = await (await demo.fetch(link)).text();
      for (const [, href] of page.matchAll(/(?:href|src|action)="([^"]+)"/g)) {
        const url = new URL(href.replaceAll("&amp;", "&"), link).href;
        if (url.startsWith(demo.url) && !own.has(url)) deeper.add(url);
      }
    }
    // And what stands on those pages, where their forms go included.
    for (const link of [...own, ...deeper]) {
      for (const method of ["GET", "HEAD", "OPTIONS"]) {
        const answer = await demo.fetch(link, { method, headers: { "user-agent": "scanner" } });
        await answer.arrayBuffer();
        assert.ok(answer.status < 500, `${method} ${answer.status}`);
        assert.equal(answer.headers.get("set-cookie"), null, `${method} set a cookie`);
      }
    }
    assert.deepEqual(await digest(), before);
  });

  it("change nothing when a browser opens them and runs every script", async () => {
    await quiet();
    const before = await digest();
    const waiting = links();
    let posts = 0;
    await browser.visit(demo, { language: "en-US" }, async (visitor) => {
      visitor.context.on("request", (request) => (posts += request.method() === "GET" ? 0 : 1));
      const tab = async () => {
        const page = await visitor.context.newPage();
        for (let link = waiting.pop(); link; link = waiting.pop()) {
          await page.goto(link, { waitUntil: "load" });
          // As those do that want to see what a page does: move, scroll, wait.
          await page.mouse.move(200, 300);
          await page.mouse.wheel(0, 600);
          await pause(STAY_MS);
        }
        await page.close();
      };
      await Promise.all(Array.from({ length: TABS }, tab));
    });
    assert.equal(posts, 0, "no page sent anything by itself");
    assert.deepEqual(await digest(), before);
  });

  it("would show a change, if there were one", async () => {
    const before = await digest();
    const mail = mails[SIGN_UPS - 1];
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
    const after = await digest();
    const changed = Object.keys(after).filter((table) => after[table] !== before[table]);
    assert.ok(changed.includes("subscriptions") && changed.includes("consents"), changed.join(", "));
  });
});
