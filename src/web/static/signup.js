// Upgrades the plain sign-up forms of a page in place: <script async src="https://../static/signup.js"></script>.
// A form that posts to ../f/{form}/subscribe is one of ours. It sets no cookie and asks nothing of anybody until
// the form is used. Whatever goes wrong here, the form is posted as if this file were not there.
(() => {
  "use strict";

  // Beside a form that was left open the stamp is asked for again; the server takes it for a day.
  const STAMP_AGE_MAX = 12 * 3600 * 1000;
  // Longer than the server's shortest time to fill in a form.
  const PATIENCE = 2100;
  const TRIES_MAX = 4;
  const COUNTER_MAX = 1000;
  const POSTS_TO = /^(https?:\/\/[^/?#]+)\/f\/([0-9a-f-]{36})\/subscribe$/;
  const UTM = ["utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content"];
  const OWN = [
    "email", "name", "language", "shown_in", "website", "stamp", "consent", "page", "referrer", "altcha", ...UTM,
  ];

  const wait = (ms) => new Promise((done) => setTimeout(done, ms));
  const make = (tag, properties, ...inside) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...inside);
    return element;
  };

  const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
  const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

  // A proof of work: the counter whose key begins as the challenge says (docs/api.md).
  async function solve({ parameters, signature }) {
    const password = new Uint8Array([...bytes(parameters.nonce), 0, 0, 0, 0]);
    const counterAt = new DataView(password.buffer, password.length - 4);
    const hash = parameters.algorithm.split("/")[1];
    const how = { name: "PBKDF2", hash, salt: bytes(parameters.salt), iterations: parameters.cost };
    for (let counter = 0; counter < COUNTER_MAX; counter++) {
      counterAt.setUint32(0, counter);
      const key = await crypto.subtle.importKey("raw", password, "PBKDF2", false, ["deriveBits"]);
      const derivedKey = hex(new Uint8Array(await crypto.subtle.deriveBits(how, key, parameters.keyLength * 8)));
      if (derivedKey.startsWith(parameters.keyPrefix)) {
        return btoa(JSON.stringify({ challenge: { parameters, signature }, solution: { counter, derivedKey } }));
      }
    }
    return "";
  }

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
    let described = null;
    let describedAt = 0;
    let isBusy = false;
    let proof = null;

    const call = async (url, options) => {
      const answer = await fetch(url, { credentials: "omit", mode: "cors", referrerPolicy: "strict-origin-when-cross-origin", ...options });
      return [answer.status, await answer.json()];
    };
    // Stamp and words, once the form is touched.
    const describe = () => {
      if (!described || Date.now() - describedAt > STAMP_AGE_MAX) {
        describedAt = Date.now();
        described = call(`${api}?language=${encodeURIComponent(language)}`)
          .then(([code, body]) => (code === 200 ? body : null), () => null);
      }
      return described;
    };
    // The work begins with the first touch, and is done before the button is pressed. Without it the form is sent
    // all the same.
    const prove = () => {
      proof ??= describe()
        .then((about) => (about && about.proof ? call(`${api}/challenge`).then(([, challenge]) => solve(challenge)) : ""))
        .catch(() => "");
      return proof;
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
        const about = await describe();
        if (about) hidden("stamp", about.stamp);
        if (button) {
          button.setAttribute("aria-disabled", "true");
          if (about && words) button.textContent = about.texts.sending;
        }
        for (let tries = 1; ; tries++) {
          hidden("altcha", await prove());
          const [code, answer] = await call(`${api}/signups`, {
            method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body()),
          });
          if (code === 202) { proof = null; done(answer); break; }
          const errors = answer.errors || [];
          // Good for one sign-up, refused or not.
          proof = null;
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
    form.addEventListener("focusin", prove, { once: true });
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send();
    });
  }

  const start = () => document.querySelectorAll("form").forEach(upgrade);
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start);
  else start();
})();
