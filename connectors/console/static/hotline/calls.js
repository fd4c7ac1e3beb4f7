// Calls: what rings, the call that is open, what was written up today and what is due.

import * as card from "./card.js";
import { call, get, post, repeat } from "./api.js";
import { $, clock, day, el, problem, say } from "./dom.js";

const OUTCOMES = { answered: "Đã trả lời", forwarded: "Chuyển cơ quan khác", call_back: "Hẹn gọi lại", not_found: "Không tìm thấy" };

const form = $("call");
let now = { ringing: [], current: null };
let rang = null;
let again = null;
let poll = () => {};
let focusSearch = () => {};

/** Connect the panel; `afterwards` puts the focus back into the search box. */
export function connect(afterwards) {
  focusSearch = afterwards;
  $("begin").addEventListener("click", beginOrTake);
  $("number").addEventListener("click", reveal);
  form.addEventListener("submit", (event) => (event.preventDefault(), save()));
  form.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save();
    }
  });
  $("seat").addEventListener("submit", async (event) => {
    event.preventDefault();
    await call("PUT", "/seat", { extension: $("extension").value.trim() || null });
    say("Đã đổi máy lẻ.");
    poll();
  });
  setInterval(tick, 1000);
  poll = repeat(2, refresh);
  lists();
}

/** Take the call that rings, or begin one by hand. */
export async function beginOrTake() {
  const ringing = now.ringing[0];
  try {
    if (ringing) await take(ringing.id);
    else if (!now.current) {
      await post("/calls/begin", {});
      await poll();
      say("Đã bắt đầu cuộc gọi.");
      focusSearch();
    }
  } catch (error) {
    say(error.message);
    await poll();
  }
}

/** Go to the form of the open call. */
export function write() {
  if (form.hidden) return false;
  (form.querySelector("[name=outcome]:checked") ?? form.elements.outcome[0]).focus();
  return true;
}

/** The field of what was shown last, unless the agent wrote another. */
export function about(shown) {
  if (shown?.field) form.elements.field.value = shown.field;
}

/** No answer was found: the question goes to the review list. */
export async function missing(question) {
  if (!question) return say("Anh/chị gõ câu hỏi vào ô tìm kiếm trước.");
  try {
    await post("/missing", { question });
    if (!form.hidden) form.elements.outcome.value = "not_found";
    $("found").textContent = "Đã chuyển câu hỏi cho cán bộ xem lại.";
  } catch (error) {
    $("found").textContent = error.message;
  }
}

async function take(id) {
  await post(`/calls/${id}/take`);
  await poll();
  say("Đã nhận cuộc gọi.");
  focusSearch();
}

async function refresh() {
  const fresh = await get("/now");
  const changed = fresh.current?.id !== now.current?.id;
  now = fresh;
  $("seat-now").textContent = fresh.extension ?? "chưa chọn";
  $("due-count").textContent = fresh.due ? `(${fresh.due})` : "";
  $("waiting").hidden = !fresh.waiting;
  $("waiting").firstElementChild.textContent = `${fresh.waiting} cuộc trò chuyện chờ cán bộ`;
  ring(fresh.ringing[0]);
  if (again) return;
  if (changed) open(fresh.current);
  const promised = fresh.promised;
  problem($("promised"), promised ? `Số này đang được hẹn ngày ${day(promised.follow_up_on)}${promised.note ? `: ${promised.note}` : ""}` : "");
}

function ring(one) {
  const bar = $("ring");
  if (rang === (one?.id ?? null)) return;
  rang = one?.id ?? null;
  bar.hidden = !one;
  bar.replaceChildren();
  if (!one) return;
  bar.append(
    el("strong", {}, `Cuộc gọi đến${one.phone ? ` từ ${one.phone}` : ""}${one.extension ? ` (máy ${one.extension})` : ""}`),
    el("button", { type: "button", onclick: beginOrTake }, "Nhận ", el("kbd", {}, "F2")),
  );
}

function open(current) {
  form.hidden = !current;
  $("idle").hidden = Boolean(current);
  form.reset();
  problem($("call-problem"));
  if (!current) return;
  $("caller").textContent = current.phone ?? "Không có số";
  $("number").hidden = !current.phone;
  $("number").textContent = "Hiện số";
  about(card.current());
  tick();
}

function tick() {
  const started = (again ?? now.current)?.answered_at;
  if (form.hidden || !started) return;
  const seconds = Math.max(0, Math.round((Date.now() - new Date(started)) / 1000));
  $("clock").textContent = again ? `đã ghi lúc ${clock(started)}` : `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

async function reveal() {
  await shownNumber((again ?? now.current).id, $("number"));
}

async function shownNumber(id, button) {
  try {
    button.textContent = (await post(`/calls/${id}/number`)).phone;
    say(`Số điện thoại ${button.textContent}`);
  } catch (error) {
    button.textContent = error.message;
  }
}

async function save() {
  const written = again ?? now.current;
  const data = new FormData(form);
  if (!data.get("outcome")) {
    problem($("call-problem"), "Anh/chị chọn kết quả cuộc gọi.");
    form.elements.outcome[0].focus();
    return;
  }
  try {
    await post(`/calls/${written.id}/note`, {
      outcome: data.get("outcome"),
      field: data.get("field") || null,
      procedure_code: again ? again.procedure_code : (card.current()?.code ?? null),
      note: data.get("note"),
      follow_up_on: data.get("follow_up_on") || null,
    });
  } catch (error) {
    problem($("call-problem"), error.message);
    return;
  }
  again = null;
  now.current = null;
  open(null);
  await Promise.all([poll(), lists()]);
  say("Đã lưu cuộc gọi.");
  focusSearch();
}

async function lists() {
  const found = await get("/calls");
  $("today-count").textContent = found.today.length ? `(${found.today.length})` : "";
  fill($("today"), found.today, "Chưa có cuộc gọi nào.", (one) => [
    one.state === "logged" ? el("button", { type: "button", class: "second small", onclick: () => amend(one) }, "Sửa") : "",
  ]);
  fill($("due"), found.due, "Không có việc nào.", (one) => {
    const number = one.phone ? el("button", { type: "button", class: "second small" }, "Hiện số") : "";
    if (number) number.addEventListener("click", () => shownNumber(one.id, number));
    const back = el("button", { type: "button", class: "second small", onclick: () => callBack(one.id) }, "Gọi lại");
    const done = el("button", { type: "button", class: "second small", onclick: () => finish(one.id) }, "Đã xong");
    return [number, one.state === "missed" ? back : "", done];
  });
}

function fill(list, calls, nothing, tools) {
  const rows = calls.map((one) =>
    el("li", {},
      el("p", {}, el("strong", {}, one.follow_up_on && !one.follow_up_done ? `Hẹn ${day(one.follow_up_on)}` : clock(one.started_at)), " ",
        OUTCOMES[one.outcome] ?? (one.state === "missed" ? "Gọi nhỡ" : "Chưa ghi"), one.phone ? ` · ${one.phone}` : ""),
      one.field || one.note ? el("p", { class: "more" }, [one.field, one.note].filter(Boolean).join(" – ")) : "",
      el("div", { class: "tools" }, ...tools(one)),
    ),
  );
  list.replaceChildren(...(rows.length ? rows : [el("li", {}, nothing)]));
}

function amend(one) {
  if (now.current) return say("Anh/chị lưu cuộc gọi đang mở trước.");
  again = one;
  open(one);
  form.elements.outcome.value = one.outcome;
  form.elements.field.value = one.field ?? "";
  form.elements.note.value = one.note ?? "";
  form.elements.follow_up_on.value = one.follow_up_on ?? "";
  write();
}

async function callBack(id) {
  try {
    await take(id);
  } catch (error) {
    say(error.message);
  }
  await lists();
}

async function finish(id) {
  try {
    await post(`/calls/${id}/done`);
    say("Đã xong.");
  } catch (error) {
    say(error.message);
  }
  await Promise.all([poll(), lists()]);
}
