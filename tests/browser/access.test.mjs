// Every public page in every state, as everybody can use it: axe, widths, keyboard; see support/inspect.mjs.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

const LONG_NAME = "Vooruitgangsberichten van de Gemeenschappelijke Aankoopverantwoordelijkenvereniging Zuid-West-Vlaanderen";
const LONG_ADDRESS = `${"lange".repeat(12)}@${"onderafdeling.".repeat(8)}voorbeeld.example`;

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  // Readers are asked about it where it is done only.
  await demo.command("newsletter", "set", "insights", "--tracking", "person");
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

/** Signs up by a plain post; gives the mail. */
async function signUp(address) {
  await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
  return demo.mail(address);
}

async function confirm(mail) {
  await demo.post(new URL(mail.link("/confirm/")).pathname, {});
}

/** Lets the confirmation link of an address be too old. */
async function expire(address) {
  await demo.sql(
    "UPDATE tokens SET expires_at = 1 WHERE subscription_id IN (SELECT s.id FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?)",
    address,
  );
}

/** A reader who has confirmed; gives the link to the preferences, as it stands in a mail. */
async function preferences(address) {
  const mail = await signUp(address);
  await confirm(mail);
  // As if a day had passed.
  await demo.sql("DELETE FROM rate_limits");
  await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
  return (await demo.mail(address, mail.number)).link("/preferences/");
}

/** Adds topics to the first newsletter, at the desk. */
async function addTopics(...names) {
  await browser.visit(demo, {}, async (visitor) => {
    await visitor.signIn();
    for (const name of names) {
      await visitor.open("/admin/newsletters/1/topics");
      const form = visitor.page.locator('form[action$="/topics"]');
      await form.locator("input[type=text]").first().fill(name);
      await visitor.follow(form.locator("button").last());
    }
  });
}

describe("a visitor's page", { concurrency: TOGETHER }, () => {
  it("to choose a newsletter", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/");
      await inspect(visitor, "home");
    });
  });

  it("where there is no newsletter yet", async () => {
    const empty = await Demo.startEmpty();
    try {
      await browser.visit(empty, {}, async (visitor) => {
        await visitor.open("/");
        await inspect(visitor, "home-empty");
        await visitor.open("/admin/login");
        await inspect(visitor, "login");
      });
    } finally {
      await empty.stop();
    }
  });

  it("to sign up", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/n/insights");
      await inspect(visitor, "signup");
    });
  });

  it("to sign up, with mistakes", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/n/insights");
      await visitor.page.locator("input[name=email]").fill("geen adres");
      await visitor.page.locator("input[name=name]").fill("x".repeat(200));
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "signup-mistakes");
    });
  });

  it("to check the inbox", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.signUp("postvak@voorbeeld.example");
      await inspect(visitor, "check-inbox");
      // Before its time, as without scripts: the answer says so.
      const again = visitor.page.locator("form#again button");
      await again.evaluate((button) => button.removeAttribute("aria-disabled"));
      await visitor.follow(again);
      await inspect(visitor, "check-inbox-too-soon");
    });
  });

  it("to check the inbox of an address with a slip in it, and the form with the one that was meant", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.signUp("vergissing@gmial.com");
      await inspect(visitor, "check-inbox-hint");
      await visitor.follow(visitor.page.locator('a[href*="meant=1"]'));
      assert.equal(await visitor.page.locator("input[name=email]").inputValue(), "vergissing@gmail.com");
      assert.ok(!(await visitor.page.locator("input[name=consent]").isChecked()));
      await inspect(visitor, "signup-meant");
    });
  });

  it("to confirm, and confirmed", async () => {
    const mail = await signUp("bevestigen@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(mail.link("/confirm/"));
      await inspect(visitor, "confirm");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "confirmed");
    });
  });

  it("to manage without an old mail", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      await visitor.open("/manage");
      await inspect(visitor, "manage");
      await page.locator("input[name=email]").fill("geen adres");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "manage-mistake");
      await page.locator("input[name=email]").fill("iemand@voorbeeld.example");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "manage-sent");
    });
  });

  it("behind an expired link, and an unknown one", async () => {
    const mail = await signUp("verlopen@voorbeeld.example");
    await expire("verlopen@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(mail.link("/confirm/"));
      await inspect(visitor, "link-expired");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "link-renewed");
      await visitor.open("/confirm/afgebroken");
      await inspect(visitor, "link-unknown");
    });
  });

  it("to leave, left, undone, and too late to undo", async () => {
    const mail = await signUp("weg@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      const link = mail.link("/unsubscribe/");
      await visitor.open(link);
      await inspect(visitor, "leave-pending");
      const other = await signUp("toch-niet@voorbeeld.example");
      await visitor.open(other.link("/unsubscribe/"));
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "left-pending");
      await visitor.follow(visitor.page.locator('form[action*="/resubscribe/"] button'));
      await inspect(visitor, "undone-pending");
      await confirm(mail);
      await visitor.open(link);
      await inspect(visitor, "leave");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "left");
      await visitor.page.locator("input[name=reason]").first().check();
      await visitor.page.locator("textarea[name=remark]").fill("Te veel mails.");
      await visitor.follow(visitor.page.locator('form[action*="/reason"] button'));
      await inspect(visitor, "left-reason-said");
      await visitor.open(link);
      await visitor.follow(visitor.page.locator('form[action*="/resubscribe/"] button'));
      await inspect(visitor, "undone");
      await visitor.open(link);
      await visitor.follow(visitor.mainButton);
      await demo.sql("UPDATE subscriptions SET unsubscribed_at = unsubscribed_at - 86400000 WHERE status = 'unsubscribed'");
      await visitor.follow(visitor.page.locator('form[action*="/resubscribe/"] button'));
      await inspect(visitor, "undo-too-late");
      await visitor.open(link);
      await inspect(visitor, "left-long-ago");
    });
  });

  it("of preferences, with mistakes, paused, erased", async () => {
    await addTopics("Mensen", "Technologie en de heel gewone werkdag");
    const link = await preferences("kiezen@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      const openAll = () => page.locator("details").evaluateAll((all) => all.forEach((each) => (each.open = true)));
      await visitor.open(link);
      await inspect(visitor, "preferences");
      await openAll();
      await inspect(visitor, "preferences-open");
      await page.locator("input[name=topic]").first().uncheck();
      await visitor.follow(page.locator('form[action*="/topics"] button'));
      await inspect(visitor, "preferences-saved");
      await page.locator("input[name=until][value=date]").check();
      await visitor.follow(page.locator('form[action*="/pause"] button'));
      await inspect(visitor, "preferences-mistake-pause");
      await openAll();
      await page.locator("input[name=email]").fill("geen adres");
      await visitor.follow(page.locator('form[action*="/address"] button'));
      await inspect(visitor, "preferences-mistake-address");
      await page.locator("input[name=until]").first().check();
      await visitor.follow(page.locator('form[action*="/pause"] button'));
      await inspect(visitor, "preferences-paused");
      await visitor.open(`${link.split("?")[0]}/erase`);
      await inspect(visitor, "preferences-erase");
      await visitor.follow(page.locator("main form button"));
      await inspect(visitor, "preferences-erased");
      await visitor.open(link);
      await inspect(visitor, "preferences-gone");
    });
  });

  it("of preferences of somebody who has left", async () => {
    const link = await preferences("gegaan@voorbeeld.example");
    await demo.sql(
      "UPDATE subscriptions SET status = 'unsubscribed', unsubscribed_at = 1, audience_since = NULL WHERE subscriber_id = (SELECT id FROM subscribers WHERE address = ?)",
      "gegaan@voorbeeld.example",
    );
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(link);
      await inspect(visitor, "preferences-closed");
    });
  });

  it("of a change of address", async () => {
    const link = await preferences("verhuizen@voorbeeld.example");
    const { pathname } = new URL(link);
    await demo.post(`${pathname}/address`, { email: "nieuw@voorbeeld.example" });
    const mail = await demo.mail("nieuw@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open(mail.link("/address/"));
      await inspect(visitor, "address");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "address-done");
      await visitor.open("/address/afgebroken");
      await inspect(visitor, "address-unknown");
    });
  });

  it("that does not exist", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/nergens");
      await inspect(visitor, "error");
    });
  });

  it("of the demo's mailbox", async () => {
    const mail = await signUp("mailbox@voorbeeld.example");
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/mailbox");
      await inspect(visitor, "mailbox");
      await visitor.open(`/mailbox/${mail.number}`);
      await inspect(visitor, "mailbox-mail");
      await visitor.open(`/mailbox/${mail.number}?view=source`);
      await inspect(visitor, "mailbox-source");
    });
  });
});

describe("after too many sign-ups", () => {
  it("of a network, the sign-up page says how long to wait", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      let status = 0;
      await visitor.page.on("response", (response) => (status = response.request().isNavigationRequest() ? response.status() : status));
      for (let tries = 0; tries < 10 && status !== 429; tries += 1) {
        await visitor.open("/n/insights");
        await visitor.page.locator("input[name=email]").fill(`vaak${tries}@voorbeeld.example`);
        await visitor.page.locator("input[name=consent]").check();
        await visitor.takeTime();
        await visitor.follow(visitor.mainButton);
      }
      assert.equal(status, 429);
      await inspect(visitor, "signup-too-many");
    });
  });
});

describe("with long names", () => {
  before(async () => {
    await demo.sql("UPDATE newsletters SET name = ?, sender_name = ?, logo_url = '' WHERE slug = 'insights'", LONG_NAME, LONG_NAME);
  });

  it("every page still fits", async () => {
    const mail = await signUp("lang@voorbeeld.example");
    await browser.visit(demo, { language: "de-DE" }, async (visitor) => {
      await visitor.open("/");
      await inspect(visitor, "long-home");
      await visitor.open("/n/insights");
      await visitor.page.locator("input[name=email]").fill(LONG_ADDRESS);
      await visitor.page.locator("input[name=name]").fill(LONG_NAME);
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "long-signup");
      await visitor.open("/n/insights/check-inbox");
      await inspect(visitor, "long-check-inbox");
      await visitor.open(mail.link("/confirm/"));
      await inspect(visitor, "long-confirm");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "long-confirmed");
      await visitor.open(mail.link("/unsubscribe/"));
      await inspect(visitor, "long-leave");
      await visitor.follow(visitor.mainButton);
      await inspect(visitor, "long-left");
    });
  });
});
