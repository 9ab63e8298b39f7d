// The editor of articles: tools, keys, paste, pictures, preview, autosave. Without it the page is a form that works.
"use strict";

const form = document.getElementById("editor");
const body = form.elements.body;
const texts = form.dataset;
const show = (place, words) => { place.textContent = words; place.hidden = !words; };
const told = document.getElementById("told");

// ---- Writing into the text, so that the browser's own undo takes it back.

function insert(text, from = body.selectionStart, to = body.selectionEnd) {
  body.focus();
  body.setSelectionRange(from, to);
  if (document.execCommand(text ? "insertText" : "delete", false, text)) return;
  body.setRangeText(text, from, to, "end");
  body.dispatchEvent(new Event("input", { bubbles: true }));
}

const selected = () => body.value.slice(body.selectionStart, body.selectionEnd);

/** Puts marks around what is selected, or takes them away. */
function wrap(mark) {
  let [from, to] = [body.selectionStart, body.selectionEnd];
  while (from < to && /\s/.test(body.value[from])) from += 1;
  while (to > from && /\s/.test(body.value[to - 1])) to -= 1;
  const text = body.value.slice(from, to);
  const around = body.value.slice(from - mark.length, from) === mark && body.value.slice(to, to + mark.length) === mark;
  // One star beside another is half of two.
  const isHalf = mark === "*" && body.value[from - 2] === "*" && body.value[from - 3] !== "*";
  if (around && !isHalf) {
    insert(text, from - mark.length, to + mark.length);
    body.setSelectionRange(from - mark.length, to - mark.length);
  } else {
    insert(mark + text + mark, from, to);
    body.setSelectionRange(from + mark.length, to + mark.length);
  }
}

/** Changes each line of the selection; `change` gets all of them. */
function lines(change) {
  const from = body.value.lastIndexOf("\n", body.selectionStart - 1) + 1;
  const end = body.value.indexOf("\n", Math.max(body.selectionEnd - (selected().endsWith("\n") ? 1 : 0), from));
  const to = end < 0 ? body.value.length : end;
  const text = change(body.value.slice(from, to).split("\n")).join("\n");
  insert(text, from, to);
  if (text.includes("\n")) body.setSelectionRange(from, from + text.length);
}

const START = /^(\s*)(?:[-*+] |\d+[.)] |> )?/;
const prefixed = (make, isDone) => lines((all) => {
  const takeAway = all.every((line) => isDone.test(line) || !line.trim()) && all.some((line) => line.trim());
  let number = 0;
  return all.map((line) => {
    if (!line.trim() && all.length > 1) return line;
    number += 1;
    return line.replace(START, (_, space) => space + (takeAway ? "" : make(number)));
  });
});

const isAddress = (text) => /^(https?:\/\/|mailto:)\S+$/.test(text.trim());

const tools = {
  bold: () => wrap("**"),
  italic: () => wrap("*"),
  heading: () => lines((all) => all.map((line) => {
    const level = /^(#{0,6}) ?/.exec(line)[1].length;
    return { 2: "### ", 3: "" }[level] === undefined ? `## ${line.replace(/^#* ?/, "")}` : { 2: "### ", 3: "" }[level] + line.replace(/^#+ ?/, "");
  })),
  link: () => {
    const [from, text] = [body.selectionStart, selected()];
    if (isAddress(text)) {
      insert(`[](${text.trim()})`);
      body.setSelectionRange(from + 1, from + 1);
    } else {
      insert(`[${text}](https://)`);
      const at = from + text.length + 3;
      body.setSelectionRange(text ? at : from + 1, text ? at + 8 : from + 1);
    }
  },
  list: () => prefixed(() => "- ", /^\s*[-*+] /),
  numbers: () => prefixed((number) => `${number}. `, /^\s*\d+[.)] /),
  quote: () => prefixed(() => "> ", /^\s*> /),
  image: () => askForImage(null),
  field: () => {
    const from = body.selectionStart + "{{name|".length;
    insert(`{{name|${texts.reader}}}`);
    body.setSelectionRange(from, from + texts.reader.length);
  },
};

// ---- The toolbar: one stop of Tab, arrows within (ARIA toolbar pattern).

const bar = document.getElementById("tools");
const buttons = [...bar.querySelectorAll("button")];
const isMac = /Mac|iPhone|iPad/.test(navigator.platform);
for (const [at, button] of buttons.entries()) {
  button.tabIndex = at === 0 ? 0 : -1;
  button.addEventListener("click", () => { body.focus(); tools[button.dataset.tool](); });
  const { key } = button.dataset;
  if (!key) continue;
  const isShift = "shift" in button.dataset;
  button.title += isMac ? ` (${isShift ? "⇧" : ""}⌘${key.toUpperCase()})` : ` (Ctrl+${isShift ? "Shift+" : ""}${key.toUpperCase()})`;
  button.setAttribute("aria-keyshortcuts", `${isMac ? "Meta" : "Control"}+${isShift ? "Shift+" : ""}${key.toUpperCase()}`);
}
bar.hidden = false;
bar.addEventListener("keydown", (event) => {
  const at = buttons.indexOf(document.activeElement);
  const count = buttons.length;
  const next = { ArrowRight: (at + 1) % count, ArrowLeft: (at + count - 1) % count, Home: 0, End: count - 1 }[event.key];
  if (next === undefined || at < 0) return;
  event.preventDefault();
  buttons[at].tabIndex = -1;
  buttons[next].tabIndex = 0;
  buttons[next].focus();
});

body.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.isComposing) goOn(event);
  if (!(isMac ? event.metaKey : event.ctrlKey) || event.altKey) return;
  const digit = /^Digit(\d)$/.exec(event.code)?.[1];
  const pressed = event.shiftKey && digit ? digit : event.key.toLowerCase();
  const button = buttons.find(({ dataset }) => dataset.key === pressed && "shift" in dataset === event.shiftKey);
  if (!button) return;
  event.preventDefault();
  tools[button.dataset.tool]();
});

/** What Enter began last: where its line starts, and with what. Who types the sign once more, by habit, means no list in it. */
let begun = null;

/** Enter in a list begins the next item; in an empty item it ends the list, and a paragraph of its own begins. */
function goOn(event) {
  if (body.selectionStart !== body.selectionEnd) return;
  const at = body.selectionStart;
  const from = body.value.lastIndexOf("\n", at - 1) + 1;
  const [whole, space, sign, text] = /^(\s*)([-*+] |\d+[.)] |> )(.*)$/.exec(body.value.slice(from, at)) ?? [];
  if (!whole) return;
  event.preventDefault();
  if (!text.trim()) {
    // Lines that touch belong together: the words to the item above, or the items below to the words.
    const above = body.value.slice(0, from).split("\n").at(-2)?.trim() ? "\n" : "";
    const [rest, next] = body.value.slice(at).split("\n");
    const below = !rest.trim() && next?.trim() ? "\n" : "";
    insert(above + below, from, at);
    body.setSelectionRange(from + above.length, from + above.length);
    return;
  }
  const next = space + sign.replace(/\d+/, (number) => Number(number) + 1);
  insert(`\n${next}`);
  begun = { from: at + 1, sign: next };
}

body.addEventListener("input", (event) => {
  if (!begun) return;
  const { from, sign } = begun;
  const at = body.selectionStart;
  const line = body.value.slice(from, at);
  if (body.value[from - 1] !== "\n" || !line.startsWith(sign) || line.includes("\n")) { begun = null; return; }
  if (event.inputType !== "insertText" || event.data !== " ") return;
  // Of numbers, the one that is there, or the 1 that Markdown takes for any; another may be a date.
  const again = /\d/.test(sign) ? `(1|${parseInt(sign, 10)})[.)]` : sign.trim() === ">" ? ">" : "[-*+]";
  if (!new RegExp(`^${again} $`).test(line.slice(sign.length))) return;
  begun = null;
  insert("", from + sign.length, at);
});

// ---- How long it is.

const [words, minutes] = ["words", "minutes"].map((name) => document.querySelector(`#length [data-${name}]`));
function count() {
  // The address of a link or an image is no word.
  const all = body.value.split(/\s+/).filter((word) => /[\p{L}\p{N}]/u.test(word) && !word.includes("](")).length;
  words.textContent = all;
  minutes.textContent = Math.max(1, Math.ceil(all / 220));
}

// ---- The preview. It is in a sandbox that runs nothing; that this page may look into it keeps its place.

let frame = document.getElementById("preview");
const problem = document.getElementById("preview-problem");
let previewTimer = 0;
let previewing = null;
async function preview() {
  previewing?.abort();
  previewing = new AbortController();
  const { signal } = previewing;
  try {
    const answer = await fetch("/admin/articles/preview", { method: "POST", body: fields(), signal });
    if (!answer.ok || answer.redirected) throw new Error();
    const html = await answer.text();
    const next = new DOMParser().parseFromString(html, "text/html").querySelector("article");
    const now = frame.srcdoc && frame.contentDocument?.querySelector("article");
    const wrong = next.querySelector(".problem")?.textContent ?? "";
    show(problem, now ? wrong : "");
    if (now && !wrong) {
      frame.contentDocument.documentElement.lang = form.elements.language.value;
      now.replaceWith(frame.contentDocument.adoptNode(next));
    } else if (!now) {
      // A frame of its own: what the first one still loads would come after, and be out of reach.
      const fresh = frame.cloneNode();
      fresh.removeAttribute("src");
      fresh.setAttribute("sandbox", "allow-same-origin");
      fresh.srcdoc = html;
      frame.replaceWith(fresh);
      frame = fresh;
    }
  } catch {
    if (!signal.aborted) show(problem, texts.previewFailed);
  }
}
form.querySelector("[data-preview-button]").addEventListener("click", (event) => {
  event.preventDefault();
  preview();
  frame.scrollIntoView({ block: "nearest" });
});

// ---- Autosave, with a copy on this computer until the server has it.

/** After so long without a key. */
const PAUSE_MS = 2500;
/** And at least so often while somebody types. */
const LONGEST_MS = 20000;
const AGAIN_MS = 10000;
const NAMES = ["title", "body", "teaser", "author", "language", "tags", "canonical_url", "slug"];
const state = document.getElementById("save-state");
let article = /\/articles\/(\d+)$/.exec(form.getAttribute("action"))?.[1] ?? "";
let dirty = false;
let failed = false;
let stopped = false;
let saving = null;
let saveTimer = 0;
let dirtySince = 0;

const fields = () => new URLSearchParams(new FormData(form));
const values = () => Object.fromEntries(NAMES.map((name) => [name, form.elements[name].value]));
const copyKey = () => `postiljon:${texts.user}:${article || "new"}`;
const tell = (words, isBad = false) => {
  if (state.textContent !== words) state.textContent = words;
  state.classList.toggle("bad", isBad);
};

function keepCopy() {
  try { localStorage.setItem(copyKey(), JSON.stringify(values())); } catch { /* No room: the server is asked all the same. */ }
}
function dropCopy(key = copyKey()) {
  try { localStorage.removeItem(key); } catch { /* There was none. */ }
}

function save() {
  clearTimeout(saveTimer);
  saving ??= send().finally(() => {
    saving = null;
    if (dirty && !stopped) later(failed ? AGAIN_MS : PAUSE_MS);
  });
  return saving;
}

async function send() {
  if (stopped || !dirty || (!article && !(form.elements.title.value + body.value + form.elements.teaser.value).trim())) return;
  dirty = false;
  dirtySince = 0;
  tell(texts.saving);
  const sent = fields();
  try {
    const url = article ? `/admin/articles/${article}/autosave` : "/admin/articles/autosave";
    const answer = await fetch(url, { method: "POST", body: sent, keepalive: sent.toString().length < 60000 });
    if (answer.redirected) return refuse(texts.signedOut);
    if (answer.status === 403) { if (await renew()) dirty = true; else refuse(texts.signedOut); return; }
    const said = await answer.json();
    if (answer.status === 409) { stopped = true; return refuse(texts.conflict); }
    if (!answer.ok) return refuse(`${texts.notSaved} ${said.error ?? ""}`);
    failed = false;
    form.elements.version.value = said.version;
    const before = copyKey();
    if (!article) begin(said.id);
    if (!dirty) dropCopy(before);
    tell(said.saved);
    together(said.others);
  } catch { refuse(texts.offline); }
}

/** Somebody signed in again in another window: the forms of this page belong to the new session. */
async function renew() {
  const answer = await fetch("/admin/articles/new");
  if (answer.redirected) return false;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = page.querySelector("input[name=csrf]")?.value;
  if (!token || token === form.elements.csrf.value) return false;
  for (const field of document.querySelectorAll("input[name=csrf]")) field.value = token;
  return true;
}

function refuse(words) {
  dirty = true;
  failed = true;
  keepCopy();
  tell(words, true);
}

/** The article has its row: from here on it has its own address. */
function begin(id) {
  article = String(id);
  form.action = `/admin/articles/${id}`;
  history.replaceState(null, "", form.action);
  document.getElementById("slug-field").hidden = false;
  here();
}

function later(ms) {
  clearTimeout(saveTimer);
  saveTimer = setTimeout(save, ms);
}

form.addEventListener("input", () => {
  dirty = true;
  dirtySince ||= Date.now();
  if (!failed && !stopped) tell(texts.unsaved);
  count();
  keepCopy();
  clearTimeout(previewTimer);
  previewTimer = setTimeout(preview, 400);
  if (!stopped) later(Date.now() - dirtySince > LONGEST_MS ? 0 : PAUSE_MS);
});
form.addEventListener("focusout", (event) => { if (!form.contains(event.relatedTarget)) save(); });
document.addEventListener("visibilitychange", () => { if (document.hidden) save(); });
window.addEventListener("keydown", (event) => {
  if ((isMac ? event.metaKey : event.ctrlKey) && event.key.toLowerCase() === "s") { event.preventDefault(); save(); }
});
window.addEventListener("beforeunload", (event) => { if (dirty && failed) event.preventDefault(); });
form.addEventListener("submit", (event) => {
  if (event.submitter?.formAction.endsWith("/preview")) return;
  clearTimeout(saveTimer);
  if (saving) {
    // Its answer has the version that this save is over.
    event.preventDefault();
    saving.then(() => form.requestSubmit(event.submitter));
    return;
  }
  keepCopy();
  dirty = false;
  stopped = true;
});

// ---- A copy that was left behind, because the server never got it.

const kept = document.getElementById("kept");
const plain = (text) => text.replaceAll("\r\n", "\n").trim();
function left(key) {
  try { return JSON.parse(localStorage.getItem(key)); } catch { return null; }
}
function isSame(copy) {
  const now = values();
  return NAMES.every((name) => name === "slug" || plain(copy[name] ?? "") === plain(now[name]));
}
const copy = left(copyKey());
if (copy && isSame(copy)) dropCopy();
else if (copy) kept.hidden = false;
if (article) {
  // What was begun as a new article is this one by now.
  const key = `postiljon:${texts.user}:new`;
  const begun = left(key);
  if (begun && isSame(begun)) dropCopy(key);
}
kept.querySelector("[data-back]").addEventListener("click", () => {
  for (const name of NAMES) if (copy[name] !== undefined) form.elements[name].value = copy[name];
  kept.hidden = true;
  body.focus();
  form.dispatchEvent(new Event("input"));
});
kept.querySelector("[data-drop]").addEventListener("click", () => { dropCopy(); kept.hidden = true; body.focus(); });

// ---- Who else is here.

const HERE_MS = 20000;
const notice = document.getElementById("together");
function together(names) {
  if (!notice) return;
  notice.querySelector("[data-names]").textContent = names.join(", ");
  notice.hidden = names.length === 0;
}
async function here(isFirst = false) {
  if (!article || document.hidden) return;
  const version = form.elements.version.value;
  try {
    const answer = await fetch(`/admin/articles/${article}/presence`, { method: "POST", body: new URLSearchParams({ csrf: form.elements.csrf.value }) });
    if (!answer.ok || answer.redirected) return;
    const said = await answer.json();
    together(said.others);
    if (!saving && version === form.elements.version.value && said.version > Number(version)) {
      // What was saved by leaving this page a moment ago: the page was asked for before it arrived.
      if (isFirst && !dirty && sessionStorage.getItem("postiljon:seen") !== `${article}:${said.version}`) {
        sessionStorage.setItem("postiljon:seen", `${article}:${said.version}`);
        location.reload();
        return;
      }
      stopped = true;
      tell(texts.conflict, true);
    }
  } catch { /* The next time. */ }
}
setInterval(here, HERE_MS);
here(true);
window.addEventListener("pagehide", () => {
  if (article) navigator.sendBeacon(`/admin/articles/${article}/presence`, new URLSearchParams({ csrf: form.elements.csrf.value, left: "1" }));
});

// ---- Paste.

/** As the server takes it. */
const HTML_MAX = 4 * 1024 * 1024;
const PASTE_MAX_MS = 10000;
/** What has none of these is as good as plain text: what code editors copy. */
const STRUCTURE = /<(p|h[1-6]|ul|ol|table|a|b|strong|em|i|blockquote|img)[\s>]|font-weight:\s*(bold|[6-9]00)/i;

body.addEventListener("paste", (event) => {
  const data = event.clipboardData;
  const [html, text] = [data.getData("text/html"), data.getData("text/plain")];
  const pictures = [...data.files].filter((file) => file.type.startsWith("image/"));
  if (pictures.length > 0 && !text.trim()) {
    event.preventDefault();
    askForImages(pictures);
  } else if (isAddress(text) && selected().trim() && !selected().includes("\n")) {
    event.preventDefault();
    insert(`[${selected()}](${text.trim()})`);
  } else if (STRUCTURE.test(html)) {
    event.preventDefault();
    pasteHtml(html, text);
  }
});

async function pasteHtml(html, text) {
  // Pictures in the HTML itself are not kept, and may be megabytes.
  const small = html.replace(/(\ssrc\s*=\s*)(["'])data:[^"']*\2/gi, '$1"data:,"');
  const [from, to] = [body.selectionStart, body.selectionEnd];
  let markdown = text;
  let words = texts.pasteFailed;
  if (small.length > HTML_MAX) {
    words = texts.pasteLarge;
  } else {
    show(told, texts.pasting);
    body.readOnly = true;
    try {
      const answer = await fetch("/admin/articles/paste", {
        method: "POST", body: new URLSearchParams({ csrf: form.elements.csrf.value, html: small }), signal: AbortSignal.timeout(PASTE_MAX_MS),
      });
      const said = answer.redirected ? {} : await answer.json();
      if (answer.ok && said.markdown !== undefined) [markdown, words] = [said.markdown, said.notice ?? ""];
      else words = said.error ?? words;
    } catch { /* The text itself is there. */ }
    body.readOnly = false;
  }
  insert(markdown, from, to);
  show(told, words);
}

// ---- Pictures: from the toolbar, pasted, dropped.

const dialog = document.getElementById("image-dialog");
const [look, chosen, alt, decorative, wrong] =
  ["look", "file", "alt", "decorative", "problem"].map((name) => document.getElementById(`image-${name}`));
const FILE_MAX = 10 * 1024 * 1024;
let picture = null;
let caret = [0, 0];
let answered = () => {};

/** Asks what a picture shows, and puts it into the text. */
function askForImage(file) {
  picture = file;
  // Browsers forget it while a dialog is open.
  caret = [body.selectionStart, body.selectionEnd];
  alt.value = "";
  chosen.value = "";
  decorative.checked = false;
  show(wrong, "");
  document.getElementById("image-choose").hidden = file !== null;
  lookAt(file);
  dialog.showModal();
  (file ? alt : chosen).focus();
  return new Promise((resolve) => { answered = resolve; });
}
async function askForImages(files) {
  for (const file of files) await askForImage(file);
}
function lookAt(file) {
  look.hidden = true;
  if (!file) return;
  const reader = new FileReader();
  reader.onload = () => { look.src = reader.result; look.hidden = false; };
  reader.readAsDataURL(file);
}
chosen.addEventListener("change", () => { picture = chosen.files[0] ?? null; show(wrong, ""); lookAt(picture); });
look.addEventListener("error", () => { look.hidden = true; });
decorative.addEventListener("change", () => { alt.disabled = decorative.checked; });
document.getElementById("image-cancel").addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => { alt.disabled = false; body.focus(); body.setSelectionRange(...caret); answered(); });

dialog.querySelector("form").addEventListener("submit", async (event) => {
  event.preventDefault();
  const words = alt.value.trim();
  if (!picture) { chosen.focus(); return; }
  if (!words && !decorative.checked) { show(wrong, texts.altMissing); alt.focus(); return; }
  if (picture.size > FILE_MAX) { show(wrong, texts.tooLarge); return; }
  const button = document.getElementById("image-insert");
  const name = button.textContent;
  button.disabled = true;
  button.textContent = texts.uploading;
  try {
    const data = new FormData();
    data.append("csrf", form.elements.csrf.value);
    data.append("alt", words);
    if (decorative.checked) data.append("decorative", "on");
    data.append("file", picture, "picture");
    const answer = await fetch("/admin/images", { method: "POST", body: data, headers: { accept: "application/json" } });
    const said = answer.redirected ? { error: texts.signedOut } : await answer.json();
    if (!answer.ok || said.error) {
      show(wrong, said.error ?? texts.uploadFailed);
    } else {
      const isDecorative = decorative.checked;
      dialog.close();
      insertImage(isDecorative ? "" : words, said.address + (isDecorative ? ",decorative" : ""));
    }
  } catch { show(wrong, texts.uploadFailed); }
  button.disabled = false;
  button.textContent = name;
});

function insertImage(words, address) {
  const [from, to] = caret;
  const gap = (text) => (text === "" || text.endsWith("\n\n") ? "" : text.endsWith("\n") ? "\n" : "\n\n");
  const after = body.value.slice(to);
  const end = after === "" || after.startsWith("\n\n") ? "" : after.startsWith("\n") ? "\n" : "\n\n";
  insert(`${gap(body.value.slice(0, from))}![${words.replace(/[\\[\]]/g, "\\$&")}](${address})${end}`, from, to);
  caret = [body.selectionStart, body.selectionEnd];
}

const hasFiles = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
for (const name of ["dragenter", "dragover"]) {
  body.addEventListener(name, (event) => {
    if (!hasFiles(event)) return;
    event.preventDefault();
    body.classList.add("dropping");
  });
}
body.addEventListener("dragleave", () => body.classList.remove("dropping"));
body.addEventListener("drop", (event) => {
  body.classList.remove("dropping");
  if (!hasFiles(event)) return;
  event.preventDefault();
  askForImages([...event.dataTransfer.files]);
});

preview();
