// What axe says of the HTML of each mail, in light and in dark, at the width of a mail and at that of a phone.
//
//   node axe.mjs FOLDER    reads FOLDER/html/*.html, writes FOLDER/results/axe.json: name to problems
//
// Playwright and axe are those of tests/browser/.

import { readFileSync, readdirSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";

const browserTests = createRequire(new URL("../browser/package.json", import.meta.url));
const { chromium } = browserTests("playwright-core");
const AXE = readFileSync(browserTests.resolve("axe-core/axe.min.js"), "utf8");
/** A mail is read inside a mail program, which has the landmarks. */
const RULES = { region: { enabled: false }, "landmark-one-main": { enabled: false } };
const VIEWS = [
  ["light", 640],
  ["dark", 640],
  ["light", 360],
  ["dark", 360],
];
const HEIGHT = 900;

const folder = resolve(process.argv[2]);
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM,
  // Nothing is loaded, whatever a mail asks for.
  args: ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"],
});
const page = await browser.newPage();
const results = {};
for (const file of readdirSync(join(folder, "html")).sort()) {
  const name = basename(file, ".html");
  const problems = new Set();
  await page.goto(pathToFileURL(join(folder, "html", file)).href);
  await page.evaluate(AXE);
  for (const [colorScheme, width] of VIEWS) {
    await page.setViewportSize({ width, height: HEIGHT });
    await page.emulateMedia({ colorScheme });
    const found = await page.evaluate((rules) => window.axe.run(document, { resultTypes: ["violations"], rules }), RULES);
    if (found.passes.length === 0) problems.add("axe looked at nothing");
    for (const { id, help, nodes } of found.violations) {
      problems.add(`${id} in ${colorScheme} at ${width} px: ${help} (${nodes[0].html.slice(0, 120)})`);
    }
    const isWide = await page.evaluate(() => document.documentElement.scrollWidth > document.documentElement.clientWidth);
    if (isWide) problems.add(`it is wider than ${width} px`);
  }
  results[name] = [...problems];
}
await browser.close();
writeFileSync(join(folder, "results", "axe.json"), JSON.stringify(results));
