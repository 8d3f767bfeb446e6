// Keeps a board live: hears what changed, asks for the row as the server draws it, puts it in its place.
// The server draws every row; nothing here knows what a mark means.

const board = document.getElementById("board");
const clockFace = document.getElementById("clock");

const SILENT_MS = 60_000; // no ping for so long: the board is not live
const SILENT_SECONDS = 120; // a background process silent for so long: neither
const TICK_MS = 1_000;
const GATHER_MS = 150; // changes that come together are fetched together
const MANY = 8; // from so many on, the whole board is cheaper
const SPEAK_MS = 20_000;
const NAMES_MS = 60_000;
const TURN_MS = 20_000;
const CLOSED_STAYS_MS = 3_600_000;

if (board) live(board);
else if (clockFace) sleep(document.getElementById("asleep"));

// The server's clock: what it said last, and how long ago that was.

function serverClock(asOf) {
  let said = Date.parse(asOf);
  let heard = performance.now();
  return {
    set(moment) {
      said = Date.parse(moment);
      heard = performance.now();
    },
    now: () => said + performance.now() - heard,
  };
}

function times(zone) {
  const options = { timeZone: zone, hour: "2-digit", minute: "2-digit", hourCycle: "h23" };
  const short = new Intl.DateTimeFormat("sv-SE", options);
  const long = new Intl.DateTimeFormat("sv-SE", { ...options, second: "2-digit" });
  return { short: (ms) => short.format(ms), long: (ms) => long.format(ms) };
}

function sleep(page) {
  const clock = serverClock(page.dataset.asOf);
  const time = times(page.dataset.zone);
  setInterval(() => {
    clockFace.textContent = time.short(clock.now());
  }, TICK_MS);
  setInterval(async () => (await fetched(location.href))?.getElementById("board") && location.reload(), SILENT_MS / 4);
}

async function fetched(url) {
  try {
    const answer = await fetch(url, { headers: { Accept: "text/html" } });
    // A redirect leads to the sign-in page: whoever looked may do so no longer.
    if (!answer.ok || answer.redirected) return null;
    return new DOMParser().parseFromString(await answer.text(), "text/html");
  } catch {
    return null;
  }
}

function live(board) {
  const words = JSON.parse(board.dataset.words);
  const rows = document.getElementById("rows");
  const frame = document.getElementById("frame");
  const nobody = document.getElementById("nobody");
  const liveLine = document.getElementById("live");
  const pauseButton = document.getElementById("pause");
  const namesLink = document.getElementById("names");
  const band = document.getElementById("not-live");
  const perPage = Number(board.dataset.wall || 0);
  const clock = serverClock(board.dataset.asOf);
  const time = times(board.dataset.zone);

  const waiting = new Set(); // ids whose change we have not drawn
  const held = new Map(); // id → the new row, while the old one has focus
  let asOf = board.dataset.asOf;
  let heardAt = performance.now();
  let paused = false;
  let silentSince = band.hidden ? null : band.querySelector("[data-since]").textContent;
  let names = "names" in board.dataset;
  let source = null;

  const fill = (sentence, values) => sentence.replace(/%\((\w+)\)s/g, (_, name) => values[name]);

  // Hearing

  function connect() {
    source = new EventSource(`${board.dataset.stream}&since=${encodeURIComponent(asOf)}`);
    source.addEventListener("case", ({ data, lastEventId }) => {
      heard(lastEventId);
      waiting.add(JSON.parse(data).id);
      gather();
    });
    source.addEventListener("ping", ({ data }) => {
      const { as_of, ages } = JSON.parse(data);
      heard(as_of);
      const oldest = Math.max(...Object.values(ages).map((age) => age ?? Infinity));
      silentSince = oldest > SILENT_SECONDS ? time.short(Date.parse(as_of) - (isFinite(oldest) ? oldest * 1000 : 0)) : null;
      show();
    });
    source.addEventListener("reload", redraw);
    source.addEventListener("error", () => {
      // The browser comes back by itself after a break, but not after a refusal.
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, 5_000);
    });
  }

  function heard(moment) {
    if (!moment) return;
    asOf = moment;
    clock.set(moment);
    heardAt = performance.now();
  }

  // Drawing

  let gathering = null;
  function gather() {
    if (!paused && waiting.size) gathering ??= setTimeout(draw, GATHER_MS);
  }

  async function draw() {
    gathering = null;
    if (paused) return;
    const ids = [...waiting];
    waiting.clear();
    if (ids.length > MANY) await redraw();
    else for (const id of ids) await drawOne(id);
    settle();
  }

  function address(base) {
    const query = new URLSearchParams(location.search);
    query.delete("names");
    if (names) query.set("names", "1");
    return `${base}?${query}`;
  }

  async function drawOne(id) {
    const page = await fetched(address(board.dataset.rows.replace(board.dataset.any, id)));
    if (!page) {
      waiting.add(id); // asked for again with the next change
      return;
    }
    count(page);
    place(id, page.getElementById(`case-${id}`));
  }

  async function redraw() {
    const page = await fetched(address(location.pathname));
    const fresh = page?.getElementById("rows");
    if (!fresh) return;
    count(page);
    const there = new Set();
    for (const row of [...fresh.rows]) {
      there.add(row.id);
      place(row.id.slice("case-".length), row);
    }
    for (const row of [...rows.rows]) if (!there.has(row.id)) place(row.id.slice("case-".length), null);
    settle();
  }

  function count(page) {
    const fresh = page.getElementById("counts");
    const old = document.getElementById("counts");
    if (fresh && old && !old.contains(document.activeElement) && fresh.outerHTML !== old.outerHTML) old.replaceWith(fresh);
  }

  // `fresh` is null when the row has left the board.
  function place(id, fresh) {
    const old = document.getElementById(`case-${id}`);
    if (!old && !fresh) return;
    if (old && fresh && old.outerHTML === fresh.outerHTML) return;
    if (old?.contains(document.activeElement)) {
      hold(id, old, fresh);
      return;
    }
    held.delete(id);
    const changed = swap(old, fresh);
    if (changed && fresh) tell(fresh);
  }

  function swap(old, fresh) {
    if (!fresh) {
      old.remove();
      return true;
    }
    const changed = mark(old, fresh);
    old?.remove();
    const after = [...rows.rows].find((row) => row.dataset.order > fresh.dataset.order);
    rows.insertBefore(fresh, after ?? null);
    return changed;
  }

  // The marks that are new fade in.
  function mark(old, fresh) {
    let changed = false;
    [...fresh.cells].forEach((cell, place) => {
      const magnet = cell.querySelector(".mark");
      const shape = (cell) => cell?.querySelector(".mark .shape")?.getAttribute("class");
      if (magnet && shape(cell) !== shape(old?.cells[place])) {
        magnet.classList.add("mark--fresh");
        changed = true;
      }
    });
    return changed;
  }

  // The row that has focus stays as it is until its reader wants to see the change, or goes on.
  function hold(id, old, fresh) {
    held.set(id, fresh);
    if (old.querySelector(".board__changed")) return;
    const note = document.createElement("span");
    note.className = "board__changed";
    note.append(`${words.changed} `);
    const button = document.createElement("button");
    button.type = "button";
    button.className = "plain-button";
    button.textContent = words.show;
    button.addEventListener("click", () => release(id, true));
    note.append(button);
    old.cells[0].append(note);
    old.addEventListener("focusout", ({ relatedTarget }) => {
      if (!old.contains(relatedTarget)) setTimeout(() => release(id, false));
    });
  }

  function release(id, focus) {
    if (!held.has(id)) return;
    const old = document.getElementById(`case-${id}`);
    const fresh = held.get(id);
    held.delete(id);
    if (!old) return;
    const next = old.nextElementSibling ?? old.previousElementSibling;
    swap(old, fresh);
    if (focus) ((fresh ?? next)?.querySelector("a") ?? frame).focus();
    settle();
  }

  // What follows from the rows that are there
  function settle() {
    nobody.hidden = rows.rows.length > 0;
    const initials = (row) => row.dataset.code.split(" ")[0];
    const many = {};
    for (const row of rows.rows) many[initials(row)] = (many[initials(row)] ?? 0) + 1;
    for (const row of rows.rows) row.querySelector(".board__code").classList.toggle("alike", many[initials(row)] > 1);
    turn(0);
  }

  // Saying it aloud, at most once in 20 seconds
  let changes = 0;
  let lateCode = null;
  let saidAt = -SPEAK_MS;
  let saying = null;
  function tell(row) {
    changes += 1;
    if ("late" in row.dataset) lateCode = row.dataset.code;
    saying ??= setTimeout(() => {
      const sentence = [changes === 1 ? words.one : fill(words.many, { n: changes })];
      if (lateCode) sentence.push(fill(words.late, { code: lateCode }));
      document.dispatchEvent(new CustomEvent("followup:say", { detail: sentence.join(", ") }));
      [changes, lateCode, saying, saidAt] = [0, null, null, performance.now()];
    }, Math.max(GATHER_MS, saidAt + SPEAK_MS - performance.now()));
  }

  // Whether it is live, and since when not

  let notLive = false;
  function show() {
    const lost = performance.now() - heardAt > SILENT_MS;
    const since = lost ? time.short(clock.now() - (performance.now() - heardAt)) : silentSince;
    if (since) band.querySelector("[data-since]").textContent = since;
    if (Boolean(since) !== notLive) {
      notLive = Boolean(since);
      band.hidden = !notLive;
      frame.classList.toggle("is-stale", notLive);
      if (notLive) document.dispatchEvent(new CustomEvent("followup:say", { detail: band.querySelector("strong").textContent }));
    }
    liveLine.classList.toggle("is-live", !notLive && !paused);
    if (notLive) liveLine.textContent = words.off;
    else if (!paused) liveLine.textContent = fill(words.live, { time: time.long(Date.parse(asOf)) });
  }

  function tick() {
    show();
    if (clockFace) clockFace.textContent = time.short(clock.now());
    for (const cell of rows.querySelectorAll("[data-late-since]")) {
      const minutes = Math.max(0, Math.floor((clock.now() - Date.parse(cell.dataset.lateSince)) / 60_000));
      const [sentence, n] =
        minutes < 60 ? [words.minutes, minutes] : minutes < 2880 ? [words.hours, Math.floor(minutes / 60)] : [words.days, Math.floor(minutes / 1440)];
      const beside = cell.querySelector(".mark__at");
      const said = fill(sentence, { n });
      if (beside && beside.textContent !== said) beside.textContent = said;
    }
    if (paused) return;
    let left = false;
    for (const row of rows.querySelectorAll("[data-closed]")) {
      if (clock.now() - Date.parse(row.dataset.closed) < CLOSED_STAYS_MS || row.contains(document.activeElement)) continue;
      row.remove();
      left = true;
    }
    if (left) settle();
  }

  // The wall goes to sleep when the clinic closes; a page that cannot be had is not asked for again and again.
  async function closing() {
    if (clock.now() < Date.parse(board.dataset.closes)) return;
    if ((await fetched(location.href))?.getElementById("asleep")) location.reload();
  }

  // Pausing

  function pause() {
    paused = !paused;
    pauseButton.textContent = paused ? words.resume : words.pause;
    if (paused) liveLine.textContent = fill(words.paused, { time: time.long(clock.now()) });
    else gather();
    show();
    turn(0);
  }
  pauseButton.hidden = false;
  pauseButton.addEventListener("click", pause);

  // Names: shown after a press, off again by themselves, even when nobody answers any more.

  let namesOff = null;
  function nameTimer() {
    clearTimeout(namesOff);
    if (names) namesOff = setTimeout(() => showNames(false), NAMES_MS);
  }

  async function showNames(wanted) {
    names = wanted;
    namesLink.textContent = names ? words.nameless : words.names;
    nameTimer();
    if (!names) for (const name of [...rows.querySelectorAll(".board__name")]) name.remove();
    else await redraw();
  }

  namesLink?.addEventListener("click", (event) => {
    event.preventDefault();
    showNames(!names);
  });
  nameTimer();

  // The wall: pages of so many rows, turned by time

  let page = 0;
  function turn(by) {
    if (!perPage) return;
    const pages = Math.max(1, Math.ceil(rows.rows.length / perPage));
    page = (page + by) % pages;
    [...rows.rows].forEach((row, place) => (row.hidden = Math.floor(place / perPage) !== page));
    const said = document.getElementById("page");
    const sentence = paused ? words.page_paused : words.page;
    said.textContent = pages > 1 ? fill(sentence, { page: page + 1, pages, seconds: TURN_MS / 1000 }) : "";
  }
  if (perPage) {
    setInterval(closing, SILENT_MS / 4);
    setInterval(() => paused || turn(1), TURN_MS);
    document.addEventListener("keydown", (event) => {
      if (event.key === "Pause") pause();
    });
  }

  if (silentSince) notLive = true;
  settle();
  connect();
  setInterval(tick, TICK_MS);
}
