// Counts down until the mail can be asked for again. Without this file the button works too, and an early press is
// told so.
const hint = document.getElementById("wait");
const button = document.querySelector("#again button");
if (hint && button) {
  const ends = Date.now() + Number(hint.dataset.seconds) * 1000;
  const tell = () => {
    const left = Math.ceil((ends - Date.now()) / 1000);
    if (left <= 0) {
      button.removeAttribute("aria-disabled");
      hint.hidden = true;
      return;
    }
    hint.textContent = hint.dataset.words.replace("{}", String(left));
    setTimeout(tell, 500);
  };
  // Not "disabled": that would take the focus away from who waits on it.
  button.setAttribute("aria-disabled", "true");
  button.form.addEventListener("submit", (event) => {
    if (button.getAttribute("aria-disabled") === "true") {
      event.preventDefault();
    }
  });
  tell();
}
