// Answers that wait for approval; only on pages that have the list.

import { get, post, repeat } from "./api.js";
import { $, clock, el, say } from "./dom.js";

const known = new Map();

export function connect() {
  if (!$("approvals")) return;
  const refresh = repeat(3, async () => show(await get("/approvals")));

  /** New ones come, decided ones go; what is being changed stays as it is. */
  function show(held) {
    const ids = new Set(held.map((one) => one.id));
    for (const [id, item] of known) {
      if (ids.has(id)) continue;
      item.remove();
      known.delete(id);
    }
    for (const one of held.filter((one) => !known.has(one.id))) {
      const item = row(one);
      known.set(one.id, item);
      $("held").append(item);
    }
    $("held-count").textContent = held.length ? `(${held.length})` : "";
    $("no-held").hidden = held.length > 0;
  }

  function row(one) {
    const text = el("textarea", { id: `held-${one.id}`, rows: "6", maxlength: "8000" });
    text.value = one.text;
    const decide = async (what, body, said) => {
      try {
        await post(`/approvals/${one.id}/${what}`, body);
        say(said);
      } catch (error) {
        say(error.message);
      }
      await refresh();
      ($("held").querySelector("textarea") ?? $("queue-head").closest("section").querySelector("button"))?.focus();
    };
    return el("li", { class: "card" },
      el("p", {}, el("strong", {}, `Hỏi lúc ${clock(one.since)}: `), one.question),
      el("div", { class: "field" }, el("label", { for: `held-${one.id}` }, "Câu trả lời"), text),
      el("div", { class: "tools" },
        el("button", { type: "button", onclick: () => decide("send", { text: text.value === one.text ? null : text.value }, "Đã gửi.") }, "Gửi"),
        el("button", { type: "button", class: "second", onclick: () => decide("drop", {}, "Đã bỏ.") }, "Không gửi")),
    );
  }
}
