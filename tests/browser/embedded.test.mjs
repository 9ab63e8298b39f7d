// The form on somebody else's website: another origin, another site, with its own rules.

import assert from "node:assert/strict";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

let demo, browser, website;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  website = await Website.start();
});
after(async () => {
  await website?.stop();
  await browser?.stop();
  await demo?.stop();
});

/** A company's website: a page with a form, and one that tries to frame ours. */
class Website {
  static async start() {
    const website = new Website();
    website.server = createServer((request, answer) => {
      answer.setHeader("content-type", "text/html; charset=utf-8");
      const content = { "/frame": frame(), "/script": website.snippet, "/light": website.snippet }[request.url] ?? plainForm();
      // Most websites are light for everybody; some follow the visitor.
      const scheme = request.url === "/light" ? "background: #fff" : "color-scheme: light dark; background: Canvas; color: CanvasText";
      answer.end(
        `<!doctype html><html lang="fr"><head><meta name="viewport" content="width=device-width"><style>:root { ${scheme} }</style><title>Une entreprise</title><link rel="icon" href="data:,"></head><body><main><h1>Une entreprise</h1>${content}</main></body></html>`,
      );
    });
    await new Promise((resolve) => website.server.listen(0, "127.0.0.1", resolve));
    // To the browser localhost and 127.0.0.1 are two sites.
    website.url = `http://localhost:${website.server.address().port}`;
    return website;
  }

  stop() {
    return new Promise((resolve) => this.server.close(resolve));
  }
}

function frame() {
  return `<iframe title="Formulaire" src="${demo.url}/n/insights"></iframe>`;
}

function plainForm() {
  return `<form method="post" action="${demo.url}/n/insights/subscribe">
    <label>Adresse <input type="email" name="email" required></label>
    <input type="hidden" name="language" value="fr"><input type="hidden" name="shown_in" value="fr">
    <label><input type="checkbox" name="consent" value="yes"> Oui</label>
    <button>OK</button></form>`;
}

describe("a plain form on another website", { concurrency: TOGETHER }, () => {
  for (const hasScripts of [true, false]) {
    it(`signs up and comes to the page that says what is next, ${hasScripts ? "with" : "without"} scripts`, async () => {
      const address = `ailleurs-${hasScripts}@exemple.example`;
      await browser.visit(demo, { hasScripts, language: "fr-BE", origins: [website.url] }, async (visitor) => {
        const { page } = visitor;
        await page.goto(website.url);
        await page.locator("input[name=email]").fill(address);
        await page.locator("input[name=consent]").check();
        await visitor.follow(page.locator("button"));
        assert.equal(new URL(page.url()).origin, demo.url);
        assert.match(await visitor.path(), /\/check-inbox$/);
        assert.equal(await page.locator("html").getAttribute("lang"), "fr");
        const mail = await demo.mail(address);
        assert.match(mail.html, /<html lang="fr"/);
        await visitor.open(mail.link("/confirm/"));
        if (hasScripts) {
          // This browser signed up, if from another site: one click.
          await page.waitForSelector("form#confirm", { state: "detached" });
        } else {
          await visitor.follow(visitor.mainButton);
        }
        const [[status]] = await demo.sql(
          "SELECT s.status FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?",
          address,
        );
        assert.equal(status, "confirmed");
      });
    });
  }

  it("shows its mistakes on our page, filled in", async () => {
    await browser.visit(demo, { language: "fr-BE", origins: [website.url] }, async (visitor) => {
      const { page } = visitor;
      await page.goto(website.url);
      await page.locator("input[name=email]").fill("moi@exemple.example");
      await visitor.follow(page.locator("button"));
      assert.equal(new URL(page.url()).origin, demo.url);
      assert.equal(await page.locator("input[name=email]").inputValue(), "moi@exemple.example");
      assert.equal(await page.locator("input[name=consent]").getAttribute("aria-invalid"), "true");
    });
  });

  it("cannot show our pages in a frame", async () => {
    await browser.visit(demo, { language: "fr-BE", origins: [website.url] }, async (visitor) => {
      await visitor.page.goto(`${website.url}/frame`);
      const frame = visitor.page.frames().find((frame) => frame !== visitor.page.mainFrame());
      assert.equal(await frame.locator("form").count(), 0);
      // The browser says so on its console: the one trouble that is wanted here.
      assert.ok(visitor.troubles.some((trouble) => /frame-ancestors/.test(trouble)), visitor.troubles.join("\n"));
      visitor.troubles.length = 0;
    });
  });
});

/** The website's scripts may not read our style sheet, and neither may axe's. */
const look = (visitor, name) => inspect(visitor, name, { preload: false });

/** A header of ours, as from a network of its own, would make the browser ask the API for leave to send it. */
const OPTIONS = { language: "fr-BE", extraHTTPHeaders: {} };

describe("the form with its script on another website", () => {
  before(async () => {
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      await visitor.signIn();
      await visitor.open("/admin/newsletters/1/forms/new");
      await page.locator("#name").fill("Website");
      await page.locator("#allowed_origins").fill(website.url);
      await visitor.follow(page.locator("main form button").last());
      await visitor.open(`${await visitor.path()}?tab=script&language=fr`);
      website.snippet = await page.locator("textarea#code").inputValue();
    });
  });

  it("stays where it is, and everybody can use it: mistakes, a hint, thanks", async () => {
    await browser.visit(demo, { ...OPTIONS, origins: [website.url] }, async (visitor) => {
      const { page } = visitor;
      await page.goto(`${website.url}/script`);
      await look(visitor, "embedded");
      await page.locator("input[name=email]").fill("pas d’adresse");
      await visitor.takeTime();
      await page.locator("form button").click();
      await page.waitForSelector(".postiljon-error");
      // The browser notes on its console that the form was not taken: the one trouble that is wanted here.
      const wanted = visitor.troubles.filter((trouble) => /422/.test(trouble) && /\/api\/forms\//.test(trouble));
      assert.deepEqual(visitor.troubles, wanted);
      visitor.troubles.length = 0;
      assert.equal(await page.evaluate(() => document.activeElement.name), "email");
      await look(visitor, "embedded-mistakes");
      await page.locator("input[name=email]").fill("moi@gmial.com");
      await page.locator("input[name=consent]").check();
      await page.locator("form button").click();
      await page.waitForSelector(".postiljon-done");
      assert.equal(page.url(), `${website.url}/script`);
      await look(visitor, "embedded-thanks");
      await page.locator(".postiljon-done button").click();
      const mail = await demo.mail("moi@gmail.com");
      assert.match(mail.html, /<html lang="fr"/);
      await demo.mail("moi@gmial.com");
    });
  });

  it("is readable on a website that stays light for who prefers dark", async () => {
    await browser.visit(demo, { ...OPTIONS, origins: [website.url] }, async (visitor) => {
      await visitor.page.goto(`${website.url}/light`);
      await look(visitor, "embedded-light-site");
    });
  });

  it("works as a plain form where scripts do not run", async () => {
    await browser.visit(demo, { language: "fr-BE", hasScripts: false, origins: [website.url] }, async (visitor) => {
      const { page } = visitor;
      await page.goto(`${website.url}/script`);
      await page.locator("input[name=email]").fill("sans@exemple.example");
      await page.locator("input[name=consent]").check();
      await visitor.follow(page.locator("form button"));
      assert.match(await visitor.path(), /^\/f\/[^/]+\/check-inbox$/);
      await demo.mail("sans@exemple.example");
    });
  });
});
