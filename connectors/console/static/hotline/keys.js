// Keys. Those of one character can be switched off (WCAG 2.1.4); the choice is kept in this browser.

import { $ } from "./dom.js";

const KEPT = "motcua-console-single-keys";
const TEXT_FIELDS = "input:not([type=radio], [type=checkbox], [type=button]), textarea, select, [contenteditable]";

const box = $("single-keys");
box.checked = localStorage.getItem(KEPT) !== "off";
box.addEventListener("change", () => localStorage.setItem(KEPT, box.checked ? "on" : "off"));

export function help() {
  $("help").showModal();
}
$("help-open").addEventListener("click", help);

/**
 * Listen to keys. `named` maps keys such as "F2" or "Shift F9" to what they do; `search()` puts the focus into the search
 * box, `jump(number)` goes to a field and says whether there is one, `back()` is for Escape.
 */
export function connect({ named, search, jump, back }) {
  document.addEventListener("keydown", (event) => {
    if (event.isComposing || event.defaultPrevented || document.querySelector("dialog[open]")) return;
    const name = `${event.shiftKey && event.key.length > 1 ? "Shift " : ""}${event.key}`;
    if (named[name] && !event.ctrlKey && !event.altKey && !event.metaKey) {
      event.preventDefault();
      named[name]();
    } else if (event.key.toLowerCase() === "k" && event.ctrlKey) {
      event.preventDefault();
      search();
    } else if (event.key === "Escape") back();
    else if (box.checked) character(event);
  });

  function character(event) {
    const asked = event.key === "?" && (!event.target.matches(TEXT_FIELDS) || event.target.value === "");
    if (asked) {
      event.preventDefault();
      help();
      return;
    }
    if (event.ctrlKey || event.altKey || event.metaKey || event.key.length !== 1 || event.key === " ") return;
    if (event.target.matches(TEXT_FIELDS)) return;
    if (event.key === "/") {
      event.preventDefault();
      search();
    } else if (/[1-9]/.test(event.key) && jump(Number(event.key))) event.preventDefault();
    else search(); // the character itself then lands in the box, in place of what was selected
  }
}
