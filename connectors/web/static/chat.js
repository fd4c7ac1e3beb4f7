"use strict";
// The chat page: plain DOM, no framework. The conversation's key lives in this tab only (sessionStorage).

const log = document.getElementById("log");
const form = document.getElementById("form");
const box = document.getElementById("text");
const state = document.getElementById("state");
const send = form.querySelector("button");
const KEY = "motcua-session";

async function post(path, body) {
  const response = await fetch(`/api/v1/web/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error(answer?.error?.message ?? "Hệ thống gặp sự cố.");
  return answer;
}

async function session() {
  const known = sessionStorage.getItem(KEY);
  if (known) return known;
  const opened = await post("sessions");
  sessionStorage.setItem(KEY, opened.session);
  show(opened.greeting);
  return opened.session;
}

function element(tag, className, text) {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
}

// Text with its web addresses made into links; never as markup.
function linked(node, text) {
  for (const piece of text.split(/(https?:\/\/[^\s;]+)/)) {
    if (/^https?:\/\//.test(piece)) {
      const link = element("a", "", piece);
      link.href = piece;
      link.rel = "noopener noreferrer";
      link.target = "_blank";
      node.append(link);
    } else if (piece) node.append(piece);
  }
  return node;
}

function lineClass(line, index, reply) {
  if (reply.card && index === 0) return "head";
  if (line.startsWith("Nguồn: ")) return "source";
  if (reply.card && reply.card.parts.some((part) => `${part.title}:` === line)) return "title";
  return /:$/.test(line) && line.length < 200 ? "case" : "";
}

function show(reply) {
  const message = element("div", "message");
  reply.text.split("\n").forEach((line, index) => {
    if (reply.card?.steps && line.startsWith("Các bước: ")) message.append(progress(reply.card.steps));
    else if (line.trim()) message.append(linked(element("p", lineClass(line, index, reply)), line));
  });
  if (reply.options?.length) message.append(choices(reply.options));
  log.append(message);
  // The start of a long answer matters more than its end.
  message.scrollIntoView({ block: "start", behavior: "smooth" });
}

const STEP_WORDS = { done: "xong", current: "đang làm", held: "đang chờ anh/chị", stopped: "dừng", waiting: "chưa tới", unknown: "chưa rõ" };

// A dossier's four steps as a line of progress; the state of each is said in words, too.
function progress(steps) {
  const list = element("ol", "steps");
  list.setAttribute("aria-label", "Các bước giải quyết hồ sơ");
  for (const step of steps) {
    const item = element("li", step.state);
    item.append(element("span", "", step.name), element("small", "", STEP_WORDS[step.state] ?? ""));
    if (step.state === "current" || step.state === "held") item.setAttribute("aria-current", "step");
    list.append(item);
  }
  return list;
}

function choices(options) {
  const list = element("ul", "options");
  for (const option of options) {
    const button = element("button", "", option.label);
    button.type = "button";
    button.addEventListener("click", () => say(option.label, option.payload));
    const item = element("li");
    item.append(button);
    list.append(item);
  }
  return list;
}

async function say(shown, text) {
  if (send.disabled) return;
  log.append(element("div", "message mine", shown));
  log.scrollTop = log.scrollHeight;
  send.disabled = true;
  state.textContent = "Đang tra cứu…";
  try {
    const answer = await post("messages", { session: await session(), text });
    state.textContent = "";
    answer.messages.forEach(show);
  } catch (error) {
    const words = error instanceof TypeError ? "Mất kết nối." : error.message;
    state.textContent = `${words} Tin nhắn chưa gửi được, anh/chị bấm Gửi lần nữa giúp ạ.`;
    if (shown === text) box.value = text;
  } finally {
    send.disabled = false;
    box.focus();
  }
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const text = box.value.trim();
  if (!text || send.disabled) return;
  box.value = "";
  say(text, text);
});

box.addEventListener("keydown", (event) => {
  // While a Vietnamese input method is composing, Enter ends the word and does not send.
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing && event.keyCode !== 229) {
    event.preventDefault();
    form.requestSubmit();
  }
});

document.getElementById("restart").addEventListener("click", () => {
  sessionStorage.removeItem(KEY);
  log.replaceChildren();
  session().catch((error) => { state.textContent = error.message; });
  box.focus();
});

sessionStorage.removeItem(KEY);
session().catch(() => { state.textContent = "Chưa kết nối được, xin tải lại trang sau ít phút."; });
