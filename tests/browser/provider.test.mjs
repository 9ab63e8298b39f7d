// Signing in through a provider: there and back in a real browser, linked, refused and cut; with and without scripts.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { PASSWORD, becomeOwner, signOut } from "./support/owner.mjs";
import { Provider } from "./support/provider.mjs";
import { Browser } from "./support/visitor.mjs";

let browser, provider;
before(async () => {
  [browser, provider] = await Promise.all([Browser.start(), Provider.start()]);
});
after(async () => {
  await browser?.stop();
  provider?.stop();
});

async function visit(options, steps) {
  const demo = await Demo.startNew({ settings: { ...provider.settings, ...options.settings } });
  try {
    const { settings: _, ...others } = options;
    // The browser really goes there.
    await browser.visit(demo, { language: "en-GB", origins: [provider.issuer], ...others }, steps);
  } finally {
    await demo.stop();
  }
}

/** Presses a button that leads to the provider, which leads back. */
async function comeBack(visitor, button) {
  const { page } = visitor;
  const isReturn = (answer) => new URL(answer.url()).pathname === "/admin/login/provider/return";
  await Promise.all([page.waitForResponse(isReturn), button.click()]);
  // Until the browser has left the page that led there.
  await page.waitForURL((url) => !/\/(provider|identities)$/.test(url.pathname));
  await page.waitForLoadState();
}

const loginButton = (visitor) => visitor.page.locator("form[action='/admin/login/provider'] button");

for (const javaScript of [true, false]) {
  it(`an account there is linked, opens the desk, and is cut, ${javaScript ? "with" : "without"} scripts`, async () => {
    await visit({ hasScripts: javaScript }, async (an) => {
      await becomeOwner(an);
      await an.open("/admin/account");
      if (javaScript) await inspect(an, "account-not-linked");
      await an.page.locator("#password-provider").fill(PASSWORD);
      await comeBack(an, an.page.locator("button[value=link]"));
      assert.match(await an.words(), /The account is linked/);
      if (javaScript) await inspect(an, "account-linked");
      await signOut(an);
      if (javaScript) await inspect(an, "login-with-provider");
      await comeBack(an, loginButton(an));
      assert.notEqual(await an.path(), "/admin/login");
      await an.open("/admin/account");
      await an.page.locator("#password-provider").fill(PASSWORD);
      await an.follow(an.page.locator("button[value=cut]"));
      assert.match(await an.words(), /The link is cut/);
      await signOut(an);
      await comeBack(an, loginButton(an));
      assert.match(await an.words(), /Nobody who may work here/);
      if (javaScript) await inspect(an, "provider-stranger");
      await an.follow(an.page.locator("a[href='/admin/login']"));
      provider.error = "access_denied";
      try {
        await comeBack(an, loginButton(an));
        assert.match(await an.words(), /was cancelled over there/);
      } finally {
        provider.error = null;
      }
    });
  });
}

it("where passwords are off only the button is there, and the page that leads on can be used by itself", async () => {
  await visit({ settings: { POSTILJON_OIDC_PASSWORD_LOGIN: "false" } }, async (an) => {
    await becomeOwner(an);
    await signOut(an);
    assert.equal(await an.page.locator("#password").count(), 0);
    await inspect(an, "login-provider-only");
    // Where the browser is not led on, the page stays, and has the link.
    const isThere = (url) => url.pathname === "/authorize";
    await an.page.route(isThere, (route) => route.fulfill({ status: 204 }));
    await loginButton(an).click();
    await an.page.waitForURL("**/admin/login/provider");
    await inspect(an, "provider-go");
    await an.page.unroute(isThere);
    await comeBack(an, an.page.locator("main a.button"));
    assert.match(await an.words(), /Nobody who may work here/);
  });
});
