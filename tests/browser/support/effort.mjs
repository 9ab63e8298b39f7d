// What a way over pages asks of somebody who has never seen them, counted page by page.

import { ARTEFACTS } from "./visitor.mjs";

/** What a person does in a minute, or in seconds for one: the figures of the estimate. */
const WORDS_A_MINUTE = 200;
const LETTERS_A_MINUTE = 200;
const SECONDS_A_HAND = 3;
/** Longest that previews and fonts are waited for. */
const SETTLE_MAX_MS = 1500;

export class Effort {
  #pages = [];
  #seen = new Set();

  constructor(visitor) {
    this.visitor = visitor;
  }

  /** The page as it stands now: what is new on it is read. `name` is that of its screenshots. */
  async arrive(name) {
    const { page } = this.visitor;
    // A page that is told of progress is never idle.
    await page.waitForLoadState("networkidle", { timeout: SETTLE_MAX_MS }).catch(() => {});
    const number = `${this.#pages.length + 1}`.padStart(2, "0");
    await page.screenshot({ path: `${ARTEFACTS}walk-${number}-${name}-1280.png`, fullPage: true });
    await page.setViewportSize({ width: 390, height: 844 });
    await page.screenshot({ path: `${ARTEFACTS}walk-${number}-${name}-390.png`, fullPage: true });
    await page.setViewportSize({ width: 1280, height: 900 });
    this.#pages.push({ name, words: 0, fields: 0, letters: 0, pasted: 0, clicks: 0, waited: 0 });
    await this.read();
  }

  get #now() {
    return this.#pages.at(-1);
  }

  /** Reads what is seen and was not read before: lines, with names of buttons and fields; no lists that are closed. */
  async read() {
    const text = await this.visitor.page.evaluate(() => {
      const main = document.querySelector("main") ?? document.body;
      const hidden = [...main.querySelectorAll("select, iframe, textarea, .visually-hidden, svg")];
      const before = hidden.map((element) => element.style.display);
      for (const element of hidden) element.style.display = "none";
      const text = main.innerText;
      hidden.forEach((element, at) => (element.style.display = before[at]));
      return text;
    });
    for (const line of text.split("\n").map((line) => line.trim()).filter(Boolean)) {
      if (this.#seen.has(line)) continue;
      this.#seen.add(line);
      this.#now.words += line.split(/\s+/).length;
    }
  }

  async type(selector, text, { isPasted = false } = {}) {
    await this.visitor.page.locator(selector).fill(text);
    this.#now.fields += 1;
    if (isPasted) this.#now.pasted += text.length;
    else this.#now.letters += text.length;
  }

  async choose(selector, value) {
    await this.visitor.page.locator(selector).selectOption(value);
    this.#now.fields += 1;
  }

  /** A click that was made otherwise. */
  pressed() {
    this.#now.clicks += 1;
  }

  async click(selector) {
    await this.visitor.page.locator(selector).first().click();
    this.#now.clicks += 1;
  }

  /** Clicks, and waits for the page that it leads to. */
  async follow(selector) {
    const since = Date.now();
    await this.visitor.follow(this.visitor.page.locator(selector).first());
    this.#now.clicks += 1;
    this.#now.waited += (Date.now() - since) / 1000;
  }

  async wait(promise) {
    const since = Date.now();
    const result = await promise;
    this.#now.waited += (Date.now() - since) / 1000;
    return result;
  }

  static seconds({ words, letters, pasted, fields, clicks, waited }) {
    return (words * 60) / WORDS_A_MINUTE + (letters * 60) / LETTERS_A_MINUTE + (fields + clicks) * SECONDS_A_HAND + waited;
  }

  /** The total of all pages. */
  get total() {
    const total = { name: "all", words: 0, fields: 0, letters: 0, pasted: 0, clicks: 0, waited: 0 };
    for (const page of this.#pages) for (const key of Object.keys(total)) if (key !== "name") total[key] += page[key];
    return total;
  }

  table() {
    const columns = ["page", "words", "fields", "letters", "pasted", "clicks", "waited s", "about s"];
    const row = (page) => [page.name, page.words, page.fields, page.letters, page.pasted, page.clicks, page.waited.toFixed(1), Effort.seconds(page).toFixed(0)];
    const rows = [columns, ...[...this.#pages, this.total].map(row)];
    const minutes = Effort.seconds(this.total) / 60;
    return [...rows.map((cells) => cells.map((cell, at) => (at === 0 ? `${cell}`.padEnd(22) : `${cell}`.padStart(9))).join("")), `About ${minutes.toFixed(1)} minutes.`];
  }
}
