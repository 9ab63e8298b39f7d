// People: invited by mail, at work with a role, with a second step, shut out; a forgotten password. With and without scripts.

import assert from "node:assert/strict";
import { createHmac } from "node:crypto";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

const PASSWORD = "vier losse woorden hier";
const FACTOR = "/admin/account/second-factor";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** The code that an authenticator shows, `ahead` periods from now (RFC 6238). */
function code(spelled, ahead = 0) {
  const bits = [...spelled.replaceAll(" ", "")]
    .map((letter) => "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".indexOf(letter).toString(2).padStart(5, "0"))
    .join("");
  const secret = Buffer.from(bits.match(/.{8}/g).map((octet) => parseInt(octet, 2)));
  const period = Buffer.alloc(8);
  period.writeBigInt64BE(BigInt(Math.floor(Date.now() / 30000) + ahead));
  const tag = createHmac("sha1", secret).update(period).digest();
  const at = tag[19] & 0xf;
  return String((tag.readUInt32BE(at) & 0x7fffffff) % 1000000).padStart(6, "0");
}

async function invite(address, role) {
  await browser.visit(demo, { language: "en-GB" }, async (owner) => {
    await owner.signIn();
    await owner.open("/admin/people");
    await owner.page.locator("#address").fill(address);
    await owner.page.locator("#name").fill("Bo Janssens");
    await owner.page.locator("#language").selectOption("en");
    await owner.page.locator("#role-all").selectOption(role);
    await owner.follow(owner.page.locator("section form .actions button").first());
    assert.match(await owner.words(), /invitation is on its way/);
  });
  const mail = await demo.mail(address);
  return new URL(mail.link("/admin/link/")).pathname;
}

async function join(visitor, path) {
  await visitor.open(path);
  await visitor.page.locator("#password").fill(PASSWORD);
  await visitor.follow(visitor.page.locator("main form button").last());
  assert.equal(await visitor.path(), "/admin");
}

async function signIn(visitor, address) {
  await visitor.open("/admin/login");
  await visitor.page.locator("#address").fill(address);
  await visitor.page.locator("#password").fill(PASSWORD);
  await visitor.follow(visitor.page.locator("main form button").last());
}

for (const javaScript of [true, false]) {
  const how = javaScript ? "with scripts" : "without scripts";
  describe(how, () => {
    it("somebody is invited, comes, may what the role says, and is shut out", async () => {
      const address = `bo-${javaScript}@voorbeeld.example`;
      const path = await invite(address, "author");
      await browser.visit(demo, { hasScripts: javaScript, language: "en-GB" }, async (bo) => {
        await join(bo, path);
        const menu = await bo.page.locator("nav .menu").innerText();
        assert.match(menu, /Articles/);
        assert.doesNotMatch(menu, /Readers|Settings/);
        await bo.open("/admin/people");
        assert.match(await bo.words(), /You may not do this here/);
        await bo.open(path);
        assert.match(await bo.words(), /does not work any more/);
        await browser.visit(demo, { hasScripts: javaScript, language: "en-GB" }, async (owner) => {
          await owner.signIn();
          await owner.open("/admin/people");
          await owner.follow(owner.page.locator(".rows li", { hasText: address }).locator("a").first());
          await owner.follow(owner.page.locator("form[action$='/disable'] button"));
          assert.match(await owner.words(), /cannot sign in any more/);
        });
        await bo.open("/admin");
        assert.equal(await bo.path(), "/admin/login");
      });
    });

    it("a second step is set up, asked for, and a recovery code opens it", async () => {
      const address = `cor-${javaScript}@voorbeeld.example`;
      const path = await invite(address, "viewer");
      let codes;
      await browser.visit(demo, { hasScripts: javaScript, language: "en-GB" }, async (cor) => {
        await join(cor, path);
        await cor.open("/admin/account");
        await cor.follow(cor.page.locator(`a[href='${FACTOR}']`));
        await cor.page.locator("#password").fill(PASSWORD);
        await cor.follow(cor.page.locator("button[value=begin]"));
        if (javaScript) await inspect(cor, "account-factor-waiting");
        const spelled = await cor.page.locator("code").first().innerText();
        await cor.page.locator("#code").fill(code(spelled));
        await cor.follow(cor.page.locator("button[value=on]"));
        codes = await cor.page.locator(".codes code").allInnerTexts();
        assert.equal(codes.length, 10);
        if (javaScript) await inspect(cor, "account-factor-codes");
      });
      await browser.visit(demo, { hasScripts: javaScript, language: "en-GB" }, async (cor) => {
        await signIn(cor, address);
        assert.equal(await cor.path(), "/admin/login/code");
        await cor.page.locator("#code").fill("000000");
        await cor.follow(cor.page.locator("main form button").last());
        assert.match(await cor.words(), /not right/);
        if (javaScript) await inspect(cor, "login-code-refused");
        await cor.page.locator("#code").fill(codes[0]);
        await cor.follow(cor.page.locator("main form button").last());
        assert.equal(await cor.path(), "/admin");
      });
    });

    it("a forgotten password is replaced by mail", async () => {
      const address = `dirk-${javaScript}@voorbeeld.example`;
      const path = await invite(address, "viewer");
      await browser.visit(demo, { hasScripts: javaScript, language: "en-GB" }, async (dirk) => {
        await join(dirk, path);
      });
      const before = await demo.mail(address);
      await browser.visit(demo, { hasScripts: javaScript, language: "en-GB" }, async (dirk) => {
        await dirk.open("/admin/login");
        await dirk.follow(dirk.page.locator("a[href='/admin/forgot']"));
        await dirk.page.locator("#address").fill(address);
        await dirk.follow(dirk.page.locator("main form button").last());
        assert.match(await dirk.words(), /If this address is known/);
        const mail = await demo.mail(address, before.number);
        await dirk.open(new URL(mail.link("/admin/link/")).pathname);
        if (javaScript) await inspect(dirk, "link-reset");
        await dirk.page.locator("#password").fill(`${PASSWORD} nu`);
        await dirk.follow(dirk.page.locator("main form button").last());
        assert.equal(await dirk.path(), "/admin/login");
        assert.match(await dirk.words(), /new password is saved/);
      });
    });
  });
}
