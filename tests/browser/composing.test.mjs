// From a draft to a sent issue: saved by itself, articles moved by keyboard and mouse, checks mended where they stand,
// looked at, approved by somebody else, sent, called back, paused and resumed. With scripts and without.

import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";

import { Demo, pause } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

/** A mail as a mail program shows it, which has the landmarks. */
const RULES = { region: { enabled: false }, "landmark-one-main": { enabled: false } };

let demo, browser;
before(async () => {
  [demo, browser] = await Promise.all([Demo.start(), Browser.start()]);
});
after(async () => {
  await browser?.stop();
  await demo?.stop();
});

function atTheDesk(steps, options = {}) {
  return browser.visit(demo, options, async (visitor) => {
    await visitor.signIn();
    await steps(visitor, visitor.page);
  });
}

/** A new issue of the Dutch newsletter with three articles; gives its path. */
async function draft(visitor, subject) {
  const { page } = visitor;
  await visitor.open("/admin/issues/new");
  await page.locator("input[name=newsletter]").first().check();
  await page.locator("#subject").fill(subject);
  await visitor.follow(page.locator("main form button").last());
  const path = await visitor.path();
  for (const at of [0, 1, 2]) await page.locator("input[name=add]").nth(at).check();
  await visitor.follow(page.locator("button[value=add]"));
  return path.split("#")[0];
}

/** How often `steps` and the seconds after them post: longer than the script waits before it tries again. */
async function posts(page, steps) {
  let count = 0;
  const look = (request) => { if (request.method() === "POST") count += 1; };
  page.on("request", look);
  await steps();
  await pause(8000);
  page.off("request", look);
  return count;
}

const order = (page) => page.locator("#chosen [name=article]").evaluateAll((all) => all.map((input) => input.value));
const isSaved = (page) => page.waitForFunction(() => /\d\d:\d\d/.test(document.getElementById("saved").textContent));
/** What `steps` change has been saved by itself. */
async function saves(page, steps) {
  const saved = page.waitForResponse((answer) => answer.request().method() === "POST" && answer.ok());
  await steps();
  await saved;
  await isSaved(page);
}

describe("composing", () => {
  it("saves by itself, and a reload has every word", async () => {
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "Eerste worp");
      await saves(page, () => page.locator("#subject").fill("Wat wij deze maand leerden"));
      await page.locator("details:has(#outro) > summary").click();
      await saves(page, () => page.locator("#outro").fill("Tot in december!"));
      await saves(page, () => page.locator("input[name=theme][value=magazine]").check());
      assert.equal(await page.locator("#inbox-subject").textContent(), "Wat wij deze maand leerden");
      await visitor.open(path);
      assert.equal(await page.locator("#subject").inputValue(), "Wat wij deze maand leerden");
      assert.equal(await page.locator("#outro").inputValue(), "Tot in december!");
      assert.ok(await page.locator("input[name=theme][value=magazine]").isChecked());
      await inspect(visitor, "composing");
    });
  });

  it("saves once, also in another language and for somebody who sends nothing", async () => {
    const password = "vier losse woorden hier";
    const file = join(demo.folder, "password");
    await writeFile(file, password);
    const person = ["--address", "bo@meridiaan.example", "--name", "Bo", "--language", "nl", "--role", "author"];
    await demo.command("user", "add", ...person, "--password-file", file);
    let path;
    const once = async (page, words) => {
      assert.equal(await posts(page, () => page.locator("#subject").fill(words)), 1);
      assert.equal(await page.locator("#saved.bad").count(), 0);
      assert.match(await page.locator("#saved").textContent(), /\d\d:\d\d/);
    };
    await atTheDesk(async (visitor, page) => {
      path = await draft(visitor, "Twee talen");
      await visitor.open(`${path}/languages/fr`);
      await page.locator("#subject").fill("Deux langues");
      await visitor.follow(page.locator("aside button[value=save]"));
      await once(page, "En deux langues");
    });
    await browser.visit(demo, {}, async (visitor) => {
      await visitor.open("/admin/login");
      await visitor.page.locator("#address").fill("bo@meridiaan.example");
      await visitor.page.locator("#password").fill(password);
      await visitor.follow(visitor.page.locator("main form button").first());
      for (const [place, words] of [[path, "Van een auteur"], [`${path}/languages/fr`, "D’un auteur"]]) {
        await visitor.open(place);
        assert.equal(await visitor.page.locator("button[value=schedule]").count(), 0);
        await once(visitor.page, words);
        await visitor.open(place);
        assert.equal(await visitor.page.locator("#subject").inputValue(), words);
      }
    });
  });

  it("lets a press wait for the save that is under way", async () => {
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "Op tijd");
      let arrive;
      const isPressed = new Promise((resolve) => { arrive = resolve; });
      await page.route(`**${path}`, async (route) => {
        const { accept = "" } = route.request().headers();
        if (!accept.startsWith("application/json")) return route.continue();
        const answer = await route.fetch();
        await isPressed;
        await route.fulfill({ response: answer });
      });
      const under = page.waitForRequest((request) => request.method() === "POST");
      await page.locator("#subject").fill("Net op tijd");
      await under;
      await page.locator("aside button[value=preview]").click();
      // A second press is one press.
      await page.locator("aside button[value=preview]").click();
      await pause(500);
      assert.equal(await visitor.path(), path);
      arrive();
      await page.waitForURL("**/preview");
      assert.match(await page.locator(".inbox").innerText(), /Net op tijd/);
    });
  });

  it("asks who leaves with words that are not saved, and nobody else", async () => {
    await atTheDesk(async (visitor, page) => {
      await draft(visitor, "Weggaan");
      let asked = 0;
      page.on("dialog", async (dialog) => {
        asked += 1;
        await dialog.dismiss();
      });
      await saves(page, async () => {
        await page.locator("#subject").pressSequentially(" zonder vragen");
        await page.locator(".crumb a").click();
        await page.waitForTimeout(200);
        assert.equal(asked, 1, "what was just typed is not saved yet");
      });
      await visitor.follow(page.locator(".crumb a"));
      assert.equal(await visitor.path(), "/admin/issues");
      assert.equal(asked, 1);
    });
  });

  it("moves articles by keyboard and by mouse, says where they are, and keeps the order", async () => {
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "Volgorde");
      const [a, b, c] = await order(page);
      const down = page.locator(`button[value="down-${a}"]`);
      await saves(page, async () => {
        await down.focus();
        await page.keyboard.press("Enter");
      });
      assert.deepEqual(await order(page), [b, a, c]);
      assert.ok(await down.evaluate((button) => button === document.activeElement), "the cursor stays with the article");
      assert.match(await page.locator("#moved").textContent(), /2/);
      await saves(page, () => page.locator(".grip").nth(2).dragTo(page.locator("#chosen li").first(), { targetPosition: { x: 30, y: 4 } }));
      assert.deepEqual(await order(page), [c, b, a]);
      await visitor.open(path);
      assert.deepEqual(await order(page), [c, b, a]);
    });
  });

  it("puts a field where the cursor was, and one step of undo takes it out", async () => {
    await atTheDesk(async (visitor, page) => {
      await draft(visitor, "Velden");
      const intro = page.locator("#intro");
      await intro.fill("Dag ");
      await intro.press("End");
      await page.locator("button.merge").first().click();
      assert.match(await intro.inputValue(), /^Dag \{\{name\|.+\}\}$/);
      await intro.press("Control+z");
      assert.equal(await intro.inputValue(), "Dag ");
    });
  });

  it("tells a second editor instead of overwriting, by itself and by the button", async () => {
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "Van ons twee");
      await atTheDesk(async (other, theirs) => {
        await other.open(path);
        await saves(page, () => page.locator("#subject").fill("Van de eerste"));
        await theirs.locator("#subject").fill("Van de tweede");
        await theirs.waitForFunction(() => document.getElementById("saved").classList.contains("bad"));
        await other.follow(theirs.locator("aside button[value=save]"));
        assert.match(await other.words(), /Van de eerste/);
        assert.equal(await theirs.locator("#subject").inputValue(), "Van de tweede");
        // The answer to the save by itself, which is what it was to be.
        const refused = other.troubles.filter((trouble) => trouble.includes("409"));
        assert.equal(refused.length, 1, other.troubles.join("\n"));
        other.troubles = other.troubles.filter((trouble) => !trouble.includes("409"));
        await inspect(other, "composing-conflict");
      });
    });
  });

  it("finds what stands in the way, and mends it at a click", async () => {
    await atTheDesk(async (visitor, page) => {
      await draft(visitor, "TODO: onderwerp");
      await visitor.follow(page.locator("aside button[value=save]"));
      await inspect(visitor, "composing-checks");
      assert.ok((await page.locator(".check.error").count()) > 0);
      await saves(page, () => page.locator("#subject").fill("Een gewoon onderwerp"));
      await page.waitForFunction(() => document.querySelectorAll("#checks .check.error").length === 0);
      await visitor.follow(page.locator("button[value=take_teaser]").first());
      assert.notEqual(await page.locator("#preheader").inputValue(), "");
    });
  });

  it("says that checks are old while a mistake stands in the way of saving", async () => {
    await atTheDesk(async (visitor, page) => {
      await draft(visitor, "Te lang");
      const old = page.locator("#checks-before");
      assert.ok(await old.isHidden());
      await page.locator("#subject").fill("lang ".repeat(100));
      await page.waitForFunction(() => document.getElementById("saved").classList.contains("bad"));
      assert.ok(await old.isVisible());
      await saves(page, () => page.locator("#subject").fill("Kort genoeg"));
      await old.waitFor({ state: "hidden" });
      // The answer to the save by itself, which is what it was to be.
      visitor.troubles = visitor.troubles.filter((trouble) => !trouble.includes("422"));
    });
  });

  it("does the same without a script", async () => {
    await atTheDesk(
      async (visitor, page) => {
        const path = await draft(visitor, "Zonder script");
        const [a, b, c] = await order(page);
        await visitor.follow(page.locator(`button[value="down-${a}"]`));
        assert.deepEqual(await order(page), [b, a, c]);
        await page.locator(`#position-${c}`).fill("1");
        await page.locator("details:has(#outro) > summary").click();
        await page.locator("#outro").fill("Tot ziens");
        await visitor.follow(page.locator("aside button[value=save]"));
        // Two have the number 1 then: the one that came first in the list stays first.
        assert.deepEqual(await order(page), [b, c, a]);
        assert.equal(await page.locator("#outro").inputValue(), "Tot ziens");
        await visitor.follow(page.locator(`button[value="remove-${b}"]`));
        assert.deepEqual(await order(page), [c, a]);
        await visitor.open("/admin/issues");
        await visitor.follow(page.locator(`form[action="${path}/copy"] button`));
        assert.equal(await page.locator("#subject").inputValue(), "Zonder script");
      },
      { hasScripts: false },
    );
  });
});

describe("looking", () => {
  it("shows each theme light and dark, without images, as text and as a reader", async () => {
    await demo.post("/n/insights/subscribe", { email: "zoe@voorbeeld.example", name: "Zoë", consent: "yes", language: "nl" });
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "Dag {{name|lezer}}");
      // The inbox row, as it comes from the server and as it is typed: nobody gets the field itself.
      assert.equal(await page.locator("#inbox-subject").textContent(), "Dag lezer");
      await saves(page, () => page.locator("#preheader").fill("Van {{newsletter}} voor {{ name | beste lezer }}"));
      assert.match(await page.locator("#inbox-preheader").textContent(), /^Van [^{}]+ voor beste lezer$/);
      for (const theme of ["letter", "magazine", "note"]) {
        await visitor.open(path);
        await page.locator(`input[name=theme][value=${theme}]`).check();
        await visitor.follow(page.locator("aside button[value=save]"));
        for (const scheme of ["light", "dark"]) {
          await visitor.openUnlocked(`${path}/mail?scheme=${scheme}`);
          await inspect(visitor, `theme-${theme}-${scheme}`, { rules: RULES, hasKeyboard: false });
        }
      }
      await visitor.open(`${path}/preview?view=phone&scheme=dark&pictures=off`);
      await inspect(visitor, "preview-phone");
      await page.locator("#reader").fill("zoe@voorbeeld.example");
      await visitor.follow(page.locator(`form[action^="${path}/preview"] button`));
      assert.match(await page.locator(".inbox").textContent(), /Dag Zoë.*voor Zoë/);
      await visitor.open(`${path}/preview?view=text`);
      await inspect(visitor, "preview-text");
    });
  });
});

describe("sending", () => {
  // What nobody would get is not sent.
  before(async () => {
    await demo.post("/n/insights/subscribe", { email: "lezer@voorbeeld.example", consent: "yes", language: "nl" });
    const mail = await demo.mail("lezer@voorbeeld.example");
    await demo.post(new URL(mail.link("/confirm/")).pathname, {});
  });

  it("waits for a colleague where the newsletter asks for one", async () => {
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "Met vier ogen");
      await visitor.open("/admin/newsletters/1");
      await page.locator("#issues > summary").click();
      await page.locator("input[name=needs_approval]").check();
      await visitor.follow(page.locator('form[action$="/issues"] button'));
      await visitor.open(`${path}/schedule?when=now`);
      assert.equal(await page.locator(".sentence").count(), 0);
      await inspect(visitor, "approval-others");
      // As if a colleague had saved it last: then it is one's own turn to approve.
      await demo.sql("INSERT INTO users (address, address_key, name, language, password_hash, created_at) VALUES ('bo@voorbeeld.example', 'bo@voorbeeld.example', 'Bo', 'nl', '', 0)");
      await demo.sql("UPDATE issues SET edited_by = (SELECT id FROM users WHERE name = 'Bo') WHERE id = ?", Number(path.split("/").pop()));
      await visitor.open(`${path}/schedule`);
      await inspect(visitor, "approval-possible");
      await visitor.follow(page.locator('form[action$="/approve"] button'));
      await visitor.open(`${path}/schedule?when=now`);
      assert.equal(await page.locator(".sentence").count(), 1);
      await visitor.follow(page.locator("section.final form button"));
      assert.match(await visitor.path(), /^\/admin\/mailings\/\d+/);
      await visitor.follow(page.locator('form[action$="/cancel"] button').first());
      await demo.sql("UPDATE newsletters SET needs_approval = 0");
    });
  });

  it("asks why an error is overridden, and the mailing tells it", async () => {
    await atTheDesk(async (visitor, page) => {
      const path = await draft(visitor, "TK over de TK-lijst");
      await visitor.open(`${path}/schedule`);
      await page.locator("input[name=when][value=now]").check();
      await visitor.follow(page.locator("form[method=get] button"));
      assert.equal(await page.locator(".sentence").count(), 0);
      await inspect(visitor, "override-asked");
      await page.locator("#reason").fill("Het gaat over de TK-lijst");
      await visitor.follow(page.locator("form[method=get] button"));
      await inspect(visitor, "override-final");
      await visitor.follow(page.locator("section.final form button"));
      assert.match(await visitor.words(), /Het gaat over de TK-lijst/);
      await inspect(visitor, "override-mailing");
      await visitor.follow(page.locator('form[action$="/cancel"] button').first());
    });
  });
});
