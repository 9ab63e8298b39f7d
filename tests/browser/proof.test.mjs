// The proof of work: handed in by our own pages and by the form on a website, also where it was left open for long.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { Browser } from "./support/visitor.mjs";

const MINUTE_MS = 60_000;

let demo, browser, form;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  const page = await (await demo.fetch("/n/insights")).text();
  form = /data-form="([0-9a-f-]{36})"/.exec(page)[1];
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

async function ask(policy) {
  await demo.sql("UPDATE forms SET proof_policy = ?", policy);
}

/** How many proofs were handed in. */
async function proofs() {
  const [[count]] = await demo.sql("SELECT count(*) FROM used_proofs");
  return count;
}

/** What scripts ask the form while a visit lasts, by what stands behind its address. */
function watch(visitor) {
  const asked = { "": 0, "/challenge": 0 };
  visitor.page.on("request", (request) => {
    const [, rest] = new URL(request.url()).pathname.split(`/api/forms/${form}`);
    if (rest in asked) asked[rest] += 1;
  });
  return asked;
}

/** Lets time pass for the scripts of the page. */
async function pass(visitor, minutes) {
  await visitor.page.evaluate((ms) => {
    const now = Date.now;
    Date.now = () => now() + ms;
  }, minutes * MINUTE_MS);
}

async function fill(visitor, address) {
  const { page } = visitor;
  await page.locator("input[name=email]").fill(address);
  await page.locator("input[name=consent]").check();
  await visitor.takeTime();
}

/** The form as a website has it, with its script, on a page of our origin so that no list of websites is needed. */
async function openWebsite(visitor) {
  const html = `<!doctype html><html lang="nl"><title>Bedrijf</title><link rel="icon" href="data:,">
    <form method="post" action="/f/${form}/subscribe">
    <label>Adres <input type="email" name="email"></label>
    <label><input type="checkbox" name="consent" value="yes"> Ja</label>
    <button>OK</button></form><script async src="/static/signup.js"></script>`;
  await visitor.page.route("**/bedrijf", (route) => route.fulfill({ contentType: "text/html; charset=utf-8", body: html }));
  await visitor.open("/bedrijf");
  await visitor.page.waitForSelector("form[data-upgraded]");
}

describe("where a proof of work is asked for", () => {
  for (const door of ["/n/insights", "/f/FORM"]) {
    it(`our own page hands it in, at ${door}`, async () => {
      await ask("always");
      const before = await proofs();
      const address = `bewijs${door.length}@voorbeeld.example`;
      await browser.visit(demo, {}, async (visitor) => {
        await visitor.open(door.replace("FORM", form));
        await fill(visitor, address);
        await visitor.follow(visitor.mainButton);
        assert.match(await visitor.path(), /\/check-inbox$/);
        assert.equal(await proofs(), before + 1);
        await demo.mail(address);
      });
    });
  }

  it("our own page hands in another one after a mistake, and after the way back", async () => {
    await ask("always");
    const before = await proofs();
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      await visitor.open("/n/insights");
      await page.locator("input[name=email]").fill("geen adres");
      await visitor.takeTime();
      await visitor.follow(visitor.mainButton);
      assert.equal(await page.locator("input[name=email]").getAttribute("aria-invalid"), "true");
      await fill(visitor, "eerst@voorbeeld.example");
      await visitor.follow(visitor.mainButton);
      assert.match(await visitor.path(), /\/check-inbox$/);
      await visitor.open("/n/insights");
      await fill(visitor, "eens@voorbeeld.example");
      await visitor.follow(visitor.mainButton);
      await page.goBack();
      await fill(visitor, "daarna@voorbeeld.example");
      await visitor.mainButton.click();
      await page.waitForURL(/\/check-inbox/);
      assert.equal(await proofs(), before + 3);
      await demo.mail("eerst@voorbeeld.example");
      await demo.mail("daarna@voorbeeld.example");
    });
  });

  it("a form is taken without it where scripts do not run", async () => {
    await ask("always");
    const before = await proofs();
    await browser.visit(demo, { hasScripts: false }, async (visitor) => {
      await visitor.signUp("zonder@voorbeeld.example");
      await demo.mail("zonder@voorbeeld.example");
    });
    assert.equal(await proofs(), before);
  });
});

for (const [where, open] of [
  ["our own page", (visitor) => visitor.open("/n/insights")],
  ["the form on a website", openWebsite],
]) {
  describe(`a form that was left open: ${where}`, () => {
    /** Touches the form, lets `minutes` pass while `meanwhile`, and sends it; gives what was asked before and in all. */
    const visit = (address, minutes, meanwhile = async () => {}) =>
      browser.visit(demo, {}, async (visitor) => {
        const { page } = visitor;
        await open(visitor);
        const asked = watch(visitor);
        await Promise.all([
          page.waitForResponse((answer) => answer.url().includes(`/api/forms/${form}`)),
          page.locator("input[name=email]").focus(),
        ]);
        await fill(visitor, address);
        const before = { ...asked };
        await meanwhile();
        await pass(visitor, minutes);
        await page.locator("form button").first().click();
        await Promise.race([page.waitForURL(/\/check-inbox/), page.waitForSelector(".postiljon-done")]);
        await demo.mail(address);
        return [before, asked];
      });

    it("asks for another challenge when the first one is old", async () => {
      await ask("always");
      const count = await proofs();
      const [before, all] = await visit(`oud${where.length}@voorbeeld.example`, 16);
      assert.deepEqual([before["/challenge"], all["/challenge"], await proofs()], [1, 2, count + 1]);
    });

    it("works once for who is quick", async () => {
      await ask("always");
      const count = await proofs();
      const [before, all] = await visit(`vlot${where.length}@voorbeeld.example`, 2);
      assert.deepEqual([before["/challenge"], all["/challenge"], await proofs()], [1, 1, count + 1]);
    });

    it("hands one in when an attack has begun meanwhile", async () => {
      await ask("auto");
      const count = await proofs();
      const [before, all] = await visit(`later${where.length}@voorbeeld.example`, 6, () => ask("always"));
      assert.deepEqual([before["/challenge"], all["/challenge"], await proofs()], [0, 1, count + 1]);
    });
  });
}
