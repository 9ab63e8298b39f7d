// What a form asks of a browser, and its proof of work: for signup.js and proof.js, which are served behind this file and
// within one function (assets.rs).
"use strict";

// For so long a form is taken at its word that it asks for no proof: one that is attacked asks from one moment to the next.
const ASKED_AGE_MAX = 5 * 60 * 1000;
// The server takes a proof for 20 minutes from its challenge on.
const PROOF_AGE_MAX = 15 * 60 * 1000;
const COUNTER_MAX = 1000;

const wait = (ms) => new Promise((done) => setTimeout(done, ms));
const bytes = (hex) => Uint8Array.from(hex.match(/../g), (pair) => parseInt(pair, 16));
const hex = (octets) => Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");

const call = async (url, options) => {
  const answer = await fetch(url, { credentials: "omit", mode: "cors", referrerPolicy: "strict-origin-when-cross-origin", ...options });
  return [answer.status, await answer.json()];
};

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

// Works for one form; `api` is its address there.
function worker(api, language) {
  let described = null;
  let describedAt = 0;
  let proof = null;
  let provedAt = 0;
  let isAsked = false;
  // Stamp and words, once the form is touched.
  const describe = () => {
    if (!described || Date.now() - describedAt >= ASKED_AGE_MAX) {
      describedAt = Date.now();
      described = call(`${api}?language=${encodeURIComponent(language)}`)
        .then(([code, body]) => (code === 200 ? body : null), () => null);
    }
    return described;
  };
  // The work begins with the first touch, and is done before the button is pressed. Without it the form is sent
  // all the same.
  const prove = () => {
    if (!proof || Date.now() - provedAt >= (isAsked ? PROOF_AGE_MAX : ASKED_AGE_MAX)) {
      provedAt = Date.now();
      proof = describe()
        .then((about) => {
          isAsked = Boolean(about && about.proof);
          return isAsked ? call(`${api}/challenge`).then(([, challenge]) => solve(challenge)) : "";
        })
        .catch(() => "");
    }
    return proof;
  };
  const spend = () => {
    described = proof = null;
  };
  return { describe, prove, spend };
}
