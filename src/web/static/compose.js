// Composing an issue: saved by itself, articles moved by mouse and keyboard without a reload, fields put where the
// cursor was. Without it every button does the same by a reload.

const form = document.getElementById("composing");
const state = document.getElementById("saved");
const chosen = document.getElementById("chosen");

// Saving by itself.
const AGAIN_MS = 5000;
let timer;
/** The save that is under way. */
let saving = null;
/** The button that waits for it. */
let pressed;
let again = false;
/** Something was changed that no save has taken along yet. */
let isAhead = false;
const stays = () => form.hasAttribute("data-autosave");

function say(words, isBad) {
  state.textContent = words;
  state.classList.toggle("bad", Boolean(isBad));
}

function later() {
  if (!stays()) return;
  isAhead = true;
  clearTimeout(timer);
  timer = setTimeout(save, 1200);
}

function save() {
  if (!stays()) return;
  if (saving) { again = true; return; }
  saving = send().finally(() => {
    saving = null;
    if (again) { again = false; later(); }
  });
}

async function send() {
  say(state.dataset.saving);
  isAhead = false;
  const body = new URLSearchParams(new FormData(form));
  body.delete("add"); // Chosen, but not added yet.
  let answer, now;
  try {
    answer = await fetch(form.action, { method: "POST", body, headers: { accept: "application/json" } });
    if (answer.redirected) throw new Error();
    now = await answer.json();
  } catch {
    say(state.dataset.lost, true);
    clearTimeout(timer);
    timer = setTimeout(save, AGAIN_MS);
    return;
  }
  if (!answer.ok) {
    say(now.message, true);
    document.getElementById("checks-before").hidden = false;
    // What somebody else did is for the person to see: the next press shows it.
    if (answer.status === 409) form.removeAttribute("data-autosave");
    return;
  }
  form.elements.version.value = now.version;
  say(now.saved);
  // Not while a press waits: its button may be one of the checks.
  if (pressed === undefined) show(now);
  if (!isAhead) form.dispatchEvent(new CustomEvent("saved"));
}

/** What the page says beside the form: how many get it, and whether it may be sent, only where that stands on it. */
function show(now) {
  const readers = document.getElementById("readers");
  if (readers) readers.textContent = now.readers;
  document.getElementById("checks-before").hidden = true;
  const checks = document.getElementById("checks");
  const page = new DOMParser().parseFromString(now.checks, "text/html");
  if (checks.innerHTML !== page.body.innerHTML) checks.replaceChildren(...page.body.childNodes);
  form.querySelector("[data-go]")?.classList.toggle("quiet", !now.is_ready);
}

form.addEventListener("input", (event) => { if (event.target.name !== "add" && event.target.name !== "q") later(); });
form.addEventListener("change", (event) => { if (event.target.name !== "add" && event.target.name !== "q") later(); });
/** A second press within this time is the same one. */
const TWICE_MS = 2000;
let left = -Infinity;
form.addEventListener("submit", (event) => {
  clearTimeout(timer);
  if (event.timeStamp - left < TWICE_MS) { event.preventDefault(); return; }
  if (saving) {
    // Its answer has the version that this save is over.
    event.preventDefault();
    if (pressed === undefined) saving.then(() => form.requestSubmit(pressed));
    pressed = event.submitter;
    return;
  }
  left = event.timeStamp;
  form.removeAttribute("data-autosave");
});
addEventListener("pageshow", (event) => { if (event.persisted) location.reload(); });

// Articles.
function renumber() {
  const rows = [...chosen.children];
  rows.forEach((row, at) => {
    row.querySelector("[name^=position-]").value = at + 1;
    row.querySelector("[value^=up-]").disabled = at === 0;
    row.querySelector("[value^=down-]").disabled = at === rows.length - 1;
  });
}

function announce(row) {
  const place = [...chosen.children].indexOf(row) + 1;
  const moved = document.getElementById("moved");
  moved.textContent = moved.dataset.words.replace("%t", row.dataset.title).replace("%n", place);
}

function move(row, before) {
  chosen.insertBefore(row, before);
  renumber();
  announce(row);
  later();
}

chosen?.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const row = button?.closest("li");
  if (!row) return;
  const [verb] = button.value.split("-");
  if (verb === "up") move(row, row.previousElementSibling);
  else if (verb === "down") move(row, row.nextElementSibling?.nextElementSibling ?? null);
  else return;
  event.preventDefault();
  if (button.disabled) row.querySelector("button:not(:disabled)").focus();
  else button.focus();
});

chosen?.addEventListener("change", (event) => {
  if (!event.target.name.startsWith("position-")) return;
  const rows = [...chosen.children].filter((row) => row !== event.target.closest("li"));
  const at = Math.min(Math.max(Number(event.target.value) || 1, 1), rows.length + 1);
  move(event.target.closest("li"), rows[at - 1] ?? null);
  event.target.focus();
});

let dragged;
for (const grip of document.querySelectorAll(".grip")) {
  const row = grip.closest("li");
  grip.hidden = false;
  // Only the grip begins a drag: elsewhere text can be selected.
  grip.addEventListener("pointerdown", () => { row.draggable = true; });
  grip.addEventListener("pointerup", () => { row.draggable = false; });
  row.addEventListener("dragstart", (event) => {
    dragged = row;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", row.dataset.title);
    requestAnimationFrame(() => row.classList.add("dragged"));
  });
  row.addEventListener("dragend", () => {
    row.draggable = false;
    row.classList.remove("dragged");
    if (dragged) { renumber(); announce(row); later(); }
    dragged = undefined;
  });
}
chosen?.addEventListener("dragover", (event) => {
  if (!dragged) return;
  event.preventDefault();
  const over = event.target.closest("#chosen > li");
  if (!over || over === dragged) return;
  const { top, height } = over.getBoundingClientRect();
  chosen.insertBefore(dragged, event.clientY < top + height / 2 ? over : over.nextElementSibling);
});
chosen?.addEventListener("drop", (event) => event.preventDefault());

// Fields: put where the cursor was last.
let last = document.getElementById("intro");
for (const field of document.querySelectorAll("[data-merge]")) field.addEventListener("focus", () => { last = field; });
for (const code of document.querySelectorAll("[data-insert]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "quiet small merge";
  button.textContent = code.textContent;
  button.addEventListener("click", () => {
    last.focus();
    // So that it can be undone.
    if (!document.execCommand("insertText", false, code.textContent)) {
      last.setRangeText(code.textContent, last.selectionStart, last.selectionEnd, "end");
    }
    last.dispatchEvent(new Event("input", { bubbles: true }));
  });
  code.replaceWith(button);
}
