// Presses the one button of the confirm page. The page names this file only in the browser that signed up.
const form = document.getElementById("confirm");
if (form) {
  form.requestSubmit();
}
