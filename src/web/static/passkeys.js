// Passkeys: hands a challenge to the device, and its answer to the form. Where the browser has none, or this file is not
// run, the form stays hidden, and the password is the way in.
"use strict";

const octets = (text) =>
  Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), (letter) => letter.charCodeAt(0));

const text = (buffer) =>
  btoa(Array.from(new Uint8Array(buffer), (octet) => String.fromCharCode(octet)).join(""))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");

// A new passkey, as the page wants it.
async function create(form) {
  const { challenge, site, user, address, person, algorithms, known, timeout } = form.dataset;
  const credential = await navigator.credentials.create({
    publicKey: {
      challenge: octets(challenge),
      rp: { id: site, name: "Postiljon" },
      user: { id: octets(user), name: address, displayName: person },
      pubKeyCredParams: algorithms.split(",").map((alg) => ({ type: "public-key", alg: Number(alg) })),
      excludeCredentials: known
        .split(",")
        .filter((id) => id)
        .map((id) => ({ type: "public-key", id: octets(id) })),
      authenticatorSelection: { residentKey: "required", requireResidentKey: true, userVerification: "required" },
      attestation: "none",
      timeout: Number(timeout),
    },
  });
  return { client_data: credential.response.clientDataJSON, attestation: credential.response.attestationObject };
}

// One that there is, for a challenge that is asked for now: a page may have been open for long.
async function get(form) {
  const answer = await fetch(form.dataset.challenge, { method: "POST", headers: { accept: "application/json" } });
  if (!answer.ok) throw new Error(`no challenge: ${answer.status}`);
  const { challenge, site } = await answer.json();
  const credential = await navigator.credentials.get({
    publicKey: { challenge: octets(challenge), rpId: site, userVerification: "required", allowCredentials: [] },
  });
  const { response } = credential;
  return {
    id: credential.rawId,
    client_data: response.clientDataJSON,
    authenticator_data: response.authenticatorData,
    signature: response.signature,
    user_handle: response.userHandle ?? new ArrayBuffer(0),
  };
}

if (window.PublicKeyCredential) {
  document.querySelector("[data-passkeys-missing]")?.remove();
  for (const form of document.querySelectorAll("form[data-passkey]")) {
    form.hidden = false;
    const failed = form.querySelector("[data-failed]");
    const button = form.querySelector("button");
    let isBusy = false;
    button.addEventListener("click", async () => {
      if (isBusy) return;
      isBusy = true;
      failed.hidden = true;
      try {
        const answer = await (form.dataset.passkey === "create" ? create(form) : get(form));
        for (const [name, value] of Object.entries(answer)) form.elements[name].value = text(value);
        form.submit();
      } catch {
        // Cancelled, too slow, none there, or made before: browsers do not tell which.
        failed.hidden = false;
        isBusy = false;
      }
    });
  }
}
