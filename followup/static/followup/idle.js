// Warn before a session ends for want of use. The server decides; this only says so in time, for all tabs together.

const region = document.getElementById("idle");
const words = document.getElementById("idle-words");
const idle = Number(region.dataset.idleSeconds) * 1000;
const warn = Number(region.dataset.warnSeconds) * 1000;
const KEY = "followup.used";

let usedHere = 0;

function used() {
  usedHere = Date.now();
  try { localStorage.setItem(KEY, usedHere); } catch { /* private windows keep nothing; this tab still counts for itself */ }
}

function lastUsed() {
  try { return Math.max(usedHere, Number(localStorage.getItem(KEY))); } catch { return usedHere; }
}

function look() {
  const left = lastUsed() + idle - Date.now();
  // Two seconds late, so that the server agrees; loading the page then leads to the door and back here.
  if (left < -2000) location.assign(location.href.split("#")[0]);
  else if (left <= warn) show();
  else hide();
}

function show() {
  if (!region.hidden) return;
  region.hidden = false;
  region.append(words.content.cloneNode(true));
  region.querySelector("form").addEventListener("submit", stay);
}

function hide() {
  region.hidden = true;
  region.replaceChildren();
}

async function stay(event) {
  event.preventDefault();
  const form = event.target;
  const answer = await fetch(form.action, {
    method: "POST",
    body: new FormData(form),
    headers: { Accept: "application/json" },
    redirect: "manual",
  }).catch(() => null);
  if (answer?.status !== 204) return form.submit();
  used();
  hide();
}

used();
setInterval(look, 5000);
document.addEventListener("visibilitychange", look);
// What a page asks by itself (a poll) has no event of the user's behind it.
document.body.addEventListener("htmx:afterRequest", (event) => {
  if (event.detail.successful && event.detail.requestConfig?.triggeringEvent) used();
});
