// The search box: a combobox whose results come while one types. Answers that are overtaken are thrown away.

import { get } from "./api.js";
import { $, el } from "./dom.js";

const PAUSE_MS = 70;
const DOSSIER = /^\s*(?:[a-z0-9]{1,4}[.,])*[gh]\d{2}(?:[.,][a-z0-9]{1,4})*\s*[-–_/ ]\s*\d{2,}/i;

const box = $("q");
const list = $("results");
const found = $("found");
const hint = $("hint");

let results = [];
let active = -1;
let timer = 0;
let running = null;

/** Connect the box; `open({code})` or `open({dossier})` is called with what was chosen. */
export function connect(open) {
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(search, PAUSE_MS);
  });
  box.addEventListener("keydown", async (event) => {
    if (event.isComposing) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      move(event.key === "ArrowDown" ? 1 : -1);
    } else if (event.key === "Enter" && box.value.trim()) {
      event.preventDefault();
      await settled();
      choose(Math.max(active, 0));
    } else if (event.key === "Escape" && box.value) {
      event.preventDefault();
      event.stopPropagation();
      clear();
    }
  });
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose([...list.children].indexOf(option));
  });

  function choose(position) {
    if (results[position]) open(results[position]);
  }
}

export const query = () => box.value.trim();

export function focus() {
  box.focus();
  box.select();
}

export function clear() {
  box.value = "";
  show({ results: [] });
  found.textContent = "";
}

/** Wait until what is typed has been searched for. */
export async function settled() {
  if (timer) {
    clearTimeout(timer);
    await search();
  } else await running?.done;
}

function search() {
  timer = 0;
  running?.stop.abort();
  const text = box.value;
  const stop = new AbortController();
  const done = look(text, stop).catch((error) => {
    if (error.name !== "AbortError") found.textContent = error.message;
  });
  running = { stop, done };
  return done;
}

async function look(text, stop) {
  if (DOSSIER.test(text)) {
    // A dossier's code never goes into an address.
    show({ results: [{ dossier: text.trim(), name: `Tra hồ sơ ${text.trim().toUpperCase()}`, meta: "Có ghi nhật ký" }] });
    found.textContent = "Bấm Enter để tra hồ sơ.";
    return;
  }
  if (text.trim().length < 2) {
    show({ results: [] });
    found.textContent = "";
    return;
  }
  const answer = await get(`/search?q=${encodeURIComponent(text)}`, stop.signal);
  if (stop.signal.aborted) return;
  show(answer);
  found.replaceChildren(
    answer.found
      ? `${answer.results.length} kết quả`
      : el("strong", {}, "Không tìm thấy thủ tục khớp. "),
    answer.found ? "" : "Dưới đây chỉ là những việc gần nhất. Bấm F8 để chuyển câu hỏi cho cán bộ.",
  );
}

function show(answer) {
  results = answer.results.map((one) => ({ meta: [one.code, one.field, one.level, one.province].filter(Boolean).join(" · "), ...one }));
  active = -1;
  list.replaceChildren(
    ...results.map((one, position) =>
      el("li", { role: "option", id: `r${position}`, "aria-selected": "false" }, el("strong", {}, one.name), el("small", {}, one.meta)),
    ),
  );
  list.hidden = !results.length;
  list.classList.toggle("far", answer.found === false);
  box.setAttribute("aria-expanded", String(results.length > 0));
  box.removeAttribute("aria-activedescendant");
  ask(answer.hint);
}

function ask(question) {
  hint.hidden = !question;
  if (!question) return;
  hint.replaceChildren(
    el("p", {}, el("strong", {}, "Gợi ý hỏi lại: "), question.question),
    el("ul", {}, ...question.options.map(([, label]) => el("li", {}, label))),
  );
}

function move(step) {
  if (!results.length) return;
  active = (active + step + results.length) % results.length;
  if (active < 0) active = results.length - 1;
  [...list.children].forEach((option, position) => option.setAttribute("aria-selected", String(position === active)));
  box.setAttribute("aria-activedescendant", `r${active}`);
  list.children[active].scrollIntoView({ block: "nearest" });
}
