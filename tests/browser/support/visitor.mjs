// Somebody with a browser: a profile of its own, from a network of its own. What no page may do is watched all the
// time: errors on the console, broken rules of the content security policy, requests to another origin.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { fileURLToPath } from "node:url";

import { chromium } from "playwright-core";

import { pause } from "./demo.mjs";

/** Screenshots and other things to look at afterwards. */
export const ARTEFACTS = fileURLToPath(new URL("../../../target/browser/", import.meta.url));
/** Longest that a page may take, on a machine that is busy with other things. */
const PAGE_MAX_MS = 20_000;
/** Tests of a file that run side by side: they wait more than they work. */
export const TOGETHER = 3;
/** Longest that one visit may take: a page that hangs is a failure, not a wait. */
const VISIT_MAX_MS = 180_000;
/** Nobody fills in a form faster than this (`FILL_TIME_MIN` of the gate), so that the tests wait as long. */
const FILL_TIME_MS = 2_100;

/** Debian's Chromium, wherever the path has it. */
function program() {
  const names = ["chromium", "chromium-browser", "google-chrome"];
  for (const name of process.env.CHROMIUM ? [process.env.CHROMIUM] : names) {
    try {
      return execFileSync("sh", ["-c", 'command -v "$0"', name], { encoding: "utf8" }).trim();
    } catch {
      // The next name.
    }
  }
  throw new Error(`There is no Chromium (${names.join(", ")}). Debian: apt-get install chromium`);
}

/** What was promised, or a failure when it takes too long. */
function inTime(promise, most) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`it took longer than ${most} ms`)), most);
  });
  return Promise.race([promise, late]).finally(() => clearTimeout(timer));
}

export class Browser {
  static async start() {
    const browser = new Browser();
    await mkdir(ARTEFACTS, { recursive: true });
    browser.chromium = await chromium.launch({
      executablePath: program(),
      args: [
        // Without it Chromium does not run as root, as in a container.
        "--no-sandbox",
        // Nothing of a test leaves this machine, whatever a page asks for.
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",
      ],
    });
    return browser;
  }

  async stop() {
    await this.chromium.close();
  }

  /**
   * One visit: `steps` gets the visitor. Fails when the pages did what they may not, even if the steps held.
   *
   * Options: `language` of the browser, `hasScripts`, `isForeignFine` for origins besides the demo's, others as
   * Playwright knows them (`colorScheme`, `viewport`).
   */
  async visit(demo, options, steps) {
    const { language = "nl-BE", hasScripts = true, origins = [], ...others } = options;
    const context = await this.chromium.newContext({
      locale: language,
      javaScriptEnabled: hasScripts,
      reducedMotion: "reduce",
      extraHTTPHeaders: { "x-forwarded-for": demo.newNetwork() },
      ...others,
    });
    context.setDefaultTimeout(PAGE_MAX_MS);
    const page = await context.newPage();
    const visitor = new Visitor(demo, context, page, [new URL(demo.url).origin, ...origins]);
    try {
      const result = await inTime(steps(visitor), VISIT_MAX_MS);
      visitor.checkTroubles();
      return result;
    } catch (error) {
      const name = `failed-${Date.now()}.png`;
      await page.screenshot({ path: ARTEFACTS + name, fullPage: true }).catch(() => {});
      error.message += `\n  at ${page.url()}, see target/browser/${name}`;
      if (visitor.troubles.length > 0) error.message += `\n  ${visitor.troubles.join("\n  ")}`;
      throw error;
    } finally {
      await context.close();
    }
  }
}

export class Visitor {
  constructor(demo, context, page, origins) {
    Object.assign(this, { demo, context, page, origins, troubles: [] });
    context.on("request", (request) => this.#look(request));
    context.on("page", (other) => this.#listen(other));
    this.#listen(page);
  }

  #listen(page) {
    page.on("pageerror", (error) => this.troubles.push(`a script failed: ${error.message}`));
    page.on("console", (message) => {
      if (message.type() !== "error" && message.type() !== "warning") return;
      // A page that says 404 or 422 is what some tests ask for; what it loads must be there.
      const isOfPage = message.text().startsWith("Failed to load resource") && message.location().url === page.url();
      if (!isOfPage) this.troubles.push(`the console says: ${message.text()} (${message.location().url})`);
    });
    page.on("response", (response) => {
      const isPage = response.request().isNavigationRequest();
      if (!isPage && response.status() >= 400) this.troubles.push(`${response.status()} for ${response.url()}`);
    });
  }

  #look(request) {
    const url = new URL(request.url());
    if (url.protocol.startsWith("http") && !this.origins.includes(url.origin)) {
      this.troubles.push(`a request left the origin: ${request.url()}`);
    }
  }

  /** Fails when a page did what no page may. */
  checkTroubles() {
    assert.deepEqual(this.troubles, [], "what pages must not do");
  }

  /** Opens a page of the demo, or any address. */
  async open(path) {
    return this.page.goto(new URL(path, this.demo.url).href);
  }

  /** Opens a page that may run nothing by its own rules, so that axe can run in it. */
  async openUnlocked(path) {
    const url = new URL(path, this.demo.url).href;
    await this.page.route(url, async (route) => {
      const answer = await route.fetch();
      const { "content-security-policy": _, ...headers } = answer.headers();
      await route.fulfill({ response: answer, headers });
    });
    return this.open(url);
  }

  /** What a person can read on the page. */
  async words() {
    return this.page.locator("body").innerText();
  }

  async path() {
    return new URL(this.page.url()).pathname;
  }

  /** Clicks, and waits for the page that it leads to. */
  async follow(locator) {
    await Promise.all([this.page.waitForEvent("load"), locator.click()]);
  }

  /** The one large button of a page: confirm, leave. */
  get mainButton() {
    return this.page.locator("main form button[type=submit]").first();
  }

  /** Waits as long as a person needs to fill in a form. */
  async takeTime() {
    await pause(FILL_TIME_MS);
  }

  /** Signs up on the page of a newsletter, as a person does. */
  async signUp(address, { slug = "insights", name = "", query = "" } = {}) {
    await this.open(`/n/${slug}${query}`);
    await this.page.locator("input[name=email]").fill(address);
    if (name) await this.page.locator("input[name=name]").fill(name);
    await this.page.locator("input[name=consent]").check();
    await this.takeTime();
    await this.follow(this.mainButton);
    assert.match(await this.path(), /\/check-inbox$/);
  }

  /** Presses Tab until `locator` has the focus. */
  async tabTo(locator, most = 40) {
    for (let pressed = 0; pressed < most; pressed += 1) {
      await this.page.keyboard.press("Tab");
      if (await locator.evaluate((element) => element === document.activeElement)) return;
    }
    assert.fail(`${locator} is not reached by ${most} presses of Tab`);
  }

  /** Signs in at the desk. */
  async signIn() {
    await this.open("/admin/login");
    await this.page.locator("#address").fill(this.demo.login);
    await this.page.locator("#password").fill(this.demo.password);
    await this.follow(this.page.locator("main form button").first());
    assert.equal(await this.path(), "/admin");
  }
}
