// Hands in a proof of work with the form of our own sign-up pages, where one is asked for. The form is sent as it always
// is, and whatever goes wrong here, as if this file were not there.

// Longest that a form which was sent waits for its proof: many times what a phone needs.
const PROOF_WAIT_MAX = 10 * 1000;

const form = document.querySelector("form[data-form]");
if (form) {
  const { prove, spend } = worker(`/api/forms/${form.dataset.form}`, document.documentElement.lang);
  const button = form.querySelector("button[type=submit]");
  // Made here: some browsers would fill in the proof of before when the page is loaded again.
  const proof = Object.assign(document.createElement("input"), { type: "hidden", name: "altcha" });
  let isSent = false;
  form.append(proof);
  const again = () => {
    isSent = false;
    button.removeAttribute("aria-disabled");
    proof.value = "";
    spend();
  };
  form.addEventListener("focusin", prove);
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    // A double click is one sign-up.
    if (isSent) return;
    isSent = true;
    button.setAttribute("aria-disabled", "true");
    proof.value = await Promise.race([prove(), wait(PROOF_WAIT_MAX).then(() => "")]);
    HTMLFormElement.prototype.submit.call(form);
    // Still here: somebody stopped it.
    setTimeout(again, PROOF_WAIT_MAX);
  });
  // Back from the page after it.
  addEventListener("pageshow", (event) => event.persisted && again());
}
