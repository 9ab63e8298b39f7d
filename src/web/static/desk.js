// The desk's conveniences. Every page works without them.
"use strict";

// What was typed is not lost by leaving the page.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let dirty = false;
  form.addEventListener("input", () => { dirty = true; });
  form.addEventListener("submit", () => { dirty = false; });
  // By itself, with all that was typed.
  form.addEventListener("saved", () => { dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
}

// A step of the first run that came back with a mistake keeps what was typed: a reload asks for it, and sends nothing again.
if (document.querySelector(".setup form[data-guard]:not(#owner)")) history.replaceState(null, "", location.href);

// The inbox row shows the subject while it is written, as somebody gets it who gave no name.
for (const field of document.querySelectorAll("[data-mirror]")) {
  const target = document.getElementById(field.dataset.mirror);
  if (!target) continue;
  const newsletter = target.closest("[data-newsletter]")?.dataset.newsletter;
  const shown = (text) =>
    newsletter === undefined
      ? text
      : text
          .replace(/\{\{\s*name\s*\|\s*([^{}]*[^{}\s])\s*\}\}/g, (_, fallback) => fallback)
          .replace(/\{\{\s*newsletter\s*\}\}/g, () => newsletter);
  field.addEventListener("input", () => { target.textContent = shown(field.value); });
}

// Enter in a search field inside a larger form searches.
for (const field of document.querySelectorAll("[data-enter]")) {
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter") return;
    event.preventDefault();
    field.form.requestSubmit(field.form.querySelector(`button[value="${field.dataset.enter}"]`));
  });
}

// One click is enough; the server holds a second one anyway.
for (const form of document.querySelectorAll("form[data-once]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "yes";
  });
}

// The numbers of a mailing while they move: as they are sent, or asked for where that does not work.
for (const box of document.querySelectorAll("[data-progress]")) {
  const group = (count) => String(count).replace(/\B(?=(\d{3})+$)/g, "\u202f");
  const write = (mark, words) => {
    const place = box.querySelector(mark);
    if (place) place.textContent = words;
  };
  const show = (now) => {
    if (now.status !== box.dataset.status) { location.reload(); return; }
    for (const count of box.querySelectorAll("[data-count]")) {
      count.textContent = group(now[count.dataset.count]);
      count.parentElement.classList.toggle("zero", now[count.dataset.count] === 0);
    }
    for (const piece of now.bar ?? []) {
      const rect = box.querySelector(`[data-bar="${piece.key}"]`);
      rect?.setAttribute("x", piece.x);
      rect?.setAttribute("width", piece.width);
    }
    write("[data-words]", now.words);
    write("[data-pace]", now.pace);
  };
  const ask = async () => {
    try {
      const answer = await fetch(box.dataset.progress, { headers: { accept: "application/json" } });
      if (answer.redirected) { location.reload(); return; } // Signed out: the login page says so.
      if (!answer.ok) throw new Error();
      show(await answer.json());
      setTimeout(ask, 1000);
    } catch { setTimeout(ask, 5000); }
  };
  if (!box.dataset.events) { ask(); continue; }
  const stream = new EventSource(box.dataset.events);
  stream.onmessage = (event) => show(JSON.parse(event.data));
  // A broken stream is begun again by the browser; a refused one is not.
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) ask(); };
}

// All boxes of a table at once.
for (const all of document.querySelectorAll("[data-tick-all]")) {
  const label = all.closest("label");
  if (label) label.hidden = false;
  all.addEventListener("change", () => {
    for (const box of all.form.querySelectorAll(`input[name="${all.dataset.tickAll}"]`)) box.checked = all.checked;
  });
}

// What waits where, every ten seconds.
for (const part of document.querySelectorAll("[data-fresh]")) {
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const answer = await fetch(location.pathname);
      if (!answer.ok || answer.redirected) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      part.replaceChildren(...(page.getElementById(part.id)?.childNodes ?? []));
    } catch { /* The next time. */ }
  }, 10000);
}

// Seconds until a mailing begins.
for (const place of document.querySelectorAll("[data-countdown]")) {
  const end = performance.now() + Number(place.textContent) * 1000;
  setInterval(() => {
    place.textContent = Math.max(0, Math.ceil((end - performance.now()) / 1000));
  }, 250);
}

// Copying what one pastes into a website; where the browser does not allow it, it is selected.
for (const button of document.querySelectorAll("[data-copy]")) {
  button.hidden = false;
  const words = button.textContent;
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.value);
      button.textContent = button.dataset.done;
      setTimeout(() => { button.textContent = words; }, 2000);
    } catch {
      source.focus();
      source.select();
    }
  });
}

// A new field shows the rules of its own kind only.
const kind = document.querySelector("select#kind");
if (kind) {
  const show = () => {
    for (const part of document.querySelectorAll("[data-kind]")) part.hidden = part.dataset.kind !== kind.value;
  };
  kind.addEventListener("change", show);
  show();
}

// A form that takes its time says so, and is not sent twice.
for (const form of document.querySelectorAll("form[data-busy]")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) { event.preventDefault(); return; }
    const button = event.submitter;
    if (!button || (button.name === "do" && button.value !== "test")) return;
    form.dataset.sent = "yes";
    // After the browser has read the button's value.
    setTimeout(() => {
      button.textContent = form.dataset.busy;
      button.setAttribute("aria-disabled", "true");
    });
  });
}

// The time zone of this machine, where nobody has chosen one.
for (const field of document.querySelectorAll("select[data-guess-zone]")) {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  if ([...field.options].some((option) => option.value === zone)) field.value = zone;
}

// A colour can be picked as well as typed.
for (const picker of document.querySelectorAll("[data-color-of]")) {
  const field = document.getElementById(picker.dataset.colorOf);
  const isColor = (text) => /^#[0-9a-f]{6}$/i.test(text);
  const follow = () => { if (isColor(field.value.trim())) picker.value = field.value.trim(); };
  picker.hidden = false;
  follow();
  field.addEventListener("input", follow);
  picker.addEventListener("input", () => {
    field.value = picker.value;
    field.dispatchEvent(new Event("input", { bubbles: true }));
  });
}

// A real mail and the sign-up page follow the brand as it is typed, a moment after the last key.
for (const box of document.querySelectorAll("[data-brand]")) {
  const form = box.closest("form");
  box.querySelector("[data-brand-button]").hidden = true;
  let timer = 0;
  const refresh = async () => {
    const look = new URLSearchParams();
    for (const name of ["brand_color", "logo_url"]) look.set(name, form.elements[name].value.trim());
    for (const frame of box.querySelectorAll("[data-brand-frame]")) frame.src = `${frame.dataset.brandFrame}&${look}`;
    try {
      const answer = await fetch(`${box.dataset.brand}/notes?${look}`);
      if (answer.ok && !answer.redirected) box.querySelector("[data-brand-notes]").innerHTML = await answer.text();
    } catch { /* The notes of before stay. */ }
  };
  box.addEventListener("input", () => { clearTimeout(timer); timer = setTimeout(refresh, 400); });
  // A picture goes to the server first: the previews show the address that it gets.
  box.querySelector("[data-brand-file]").addEventListener("change", (event) => {
    if (event.target.files.length > 0) form.requestSubmit(box.querySelector("[data-brand-button]"));
  });
}
