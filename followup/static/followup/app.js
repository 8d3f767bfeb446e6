// The one script of every page. Pages work without it.

const body = document.body;

import(body.dataset.nhsuk).then(({ initAll }) => {
  initAll();
  // What htmx brings in gets the same components. It may be one itself, so its parent is searched;
  // neighbours that are done already complain, and are not heard.
  body.addEventListener("htmx:load", ({ target }) => {
    if (target !== body) initAll({ scope: target.parentElement, onError: () => {} });
  });
});

// Say a short sentence to screen readers: document.dispatchEvent(new CustomEvent("followup:say", { detail: "…" })).
// Sentences closer than 20 seconds are held back, and only the last of them is said.
const status = document.getElementById("status");
const quietFor = 20_000;
let spokenAt = -quietFor;
let waiting = null;

function say(sentence) {
  clearTimeout(waiting);
  const rest = spokenAt + quietFor - performance.now();
  if (rest > 0) {
    waiting = setTimeout(say, rest, sentence);
    return;
  }
  spokenAt = performance.now();
  status.textContent = sentence;
}

// The server says it with `HX-Trigger: {"followup:say": "…"}`, which wraps the sentence.
document.addEventListener("followup:say", ({ detail }) => say(detail.value ?? detail));

// A press that did not reach the clinic must not look as if it had.
const notSent = document.getElementById("not-sent");

function warn() {
  notSent.textContent = body.dataset.notSent;
  notSent.hidden = false;
}

body.addEventListener("htmx:sendError", warn);
body.addEventListener("htmx:responseError", warn);
body.addEventListener("htmx:timeout", warn);
body.addEventListener("htmx:afterSwap", () => {
  notSent.hidden = true;
});
