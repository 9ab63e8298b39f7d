// A hundred and fifty hostile texts (tests/hostile/cases.json) on every page that shows them, in a real browser: no script
// runs, nobody is asked anything, nobody is led away, and the words are still there. Many cases stand on one page.
// tests/it/mail/hostile.rs holds each of them apart.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, it } from "node:test";

import { Demo, pause } from "./support/demo.mjs";
import { send } from "./support/issues.mjs";
import { Browser } from "./support/visitor.mjs";

const CASES = JSON.parse(readFileSync(new URL("../hostile/cases.json", import.meta.url), "utf8"));
/** What the operating system takes as one argument is bounded; the long ones are held in tests/it. */
const LONG = 5_000;
/** Articles of one issue: as many as stay below the size that mail programs take. */
const TOGETHER = 20;
/** As long as handlers and refreshes get to do something after a page is there. */
const LURK_MS = 150;

let demo, browser;
/** Paths on the web of the issues, and their ids. */
const issues = [];
const articles = [];

before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
  // SQLite's JSON ends a text at a NUL.
  const sound = CASES.filter((one) => !one.refused && !one.repeat && one.text.length <= LONG && !one.text.includes("\0"));
  const of = (place) => sound.filter((one) => one.place === place);
  const [subjects, preheaders, intros] = [of("subject"), of("preheader"), of("intro")];
  const rows = sound.flatMap((one) => {
    const article = { slug: `hostile-${one.name.toLowerCase().replace(/[^a-z0-9]+/g, "-").replace(/^-|-$/g, "")}`.slice(0, 70), title: "T", author: "", teaser: "", body: "x", url: "", case: one };
    const picture = "https://pictures.example/p.png";
    if (one.place === "alt") article.body = `![${one.text}](${picture})`;
    else if (one.place === "caption") article.body = `![Foto](${picture} "${one.text}")`;
    else if (one.place === "teaser") Object.assign(article, { teaser: one.text, url: "https://www.meridiaan.example/" });
    else if (one.place === "paste") article.body = one.text;
    else if (["body", "title", "author"].includes(one.place)) article[one.place] = one.text;
    else return [];
    return [article];
  });
  // Past every check of the desk: as if they had been stored by something that has none.
  for (let at = 0; at < rows.length; at += TOGETHER) {
    const some = rows.slice(at, at + TOGETHER);
    await demo.sql(
      `INSERT INTO articles (slug, language, title, author, teaser, body, canonical_url, search_text, status, version, created_at, updated_at, published_at)
       SELECT value ->> 'slug', 'nl', value ->> 'title', value ->> 'author', value ->> 'teaser', value ->> 'body', value ->> 'url', '', 'published', 1, 1, 1, 1 FROM json_each(?)`,
      JSON.stringify(some),
    );
    articles.push(...some);
    // Each issue has hostile words of its own as well, as long as there are any.
    await issue(some, subjects.shift(), preheaders.shift(), intros.shift());
  }
  while (subjects.length > 0) await issue(rows.slice(0, 1), subjects.shift());
  assert.equal(preheaders.length + intros.length, 0, "every case stands somewhere");
  const paths = await send(demo, ...issues.map((one) => one.id));
  paths.forEach((path, at) => (issues[at].path = path));
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

async function issue(rows, subject, preheader, intro) {
  const words = [subject?.text ?? "Vijandig", preheader?.text ?? "", intro?.text ?? ""];
  const [[id]] = await demo.sql(
    `INSERT INTO issues (public_id, newsletter_id, number, subject, preheader, intro, version, created_at, updated_at)
     VALUES (randomblob(16), 1, (SELECT max(number) + 1 FROM issues), ?, ?, ?, 1, 1, 1) RETURNING id`,
    ...words,
  );
  await demo.sql(
    `INSERT INTO issue_articles (issue_id, article_id, position, display)
     SELECT ?, a.id, j.key, CASE a.teaser WHEN '' THEN 'full' ELSE 'teaser' END FROM json_each(?) j JOIN articles a ON a.slug = j.value`,
    id,
    JSON.stringify(rows.map((row) => row.slug)),
  );
  issues.push({ id, cases: [...rows.map((row) => row.case), ...(intro ? [intro] : [])] });
}

/** A visit during which nothing may happen by itself. Gives the words of each page. */
async function quietly(paths, { isUnlocked = false, isSignedIn = false, fulfill = "" } = {}) {
  const words = [];
  await browser.visit(demo, { origins: ["https://pictures.example"] }, async (visitor) => {
    const { page, context } = visitor;
    const happened = [];
    context.on("request", (request) => {
      if (request.url().includes("canary.example")) happened.push(`asked for ${request.url()}`);
    });
    context.on("page", (other) => happened.push(`opened ${other.url()}`));
    page.on("dialog", (dialog) => {
      happened.push(`a dialog: ${dialog.message()}`);
      dialog.dismiss();
    });
    // Pictures of authors are theirs to show; here there are none to load.
    await page.route("https://pictures.example/**", (route) => route.fulfill({ contentType: "image/png", body: Buffer.alloc(0) }));
    await page.addInitScript(() => {
      for (const name of ["alert", "confirm", "prompt", "print", "open", "fetch"]) {
        window[name] = () => (window.hasRun = name);
      }
    });
    if (fulfill) await page.route("**/all", (route) => route.fulfill({ contentType: "text/html", body: fulfill }));
    if (isSignedIn) await visitor.signIn();
    for (const path of paths) {
      await (isUnlocked ? visitor.openUnlocked(path) : visitor.open(path));
      const address = page.url();
      // Everything that can be pointed at and given the focus, without following it.
      await page.evaluate(() => {
        for (const element of document.querySelectorAll("body *")) {
          for (const kind of ["mouseover", "mouseenter", "focus", "pointerdown", "animationstart", "toggle"]) {
            element.dispatchEvent(new Event(kind, { bubbles: true }));
          }
        }
      });
      await pause(LURK_MS);
      assert.equal(page.url(), address, `${path}: it led away`);
      assert.equal(await page.evaluate(() => window.hasRun), undefined, `${path}: a script ran`);
      const covers = await page.evaluate(() => [...document.querySelectorAll("body *")].filter((one) => ["fixed", "sticky"].includes(getComputedStyle(one).position)).length);
      assert.equal(covers, 0, `${path}: something covers the page`);
      // A description is to be read where its picture is not.
      const descriptions = await page.locator("img").evaluateAll((all) => all.map((one) => one.alt));
      words.push(`${await visitor.words()}\n${descriptions.join("\n")}`);
    }
    assert.deepEqual(happened, []);
  });
  return words;
}

function assertKept(words, cases, place) {
  for (const one of cases) {
    for (const kept of one.keeps) assert.ok(words.includes(kept), `${place}, ${one.name}: “${kept}” is not to be read`);
  }
}

describe("hostile texts", () => {
  it("do nothing on the page of an issue, and nothing were its rules not there", async () => {
    const paths = issues.map((one) => one.path);
    const words = await quietly(paths);
    await quietly(paths, { isUnlocked: true });
    issues.forEach((one, at) => assertKept(words[at], one.cases, one.path));
  });

  it("do nothing in the archive", async () => {
    const [words] = await quietly(["/n/insights/archive"]);
    assertKept(words, CASES.filter(({ place }) => ["subject", "preheader"].includes(place)), "the archive");
  });

  it("do nothing on the page of an article", async () => {
    // What stands on each page, on one page and without its rules; and a few of them as they are.
    const pages = await Promise.all(articles.map(async (one) => (await demo.fetch(`/a/${one.slug}`)).text()));
    const contents = pages.map((html) => /<main[^>]*>([^]*)<\/main>/.exec(html)[1]);
    const together = `<!doctype html><meta charset="utf-8"><title>All</title><body>${contents.join("<hr>")}</body>`;
    const [words] = await quietly(["/all"], { fulfill: together });
    // A teaser is not on the page of its article.
    assertKept(words, articles.map((one) => one.case).filter(({ place }) => place !== "teaser"), "the pages of articles");
    await quietly(articles.filter((_, at) => at % 20 === 0).map((one) => `/a/${one.slug}`));
  });

  it("do nothing in a preview", async () => {
    await quietly(issues.map((one) => `/admin/issues/${one.id}/mail`), { isSignedIn: true, isUnlocked: true });
  });

  it("would be noticed if they did anything", async () => {
    for (const body of [
      "<script>alert(1)</script>",
      "<p onmouseover=alert(1)>x</p>",
      "<p style='position:fixed'>x</p>",
      "<img src=https://canary.example/p.png>",
      "<meta http-equiv=refresh content='0;url=/nergens'>",
    ]) {
      await assert.rejects(quietly(["/all"], { fulfill: `<!doctype html><title>x</title>${body}` }), body);
    }
  });

  it("are text in the feeds, and do nothing where a reader shows them", async () => {
    await browser.visit(demo, { origins: ["https://pictures.example"] }, async (visitor) => {
      const { page } = visitor;
      await visitor.open("/static/icon.svg");
      for (const ending of ["rss", "atom"]) {
        const xml = await (await demo.fetch(`/n/insights/feed.${ending}`)).text();
        const found = await page.evaluate((text) => {
          const feed = new DOMParser().parseFromString(text, "application/xml");
          const contents = [...feed.querySelectorAll("item > encoded, entry > content")].map((one) => one.textContent);
          const run = new Set();
          for (const html of contents) {
            const shown = new DOMParser().parseFromString(html, "text/html");
            for (const one of shown.querySelectorAll("*")) {
              if (["SCRIPT", "IFRAME", "OBJECT", "EMBED", "FORM", "STYLE", "LINK", "META", "BASE", "svg", "math"].includes(one.tagName)) run.add(one.tagName);
              for (const { name, value } of one.attributes) {
                if (name.startsWith("on") || name === "style" || /^\s*(javascript|data|vbscript):/i.test(value)) run.add(`${name}=${value}`);
              }
            }
          }
          return { error: feed.querySelector("parsererror")?.textContent, count: contents.length, run: [...run] };
        }, xml);
        assert.equal(found.error, undefined, ending);
        assert.deepEqual({ count: found.count, run: found.run }, { count: issues.length, run: [] }, ending);
      }
    });
  });
});
