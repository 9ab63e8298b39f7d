// Upgrades the plain sign-up forms of a page in place: <script async src="https://../static/signup.js"></script>.
// A form that posts to ../f/{form}/subscribe is one of ours. It sets no cookie and asks nothing of anybody until
// the form is used. Whatever goes wrong here, the form is posted as if this file were not there.

// Beside a form that was left open the stamp is asked for again; the server takes it for a day.
const STAMP_AGE_MAX = 12 * 3600 * 1000;
// Longer than the server's shortest time to fill in a form.
const PATIENCE = 2100;
const TRIES_MAX = 4;
const POSTS_TO = /^(https?:\/\/[^/?#]+)\/f\/([0-9a-f-]{36})\/subscribe$/;
const UTM = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
const OWN = [
  "email", "name", "language", "shown_in", "website", "stamp", "consent", "page", "referrer", "altcha", ...UTM,
];

const make = (tag, properties, ...inside) => {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...inside);
  return element;
};

function upgrade(form) {
  // A field may be called "action": only the attribute is sure.
  const target = POSTS_TO.exec(new URL(form.getAttribute("action") || "", location.href).href);
  if (!target || form.dataset.upgraded) return;
  form.dataset.upgraded = "yes";
  const api = `${target[1]}/api/forms/${target[2]}`;
  const language = (form.elements.shown_in || {}).value || form.lang || document.documentElement.lang.slice(0, 2);
  const button = form.querySelector("button[type=submit], button:not([type]), input[type=submit]");
  const status = make("div", { className: "postiljon-status" });
  status.setAttribute("role", "status");
  status.setAttribute("aria-live", "polite");
  form.append(status);
  const { describe, prove, spend } = worker(api, language);
  let stamp = "";
  let stampedAt = 0;
  let isBusy = false;

  // The first stamp stays: with a new one the shortest time to fill in the form would begin again.
  const look = async () => {
    const about = await describe();
    if (about && (!stamp || Date.now() - stampedAt > STAMP_AGE_MAX)) [stamp, stampedAt] = [about.stamp, Date.now()];
    return about;
  };
  const hidden = (name, value) => {
    let input = form.querySelector(`input[type=hidden][name="${name}"]`);
    if (!input) form.append((input = make("input", { type: "hidden", name })));
    input.value = value;
  };

  const body = () => {
    const data = new FormData(form);
    const text = (name) => String(data.get(name) || "");
    const fields = {};
    for (const name of data.keys()) if (!OWN.includes(name)) fields[name] = text(name);
    const query = new URLSearchParams(location.search);
    const utm = {};
    for (const name of UTM) if (text(name) || query.get(name)) utm[name] = text(name) || query.get(name);
    return {
      email: text("email"), name: text("name"), language: text("language") || language, shown_in: language,
      consent: data.has("consent"), website: text("website"), stamp: text("stamp"), altcha: text("altcha"),
      page: location.origin + location.pathname, referrer: document.referrer, utm, fields,
    };
  };

  // Errors stand beside their fields; the first one gets the cursor.
  const controls = (name) => [...form.elements].filter((e) => e.name === name && e.type !== "hidden");
  const clear = () => {
    status.textContent = "";
    for (const old of form.querySelectorAll(".postiljon-error")) {
      for (const control of form.querySelectorAll(`[aria-describedby~="${old.id}"]`)) {
        control.removeAttribute("aria-invalid");
        const rest = control.getAttribute("aria-describedby").split(" ").filter((id) => id !== old.id);
        if (rest.length) control.setAttribute("aria-describedby", rest.join(" "));
        else control.removeAttribute("aria-describedby");
      }
      old.remove();
    }
  };
  const mark = (error) => {
    const found = error.field ? controls(error.field) : [];
    if (!found.length) return null;
    const id = `postiljon-${target[2].slice(-6)}-${error.field}-error`;
    const note = make("span", { className: "postiljon-error", id, textContent: error.message });
    // At the end of what wraps this field alone; otherwise behind it.
    const place = found[0].closest("fieldset, p, div");
    const last = found[found.length - 1];
    const isAlone = place && form.contains(place)
      && [...place.querySelectorAll("input, select, textarea")].every((control) => found.includes(control));
    if (isAlone) place.append(note);
    else (last.closest("label") || last).after(note);
    for (const control of found) {
      control.setAttribute("aria-invalid", "true");
      control.setAttribute("aria-describedby", `${control.getAttribute("aria-describedby") || ""} ${id}`.trim());
    }
    return found[0];
  };
  const complain = (errors, words) => {
    const marked = errors.map(mark);
    const rest = errors.filter((_, at) => !marked[at]).map((error) => error.message);
    status.textContent = rest.join(" ") || words;
    const first = marked.find(Boolean);
    if (first) first.focus();
  };

  const done = (answer) => {
    const title = make("h2", { textContent: answer.title, tabIndex: -1 });
    const box = make("div", { className: `${form.className} postiljon-done`, lang: form.lang }, title, make("p", { textContent: answer.message }));
    box.setAttribute("role", "status");
    if (form.dataset.scheme) box.dataset.scheme = form.dataset.scheme;
    if (answer.hint && answer.hint.email) {
      const use = make("button", { type: "button", textContent: answer.hint.message });
      use.addEventListener("click", () => {
        form.elements.email.value = answer.hint.email;
        form.hidden = false;
        box.remove();
        send();
      });
      box.append(make("p", {}, use));
    }
    form.hidden = true;
    form.after(box);
    title.focus();
  };

  async function send() {
    if (isBusy) return;
    isBusy = true;
    clear();
    const words = button && button.textContent;
    try {
      const about = await look();
      if (stamp) hidden("stamp", stamp);
      if (button) {
        button.setAttribute("aria-disabled", "true");
        if (about && words) button.textContent = about.texts.sending;
      }
      for (let tries = 1; ; tries++) {
        hidden("altcha", await prove());
        const [code, answer] = await call(`${api}/signups`, {
          method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body()),
        });
        // A proof is good for one sign-up, refused or not.
        spend();
        if (code === 202) { done(answer); break; }
        const errors = answer.errors || [];
        // A browser that fills in everything at once: no person needs to hear of it.
        if (tries < TRIES_MAX && errors.length === 1 && errors[0].code === "too_fast") { await wait(PATIENCE); continue; }
        if (code !== 422 && code !== 429) throw new Error(String(code));
        complain(errors, about ? about.texts.marked : "");
        break;
      }
    } catch {
      hidden("page", location.origin + location.pathname);
      hidden("referrer", document.referrer);
      HTMLFormElement.prototype.submit.call(form);
      return;
    } finally {
      isBusy = false;
      if (button) {
        button.removeAttribute("aria-disabled");
        if (words) button.textContent = words;
      }
    }
  }

  form.noValidate = true;
  form.addEventListener("focusin", () => {
    prove();
    look();
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send();
  });
}

const start = () => document.querySelectorAll("form").forEach(upgrade);
if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
else start();
