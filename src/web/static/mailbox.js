// The demo's mailbox: what has arrived, every two seconds. Without scripts there is a link to look again.
"use strict";

const mails = document.getElementById("mails");
setInterval(async () => {
  if (document.hidden) return;
  try {
    const answer = await fetch("/mailbox");
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const now = page.getElementById("mails");
    if (now && now.innerHTML !== mails.innerHTML) mails.replaceChildren(...now.childNodes);
  } catch { /* The demo has stopped, or begins again. */ }
}, 2000);
