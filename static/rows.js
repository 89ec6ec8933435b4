/* Lists: the row that has the keyboard, the selection and its bar, and how a list takes news without moving
   under the reader's hand. */
"use strict";

(() => {
  const STILL_MS = 4000; // a hand or a key in the list this recently: rows stay where they are

  let touched = { list: null, at: 0 };
  for (const kind of ["pointermove", "keydown", "wheel", "touchstart"]) {
    document.addEventListener(kind, (event) => {
      const list = event.target instanceof Element && event.target.closest("[data-rows]");
      if (list) touched = { list: list.id, at: performance.now() };
    }, { passive: true });
  }

  /* Whether somebody is reading or working in this list right now. */
  function busy(list) {
    if (list.querySelector("input[data-row]:checked")) return true;
    if (list.contains(document.activeElement) && document.activeElement !== document.body) return true;
    if (document.querySelector(`[data-freeze="${list.id}"]:checked`)) return true; // asked to leave them where they are
    if (list.querySelector("tbody:hover, article[data-row-id]:hover")) return true; // a hand that rests over a row moves nothing and means it all the same
    return touched.list === list.id && performance.now() - touched.at < STILL_MS;
  }

  const rowsOf = (part) => [...part.querySelectorAll("[data-row-id]")];

  /* Brings news into a list. Known rows get their new cells where they stand. New rows and rows that left change the
     list's shape: at once when nobody is in it, else they wait behind a bar. Returns how many wait. */
  function merge(list, fresh, { force }) {
    const old = new Map(rowsOf(list).map((row) => [row.dataset.rowId, row]));
    const news = rowsOf(fresh);
    const known = new Set(news.map((row) => row.dataset.rowId));
    const added = news.filter((row) => !old.has(row.dataset.rowId)).length;
    const left = [...old.keys()].filter((id) => !known.has(id)).length;
    const follows = list.dataset.rows === "follow" && !busy(list); // the worst comes first, also while nobody touches it
    const moved = follows && news.some((row, at) => row.dataset.rowId !== [...old.keys()][at]);
    if (force || !old.size || !news.length || moved || ((added || left) && !busy(list))) {
      if (!force && !follows) keepOrder(old, fresh, news);
      morph(list, fresh);
      return 0;
    }
    for (const row of news) {
      const shown = old.get(row.dataset.rowId);
      if (shown) morph(shown, row);
    }
    for (const [id, row] of old) row.classList.toggle("gone", !known.has(id));
    for (const part of fresh.querySelectorAll("[data-part]")) {
      const shown = list.querySelector(`[data-part="${part.dataset.part}"]`);
      if (shown) morph(shown, part);
    }
    return added + left;
  }

  /* Known rows keep their order among themselves; new ones stand where the server put them, before the same neighbour. */
  function keepOrder(old, fresh, news) {
    const order = new Map([...old.keys()].map((id, place) => [id, place]));
    const staying = news.filter((row) => order.has(row.dataset.rowId));
    const sorted = [...staying].sort((a, b) => order.get(a.dataset.rowId) - order.get(b.dataset.rowId));
    const places = staying.map((row) => {
      const mark = document.createComment("");
      row.replaceWith(mark);
      return mark;
    });
    places.forEach((mark, at) => mark.replaceWith(sorted[at]));
  }

  function morph(shown, fresh) {
    for (const field of shown.querySelectorAll("textarea[id]")) { // what was typed stays, whoever the field belongs to now
      const same = fresh.querySelector(`#${field.id}`);
      if (same && field.value !== field.defaultValue) same.value = field.value;
    }
    window.Idiomorph.morph(shown, fresh, { morphStyle: "outerHTML", ignoreActiveValue: true, callbacks: {
      beforeAttributeUpdated: (name, node, kind) => !(
        (node.matches?.("input[data-row]") && name === "checked") || (node.matches?.("details") && name === "open") ||
        (name === "aria-current" && node.matches?.("[data-row-id]")) || (kind === "remove" && name === "tabindex")),
    } });
    window.htmx?.process(document.getElementById(shown.id) || shown);
    counted();
  }

  /* The selection bar: "38 of 1,204 selected". */
  const boxes = () => [...document.querySelectorAll("input[data-row]")];
  const number = (count) => count.toLocaleString("en-US");
  let last = null;

  function counted() {
    const bar = document.querySelector(".selection");
    if (!bar) return;
    const chosen = boxes().filter((box) => box.checked);
    bar.classList.toggle("active", chosen.length > 0);
    const all = document.querySelector("input[data-all]");
    if (all) {
      all.checked = chosen.length > 0 && chosen.length === boxes().length;
      all.indeterminate = chosen.length > 0 && !all.checked;
    }
    for (const box of boxes()) box.closest("[data-row-id]")?.classList.toggle("selected", box.checked);
    const text = bar.querySelector("[data-counted]");
    if (!text) return;
    const letters = chosen.reduce((sum, box) => sum + Number(box.dataset.letters || 1), 0);
    const groups = chosen.length && chosen[0].dataset.letters !== undefined;
    text.textContent = groups
      ? `${number(letters)} letter${letters === 1 ? "" : "s"} of ${number(chosen.length)} group${chosen.length === 1 ? "" : "s"} selected`
      : `${number(chosen.length)} of ${bar.dataset.of || number(boxes().length)} selected`;
  }

  document.addEventListener("change", (event) => {
    if (event.target.matches("input[data-all]")) for (const box of boxes()) box.checked = event.target.checked;
    if (event.target.matches("input[data-row], input[data-all]")) counted();
  });

  document.addEventListener("click", (event) => {
    const box = event.target.closest?.("input[data-row]");
    if (box) {
      const all = boxes();
      if (event.shiftKey && last && all.includes(last)) {
        const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
        for (const between of all.slice(from, to + 1)) between.checked = box.checked;
        counted();
      }
      last = box;
    }
    if (event.target.closest?.("[data-clear]")) {
      event.preventDefault();
      clear();
    }
  });

  function clear() {
    const any = boxes().some((box) => box.checked);
    for (const box of boxes()) box.checked = false;
    counted();
    return any;
  }

  /* The row with the keyboard. */
  function current() {
    return document.activeElement?.closest?.("[data-row-id]") || document.querySelector("[data-row-id][aria-current]");
  }

  function step(by) {
    const rows = rowsOf(document);
    if (!rows.length) return;
    const at = rows.indexOf(current());
    const row = rows[at < 0 ? (by > 0 ? 0 : rows.length - 1) : Math.min(Math.max(at + by, 0), rows.length - 1)];
    row.tabIndex = -1;
    row.focus();
    row.scrollIntoView({ block: "nearest" });
  }

  /* The open row is marked where the reader sees it, before its answer arrives. */
  document.addEventListener("htmx:beforeRequest", (event) => {
    const row = event.target.closest?.("[data-row-id]");
    if (!row || event.target.dataset.opens === undefined) return;
    for (const other of rowsOf(document)) other.removeAttribute("aria-current");
    row.setAttribute("aria-current", "true");
  });

  /* On a narrow screen what was opened takes the place of the list: it begins at its beginning. */
  document.addEventListener("htmx:afterSettle", (event) => {
    const drawer = event.target.id === "drawer" && document.getElementById("drawer");
    if (drawer && getComputedStyle(drawer.previousElementSibling).display === "none") scrollTo(0, 0);
  });

  document.addEventListener("DOMContentLoaded", counted);
  addEventListener("pageshow", counted);
  Object.assign(window.mainstay, { rows: { merge, morph, busy, step, current, clear, counted } });
})();
