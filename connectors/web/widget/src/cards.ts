// A procedure and a dossier as cards: the same words as the text, easier to find one's way in.

import type { DossierCard, Part, ProcedureCard, Reply, Source, Step } from "./contract";
import { button, h, linked } from "./dom";
import { printed } from "./printing";
import type { Words } from "./words";

export interface Headings {
  card: "h2" | "h3";
  part: "h3" | "h4";
}

export const isProcedure = (card: Reply["card"]): card is ProcedureCard =>
  !!card && "procedure_code" in card && Array.isArray(card.parts) && typeof card.text === "string";

export const isDossier = (card: Reply["card"]): card is DossierCard =>
  !!card && "kind" in card && card.kind === "dossier" && Array.isArray(card.steps);

const PAPER = /^\d+\. /;
const NOTE = "Lưu ý: ";
const isCase = (line: string): boolean => /:$/.test(line) && line.length < 300;

// A card shows a procedure's answer at once, without the pages that a plain text needs.
export function procedureCard(card: ProcedureCard, words: Words, levels: Headings, office: string): HTMLElement {
  const node = h(
    "div",
    { class: "card" },
    h(levels.card, { class: "name" }, card.title),
    h("p", { class: "code" }, `${words.code} ${card.procedure_code}`),
    ...shown(card).map((part) => partOf(part, words, levels)),
    ...card.sources.slice(0, 2).map((source) => sourceOf(source, words)),
  );
  if (node.querySelector("input")) {
    const print = button(words.print, "plain print", () => printed(node, office));
    node.querySelector(".papers")!.append(h("p", { class: "ready" }, words.ready, " ", print));
  }
  return node;
}

function shown(card: ProcedureCard): Part[] {
  const published = card.parts.filter((part) => part.published);
  return card.fields[0] === "overview" && published.length ? published : card.parts;
}

function partOf(part: Part, words: Words, levels: Headings): HTMLElement {
  const notes = part.lines.filter((line) => line.startsWith(NOTE));
  const lines = part.lines.filter((line) => !line.startsWith(NOTE));
  const papers = part.field === "documents" && lines.some((line) => PAPER.test(line));
  return h(
    "section",
    { class: papers ? "papers" : "part" },
    h(levels.part, {}, part.title),
    ...(papers ? checklist(lines) : facts(lines)),
    notes.length > 0 &&
      h(
        "details",
        {},
        h("summary", {}, words.notes(notes.length)),
        h("ul", {}, ...notes.map((line) => h("li", {}, ...linked(line.slice(NOTE.length))))),
      ),
  );
}

function facts(lines: string[]): HTMLElement[] {
  const items = lines.filter((line) => line.startsWith("- "));
  if (items.length !== lines.length || items.length < 2) {
    return lines.map((line) => h("p", {}, ...linked(line.replace(/^- /, ""))));
  }
  return [h("ul", {}, ...items.map((line) => h("li", {}, ...linked(line.slice(2)))))];
}

// Papers to tick, in the groups that the text has: to hand in or to show, and the cases in which they are needed.
function checklist(lines: string[]): HTMLElement[] {
  const nodes: HTMLElement[] = [];
  let list: HTMLUListElement | null = null;
  for (const line of lines) {
    if (PAPER.test(line)) {
      if (!list) nodes.push((list = h("ul", { class: "checklist" })));
      list.append(h("li", {}, h("label", {}, h("input", { type: "checkbox" }), h("span", {}, ...linked(line)))));
    } else {
      list = null;
      nodes.push(h("p", { class: isCase(line) ? "case" : "" }, ...linked(line)));
    }
  }
  return nodes;
}

function sourceOf(source: Source, words: Words): HTMLElement {
  const line = h("p", { class: "source" }, `${words.source}: `);
  if (source.url) line.append(h("a", { href: source.url, target: "_blank", rel: "noopener noreferrer" }, source.name ?? source.url));
  else line.append(source.name ?? "");
  if (source.decision) line.append(`; ${words.decided} ${source.decision}`);
  if (source.decision && source.decision_date) line.append(` ${words.on} ${day(source.decision_date)}`);
  if (source.retrieved) line.append(`; ${words.dated} ${day(source.retrieved)}`);
  return line;
}

const day = (iso: string): string => iso.split("-").reverse().join("/");

const STEP_WORDS: Record<string, string> = {
  done: "xong",
  current: "đang làm",
  held: "đang chờ anh/chị",
  stopped: "dừng",
  waiting: "chưa tới",
  unknown: "chưa rõ",
};

// A dossier's steps as a line of progress; the state of each is said in words, too.
export function progress(steps: Step[], words: Words): HTMLElement {
  const list = h("ol", { class: "steps", "aria-label": words.steps });
  for (const step of steps) {
    const item = h("li", { class: step.state }, h("span", {}, step.name), h("small", {}, STEP_WORDS[step.state] ?? ""));
    if (step.state === "current" || step.state === "held") item.setAttribute("aria-current", "step");
    list.append(item);
  }
  return list;
}
