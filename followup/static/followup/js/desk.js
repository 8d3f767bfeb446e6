// The desk's pages work without this. It keeps the queue up to date, counts down a lease and hides what an outcome does not need.

const say = (detail) => document.dispatchEvent(new CustomEvent("followup:say", { detail }));

// The queue: never swapped under somebody's focus.

const queue = document.getElementById("queue");

if (queue) {
  const pause = document.getElementById("pause");
  const changes = document.getElementById("changes");
  const band = document.getElementById("not-live");
  let paused = false;

  pause.hidden = false;
  pause.addEventListener("click", () => {
    paused = !paused;
    pause.textContent = paused ? pause.dataset.goOn : pause.dataset.pause;
    if (!paused) queue.dispatchEvent(new Event("refresh"));
  });
  changes.querySelector("button").addEventListener("click", () => {
    changes.hidden = true;
    queue.dispatchEvent(new Event("refresh"));
  });

  const table = (root) => root.querySelector("[data-mark]");
  const urgent = (root) => [...root.querySelectorAll(".row--risk")].map((row) => row.id);

  queue.addEventListener("htmx:beforeRequest", (event) => {
    if (paused) event.preventDefault();
  });
  queue.addEventListener("htmx:beforeSwap", (event) => {
    const page = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
    const [before, after] = [table(queue), table(page)];
    if (!after) {
      event.detail.shouldSwap = false;
      return;
    }
    band.hidden = true;
    const news = before.dataset.mark !== after.dataset.mark;
    if (queue.contains(document.activeElement)) {
      event.detail.shouldSwap = false;
      changes.hidden = !news;
    } else {
      changes.hidden = true;
    }
    if (news) {
      const known = urgent(queue);
      const fresh = urgent(page).some((id) => !known.includes(id));
      say(fresh ? `${after.dataset.urgent}, ${after.dataset.news}` : after.dataset.news);
    }
  });
  const lost = (event) => {
    event.stopPropagation();
    band.querySelector("[data-since]").textContent = table(queue).dataset.asOf;
    band.hidden = false;
  };
  for (const fault of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) queue.addEventListener(fault, lost);
}

// The lease of a call: what is left is said in minutes, and use renews it.

const lease = document.getElementById("lease");

if (lease) {
  let until = performance.now() + lease.dataset.seconds * 1000;
  const tell = () => {
    const left = Math.floor((until - performance.now()) / 60_000);
    lease.textContent = until > performance.now() ? lease.dataset.words.replace("NUMBER", left) : lease.dataset.over;
  };
  setInterval(tell, 15_000);
  document.body.addEventListener("htmx:afterSwap", ({ target }) => {
    const seconds = target.querySelector("[data-seconds]")?.dataset.seconds;
    if (target.id !== "kept" || !seconds) return;
    until = performance.now() + seconds * 1000;
    tell();
  });
}

// Whether the call is still theirs is asked by the page itself: that nobody answered is no news to whoever types.

const whose = document.getElementById("whose");
for (const fault of ["htmx:sendError", "htmx:responseError", "htmx:timeout"]) whose?.addEventListener(fault, (event) => event.stopPropagation());

// The form of the outcome: only what the chosen outcomes need, or what is wrong.

const form = document.getElementById("outcome-form");

if (form) {
  const fit = () => {
    const chosen = new FormData(form);
    const outcomes = [chosen.get("outcome"), ...chosen.getAll("also")];
    for (const part of form.querySelectorAll("[data-for]")) {
      const wanted = part.dataset.for.split(" ").some((id) => outcomes.includes(id));
      part.hidden = !wanted && !("wrong" in part.dataset);
    }
  };
  form.addEventListener("change", fit);
  fit();
}
