// Three pictures for the README: an issue while it is composed, its preview, the sign-up page.
//
//   node screenshots.mjs FOLDER

import { join } from "node:path";

import { Demo } from "./support/demo.mjs";
import { Browser } from "./support/visitor.mjs";

const VIEWPORT = { width: 1280, height: 860 };
/** Readers of the sample newsletter: a number to be seen. */
const READERS = 24;

const folder = process.argv[2] ?? ".";
const demo = await Demo.start();
const browser = await Browser.start();

/** People who have confirmed, so that there is somebody to send to. */
async function gather() {
  for (let number = 1; number <= READERS; number += 1) {
    const address = `lezer${number}@voorbeeld.example`;
    await demo.post("/n/insights/subscribe", { email: address, consent: "yes", language: "nl" });
    const mail = await demo.mail(address);
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
  }
}

async function picture(page, name) {
  // Without a cursor, and with the fonts there.
  await page.evaluate(() => document.activeElement?.blur());
  await page.evaluate(() => document.fonts.ready);
  await page.screenshot({ path: join(folder, `${name}.png`) });
}

try {
  await gather();
  const options = { language: "en-GB", viewport: VIEWPORT, colorScheme: "light" };
  await browser.visit(demo, options, async (visitor) => {
    const { page } = visitor;
    await visitor.signIn();
    await visitor.open("/admin/issues/1");
    await page.waitForLoadState("networkidle");
    await picture(page, "compose");
    await visitor.open("/admin/issues/1/preview");
    await page.waitForLoadState("networkidle");
    await picture(page, "preview");
  });
  await browser.visit(demo, options, async (visitor) => {
    await visitor.open("/n/insights-en?lang=en");
    await picture(visitor.page, "sign-up");
  });
} finally {
  await browser.stop();
  await demo.stop();
}
