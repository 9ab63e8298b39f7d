// Passkeys with a device that Chromium plays (CDP, WebAuthn): made, used, refused, removed; and without scripts.

import assert from "node:assert/strict";
import { after, before, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { PASSWORD, becomeOwner, signInByPassword, signOut } from "./support/owner.mjs";
import { Browser } from "./support/visitor.mjs";

const PAGE = "/admin/account/passkeys";

let browser;
before(async () => {
  browser = await Browser.start();
});
after(async () => {
  await browser?.stop();
});

/** A service at an address that has a name, as browsers want it for passkeys. */
async function visit(options, steps) {
  const demo = await Demo.startNew({ host: "localhost" });
  try {
    await browser.visit(demo, { language: "en-GB", ...options }, (visitor) => steps(visitor, demo));
  } finally {
    await demo.stop();
  }
}

/** A device that keeps passkeys and has seen its owner's finger. */
async function plugIn(visitor) {
  const device = await visitor.context.newCDPSession(visitor.page);
  await device.send("WebAuthn.enable");
  const { authenticatorId } = await device.send("WebAuthn.addVirtualAuthenticator", {
    options: {
      protocol: "ctap2",
      transport: "internal",
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
  return { device, authenticatorId };
}

async function begin(visitor, name) {
  await visitor.open(PAGE);
  await visitor.page.locator("#name").fill(name);
  await visitor.page.locator("#password").fill(PASSWORD);
  await visitor.follow(visitor.page.locator("button[value=begin]"));
}

const deviceButton = (visitor) => visitor.page.locator("form[data-passkey] button");

it("a passkey is made, opens the desk, and is removed", async () => {
  await visit({}, async (an) => {
    const { device, authenticatorId } = await plugIn(an);
    await becomeOwner(an);
    await an.open("/admin/account");
    await inspect(an, "account-without-passkeys");
    await an.follow(an.page.locator(`a[href='${PAGE}']`));
    await inspect(an, "passkeys-none");
    await begin(an, "Laptop at work");
    await inspect(an, "passkeys-make");
    await an.follow(deviceButton(an));
    assert.match(await an.words(), /The passkey is there/);
    assert.match(await an.words(), /Laptop at work[\s\S]*not used yet/);
    await inspect(an, "passkeys-one");
    const { credentials } = await device.send("WebAuthn.getCredentials", { authenticatorId });
    assert.equal(credentials.length, 1);
    assert.equal(credentials[0].rpId, "localhost");
    assert.ok(credentials[0].isResidentCredential);

    await signOut(an);
    await inspect(an, "login-with-passkeys");
    await an.follow(deviceButton(an));
    assert.notEqual(await an.path(), "/admin/login");
    await an.open(PAGE);
    assert.match(await an.words(), /last used/);

    // The device keeps what the desk has forgotten.
    await an.page.locator("#password-remove").fill(PASSWORD);
    await an.follow(an.page.locator("button[name=remove]"));
    assert.match(await an.words(), /The passkey is removed/);
    await signOut(an);
    await an.follow(deviceButton(an));
    assert.match(await an.words(), /opens nothing here/);
    await inspect(an, "login-passkey-refused");
    assert.equal(await an.page.locator("#password").count(), 1);
  });
});

it("who cancels is told so, and can try again", async () => {
  await visit({}, async (an) => {
    await becomeOwner(an);
    await begin(an, "Old tablet");
    // As a browser answers when somebody turns its question away.
    await an.page.evaluate(() => {
      navigator.credentials.create = () => Promise.reject(new DOMException("no", "NotAllowedError"));
    });
    await deviceButton(an).click();
    await an.page.locator("[data-failed]").waitFor({ state: "visible" });
    assert.match(await an.words(), /did not work, or was cancelled/);
    await inspect(an, "passkeys-cancelled");
    await an.follow(an.page.locator(`a.button[href='${PAGE}']`));
    assert.doesNotMatch(await an.words(), /Old tablet/);
  });
});

it("without scripts the password is the way in, and nothing offers what cannot be", async () => {
  await visit({ hasScripts: false }, async (an) => {
    await becomeOwner(an);
    await begin(an, "Phone");
    assert.match(await an.words(), /cannot make passkeys/);
    assert.ok(!(await deviceButton(an).isVisible()));
    await signOut(an);
    assert.ok(!(await deviceButton(an).isVisible()));
    await signInByPassword(an);
    assert.notEqual(await an.path(), "/admin/login");
  });
});
