// The whole way of a reader in each language: page, mail, confirming, leaving, coming back. Every word of it is in that
// language, and no name of a text shows instead of the text.

import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";

import { Demo } from "./support/demo.mjs";
import { LANGUAGES, checkWords, text } from "./support/texts.mjs";
import { Browser, TOGETHER } from "./support/visitor.mjs";

const LOCALES = { nl: "nl-BE", fr: "fr-BE", en: "en-GB", de: "de-DE" };

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

for (const language of LANGUAGES) {
  describe(`the journey in ${language}`, { concurrency: TOGETHER }, () => {
    const address = `reis-${language}@voorbeeld.example`;

    it("speaks that language on every page and in every mail", async () => {
      await browser.visit(demo, { language: LOCALES[language] }, async (visitor) => {
        const { page } = visitor;
        const isIn = async (place, ...keys) => {
          const words = await visitor.words();
          assert.equal(await page.locator("html").getAttribute("lang"), language, place);
          checkWords(await own(page), language, place);
          for (const key of keys) {
            const wanted = text(language, key, { newsletter: "Insights" });
            assert.ok(words.includes(wanted), `${place}: no “${wanted}” in\n${words}`);
          }
        };
        const mailIsIn = async (mail, subject) => {
          assert.equal(mail.subject, text(language, subject, { newsletter: "Insights" }));
          assert.match(mail.html, new RegExp(`<html lang="${language}"`));
          assert.match(mail.html, new RegExp(`<body[^>]*>\\s*(<!--[^]*?-->\\s*)*<\\w+[^>]* lang="${language}"`), "H2");
          checkWords(mail.text, language, `text of “${mail.subject}”`);
          checkWords(await readable(browser, mail.html), language, `HTML of “${mail.subject}”`);
        };

        await visitor.open("/n/insights");
        await isIn("sign-up", "signup-title", "signup-submit", "signup-next");
        await visitor.takeTime();
        await visitor.follow(visitor.mainButton);
        await isIn("sign-up with mistakes", "error-marked", "error-address-empty", "error-consent");
        await visitor.signUp(address);
        await isIn("check your inbox", "inbox-title");
        const mail = await demo.mail(address);
        await mailIsIn(mail, "mail-confirm-subject");

        // In another browser, in another language: the page behind a mail speaks the mail's.
        const other = LOCALES[LANGUAGES.find((other) => other !== language)];
        await browser.visit(demo, { language: other }, async (elsewhere) => {
          await elsewhere.open(mail.link("/confirm/"));
          assert.equal(await elsewhere.page.locator("html").getAttribute("lang"), language);
          checkWords(await own(elsewhere.page), language, "confirm");
          await elsewhere.follow(elsewhere.mainButton);
          assert.equal(await elsewhere.page.locator("html").getAttribute("lang"), language);
          checkWords(await own(elsewhere.page), language, "confirmed");
          assert.ok((await elsewhere.words()).includes(text(language, "confirmed-title")));
        });

        // Somebody else says no to a request, and thinks otherwise.
        const doubtful = `toch-niet-${language}@voorbeeld.example`;
        await demo.post("/n/insights/subscribe", { email: doubtful, consent: "yes", language });
        await visitor.open((await demo.mail(doubtful)).link("/unsubscribe/"));
        await isIn("leave, not confirmed", "leave-pending-button");
        await visitor.follow(visitor.mainButton);
        await isIn("withdrawn", "left-pending-title", "left-pending-undo");
        await visitor.follow(page.locator('form[action*="/resubscribe/"] button'));
        await isIn("withdrawn, undone", "undone-pending-title", "undone-pending-link");

        // As if a day had passed, and the reader had forgotten.
        await demo.sql("DELETE FROM rate_limits");
        await visitor.signUp(address);
        const already = await demo.mail(address, mail.number);
        await mailIsIn(already, "mail-already-subject");

        await visitor.open(already.link("/unsubscribe/"));
        await isIn("leave", "leave-title");
        await visitor.follow(visitor.mainButton);
        await isIn("left", "left-title");
        await visitor.follow(page.locator('form[action*="/resubscribe/"] button'));
        await isIn("undone", "undone-title");
        await visitor.open("/confirm/afgebroken");
        await isIn("an unknown link", "link-unknown-title");
        await visitor.open("/nergens");
        await isIn("an error page", "page-error-title");
      });
    });

    it("leads from /manage by mail to what a reader decides, and back to what was saved", async () => {
      const reader = `beheer-${language}@voorbeeld.example`;
      await demo.post("/n/insights/subscribe", { email: reader, consent: "yes", language });
      const first = await demo.mail(reader);
      await demo.post(new URL(first.link("/confirm/")).pathname, {});
      await browser.visit(demo, { language: LOCALES[language] }, async (visitor) => {
        const { page } = visitor;
        const isIn = async (place, ...keys) => {
          assert.equal(await page.locator("html").getAttribute("lang"), language, place);
          // What stands in a closed part of the page is read too.
          await page.locator("details").evaluateAll((all) => all.forEach((each) => (each.open = true)));
          checkWords(await own(page), language, place);
          const words = await visitor.words();
          for (const key of keys) assert.ok(words.includes(text(language, key)), `${place}: no ${key} in\n${words}`);
        };
        await visitor.open("/manage");
        await isIn("manage", "manage-title", "manage-submit");
        await page.locator("input[name=email]").fill(reader);
        await visitor.follow(visitor.mainButton);
        await isIn("manage, sent", "manage-sent-title");
        const mail = await demo.mail(reader, first.number);
        assert.equal(mail.subject, text(language, "mail-manage-subject"));
        checkWords(mail.text, language, "text of the mail with the link");
        checkWords(await readable(browser, mail.html), language, "HTML of the mail with the link");
        await visitor.open(mail.link("/preferences/"));
        await isIn("preferences", "preferences-title", "preferences-pause-title", "preferences-data-title");
        await page.locator("input[name=until]").first().check();
        await visitor.follow(page.locator('form[action*="/pause"] button'));
        await isIn("preferences, paused", "preferences-saved-pause", "preferences-resume");
        await visitor.follow(page.locator('form[action*="/resume"] button'));
        await isIn("preferences, on again", "preferences-saved-resume");
        await page.locator("input[name=until][value=date]").check();
        await visitor.follow(page.locator('form[action*="/pause"] button'));
        await isIn("preferences with a mistake", "error-pause-no-date");
        await page.locator("input[name=opens]").check();
        await page.locator("input[name=clicks]").check();
        await visitor.follow(page.locator('form[action*="/tracking"] button'));
        await isIn("preferences, saved", "preferences-saved-tracking", "preferences-tracking-on");
      });
      const [row] = await demo.sql(
        "SELECT s.paused_until IS NULL, s.opens_since IS NULL OR s.clicks_since IS NULL, s.language FROM subscriptions s JOIN subscribers p ON p.id = s.subscriber_id WHERE p.address = ?",
        reader,
      );
      assert.deepEqual(row, [1, 0, language]);
    });

    it("is offered on pages in the other languages, and kept", async () => {
      const other = LANGUAGES.find((other) => other !== language);
      await browser.visit(demo, { language: LOCALES[other] }, async (visitor) => {
        await visitor.open("/n/insights");
        await visitor.follow(visitor.page.locator(`nav a[hreflang=${language}]`));
        assert.equal(await visitor.page.locator("html").getAttribute("lang"), language);
        await visitor.page.locator("input[name=email]").fill(`gekozen-${language}@voorbeeld.example`);
        await visitor.page.locator("input[name=consent]").check();
        await visitor.takeTime();
        await visitor.follow(visitor.mainButton);
        assert.equal(await visitor.page.locator("html").getAttribute("lang"), language);
        const mail = await demo.mail(`gekozen-${language}@voorbeeld.example`);
        assert.match(mail.html, new RegExp(`<html lang="${language}"`));
      });
    });

    it("is kept on the desk too", async () => {
      await browser.visit(demo, { language: LOCALES[language] }, async (visitor) => {
        await visitor.signIn();
        await visitor.follow(visitor.page.locator(`footer button[value=${language}]`));
        for (const path of DESK) {
          await visitor.open(path);
          assert.equal(await visitor.page.locator("html").getAttribute("lang"), language, path);
          checkWords(await own(visitor.page), language, path);
        }
      });
    });
  });
}

/** Pages of the desk that need nothing but the samples. */
const DESK = [
  "/admin",
  "/admin/articles",
  "/admin/articles/new",
  "/admin/articles/1",
  "/admin/issues",
  "/admin/issues/new",
  "/admin/issues/1",
  "/admin/issues/1/preview",
  "/admin/issues/1/schedule",
  "/admin/newsletters",
  "/admin/newsletters/1",
  "/admin/newsletters/1/forms",
  "/admin/newsletters/1/forms/1",
  "/admin/newsletters/1/fields",
  "/admin/newsletters/1/topics",
  "/admin/newsletters/1/welcome",
  "/admin/subscribers",
  "/admin/acts",
  "/admin/imports",
  "/admin/segments",
  "/admin/segments/new?newsletter=1",
  "/admin/settings/relays",
];

/** What a person reads on the page, without what is marked as being in another language, and fields to be put into a text. */
async function own(page) {
  return page.evaluate(() => {
    const language = document.documentElement.lang;
    const hidden = [...document.querySelectorAll("body [lang], button.merge")].filter((element) => element.lang !== language);
    for (const element of hidden) element.hidden = true;
    // What no eye sees is read aloud.
    const labels = [...document.querySelectorAll("[aria-label], [title], img[alt], [placeholder]")].flatMap((element) =>
      ["aria-label", "title", "alt", "placeholder"].map((name) => element.getAttribute(name) ?? ""),
    );
    const words = `${document.title}\n${document.body.innerText}\n${labels.join("\n")}`;
    for (const element of hidden) element.hidden = false;
    return words;
  });
}

/** The words of the HTML part of a mail, as they are read. */
async function readable(browser, html) {
  const page = await browser.chromium.newPage();
  try {
    await page.route("**/*", (route) => route.abort());
    await page.setContent(html);
    return await page.locator("body").innerText();
  } finally {
    await page.close();
  }
}
