/* Single keys. A key presses what carries data-key; g and a letter follow what carries data-go. Off by choice (WCAG 2.1.4). */
"use strict";

(() => {
  const GO_MS = 1200; // how long g waits for its letter
  let went = -GO_MS;

  const typing = (target) => target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]");
  const seen = (element) => element.checkVisibility?.() ?? true;

  function press(key) {
    const targets = [...document.querySelectorAll("[data-key]")].filter((each) => each.dataset.key === key && seen(each));
    const target = targets.find((each) => each.closest(".selection.active")) || targets.pop(); // what is selected goes first
    if (!target || target.disabled) return false;
    if (target.matches("input, textarea")) {
      target.focus();
      target.select();
    } else target.click();
    return true;
  }

  function row(key) {
    const { rows } = window.mainstay;
    const at = rows.current();
    if (key === "j") rows.step(1);
    else if (key === "k") rows.step(-1);
    else if (key === "x" && at) at.querySelector("input[data-row]")?.click();
    else if (key === "Enter" && at && document.activeElement === at) at.querySelector("a[data-opens], a")?.click();
    else return false;
    return true;
  }

  function escape(target) {
    const menu = document.querySelector("details.menu[open], details.more[open]");
    if (menu) {
      menu.open = false;
      return menu.querySelector("summary").focus();
    }
    if (typing(target)) return target.blur();
    if (window.mainstay.rows.clear()) return;
    document.querySelector("[data-escape]")?.click();
  }

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.isComposing) return;
    if (event.key === "Escape" && !document.querySelector("dialog[open]")) return escape(event.target);
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
    if (document.querySelector("dialog[open]") || document.body.dataset.keys === "off") return;
    let done;
    if (performance.now() - went < GO_MS) {
      went = -GO_MS;
      const link = document.querySelector(`a[data-go="${CSS.escape(event.key)}"]`);
      if (link) link.click();
      done = Boolean(link);
    } else if (event.key === "g") {
      went = performance.now();
      done = true;
    } else done = row(event.key) || press(event.key);
    if (done) event.preventDefault();
  });
})();
