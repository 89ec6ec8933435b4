/* What every page does besides links and forms: theme, times, dialogs, copying, the selection of rows.
   Nothing here is needed to act: without it each of these is a page or a form of its own. */
"use strict";

(() => {
  const root = document.documentElement;
  const body = document.body;
  let skew = Date.parse(body.dataset.now) - Date.now() || 0; // server clock minus ours, in ms
  const YEAR_S = 31536000;

  const mainstay = (window.mainstay = {
    now: () => Date.now() + skew,
    setNow: (iso) => (skew = Date.parse(iso) - Date.now() || skew),
    say,
    openDialog,
    signedOut,
  });

  function remember(name, value) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = `${name}=${value}; path=/; max-age=${value ? YEAR_S : 0}; SameSite=Lax${secure}`;
  }

  /* One polite voice for screen readers; the newest sentence wins. */
  function say(sentence) {
    document.getElementById("said").textContent = sentence;
  }

  /* The session ended: said in words, with the way back; what is shown and what was typed stays. */
  function signedOut() {
    const box = document.getElementById("ended");
    const since = new Date(mainstay.now()).toISOString().slice(11, 19);
    box.hidden = false;
    box.firstChild.textContent = `You are signed out: your session has ended. What you see is of ${since} UTC and older.`;
    box.lastChild.href = `${body.dataset.login}?next=${encodeURIComponent(location.pathname + location.search)}`;
  }

  /* Theme: as the system, light, dark. The cookie lets the server paint the right one at once. */
  const THEMES = ["", "light", "dark"];
  const theme = document.getElementById("theme");
  theme?.addEventListener("click", () => {
    const next = THEMES[(THEMES.indexOf(root.dataset.theme || "") + 1) % THEMES.length];
    if (next) root.dataset.theme = next; else delete root.dataset.theme;
    remember("mainstay_theme", next);
    say(`Theme: ${next || "as the system"}`);
  });

  /* Times: relative words, UTC, or the reader's own zone. Wording is that of console/domain/wording.py and times.py. */
  const MODES = ["relative", "utc", "local"];
  const ownZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  const zones = () => (body.dataset.time === "local" ? ownZone : "UTC");
  const timesButton = document.getElementById("times");
  timesButton?.addEventListener("click", () => {
    const mode = MODES[(MODES.indexOf(body.dataset.time) + 1) % MODES.length];
    body.dataset.time = mode;
    remember("mainstay_time", { relative: "", utc: "utc", local: ownZone }[mode]);
    const label = { relative: "Relative · UTC", utc: "UTC", local: ownZone }[mode];
    for (const shown of document.querySelectorAll("#times, [data-times]")) shown.textContent = label;
    ages(true);
    say(`Times: ${label}`);
  });

  function span(s) {
    if (s < 1) return `${Math.max(s, 0).toFixed(1)} s`;
    if (s < 60) return Math.round(s) < 60 ? `${Math.round(s)} s` : "1 min";
    if (s < 3600) return `${Math.floor(s / 60)} min`;
    if (s < 172800) return `${Math.floor(s / 3600)} h`;
    return `${Math.floor(s / 86400)} d`;
  }

  function age(s) {
    if (Math.abs(s) < 1.5) return "now";
    return s > 0 ? `${span(s)} ago` : `in ${span(-s)}`;
  }

  function clock(at) {
    const part = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zones(), ...options }).format(at);
    const day = { year: "numeric", month: "2-digit", day: "2-digit" };
    const today = new Intl.DateTimeFormat("en-GB", { timeZone: zones(), ...day }).format(mainstay.now());
    if (part(day) === today) return part({ hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
    const time = part({ hour: "2-digit", minute: "2-digit", hour12: false });
    if (part({ year: "numeric" }) === today.slice(-4)) return `${part({ day: "numeric" })} ${part({ month: "short" })} ${time}`;
    return `${part(day).split("/").reverse().join("-")} ${time}`;
  }

  function zoneName(at) {
    if (zones() === "UTC") return "UTC";
    const parts = new Intl.DateTimeFormat("en-GB", { timeZone: ownZone, timeZoneName: "short" }).formatToParts(at);
    return parts.find((part) => part.type === "timeZoneName").value;
  }

  /* Rewrites ages that have changed; `all` also rewrites absolute times, after a change of mode. */
  function ages(all) {
    const relative = body.dataset.time === "relative";
    for (const time of document.querySelectorAll("time[data-as]")) {
      const at = Date.parse(time.dateTime);
      if (Number.isNaN(at)) continue;
      let text;
      if (time.dataset.as === "lasting") text = `for ${span((mainstay.now() - at) / 1000)}`;
      else if ((time.dataset.as === "age" || time.dataset.as === "read") && relative) text = age((mainstay.now() - at) / 1000);
      else if (!all) continue;
      else text = time.dataset.as === "clock" ? clock(at) : `${clock(at)} ${zoneName(at)}`;
      if (time.textContent !== text) time.textContent = text;
    }
  }

  /* The server's clock goes on by ours, set right by every word of the server. Without this script it is the page's hour. */
  const serverTime = document.getElementById("server-time");
  function tick() {
    if (document.hidden) return;
    ages(false);
    if (serverTime) serverTime.textContent = `server time ${new Date(mainstay.now()).toISOString().slice(11, 19)} UTC`;
  }
  tick();
  setInterval(tick, 1000);
  document.addEventListener("visibilitychange", tick);

  /* Dialogs: a link or button with data-dialog shows its page as a dialog; data-open shows one that is on the page. */
  async function openDialog(url) {
    const dialog = document.getElementById("dialog");
    let response;
    try {
      response = await fetch(url, { headers: { "HX-Request": "true", "X-Region": "dialog" }, credentials: "same-origin" });
    } catch {
      location.assign(url);
      return;
    }
    if (!response.ok || response.redirected) return location.assign(url);
    dialog.innerHTML = await response.text();
    window.htmx?.process(dialog);
    dialog.showModal();
    dialog.querySelector("[autofocus], textarea, input:not([type=hidden])")?.focus({ preventScroll: true });
    dialog.scrollTop = 0; // what is warned of stands above what is typed
  }

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-dialog]");
    if (link && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      openDialog(link.href);
      return;
    }
    const opener = event.target.closest("[data-open]");
    if (opener) document.querySelector(opener.dataset.open)?.showModal();
    const closer = event.target.closest("dialog [data-close]");
    if (closer) {
      event.preventDefault();
      closer.closest("dialog").close();
    }
    document.querySelector(event.target.closest("[data-press]")?.dataset.press)?.click(); // a narrow bar's button, from the menu
    event.target.closest("[data-dismiss]")?.closest(".message").remove();
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(copier);
    if (!event.isTrusted) return; // a press of data-press, from within a menu
    for (const menu of document.querySelectorAll("details.menu[open], details.more[open]")) if (!menu.contains(event.target)) menu.open = false;
  });

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (button?.matches("[data-dialog]")) {
      event.preventDefault();
      openDialog(`${button.formAction}?${new URLSearchParams(new FormData(event.target))}`);
      return;
    }
    // A second press of the same button must not send the form twice. Later: a button that is out of use sends no name.
    if (event.target.method === "post") setTimeout(() => {
      if (!event.defaultPrevented && button) {
        button.disabled = true;
        setTimeout(() => (button.disabled = false), 5000);
      }
    }, 0);
  });

  async function copy(button) {
    const source = button.dataset.copy ? document.querySelector(button.dataset.copy) : button.previousElementSibling;
    const word = button.textContent;
    try {
      await navigator.clipboard.writeText(source.dataset.value || source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => (button.textContent = word), 1500);
  }

  /* A part of the page that could not be read says so where it would stand, with the trace by which the log has why. */
  function failed(event) {
    const { target, xhr, requestConfig } = event.detail;
    if (!(target instanceof Element)) return;
    const box = document.createElement("p");
    box.className = "problem";
    box.setAttribute("role", "alert");
    const trace = xhr?.getResponseHeader("X-Trace-Id");
    const said = xhr?.status ? `The server answered ${xhr.status}.` : "The server does not answer.";
    box.append(`This part could not be read. ${said}${trace ? ` Trace ${trace}.` : ""} `);
    const again = document.createElement("a");
    again.href = requestConfig?.path || location.href;
    again.textContent = "Try again";
    box.append(again);
    target.replaceChildren(box);
  }
  document.addEventListener("htmx:responseError", failed);
  document.addEventListener("htmx:sendError", failed);
  document.addEventListener("htmx:timeout", failed);

  /* A page that the browser kept and shows again is as old as it was left: what it offers may be done already. */
  addEventListener("pageshow", (event) => event.persisted && location.reload());

  document.getElementById("keys")?.addEventListener("change", (event) => {
    body.dataset.keys = event.target.checked ? "on" : "off";
    remember("mainstay_keys", event.target.checked ? "" : "off");
  });
})();
