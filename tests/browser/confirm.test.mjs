// The confirm page (D15): one click for whoever signed up in this browser, two for anybody else, and the right page
// for every link that no longer does anything.

import assert from "node:assert/strict";
import { createServer } from "node:http";
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
  const [[status]] = await demo.sql(
    "SELECT s.status FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?",
    address,
  );
  return status;
}

/** Signs up in a browser of its own, which `then` goes on with; gives the confirmation link. */
async function signUp(address, then = async () => {}) {
  return browser.visit(demo, {}, async (visitor) => {
    await visitor.signUp(address);
    const link = (await demo.mail(address)).link("/confirm/");
    await then(visitor, link);
    return link;
  });
}

/** Counts what the pages post. */
function countPosts(visitor) {
  const posts = [];
  visitor.context.on("request", (request) => request.method() === "POST" && posts.push(request.url()));
  return posts;
}

describe("the confirm page", { concurrency: TOGETHER }, () => {
  it("presses its own button in the browser that signed up: one click, the one in the mail", async () => {
    await signUp("eenklik@voorbeeld.example", async (visitor, link) => {
      const posts = countPosts(visitor);
      await visitor.open(link);
      await visitor.page.waitForSelector("form#confirm", { state: "detached" });
      assert.equal(await status("eenklik@voorbeeld.example"), "confirmed");
      assert.equal(posts.length, 1);
    });
  });

  it("does so when the link is opened from a webmail on another site", async () => {
    let mail = "";
    const webmail = createServer((_, answer) => {
      answer.setHeader("content-type", "text/html; charset=utf-8");
      answer.end(`<!doctype html><html lang="nl"><title>Webmail</title><link rel="icon" href="data:,"><p><a href="${mail}">Ja</a>`);
    });
    await new Promise((resolve) => webmail.listen(0, "127.0.0.1", resolve));
    // To the browser localhost and 127.0.0.1 are two sites.
    const origin = `http://localhost:${webmail.address().port}`;
    try {
      await browser.visit(demo, { origins: [origin] }, async (visitor) => {
        await visitor.signUp("webmail@voorbeeld.example");
        mail = (await demo.mail("webmail@voorbeeld.example")).link("/confirm/");
        await visitor.page.goto(origin);
        await visitor.page.locator("a").click();
        await visitor.page.waitForURL(/\/confirm\//);
        await visitor.page.waitForSelector("form#confirm", { state: "detached" });
        assert.equal(await status("webmail@voorbeeld.example"), "confirmed");
      });
    } finally {
      await new Promise((resolve) => webmail.close(resolve));
    }
  });

  it("waits for a second click in any other browser", async () => {
    const link = await signUp("tweeklikken@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      const posts = countPosts(visitor);
      await visitor.open(link);
      await pause(SCRIPT_MS);
      assert.deepEqual([posts.length, await status("tweeklikken@voorbeeld.example")], [0, "pending"]);
      await visitor.follow(visitor.mainButton);
      assert.deepEqual([posts.length, await status("tweeklikken@voorbeeld.example")], [1, "confirmed"]);
      const first = await visitor.words();
      await visitor.open(link);
      assert.equal(await visitor.words(), first, "the link shows the same success again");
    });
  });

  it("waits for it too where the cookie is of another address", async () => {
    const link = await signUp("buur@voorbeeld.example");
    await signUp("ik@voorbeeld.example", async (visitor) => {
      const posts = countPosts(visitor);
      await visitor.open(link);
      await pause(SCRIPT_MS);
      assert.deepEqual([posts.length, await status("buur@voorbeeld.example")], [0, "pending"]);
    });
  });

  it("needs its button without scripts, cookie or not", async () => {
    const address = "zonderscript@voorbeeld.example";
    await browser.visit(demo, { hasScripts: false }, async (visitor) => {
      await visitor.signUp(address);
      await visitor.open((await demo.mail(address)).link("/confirm/"));
      assert.equal(await status(address), "pending");
      await visitor.follow(visitor.mainButton);
      assert.equal(await status(address), "confirmed");
    });
  });

  it("says that a link has expired, and leads to a new one", async () => {
    const link = await signUp("telaat@voorbeeld.example");
    await demo.sql(
      "UPDATE tokens SET expires_at = 1 WHERE subscription_id IN (SELECT s.id FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?)",
      "telaat@voorbeeld.example",
    );
    await browser.visit(demo, {}, async (visitor) => {
      const answer = await visitor.open(link);
      assert.equal(answer.status(), 410);
      assert.equal(await status("telaat@voorbeeld.example"), "pending");
      assert.ok((await visitor.page.locator("main a, main button").count()) > 0, "there is a way on");
    });
  });

  it("knows nothing of a link that was cut or made up", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      const answer = await visitor.open("/confirm/afgebroken");
      assert.equal(answer.status(), 404);
    });
  });
});
