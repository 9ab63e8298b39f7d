// The first run: from the link that the program prints to a newsletter that is ready, with and without scripts, by
// keyboard, back and forth, over a restart.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { SmtpServer } from "./support/smtp.mjs";
import { Browser } from "./support/visitor.mjs";

const ADDRESS = "an@meridiaan.example";
const PASSWORD = "een lang wachtwoord voor An";
const LONG_NAME = "Aankoopverantwoordelijkenvereniging".repeat(2);

let browser, smtp;
before(async () => {
  [browser, smtp] = await Promise.all([Browser.start(), SmtpServer.start()]);
});
after(async () => {
  await browser?.stop();
  smtp?.stop();
});

/** A service on its first day, and a visit to it. */
async function firstDay(options, steps) {
  const demo = await Demo.startNew();
  try {
    await browser.visit(demo, { language: "en-GB", ...options }, (visitor) => steps(visitor, demo));
  } finally {
    await demo.stop();
  }
}

const next = (visitor) => visitor.follow(visitor.page.locator("button[value=next]").first());

async function becomeOwner(visitor, demo) {
  const { page } = visitor;
  await visitor.open(demo.link);
  await page.locator("#name").fill("An Peeters");
  await page.locator("#address").fill(ADDRESS);
  await page.locator("#password").fill(PASSWORD);
  await visitor.follow(page.locator("main form button"));
  assert.equal(await visitor.path(), "/setup/newsletter");
}

async function describeNewsletter(visitor, name = "Insights") {
  await visitor.page.locator("#name").fill(name);
  await next(visitor);
  assert.equal(await visitor.path(), "/setup/sender");
}

async function nameSender(visitor) {
  const { page } = visitor;
  await page.locator("#sender_address").fill("news@meridiaan.example");
  await page.locator("#postal_address").fill("Handelskaai 12\n1000 Brussel");
  await next(visitor);
  assert.equal(await visitor.path(), "/setup/relay");
}

async function tryRelay(visitor, port, password = "secret") {
  const { page } = visitor;
  await page.locator("#host").fill("localhost");
  await page.locator("#port").fill(`${port}`);
  await page.locator("input[name=tls][value=none]").check();
  await page.locator("#username").fill("news");
  await page.locator("#password").fill(password);
  await visitor.follow(page.locator("button[value=test]"));
}

describe("the first run", () => {
  for (const hasScripts of [true, false]) {
    it(`leads from the link to a newsletter that is ready, ${hasScripts ? "with" : "without"} scripts`, async () => {
      await firstDay({ hasScripts }, async (visitor, demo) => {
        const { page } = visitor;
        await visitor.open("/admin");
        assert.match(await visitor.words(), /waits for its first user/);
        await becomeOwner(visitor, demo);
        if (hasScripts) {
          const zone = await page.evaluate(() => Intl.DateTimeFormat().resolvedOptions().timeZone);
          const isOffered = await page.locator(`#time_zone option[value="${zone}"]`).count();
          if (isOffered) assert.equal(await page.locator("#time_zone").inputValue(), zone);
        }
        await describeNewsletter(visitor);
        await nameSender(visitor);
        await tryRelay(visitor, smtp.port);
        assert.match(await visitor.words(), /relay main works/);
        assert.ok(!smtp.commands.includes("MAIL"), "nothing is sent");
        await next(visitor);
        assert.equal(await visitor.path(), "/setup/brand");
        await page.locator("#brand_color").fill("#336699");
        if (hasScripts) {
          await page.waitForFunction(() => document.querySelector("[data-brand-frame]").src.includes("336699"));
          await page.waitForFunction(() => document.querySelector("[data-brand-notes]").textContent.includes("#"));
        } else {
          await visitor.follow(page.locator("button[value=preview]"));
          assert.match(await page.locator("[data-brand-frame]").first().getAttribute("src"), /336699/);
          assert.equal(await page.locator("#brand_color").inputValue(), "#336699");
        }
        await next(visitor);
        assert.equal(await visitor.path(), "/setup/done");
        await visitor.open("/n/insights");
        assert.match(await visitor.words(), /Subscribe to Insights/);
        await visitor.open("/setup");
        assert.equal(await visitor.path(), "/setup/done");
      });
    });
  }

  it("goes on where it was left: back, in another browser, and after a restart", async () => {
    const demo = await Demo.startNew();
    try {
      await browser.visit(demo, { language: "en-GB" }, async (visitor) => {
        const { page } = visitor;
        await becomeOwner(visitor, demo);
        await describeNewsletter(visitor);
        await page.locator("#sender_name").fill("Half typed");
        await page.locator("#sender_address").fill("no address");
        await visitor.follow(page.locator("button[value=back]"));
        assert.equal(await page.locator("#name").inputValue(), "Insights");
        // The browser's own way back, to the link that has been used.
        await page.goBack();
        await page.goto(demo.link);
        assert.equal(await visitor.path(), "/setup/sender");
        assert.equal(await page.locator("#sender_name").inputValue(), "Half typed");
      });
      await demo.runNew();
      demo.login = ADDRESS;
      demo.password = PASSWORD;
      await browser.visit(demo, { language: "en-GB" }, async (visitor) => {
        const { page } = visitor;
        await visitor.signIn();
        assert.match(await visitor.words(), /Say who the newsletter comes from/);
        await visitor.follow(page.locator(".panel.next a.button"));
        assert.equal(await visitor.path(), "/setup/sender");
        assert.equal(await page.locator("#sender_name").inputValue(), "Half typed");
        assert.equal(await page.locator("#sender_address").inputValue(), "no address");
        await nameSender(visitor);
        await visitor.follow(page.locator("button[value=later]"));
        await next(visitor);
        await visitor.open("/admin");
        assert.match(await visitor.words(), /There is no relay yet/);
      });
    } finally {
      await demo.stop();
    }
  });

  it("a reload after a mistake sends nothing again, and has what was typed", async () => {
    await firstDay({}, async (visitor, demo) => {
      const { page } = visitor;
      await becomeOwner(visitor, demo);
      await describeNewsletter(visitor);
      await page.locator("#sender_address").fill("no address");
      await next(visitor);
      assert.match(await visitor.words(), /marked/);
      const answer = await page.reload();
      assert.equal(answer.request().method(), "GET");
      assert.equal(await page.locator("#sender_address").inputValue(), "no address");
    });
  });

  it("a second visitor with the used link is told so", async () => {
    const demo = await Demo.startNew();
    try {
      await browser.visit(demo, { language: "en-GB" }, (visitor) => becomeOwner(visitor, demo));
      await browser.visit(demo, { language: "nl-BE" }, async (visitor) => {
        await visitor.open(demo.link);
        assert.match(await visitor.words(), /Deze link is gebruikt/);
        await inspect(visitor, "setup-used");
      });
    } finally {
      await demo.stop();
    }
  });

  it("a relay that does not work is told in plain words, and nothing is lost", async () => {
    const refusing = await SmtpServer.start({ takesLogins: false });
    try {
      await firstDay({}, async (visitor, demo) => {
        const { page } = visitor;
        await becomeOwner(visitor, demo);
        await describeNewsletter(visitor);
        await nameSender(visitor);
        await tryRelay(visitor, refusing.port);
        assert.match(await visitor.words(), /refuses the user name or the password/);
        await inspect(visitor, "setup-relay-refused");
        await tryRelay(visitor, 1);
        assert.match(await visitor.words(), /nobody listens on port 1/);
        assert.equal(await page.locator("#username").inputValue(), "news");
        assert.equal(await page.locator("#port").inputValue(), "1");
        // A mistake elsewhere: the password was typed, and need not be again.
        await tryRelay(visitor, "many");
        assert.equal(await page.locator("#password").inputValue(), "");
        assert.match(await visitor.words(), /Your password was taken as you typed it/);
        await inspect(visitor, "setup-relay-mistake");
        await page.locator("#port").fill(`${smtp.port}`);
        await visitor.follow(page.locator("button[value=test]"));
        assert.match(await visitor.words(), /relay main works/);
      });
    } finally {
      refusing.stop();
    }
  });

  it("by keyboard alone", async () => {
    await firstDay({}, async (visitor, demo) => {
      const { page } = visitor;
      await visitor.open(demo.link);
      await visitor.tabTo(page.locator("#name"));
      await page.keyboard.type("An");
      await page.keyboard.press("Tab");
      await page.keyboard.type(ADDRESS);
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORD);
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
      await visitor.tabTo(page.locator("#name"));
      await page.keyboard.type("Insights");
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
      await visitor.tabTo(page.locator("#postal_address"));
      await page.keyboard.type("Kaai 1");
      await visitor.tabTo(page.locator("button[value=next]"));
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
      await visitor.tabTo(page.locator("button[value=later]"));
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Space")]);
      await visitor.tabTo(page.locator("button[value=next]"));
      await Promise.all([page.waitForEvent("load"), page.keyboard.press("Enter")]);
      assert.equal(await visitor.path(), "/setup/done");
    });
  });
});

describe("every step, as everybody can use it", () => {
  it("from the first page to the last", async () => {
    await firstDay({}, async (visitor, demo) => {
      const { page } = visitor;
      await visitor.open("/setup");
      await inspect(visitor, "setup-start");
      await visitor.open("/setup/nonsense");
      await inspect(visitor, "setup-unknown-link");
      await visitor.open(demo.link);
      await inspect(visitor, "setup-owner");
      await page.locator("#address").fill("no address");
      await page.locator("#password").fill(PASSWORD);
      await visitor.follow(page.locator("main form button"));
      await inspect(visitor, "setup-owner-mistakes");
      await becomeOwner(visitor, demo);
      await inspect(visitor, "setup-newsletter");
      await next(visitor);
      await inspect(visitor, "setup-newsletter-mistakes");
      await describeNewsletter(visitor, LONG_NAME);
      await inspect(visitor, "setup-sender");
      await next(visitor);
      await inspect(visitor, "setup-sender-mistakes");
      await nameSender(visitor);
      await inspect(visitor, "setup-relay");
      await tryRelay(visitor, smtp.port);
      await inspect(visitor, "setup-relay-works");
      await next(visitor);
      await inspect(visitor, "setup-brand");
      await page.locator("#brand_color").fill("yellow");
      await next(visitor);
      await inspect(visitor, "setup-brand-mistakes");
      await page.locator("#brand_color").fill("#ffdd00");
      await next(visitor);
      await inspect(visitor, "setup-done");
      await visitor.open("/setup/owner");
      await inspect(visitor, "setup-profile");
    });
  });
});

describe("the settings at the desk", () => {
  it("relays: none, with mistakes, added, tested, changed, removed", async () => {
    await firstDay({}, async (visitor, demo) => {
      const { page } = visitor;
      await becomeOwner(visitor, demo);
      await visitor.open("/admin/settings/relays");
      await inspect(visitor, "desk-relays-none");
      await visitor.follow(page.locator(".empty a.button"));
      await inspect(visitor, "desk-relay-new");
      await tryRelay(visitor, "many");
      await inspect(visitor, "desk-relay-mistakes");
      await page.locator("#port").fill(`${smtp.port}`);
      await visitor.follow(page.locator("button[value=test]"));
      await inspect(visitor, "desk-relay-works");
      await visitor.open("/admin/settings/relays");
      await visitor.follow(page.locator(".chosen form button").first());
      assert.match(await visitor.words(), /relay main works/);
      await inspect(visitor, "desk-relays");
      await visitor.follow(page.locator(".how a.button").first());
      await visitor.follow(page.locator(".remove button"));
      assert.match(await visitor.words(), /There is no relay yet/);
    });
  });

  it("a new newsletter, and each of its sections", async () => {
    const demo = await Demo.start();
    try {
      await browser.visit(demo, {}, async (visitor) => {
        const { page } = visitor;
        await visitor.signIn();
        await visitor.open("/admin/newsletters/new");
        await inspect(visitor, "desk-newsletter-new");
        await visitor.follow(page.locator("main form .actions button"));
        await inspect(visitor, "desk-newsletter-new-mistakes");
        await page.locator("#name").fill(LONG_NAME);
        await visitor.follow(page.locator("main form .actions button"));
        for (const section of ["about", "sender", "brand", "issues", "archive", "sending", "privacy"]) {
          await page.locator(`#${section} > summary`).click();
        }
        await inspect(visitor, "desk-newsletter-sections");
        await page.locator("#time_zone").selectOption("Europe/Paris");
        await visitor.follow(page.locator("#about .actions button"));
        assert.match(await visitor.words(), /Europe\/Paris/);
      });
    } finally {
      await demo.stop();
    }
  });
});
