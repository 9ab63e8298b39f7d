// Writing an article: tools and keys, paste, pictures, autosave, two people, versions; and all of it without scripts.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { Demo } from "./support/demo.mjs";
import { inspect } from "./support/inspect.mjs";
import { Browser } from "./support/visitor.mjs";

let browser;
let demo;

before(async () => {
  [browser, demo] = await Promise.all([Browser.start(), Demo.start()]);
});
after(async () => {
  await Promise.all([browser?.stop(), demo?.stop()]);
});

const ENGLISH = { language: "en-GB" };
/** Longest that an autosave takes, after the pause. */
const SAVED_MAX_MS = 15_000;
const PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";

/** The desk in English, whatever the demo's user reads. */
async function signIn(visitor) {
  await demo.sql("UPDATE users SET language = 'en'");
  await visitor.signIn();
}

async function openNew(visitor) {
  await signIn(visitor);
  await visitor.open("/admin/articles/new");
  return visitor.page.locator("#body");
}

async function saved(page) {
  await page.waitForFunction(() => /^Saved at/.test(document.getElementById("save-state").textContent), null, { timeout: SAVED_MAX_MS });
}

/** The preview shows these words, in a frame that the editor can change in place. */
async function previewed(page, words) {
  await page.waitForFunction((words) => document.getElementById("preview").contentDocument?.body.textContent.includes(words), words);
}

/** A paste as a browser hands it over. */
async function paste(page, { html = "", text = "", picture = null }) {
  await page.locator("#body").evaluate((body, { html, text, picture }) => {
    const data = new DataTransfer();
    if (html) data.setData("text/html", html);
    if (text) data.setData("text/plain", text);
    if (picture) {
      const octets = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
      data.items.add(new File([octets], "foto.png", { type: "image/png" }));
    }
    body.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
  }, { html, text, picture });
}

test("the tools write Markdown, by keyboard, and undo takes it back", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await body.fill("een goed jaar");
    await body.evaluate((area) => area.setSelectionRange(4, 8));
    await page.keyboard.press("Control+b");
    assert.equal(await body.inputValue(), "een **goed** jaar");
    await page.keyboard.press("Control+i");
    assert.equal(await body.inputValue(), "een ***goed*** jaar");
    await page.keyboard.press("Control+z");
    assert.equal(await body.inputValue(), "een **goed** jaar");
    await page.keyboard.press("Control+b");
    assert.equal(await body.inputValue(), "een goed jaar");
    await page.keyboard.press("Control+k");
    assert.equal(await body.inputValue(), "een [goed](https://) jaar");
    await page.keyboard.type("https://voorbeeld.example");
    assert.equal(await body.inputValue(), "een [goed](https://voorbeeld.example) jaar");
    await body.fill("een\ntwee");
    await page.keyboard.press("Control+a");
    await page.keyboard.press("Control+Shift+Digit8");
    assert.equal(await body.inputValue(), "- een\n- twee");
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    await page.keyboard.type("drie");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    assert.equal(await body.inputValue(), "- een\n- twee\n- drie\n\n");
    // One stop of Tab, and the arrows within.
    await page.locator("#title").focus();
    await visitor.tabTo(page.locator("[data-tool=bold]"));
    await page.keyboard.press("ArrowRight");
    await page.keyboard.press("ArrowRight");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.tool), "heading");
    await page.keyboard.press("End");
    assert.equal(await page.evaluate(() => document.activeElement.dataset.tool), "field");
    await page.keyboard.press("Tab");
    assert.equal(await page.evaluate(() => document.activeElement.id), "body");
    await body.fill("kop");
    await page.locator("[data-tool=heading]").click();
    assert.equal(await body.inputValue(), "## kop");
    await page.keyboard.press("End");
    await page.locator("[data-tool=field]").click();
    await page.keyboard.type("vriend");
    assert.equal(await body.inputValue(), "## kop{{name|vriend}}");
    await body.fill("een twee drie");
    assert.equal(await page.locator("[data-words]").textContent(), "3");
  });
});

test("Enter twice ends a list or a quote, and what follows is a paragraph of its own", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    for (const [before, begun] of [["- een", "- "], ["* een", "* "], ["1. een", "2. "], ["> een", "> "], ["- een\n  - onder", "  - "]]) {
      await body.fill(before);
      await page.keyboard.press("Control+End");
      await page.keyboard.press("Enter");
      assert.equal(await body.inputValue(), `${before}\n${begun}`);
      await page.keyboard.press("Enter");
      assert.equal(await body.inputValue(), `${before}\n\n`);
      // Undo takes back the end of the list alone.
      await page.keyboard.press("Control+z");
      assert.equal(await body.inputValue(), `${before}\n${begun}`);
      await page.keyboard.press("Control+Shift+z");
      assert.equal(await body.inputValue(), `${before}\n\n`);
      await page.keyboard.type("Verder.");
      assert.equal(await body.inputValue(), `${before}\n\nVerder.`);
    }
    // In the middle, the items below stay a list; and no line is added to one that is empty.
    await body.fill("1. een\n2. twee");
    await body.evaluate((area) => area.setSelectionRange(6, 6));
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Tussen.");
    assert.equal(await body.inputValue(), "1. een\n\nTussen.\n\n2. twee");
    await body.fill("Eerst.\n\n- ");
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    assert.equal(await body.inputValue(), "Eerst.\n\n");
    await body.fill("- een");
    await page.keyboard.press("Control+End");
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.keyboard.type("Verder.");
    await previewed(page, "Verder.");
    const item = await page.evaluate(() => document.getElementById("preview").contentDocument.querySelector("li").textContent.trim());
    assert.equal(item, "een");
  });
});

test("a sign that is typed by habit in an item that Enter began is one sign", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    const typed = async (before, words) => {
      await body.fill(before);
      await page.keyboard.press("Control+End");
      await page.keyboard.press("Enter");
      await page.keyboard.type(words);
      return body.inputValue();
    };
    assert.equal(await typed("- een", "- twee"), "- een\n- twee");
    assert.equal(await typed("* een", "* twee"), "* een\n* twee");
    assert.equal(await typed("- een", "* twee"), "- een\n- twee");
    assert.equal(await typed("  - een", "- twee"), "  - een\n  - twee");
    assert.equal(await typed("1. een", "2. twee"), "1. een\n2. twee");
    assert.equal(await typed("1. een", "1. twee"), "1. een\n2. twee");
    assert.equal(await typed("> een", "> twee"), "> een\n> twee");
    // Words that only begin like it, a date, and what somebody wrote before Enter.
    assert.equal(await typed("- een", "-twee - drie"), "- een\n- -twee - drie");
    assert.equal(await typed("1. een", "14. juli"), "1. een\n2. 14. juli");
    assert.equal(await typed("- een", "1. mei"), "- een\n- 1. mei");
    await body.fill("");
    await page.keyboard.type("- - een");
    assert.equal(await body.inputValue(), "- - een");
    // Who means it takes it back.
    assert.equal(await typed("- een", "- "), "- een\n- ");
    await page.keyboard.press("Control+z");
    assert.equal(await body.inputValue(), "- een\n- - ");
    await page.keyboard.press("End");
    await page.keyboard.type("twee");
    assert.equal(await body.inputValue(), "- een\n- - twee");
    await page.keyboard.press("Enter");
    assert.equal(await body.inputValue(), "- een\n- - twee\n- ");
  });
});

test("an article is kept while it is written, and is there after a reload", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await page.locator("#title").fill("Begin van iets");
    await body.fill("Het eerste woord.");
    await saved(page);
    const path = await visitor.path();
    assert.match(path, /^\/admin\/articles\/\d+$/);
    await body.fill("Het eerste woord, en een tweede.");
    await page.keyboard.press("Control+s");
    await saved(page);
    await page.reload();
    assert.equal(await body.inputValue(), "Het eerste woord, en een tweede.");
    assert.equal(await page.locator("#kept").isVisible(), false);
    await previewed(page, "een tweede");
    await inspect(visitor, "article-editor");
  });
});

test("the preview keeps its place while somebody writes, and says what is wrong", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await body.fill(Array.from({ length: 80 }, (_, at) => `Alinea ${at}.`).join("\n\n"));
    await previewed(page, "Alinea 79");
    const scroll = () => page.evaluate(() => document.getElementById("preview").contentWindow.scrollY);
    await page.evaluate(() => document.getElementById("preview").contentWindow.scrollTo(0, 500));
    await body.press("Control+End");
    await page.keyboard.type(" En meer.");
    await previewed(page, "En meer.");
    assert.equal(await scroll(), 500);
    await page.keyboard.type(" {{naam}}");
    await page.locator("#preview-problem").getByText("naam").waitFor();
    await previewed(page, "En meer.");
    await page.keyboard.press("Control+z");
  });
});

test("what the server never got is kept on this computer and brought back", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await page.locator("#title").fill("Zonder verbinding");
    await body.fill("Begin.");
    await saved(page);
    await page.route("**/autosave", (route) => route.abort());
    await page.route("**/preview", (route) => route.abort());
    await body.fill("Begin. En wat niemand kreeg.");
    await page.getByText("Not saved: no connection").waitFor();
    page.on("dialog", (dialog) => dialog.accept());
    await visitor.open(await visitor.path());
    await page.locator("#kept").waitFor();
    await page.unrouteAll();
    visitor.troubles.length = 0; // What the browser says of a connection that we cut.
    assert.equal(await body.inputValue(), "Begin.");
    await page.getByRole("button", { name: "Bring it back" }).click();
    assert.equal(await body.inputValue(), "Begin. En wat niemand kreeg.");
    await saved(page);
    await page.reload();
    assert.equal(await body.inputValue(), "Begin. En wat niemand kreeg.");
    assert.equal(await page.locator("#kept").isVisible(), false);
    visitor.troubles.length = 0;
  });
});

test("whoever was signed out signs in again in another window, and goes on", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page, context } = visitor;
    const body = await openNew(visitor);
    await page.locator("#title").fill("Afgemeld");
    await body.fill("Begin.");
    await saved(page);
    await context.clearCookies();
    await body.fill("Begin, en verder.");
    await page.getByText("you are signed out").waitFor();
    const other = await context.newPage();
    await other.goto(`${demo.url}/admin/login`);
    await other.locator("#address").fill(demo.login);
    await other.locator("#password").fill(demo.password);
    await Promise.all([other.waitForEvent("load"), other.locator("main form button").click()]);
    await other.close();
    await body.fill("Begin, en nog verder.");
    await saved(page);
    visitor.troubles.length = 0; // 403 for the form of the old session.
    await page.reload();
    assert.equal(await body.inputValue(), "Begin, en nog verder.");
  });
});

test("what Word and web pages copy becomes Markdown", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await body.fill("Vooraf. ");
    const html =
      "<html><body><!--StartFragment--><p class=MsoNormal>Een <b>vette</b> zin.<o:p></o:p></p>" +
      "<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><![if !supportLists]><span style='mso-list:Ignore'>·&nbsp;</span><![endif]>punt</p>" +
      "<script>window.bad = true</script><img src=x onerror='window.bad = true'><!--EndFragment--></body></html>";
    await paste(page, { html, text: "Een vette zin.\npunt" });
    await page.waitForFunction(() => document.getElementById("body").value.includes("punt"));
    assert.equal(await body.inputValue(), "Vooraf. Een **vette** zin.\n\n- punt");
    await page.keyboard.press("Control+z");
    assert.equal(await body.inputValue(), "Vooraf. ");
    // What has no structure stays as it is.
    await paste(page, { html: "<div><span style='color:red'>**al** Markdown</span></div>", text: "**al** Markdown" });
    // A made-up event writes nothing by itself.
    assert.equal(await body.inputValue(), "Vooraf. ");
    // Where the server does not answer, the words are there.
    await page.route("**/paste", (route) => route.abort());
    await paste(page, { html: "<p>kale <b>woorden</b></p>", text: "kale woorden" });
    await page.getByText("could not be kept").waitFor();
    assert.equal(await body.inputValue(), "Vooraf. kale woorden");
    // An address over words is a link.
    await body.fill("zie hier");
    await body.evaluate((area) => area.setSelectionRange(4, 8));
    await paste(page, { text: "https://voorbeeld.example/x" });
    assert.equal(await body.inputValue(), "zie [hier](https://voorbeeld.example/x)");
    assert.equal(await page.evaluate(() => window.bad), undefined);
    visitor.troubles.length = 0; // The connection that we cut.
  });
});

test("a picture is dropped, described and stands in the preview", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await page.locator("#title").fill("Met beeld");
    await body.fill("Tekst.");
    await body.evaluate((area, picture) => {
      const data = new DataTransfer();
      const octets = Uint8Array.from(atob(picture), (c) => c.charCodeAt(0));
      data.items.add(new File([octets], "foto.png", { type: "image/png" }));
      area.dispatchEvent(new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }, PIXEL);
    const dialog = page.locator("#image-dialog");
    await dialog.waitFor();
    await dialog.getByRole("button", { name: "Insert" }).click();
    await dialog.getByText("Please say what it shows").waitFor();
    await inspect(visitor, "article-picture", { hasKeyboard: false });
    await dialog.getByLabel("What does it show?").fill("Een [punt]");
    await dialog.getByRole("button", { name: "Insert" }).click();
    await page.waitForFunction(() => document.getElementById("body").value.includes("/images/"));
    assert.match(await body.inputValue(), /^Tekst\.\n\n!\[Een \\\[punt\\\]\]\(\/images\/[0-9a-f-]{36}\/mail\.png#1x1\)$/);
    await page.waitForFunction(() => document.getElementById("preview").contentDocument?.querySelector("img[alt='Een [punt]']"));
    // By the toolbar, as decoration, and what is no picture.
    await page.locator("[data-tool=image]").click();
    await dialog.locator("input[type=file]").setInputFiles({ name: "x.png", mimeType: "image/png", buffer: Buffer.from("<svg onload=alert(1)>") });
    await dialog.getByLabel(/decoration/).check();
    await dialog.getByRole("button", { name: "Insert" }).click();
    await dialog.getByText("SVG drawings").waitFor();
    const photo = Buffer.from("\0\0\0\x18ftypheic\0\0\0\0mif1heic", "latin1");
    await dialog.locator("input[type=file]").setInputFiles({ name: "IMG_0001.HEIC", mimeType: "image/heic", buffer: photo });
    await dialog.getByRole("button", { name: "Insert" }).click();
    await dialog.getByText("photos of an iPhone").waitFor();
    const large = Buffer.alloc(10 * 1024 * 1024 + 1);
    await dialog.locator("input[type=file]").setInputFiles({ name: "x.jpg", mimeType: "image/jpeg", buffer: large });
    await dialog.getByRole("button", { name: "Insert" }).click();
    await dialog.getByText("in a smaller size").waitFor();
    visitor.troubles.length = 0; // 422 for what is no picture.
    await dialog.getByRole("button", { name: "Cancel" }).click();
    await paste(page, { picture: PIXEL });
    await dialog.getByLabel(/decoration/).check();
    await dialog.getByRole("button", { name: "Insert" }).click();
    await page.waitForFunction(() => document.getElementById("body").value.includes(",decorative)"));
    await saved(page);
    await visitor.open("/admin/images");
    await inspect(visitor, "pictures");
  });
});

test("two people know of each other, and neither overwrites the other", async () => {
  await demo.sql(
    "INSERT INTO users (address, address_key, name, language, password_hash, created_at, joined_at) " +
      "SELECT 'bea@meridiaan.example', 'bea@meridiaan.example', 'Bea', 'en', password_hash, created_at, created_at FROM users LIMIT 1",
  );
  await demo.sql("INSERT INTO grants (user_id, newsletter_id, role) SELECT id, NULL, 'author' FROM users WHERE name = 'Bea'");
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    const body = await openNew(visitor);
    await page.locator("#title").fill("Voor twee");
    await body.fill("Van de een.");
    await saved(page);
    const path = await visitor.path();
    await browser.visit(demo, ENGLISH, async (other) => {
      await other.open("/admin/login");
      await other.page.locator("#address").fill("bea@meridiaan.example");
      await other.page.locator("#password").fill(demo.password);
      await other.follow(other.page.locator("main form button"));
      await other.open(path);
      await other.page.locator("#together").waitFor();
      await other.page.locator("#body").fill("Van de ander.");
      await saved(other.page);
    });
    await body.fill("Van de een, nog eens.");
    await page.getByText("Someone else saved this in the meantime").waitFor();
    visitor.troubles.length = 0; // 409 for the autosave.
    await visitor.follow(page.getByRole("button", { name: "Save as draft" }));
    assert.match(await page.locator(".comparison").innerText(), /ander/);
    await inspect(visitor, "article-conflict");
    assert.equal(await body.inputValue(), "Van de een, nog eens.");
    await visitor.follow(page.locator("button[value=save]:visible").last());
    assert.equal(await body.inputValue(), "Van de een, nog eens.");
  });
});

test("versions are compared and brought back", async () => {
  await browser.visit(demo, ENGLISH, async (visitor) => {
    const { page } = visitor;
    await signIn(visitor);
    await visitor.open("/admin/articles?q=Zes+lessen");
    await inspect(visitor, "articles");
    await visitor.follow(page.locator(".rows a").first());
    const body = page.locator("#body");
    const original = await body.inputValue();
    await body.fill("Iets heel anders.");
    await saved(page);
    await page.reload();
    await visitor.follow(page.getByRole("link", { name: "Versions" }));
    await inspect(visitor, "article-versions");
    await visitor.follow(page.locator(".versions a").nth(1));
    await visitor.follow(page.getByRole("link", { name: "What changed since" }));
    assert.match(await page.locator(".comparison ins").first().innerText(), /Iets heel anders/);
    await inspect(visitor, "article-version");
    await visitor.follow(page.getByRole("button", { name: "Bring this version back" }));
    assert.equal(await body.inputValue(), original);
  });
});

test("without scripts an article is written, described pictures are added, versions brought back", async () => {
  await browser.visit(demo, { ...ENGLISH, hasScripts: false }, async (visitor) => {
    const { page } = visitor;
    await signIn(visitor);
    await visitor.open("/admin/articles/new");
    assert.equal(await page.locator("#tools").isVisible(), false);
    await page.locator("#title").fill("Zonder scripts");
    await page.locator("#body").fill("Een.");
    await page.locator("details:has(#tags) > summary").click();
    await page.locator("#tags").fill("stil, Rustig");
    await visitor.follow(page.locator("button[value=save]:visible").last());
    const path = await visitor.path();
    await page.locator("#body").fill("Twee.");
    await visitor.follow(page.locator("button[value=save]:visible").last());
    await visitor.open("/admin/images");
    await page.locator("#file").setInputFiles({ name: "x.png", mimeType: "image/png", buffer: Buffer.from(PIXEL, "base64") });
    await visitor.follow(page.locator("main form button").first());
    visitor.troubles.length = 0;
    assert.match(await visitor.words(), /Please say what it shows/);
    await page.locator("#file").setInputFiles({ name: "x.png", mimeType: "image/png", buffer: Buffer.from(PIXEL, "base64") });
    await page.locator("#alt").fill("Een punt");
    await visitor.follow(page.locator("main form button").first());
    assert.match(await page.locator("#new-markdown").inputValue(), /^!\[Een punt\]\(\/images\//);
    await visitor.open(`${path}/versions`);
    await visitor.follow(page.locator(".versions a").nth(1));
    await visitor.follow(page.getByRole("button", { name: "Bring this version back" }));
    assert.equal(await page.locator("#body").inputValue(), "Een.");
    await visitor.follow(page.getByRole("button", { name: /Translate into French/ }));
    assert.equal(await page.locator("#language").inputValue(), "fr");
    await visitor.open("/admin/articles?tag=rustig");
    assert.match(await visitor.words(), /Zonder scripts/);
  });
});
