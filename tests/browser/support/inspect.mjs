// What every page is held to, in whatever state it is: axe finds nothing, in light and in dark, on a phone and on a
// desk; nothing is wider than the phone; everything is reached by Tab, and one sees where one is.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";

import { ARTEFACTS } from "./visitor.mjs";

const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

export const SCHEMES = ["light", "dark"];
export const WIDTHS = [320, 1280];
const HEIGHT = 900;
/** Most presses of Tab on one page: the desk's longest forms, with the links of a mail in a frame, need fewer. */
const TABS_MAX = 200;

/** axe's rules for pages; off by default is only the size of targets (WCAG 2.2, 2.5.8). */
const RULES = { rules: { "target-size": { enabled: true } } };
/** Those that look at colours: the others find in the dark what they found in the light. */
const RULES_OF_COLOURS = ["color-contrast", "link-in-text-block"];

/**
 * Looks at the page as it stands, under a name for its screenshots. `rules` are axe's, for what is no page (a mail);
 * `hasKeyboard: false` for what nobody walks through by Tab; `preload: false` where style sheets of another origin may
 * not be read by scripts.
 */
export async function inspect(visitor, name, { rules = {}, hasKeyboard = true, preload = true } = {}) {
  const { page } = visitor;
  for (const width of WIDTHS) {
    await page.setViewportSize({ width, height: HEIGHT });
    for (const colorScheme of SCHEMES) {
      await page.emulateMedia({ colorScheme });
      const place = `${name}, ${colorScheme}, ${width} px`;
      await checkAxe(page, place, rules, preload, colorScheme === "dark");
      await checkWidth(page, place);
      await page.screenshot({ path: `${ARTEFACTS}${name}-${colorScheme}-${width}.png`, fullPage: true });
    }
  }
  if (hasKeyboard) await checkKeyboard(page, name);
  visitor.checkTroubles();
}

/** Whether axe finds nothing on the page as it stands. */
export async function checkAxe(page, place, rules, preload, isOnlyColours) {
  // Through the debugger, where no content security policy stands in the way.
  if (!(await page.evaluate(() => "axe" in window))) await page.evaluate(AXE);
  const asked = { ...RULES.rules, ...rules };
  const isAsked = (rule) => asked[rule]?.enabled !== false;
  const which = isOnlyColours
    ? { runOnly: { type: "rule", values: RULES_OF_COLOURS.filter(isAsked) } }
    : { rules: asked };
  const found = await page.evaluate(
    (options) => window.axe.run(document, options),
    // A frame holds a mail, which is looked at apart; axe cannot talk to one that may run nothing.
    { iframes: false, preload, resultTypes: ["violations"], ...which },
  );
  const told = found.violations.map(
    ({ id, help, nodes }) =>
      `${id}: ${help}\n      ${nodes.map((node) => `${node.html.slice(0, 200)} — ${node.failureSummary.split("\n")[1]?.trim()}`).join("\n      ")}`,
  );
  assert.equal(told.length, 0, `${place}: axe finds\n    ${told.join("\n    ")}`);
  assert.ok(found.passes.length > 0, `${place}: axe looked at nothing`);
}

async function checkWidth(page, place) {
  const wide = await page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    if (document.documentElement.scrollWidth <= width) return null;
    const all = [...document.querySelectorAll("body *")].filter((element) => element.getBoundingClientRect().right > width + 1);
    return all.slice(0, 5).map((element) => element.outerHTML.slice(0, 120));
  });
  assert.equal(wide, null, `${place}: wider than the window: ${wide?.join("\n")}`);
}

/** Walks through the page by Tab, and compares with all that can be used on it. */
async function checkKeyboard(page, name) {
  await page.evaluate(() => {
    document.activeElement?.blur();
    window.getSelection()?.removeAllRanges();
    const usable = "a[href], button, input, select, textarea, summary, [tabindex]";
    window.expected = [...document.querySelectorAll(usable)].filter(
      (element) =>
        element.tabIndex >= 0 && !element.disabled && element.type !== "hidden" && element.checkVisibility({ visibilityProperty: true }),
    );
    window.reached = new Set();
    // Of a group of radio buttons Tab reaches one; the arrows do the rest.
    window.isReached = (element) =>
      window.reached.has(element) ||
      (element.type === "radio" && [...window.reached].some((other) => other.type === "radio" && other.name === element.name));
  });
  // From the beginning of the page, wherever its autofocus was.
  await page.evaluate(() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
  });
  const faults = [];
  for (let pressed = 0; pressed < TABS_MAX; pressed += 1) {
    await page.keyboard.press("Tab");
    const stop = await page.evaluate(() => {
      const element = document.activeElement;
      // Between the end of the page and its beginning, or inside a frame.
      if (element === document.body || element === null || element.tagName === "IFRAME") return null;
      const isNew = !window.reached.has(element);
      window.reached.add(element);
      const isEnd = window.expected.every((element) => window.isReached(element));
      const told = (fault) => ({ fault, isEnd });
      if (!isNew) return told(null);
      const style = getComputedStyle(element);
      const box = element.getBoundingClientRect();
      const html = element.outerHTML.slice(0, 120);
      // "auto" is the browser's own ring: what a mail on the web has.
      const hasOutline = style.outlineStyle === "auto" || (style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2);
      if (!hasOutline) return told(`no visible focus: ${html}`);
      const isInView = box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth;
      const isSeen = isInView && box.width >= 1 && box.height >= 1;
      return told(isSeen ? null : `the focus is where nobody sees it: ${html}`);
    });
    if (stop?.fault) faults.push(stop.fault);
    if (stop?.isEnd) break;
  }
  const missed = await page.evaluate(() =>
    window.expected.filter((element) => !window.isReached(element)).map((element) => element.outerHTML.slice(0, 120)),
  );
  assert.deepEqual({ faults, missed }, { faults: [], missed: [] }, `${name}: by keyboard`);
}
