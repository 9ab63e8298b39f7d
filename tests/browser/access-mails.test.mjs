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

  it("of a newsletter with a long name", async () => {
    await demo.sql("UPDATE newsletters SET name = ?, sender_name = ?, logo_url = '' WHERE slug = 'insights'", LONG_NAME, LONG_NAME);
    await look(await signUp("cor@voorbeeld.example"), "mail-long-confirm");
  });
});
