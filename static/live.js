/* Live regions. The socket says which topic changed; each region that shows it GETs itself and is morphed in place.
   Without a socket the page polls; without either it says since when its figures are old. */
"use strict";

(() => {
  const THROTTLE_MS = 1000, JITTER_MS = 250; // per region, whatever the rate of changes
  const REASK_MS = 30000; // every region asks at least this often, hint or no hint; data-reask says another time
  const SILENT_MS = 5000; // no ping for so long: say so
  const STALE_MS = 30000; // no word at all for so long: dim the figures
  const POLL_MS = 10000, FETCH_MS = 10000, SAY_MS = 10000;
  const AGAIN_MS = 250, AGAIN_MOST_MS = 5000, AGAIN_HIDDEN_MS = 30000; // waits before a new socket: first, longest, unseen
  const OPENS_MS = 5000, DEAD_MS = 10000; // a socket that does not open, or is open and says nothing, is given up

  const { now, say, rows } = window.mainstay;
  const pill = document.getElementById("live");
  const strip = document.getElementById("connection");
  const states = new Map(); // region id -> { checked, asked, busy, dirty, timer }
  const versions = {}; // topic -> version last heard
  let socket = null, opened = 0, spoke = false, tries = 0, heard = 0, polled = 0, asked = -POLL_MS, paused = false, over = false, changes = 0, hellos = 0, said = 0, hints = true, retry = 0;
  const begun = performance.now();

  const regions = () => [...document.querySelectorAll("[data-live]")];
  const topicsOf = (region) => region.dataset.live.split(",").filter(Boolean);
  const topics = () => [...new Set(regions().flatMap(topicsOf))];
  const clock = (ms) => new Date(ms).toISOString().slice(11, 19);

  function stateOf(region) {
    if (!states.has(region.id)) states.set(region.id, { checked: performance.now(), asked: 0, busy: false, dirty: false, timer: 0, waiting: 0 });
    return states.get(region.id);
  }

  /* --- regions */
  function wish(region) {
    const state = stateOf(region);
    state.dirty = true;
    if (state.timer || state.busy) return;
    const wait = Math.max(Number(region.dataset.settle || 0), THROTTLE_MS - (performance.now() - state.asked)) + Math.random() * JITTER_MS;
    state.timer = setTimeout(() => {
      state.timer = 0;
      const shown = document.getElementById(region.id);
      if (shown) refresh(shown);
    }, wait);
  }

  /* Why a region must not change right now, if it must not. */
  function held(region) {
    if (paused) return "paused";
    if (document.hidden) return "hidden";
    if (document.querySelector("dialog[open]")) return "dialog";
    const selection = getSelection();
    if (!selection.isCollapsed && selection.anchorNode && region.contains(selection.anchorNode)) return "selected";
    const active = document.activeElement;
    if (region.dataset.typing === undefined && region.contains(active) && active.matches("input:not([data-row]):not([data-all]), textarea, select")) return "focus";
    return "";
  }

  async function refresh(region, { force = false } = {}) {
    const state = stateOf(region);
    if (state.busy || (!force && held(region))) return;
    Object.assign(state, { busy: true, dirty: false, asked: performance.now() });
    try {
      const url = new URL(region.dataset.url || location.href, location.href);
      if (region.dataset.hash && !force) url.searchParams.set("v", region.dataset.hash);
      const response = await fetch(url, {
        headers: { "HX-Request": "true", "X-Region": region.id }, credentials: "same-origin", signal: AbortSignal.timeout(FETCH_MS),
      });
      if (response.status === 401) return end();
      if (response.redirected) return location.reload();
      if (response.status === 200) apply(region, await response.text(), force);
      else if (response.status === 204) reread(region);
      else throw new Error(`the server answered ${response.status}`);
      state.checked = performance.now();
    } catch (error) {
      state.dirty = true;
      console.warn(`region ${region.id}: ${error.message}`);
    } finally {
      state.busy = false;
      draw();
    }
  }

  /* Nothing changed: what the region shows is as good as just read. */
  function reread(region) {
    for (const time of region.querySelectorAll("time[data-as=read]")) time.dateTime = new Date(now()).toISOString();
  }

  function apply(region, html, force) {
    const shown = document.getElementById(region.id);
    const fresh = new DOMParser().parseFromString(html, "text/html").getElementById(region.id);
    if (!shown || !fresh) return;
    if (!force && held(shown)) {
      stateOf(shown).dirty = true; // something was opened or selected while the answer travelled
      return;
    }
    const state = stateOf(shown);
    if (shown.dataset.rows !== undefined) {
      state.waiting = rows.merge(shown, fresh, { force });
      if (state.waiting) shown.dataset.hash = "";
      showWaiting(shown, state.waiting);
    } else rows.morph(shown, fresh);
    if (region.id === "rail") title();
    announce();
  }

  /* The bar over a list whose rows wait for the reader. It lies over the head of the table: nothing is pushed down. */
  function showWaiting(list, count) {
    let button = list.querySelector(":scope > .fresh");
    if (!count) return button?.remove();
    if (!button) {
      button = document.createElement("button");
      button.type = "button";
      button.className = "fresh";
      button.addEventListener("click", () => refresh(document.getElementById(list.id), { force: true }));
      list.prepend(button);
    }
    button.textContent = `${count} change${count === 1 ? "" : "s"} · show`;
  }

  function announce() {
    if (performance.now() - said < SAY_MS) return;
    said = performance.now();
    const attention = Number(document.getElementById("rail")?.dataset.attention || 0);
    say(attention ? `Page updated. ${attention} need a person.` : "Page updated.");
  }

  function title() {
    const rail = document.getElementById("rail");
    const count = Number(rail.dataset.attention || 0);
    document.title = (count ? `(${count}!) ` : "") + document.title.replace(/^\(\d+!\) /, "");
    const icon = document.getElementById("favicon");
    const href = icon.dataset[rail.dataset.worst] || icon.dataset.ok;
    if (icon.getAttribute("href") !== href) icon.setAttribute("href", href);
  }

  /* --- the socket */
  function connect() {
    clearTimeout(retry);
    if (over || !topics().length) return;
    const mine = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/live/`);
    [socket, opened, spoke] = [mine, performance.now(), false];
    mine.addEventListener("open", () => mine.send(JSON.stringify({ subscribe: topics() })));
    mine.addEventListener("message", (event) => {
      if (mine !== socket) return;
      [heard, spoke] = [performance.now(), true];
      const message = JSON.parse(event.data);
      if ("ping" in message) tries = 0; // it lasted: one that is let in and thrown out at once is not asked faster and faster
      hints = message.hints ?? hints;
      if (message.hello) hello(message.hello);
      if (message.changed) changed(message.changed);
      draw();
    });
    mine.addEventListener("close", (event) => mine === socket && lost(event.code));
  }

  /* Tries again within a quarter of a second, then less often; while nobody looks, seldom. */
  function lost(code) {
    if (code === 4401) return end();
    [socket, spoke] = [null, false];
    const wait = Math.min(AGAIN_MS * 2 ** tries++, document.hidden ? AGAIN_HIDDEN_MS : AGAIN_MOST_MS);
    retry = setTimeout(connect, wait * (0.5 + Math.random() / 2));
    draw();
  }

  /* Nobody is signed in here any more: nothing is asked again, and the page says so. */
  function end() {
    over = true;
    giveUp();
    window.mainstay.signedOut();
    draw();
  }

  /* What never says that it is closed: a host that went away, a network that was changed. */
  function giveUp() {
    const dead = socket;
    socket = null;
    dead?.close();
  }

  function watch() {
    if (!socket) return;
    const since = performance.now() - Math.max(opened, heard);
    if (since < (socket.readyState === WebSocket.OPEN ? DEAD_MS : OPENS_MS)) return;
    giveUp();
    lost(0);
  }

  /* The network or the reader is back: not when its time comes, now. */
  function hurry() {
    const fresh = socket && performance.now() - Math.max(opened, heard) < (socket.readyState === WebSocket.OPEN ? SILENT_MS : THROTTLE_MS);
    if (fresh) return;
    giveUp();
    tries = 0;
    connect();
  }

  function hello(greeting) {
    window.mainstay.setNow(greeting.now);
    if (!Object.keys(greeting.versions).length) return; // the one before our subscription
    compare(greeting.versions, hellos++ === 0); // what changed between the page's making and now is asked once
  }

  function compare(known, all) {
    for (const [topic, version] of Object.entries(known || {})) {
      if (all || versions[topic] !== version) touch(topic);
      versions[topic] = version;
    }
  }

  function changed({ topic, version, samples }) {
    if (versions[topic] === version) return;
    versions[topic] = version;
    if (paused) changes += 1;
    touch(topic);
    if (samples) document.dispatchEvent(new CustomEvent(`live:${topic}`, { detail: samples }));
  }

  function touch(topic) {
    for (const region of regions()) if (topicsOf(region).includes(topic)) wish(region);
  }

  /* --- polling, when the socket is silent */
  async function poll() {
    const silent = performance.now() - Math.max(heard, begun) >= SILENT_MS || !hints;
    if (over || !silent || document.hidden || performance.now() - asked < POLL_MS) return;
    asked = performance.now();
    try {
      const response = await fetch(`/live/versions?topics=${encodeURIComponent(topics())}`, { credentials: "same-origin", signal: AbortSignal.timeout(FETCH_MS) });
      if (response.status === 401) return end();
      if (!response.ok) throw new Error(`the server answered ${response.status}`);
      const answer = await response.json();
      polled = performance.now();
      window.mainstay.setNow(answer.now);
      compare(answer.versions, false);
    } catch (error) {
      console.warn(`polling: ${error.message}`);
    }
    draw();
  }

  /* --- what the reader is told about the connection */
  function draw() {
    const silent = performance.now() - (heard || begun), quiet = performance.now() - (polled || begun);
    const old = performance.now() - Math.max(heard, polled, begun);
    let kind = "ok", text = "Live", warning = "";
    if (over) [kind, text] = ["crit", "Signed out"];
    else if (paused) [kind, text] = ["paused", changes ? `Paused · ${changes} change${changes === 1 ? "" : "s"}` : "Paused"];
    else if (!heard && !polled && silent < SILENT_MS) [kind, text] = ["unknown", "Connecting"];
    else if ((silent >= SILENT_MS || !hints) && polled && quiet < POLL_MS + SILENT_MS) text = "Polling";
    else if (old >= STALE_MS) {
      [kind, text] = ["crit", `Stale since ${clock(now() - old)} UTC`];
      warning = `Figures as of ${clock(now() - old)} UTC`;
    } else if (silent >= SILENT_MS || (heard && !spoke)) {
      [kind, text] = ["warn", "Reconnecting"];
      if (silent >= SILENT_MS) warning = `No connection for ${Math.floor(silent / 1000)} s`;
    }
    pill.className = `live ${kind}`;
    pill.setAttribute("aria-pressed", String(paused));
    pill.title = paused ? "Live updates are paused (p)" : `The server was last heard ${Math.floor(old / 1000)} s ago. Press to pause live updates (p)`;
    if (pill.lastChild.textContent !== text) pill.lastChild.textContent = text;
    if (strip.textContent !== warning) strip.textContent = warning;
    strip.title = warning;
    strip.parentElement.classList.toggle("alarm", Boolean(warning));
    for (const region of regions()) {
      const state = stateOf(region);
      region.classList.toggle("stale", performance.now() - state.checked > REASK_MS + STALE_MS || over || old >= STALE_MS);
      const checked = region.querySelector("[data-checked]");
      if (checked) checked.textContent = `checked ${Math.floor((performance.now() - state.checked) / 1000)} s ago`;
    }
  }

  function tick() {
    if (document.hidden || over) return;
    watch();
    for (const region of regions()) {
      const state = stateOf(region);
      if (state.dirty || performance.now() - state.checked > Number(region.dataset.reask || REASK_MS)) wish(region);
    }
    draw();
  }

  pill?.addEventListener("click", () => {
    paused = !paused;
    if (!paused) changes = 0;
    say(paused ? "Live updates are paused" : "Live updates go on");
    tick();
  });
  window.mainstay.cut = () => socket?.close(); // for tests of what a reader sees then
  addEventListener("online", hurry);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    hurry();
    tick();
  });
  document.addEventListener("htmx:afterSettle", () => socket?.readyState === 1 && socket.send(JSON.stringify({ subscribe: topics() })));
  title();
  connect();
  setInterval(tick, 1000);
  setInterval(poll, 1000);
  draw();
})();
