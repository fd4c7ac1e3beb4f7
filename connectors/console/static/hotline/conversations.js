// Conversations that wait for a person: the queue, one of them, and what staff does in it.

import { get, post, repeat } from "./api.js";
import * as approvals from "./approvals.js";
import { $, clock, el, problem, say } from "./dom.js";

const supervises = document.querySelector(".chats").dataset.supervises === "yes";
const WHO = { citizen: "Người dân", bot: "Trợ lý", staff: "Cán bộ" };

let chosen = null;
let last = 0;
let known = new Map();

approvals.connect();
const refresh = repeat(3, async () => {
  queue(await get("/conversations"));
  if (chosen) await more();
});

function queue(answer) {
  $("closed").hidden = answer.office_open;
  const waiting = answer.conversations.filter((one) => one.state === "waiting").length;
  $("queue-count").textContent = answer.conversations.length ? `(${waiting} đang chờ)` : "";
  $("nobody").hidden = answer.conversations.length > 0;
  const fresh = answer.conversations.filter((one) => known.size && !known.has(one.ref));
  if (fresh.length) say("Có người mới chờ cán bộ.");
  known = new Map(answer.conversations.map((one) => [one.ref, one]));
  const focused = document.activeElement?.dataset?.ref;
  $("queue").replaceChildren(...answer.conversations.map(row));
  if (focused) $("queue").querySelector(`[data-ref="${focused}"]`)?.focus();
  if (!$("canned").options[1]) {
    $("canned").append(...answer.canned.map((one) => el("option", { value: one.text }, one.title)));
  }
}

function row(one) {
  const state = one.mine ? "Anh/chị đang trả lời" : one.state === "claimed" ? `${one.claimed_by} đang trả lời` : `Chờ từ ${clock(one.since)}`;
  return el("li", {},
    el("button", { type: "button", class: "row", "data-ref": one.ref, "aria-current": one.ref === chosen ? "true" : null, onclick: () => open(one.ref) },
      el("strong", {}, one.channel), el("span", { class: `state ${one.state}` }, state), el("small", {}, one.reason),
      ...one.last.map((line) => el("span", { class: "line" }, `${WHO[line.who]}: ${line.text}`)),
    ),
  );
}

async function open(ref) {
  chosen = ref;
  last = 0;
  $("lines").replaceChildren();
  problem($("contact-shown"));
  problem($("reply-problem"));
  await more();
  $("queue").querySelectorAll(".row").forEach((one) => {
    if (one.dataset.ref === ref) one.setAttribute("aria-current", "true");
    else one.removeAttribute("aria-current");
  });
  $("talk-head").focus();
}

/** What was said since, and who has the conversation now. */
async function more() {
  const ref = chosen;
  let answer;
  try {
    answer = await get(`/conversations/${ref}?after=${last}`);
  } catch (error) {
    if (error.status !== 404) throw error;
    chosen = null;
    $("talk").hidden = true;
    say(error.message);
    return;
  }
  if (ref !== chosen) return;
  const box = $("lines");
  const atEnd = box.scrollHeight - box.scrollTop - box.clientHeight < 60;
  for (const line of answer.lines.filter((one) => one.id > last)) {
    last = line.id;
    box.append(
      el("div", { class: `said ${line.who}` },
        el("p", { class: "by" }, `${line.staff ?? WHO[line.who]} · ${clock(line.at)}`),
        el("p", { class: "text" }, line.text)),
    );
  }
  if (atEnd) box.scrollTop = box.scrollHeight;
  state(answer.conversation);
}

function state(one) {
  $("talk").hidden = false;
  $("talk-head").textContent = `${one.channel} – ${one.reason}`;
  $("talk-state").textContent = one.mine
    ? "Anh/chị đang trả lời. Trợ lý im lặng."
    : one.state === "claimed" ? `${one.claimed_by} đang trả lời.` : `Đang chờ từ ${clock(one.since)}. Trợ lý vẫn trả lời trong lúc chờ.`;
  $("claim").hidden = one.state === "claimed";
  $("reply").hidden = !one.mine;
  $("contact").hidden = !(one.mine && one.has_contact);
  $("release").hidden = !(one.mine || (supervises && one.state === "claimed"));
  $("close").hidden = !(one.mine || supervises);
}

async function act(what, said) {
  const ref = chosen;
  if (!ref) return;
  try {
    await post(`/conversations/${ref}/${what}`);
    say(said);
  } catch (error) {
    say(error.message);
    $("talk-state").textContent = error.message;
    if (error.status === 409) return void (await refresh());
  }
  await refresh();
}

async function claim() {
  await act("claim", "Anh/chị đã nhận cuộc trò chuyện.");
  if (!$("reply").hidden) $("text").focus();
}

async function send() {
  const text = $("text").value;
  if (!text.trim()) return;
  try {
    await post(`/conversations/${chosen}/reply`, { text });
    $("text").value = "";
    $("canned").value = "";
    problem($("reply-problem"));
    say("Đã gửi.");
    await more();
  } catch (error) {
    problem($("reply-problem"), error.message);
  }
  $("text").focus();
}

$("claim").addEventListener("click", claim);
$("release").addEventListener("click", () => act("release", "Đã trả lại cho trợ lý."));
$("close").addEventListener("click", () => act("close", "Đã kết thúc."));
$("contact").addEventListener("click", async () => {
  try {
    problem($("contact-shown"), (await post(`/conversations/${chosen}/contact`)).contact);
  } catch (error) {
    problem($("contact-shown"), error.message);
  }
});
$("canned").addEventListener("change", () => {
  if (!$("canned").value) return;
  $("text").value = [$("text").value.trim(), $("canned").value].filter(Boolean).join("\n");
  $("text").focus();
});
$("reply").addEventListener("submit", (event) => (event.preventDefault(), send()));
document.addEventListener("keydown", (event) => {
  if (event.key === "F2" && chosen && !$("claim").hidden) {
    event.preventDefault();
    claim();
  } else if (event.key === "Enter" && event.ctrlKey && event.target === $("text") && !event.isComposing) {
    event.preventDefault();
    send();
  }
});
