// The HTML of every mail, and the issue on the web (H2, H3, H13), as everybody can read them.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

/** A mail is read inside a mail program, which has the landmarks. */
const RULES = { region: { enabled: false }, "landmark-one-main": { enabled: false } };
const LONG_NAME = "Gemeenschappelijke Aankoopverantwoordelijkenvereniging Zuid-West-Vlaanderen";

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

async function signUp(address, after = 0) {
  await demo.sql("DELETE FROM rate_limits");
  await demo.post("/n/insights/subscribe", { email: address, name: "Zoë", consent: "yes", language: "nl" });
  return demo.mail(address, after);
}

async function look(mail, name) {
  await browser.visit(demo, {}, async (visitor) => {
    await visitor.openUnlocked(`/mailbox/${mail.number}/html`);
    assert.ok(await visitor.page.title(), "it has a title");
    await inspect(visitor, name, { rules: RULES, hasKeyboard: false });
    await readableWithoutPictures(visitor, name);
  });
}

/** Every picture has words in its place, and a size, and none of it comes by a data: address (H3, H10). */
async function readableWithoutPictures(visitor, name) {
  const pictures = await visitor.page.locator("img").evaluateAll((all) =>
    all.map((img) => ({ alt: img.getAttribute("alt"), width: img.getAttribute("width"), height: img.getAttribute("height"), src: img.src.slice(0, 40) })),
  );
  for (const picture of pictures) {
    assert.ok(picture.alt !== null && picture.width && picture.height, `${name}: ${JSON.stringify(picture)}`);
    assert.match(picture.src, /^https?:/, name);
  }
}

/** Sends the first issue, at once; gives the mail that one reader gets. */
async function sendIssue(reader, after) {
  await browser.visit(demo, {}, async (visitor) => {
    await visitor.signIn();
    await visitor.open("/admin/issues/1/schedule?when=now");
    await visitor.follow(visitor.page.locator("section.final form button"));
  });
  return demo.mail(reader, after);
}

describe("a mail", () => {
  it("to confirm", async () => look(await signUp("an@voorbeeld.example"), "mail-confirm"));

  it("to say that one is subscribed already, the issue, and the issue on the web", async () => {
    const mail = await signUp("bo@voorbeeld.example");
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
    const already = await signUp("bo@voorbeeld.example", mail.number);
    await look(already, "mail-already");
    const issue = await sendIssue("bo@voorbeeld.example", already.number);
    await look(issue, "mail-issue");
    await browser.visit(demo, {}, async (visitor) => {
      const answer = await visitor.openUnlocked(issue.link("/i/"));
      assert.equal(answer.headers()["x-robots-tag"], "noindex");
      const html = await answer.text();
      assert.doesNotMatch(html, /unsubscribe\/|bo@voorbeeld|Zoë/, "it holds nothing of one reader");
      await inspect(visitor, "web-view", { rules: RULES });
    });
  });

  it("to who asked for the links, to both addresses of a change, and to one that is known already", async () => {
    const mail = await signUp("dirk@voorbeeld.example");
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
    await demo.post("/manage", { email: "dirk@voorbeeld.example" });
    const links = await demo.mail("dirk@voorbeeld.example", mail.number);
    await look(links, "mail-manage");
    const { pathname } = new URL(links.link("/preferences/"));
    const known = await signUp("elke@voorbeeld.example");
    await demo.post(new URL(known.link("/confirm/")).pathname, {});
    await demo.sql("DELETE FROM rate_limits");
    await demo.post(`${pathname}/address`, { email: "elke@voorbeeld.example" });
    await look(await demo.mail("elke@voorbeeld.example", known.number), "mail-change-known");
    await demo.post(`${pathname}/address`, { email: "nieuw@voorbeeld.example" });
    const change = await demo.mail("nieuw@voorbeeld.example");
    await look(change, "mail-change");
    await demo.post(new URL(change.link("/address/")).pathname, {});
    await look(await demo.mail("dirk@voorbeeld.example", links.number), "mail-changed");
  });

  it("of the welcome series", async () => {
    await browser.visit(demo, {}, async (visitor) => {
      const { page } = visitor;
      await visitor.signIn();
      await visitor.open("/admin/newsletters/1/welcome/new");
      await page.locator("[name='subject-nl']").fill("Welkom bij Insights");
      await page.locator("[name='body-nl']").fill("Dag {{name|lezer}},\n\n## Fijn dat je er bent\n\n- een\n- [twee](https://voorbeeld.example)");
      await page.locator("[name='article-nl']").selectOption({ index: 1 });
      await visitor.follow(page.locator("button[value=save]").last());
      await visitor.follow(page.locator("button[value=activate]"));
    });
    const mail = await signUp("fien@voorbeeld.example");
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
    await look(await demo.mail("fien@voorbeeld.example", mail.number), "mail-welcome");
  });

  it("to the users of the desk, when a form has far more sign-ups than usual", async () => {
    // The hundredth of an hour. The next hour may begin meanwhile.
    const hour = Math.floor(Date.now() / 3_600_000);
    for (const each of [hour, hour + 1]) {
      await demo.sql("INSERT INTO signup_counts (form_id, hour, accepted, refused) VALUES (1, ?, 90, 9) ON CONFLICT DO UPDATE SET accepted = 90, refused = 9", each);
    }
    await signUp("gust@voorbeeld.example");
    await look(await demo.mail(demo.login), "mail-alarm");
  });

  it("to remind who has not confirmed for two days", async () => {
    const address = "hugo@voorbeeld.example";
    await signUp(address);
    const days = 2 * 86_400_000;
    await demo.sql("UPDATE tokens SET created_at = created_at - ?, expires_at = expires_at - ? WHERE subscription_id = (SELECT n.id FROM subscriptions n JOIN subscribers s ON s.id = n.subscriber_id WHERE s.address = ?)", days, days, address);
    await demo.sql("UPDATE subscriptions SET created_at = created_at - ? WHERE subscriber_id = (SELECT id FROM subscribers WHERE address = ?)", days, address);
    await demo.restart();
    await look(await demo.mail(address), "mail-reminder");
  });

  it("of a newsletter with a long name", async () => {
    await demo.sql("UPDATE newsletters SET name = ?, sender_name = ?, logo_url = '' WHERE slug = 'insights'", LONG_NAME, LONG_NAME);
    await look(await signUp("cor@voorbeeld.example"), "mail-long-confirm");
  });
});
