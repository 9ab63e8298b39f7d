// The desk's conveniences. Every page works without them.
"use strict";

// What was typed is not lost by leaving the page.
for (const form of document.querySelectorAll("form[data-guard]")) {
  let dirty = false;
  form.addEventListener("input", () => { dirty = true; });
  form.addEventListener("submit", () => { dirty = false; });
  window.addEventListener("beforeunload", (event) => { if (dirty) event.preventDefault(); });
}

// The inbox row shows the subject while it is written.
for (const field of document.querySelectorAll("[data-mirror]")) {
  const target = document.getElementById(field.dataset.mirror);
  field.addEventListener("input", () => { target.textContent = field.value; });
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
    for (const piece of now.bar) {
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
  const stream = new EventSource(box.dataset.events);
  stream.onmessage = (event) => show(JSON.parse(event.data));
  // A broken stream is begun again by the browser; a refused one is not.
  stream.onerror = () => { if (stream.readyState === EventSource.CLOSED) ask(); };
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
