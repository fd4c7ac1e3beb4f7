// The answer to read aloud: a procedure with its case and place, or a dossier. Every line is the bot's own.

import { get, post } from "./api.js";
import { $, copy, el, say } from "./dom.js";

const SHORT = {
  documents: "Giấy tờ", fee: "Phí", time: "Thời hạn", place: "Nơi nộp", method: "Cách nộp", form: "Mẫu đơn",
  conditions: "Điều kiện", result: "Kết quả", legal: "Căn cứ",
};

const place = $("card");
let shown = null;

/** The procedure or dossier that is on the page: `{code, field, title, text}`, or null. */
export const current = () => shown;

export function empty() {
  shown = null;
  place.replaceChildren(
    el("div", { class: "blank" },
      el("p", {}, el("strong", {}, "Nghe người gọi nói việc gì, gõ ngay vài chữ.")),
      el("p", {}, "Câu trả lời để đọc hiện ở đây: giấy tờ, lệ phí, thời hạn, nơi nộp, cách nộp, căn cứ và nguồn."),
    ),
  );
}

/** Show a procedure; `chosen` is the number of the case, from 1. Focus goes to its title, unless it stays in the card. */
export async function procedure(code, chosen, stay) {
  const query = chosen ? `?case=${chosen}` : "";
  draw(await get(`/procedures/${encodeURIComponent(code)}${query}`));
  if (stay) $(stay)?.focus();
  else $("card-head").focus();
}

export async function dossier(code) {
  const told = await post("/dossiers/lookup", { code });
  shown = { code: told.procedure_code, title: told.title, text: told.text, field: "", dossier: true };
  place.replaceChildren(
    el("h2", { id: "card-head", tabindex: "-1" }, told.title || "Hồ sơ"),
    told.steps.length ? el("ol", { class: "steps" }, ...told.steps.map(step)) : "",
    el("div", { class: "part" }, ...told.text.split("\n").filter(Boolean).map((line) => el("p", {}, line))),
    el("div", { class: "tools" },
      el("button", { type: "button", class: "second", onclick: copied }, "Chép ", el("kbd", {}, "F9")),
      told.procedure_code
        ? el("button", { type: "button", class: "second", onclick: () => procedure(told.procedure_code) }, "Mở thủ tục")
        : "",
    ),
  );
  $("card-head").focus();
}

/** Go to the field with this number; false where there is none. */
export function jump(number) {
  const part = place.querySelectorAll("section.part")[number - 1];
  if (!part) return false;
  part.focus();
  part.scrollIntoView({ block: "start" });
  return true;
}

export async function copied() {
  if (!shown) return;
  await copy(shown.text);
  say("Đã chép câu trả lời.");
  const mark = place.querySelector(".copied");
  if (mark) mark.textContent = "Đã chép.";
}

/** Digits with which the caller gets the answer into their own chat. */
export async function send() {
  if (!shown?.code || shown.dossier) return;
  const made = await post("/send", { procedure_code: shown.code, case: shown.case });
  $("send-digits").textContent = `nhận ${made.digits.slice(0, 3)} ${made.digits.slice(3)}`;
  $("send-minutes").textContent = `Mã dùng một lần, trong ${made.minutes} phút. Câu trả lời sẽ đến trong trò chuyện đó.`;
  $("send").showModal();
}

function step(one) {
  const words = { done: "xong", current: "đang làm", held: "chờ người dân", stopped: "dừng", waiting: "chưa tới", unknown: "chưa rõ" };
  return el("li", { class: one.state }, `${one.name} (${words[one.state] ?? one.state})`);
}

function draw(card) {
  shown = { code: card.code, title: card.title, field: card.field, text: card.text, case: card.case };
  place.replaceChildren(
    el("h2", { id: "card-head", tabindex: "-1" }, card.title),
    el("p", { class: "about" }, [`Mã ${card.code}`, card.field, card.level, card.province].filter(Boolean).join(" · ")),
    card.name !== card.title ? el("p", { class: "about" }, `Tên chính thức: ${card.name}`) : "",
    choices(card),
    el("div", { class: "tools" },
      el("button", { type: "button", class: "second", onclick: copied }, "Chép ", el("kbd", {}, "F9")),
      el("button", { type: "button", class: "second", onclick: send }, "Gửi vào Zalo, Telegram ", el("kbd", {}, "Shift F9")),
      el("button", { type: "button", class: "second", onclick: () => print() }, "In"),
      el("span", { class: "copied", role: "status" }),
    ),
    el("nav", { class: "jump", "aria-label": "Các mục" }, el("ol", {}, ...card.parts.map(jumper))),
    ...card.parts.map(section),
    el("section", { class: "sources", "aria-label": "Nguồn" }, ...card.sources.map((source) => el("p", {}, source.line))),
  );
}

function jumper(part, position) {
  return el("li", {},
    el("button", { type: "button", class: part.published ? "" : "missing", onclick: () => jump(position + 1) },
      el("kbd", {}, String(position + 1)), ` ${SHORT[part.field] ?? part.title}`, part.published ? "" : el("span", { class: "hidden" }, " (chưa công bố)")),
  );
}

function section(part, position) {
  return el("section", { class: part.published ? "part" : "part missing", id: `part-${part.field}`, tabindex: "-1", "aria-labelledby": `head-${part.field}` },
    el("h3", { id: `head-${part.field}` },
      el("kbd", { "aria-hidden": "true" }, String(position + 1)), ` ${part.title}`,
      part.published ? "" : el("span", { class: "badge" }, "Chưa công bố")),
    ...lines(part.lines),
  );
}

const MANY = 14;

/** Lines as they are; those that come after many are folded away. */
function lines(texts) {
  const drawn = texts.map((text) => el("p", { class: /[:：]$/.test(text) ? "case" : "" }, text));
  if (drawn.length <= MANY + 3) return drawn;
  const rest = drawn.splice(MANY);
  return [...drawn, el("details", {}, el("summary", {}, `Còn ${rest.length} dòng nữa`), ...rest)];
}

function choices(card) {
  if (!card.cases.length && !card.places.length) return "";
  const parts = [];
  if (card.cases.length) {
    const select = el("select", { id: "case", onchange: () => procedure(card.code, Number(select.value) || null, "case") },
      el("option", { value: "" }, "Mọi trường hợp"),
      ...card.cases.map((text, position) => el("option", { value: String(position + 1), selected: card.case === position + 1 }, text)),
    );
    parts.push(el("div", {}, el("label", { for: "case" }, "Trường hợp"), select));
  }
  if (card.places.length) {
    const select = el("select", { id: "province", onchange: () => procedure(select.value, null, "province") },
      ...card.places.map((one) => el("option", { value: one.code, selected: one.code === card.code }, one.province || "Cả nước")),
    );
    const where = el("input", { id: "where", maxlength: "200", autocomplete: "off", placeholder: "phường, xã hoặc tỉnh" });
    const told = el("p", { role: "status", id: "where-told" });
    const find = el("form", { class: "where", onsubmit: (event) => (event.preventDefault(), locate(card, where, told)) },
      el("label", { for: "where" }, "Người gọi ở đâu?"), where, el("button", { type: "submit", class: "second small" }, "Tìm nơi"));
    parts.push(el("div", {}, el("label", { for: "province" }, "Bản của tỉnh"), select), el("div", {}, find, told));
  }
  return el("div", { class: "choices" }, ...parts);
}

async function locate(card, where, told) {
  if (!where.value.trim()) return;
  try {
    const found = await get(`/procedures/${encodeURIComponent(card.code)}/place?q=${encodeURIComponent(where.value)}`);
    const name = [found.commune, found.province].filter(Boolean).join(", ");
    const text = found.own ? `${name}: dùng bản riêng của tỉnh.` : `${name}: không có bản riêng, dùng bản chung.`;
    await procedure(found.code, null, "where");
    const after = $("where-told");
    if (after) after.textContent = text;
    else say(text);
  } catch (error) {
    told.textContent = error.message;
  }
}
