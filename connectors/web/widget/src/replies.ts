// One turn of the assistant or of an officer as a node of the log.

import { type Headings, isDossier, isProcedure, procedureCard, progress } from "./cards";
import type { Entry, Option, Reply } from "./contract";
import { button, h, linked } from "./dom";
import type { Words } from "./words";

export interface Acts {
  choose(option: Option): void;
  rate(id: number, rating: string, reasons: string[]): void;
}

export interface Look {
  words: Words;
  levels: Headings;
  office: string;
}

const RATED = ["answered", "not_published", "no_such_procedure", "dossier_found"];

export function turn(entry: Entry, look: Look, acts: Acts): HTMLElement {
  const { words } = look;
  const reply = entry.reply!;
  const staff = entry.who === "staff";
  const node = h(
    "div",
    { class: staff ? "message staff" : "message", lang: "vi" },
    h("span", { class: "hidden", lang: words.close === "Close" ? "en" : "vi" }, staff ? words.staff : words.bot),
    staff && h("p", { class: "who", "aria-hidden": "true" }, words.officer),
    ...body(reply, look),
  );
  const options = (reply.options ?? []).filter((option) => !(isProcedure(reply.card) && option.payload === "xem tiếp"));
  if (options.length) node.append(choices(options, numbered(reply), words, acts));
  if (entry.id && !staff && RATED.includes(reply.status)) node.append(rating(entry.id, words, acts));
  return node;
}

function body(reply: Reply, look: Look): Node[] {
  const card = reply.card;
  if (isProcedure(card) && card.page === 1 && reply.text.includes(card.text)) {
    const [before, after] = reply.text.split(card.text) as [string, string];
    return [
      ...paragraphs(before),
      procedureCard(card, look.words, look.levels, look.office),
      ...paragraphs(after),
    ];
  }
  if (isDossier(card)) return dossier(reply.text, card.steps.length ? progress(card.steps, look.words) : null, look.levels.card);
  const listed = numbered(reply) ? reply.options!.map((option, at) => `${at + 1}. ${option.label}`) : [];
  return paragraphs(reply.text, listed);
}

function paragraphs(text: string, but: string[] = []): Node[] {
  return text
    .split("\n")
    .filter((line) => line.trim() && !but.includes(line))
    .map((line) => h("p", { class: line.startsWith("Nguồn: ") ? "source" : "" }, ...linked(line)));
}

function dossier(text: string, steps: HTMLElement | null, level: Headings["card"]): Node[] {
  return text
    .split("\n")
    .filter((line) => line.trim())
    .map((line, at) => {
      if (steps && line.startsWith("Các bước: ")) return steps;
      if (at === 0) return h(level, { class: "name" }, line);
      return h("p", { class: line.startsWith("Nguồn") ? "source" : "" }, ...linked(line));
    });
}

// Whether the text lists the options by number; then the buttons carry the numbers and the list is not said twice.
function numbered(reply: Reply): boolean {
  const lines = reply.text.split("\n");
  return !!reply.options?.length && reply.options.every((option, at) => lines.includes(`${at + 1}. ${option.label}`));
}

function choices(options: Option[], withNumbers: boolean, words: Words, acts: Acts): HTMLElement {
  return h(
    "ul",
    { class: withNumbers ? "options listed" : "options", "aria-label": words.options },
    ...options.map((option, at) =>
      h("li", {}, button(withNumbers ? `${at + 1}. ${option.label}` : option.label, "", () => acts.choose(option))),
    ),
  );
}

function rating(id: number, words: Words, acts: Acts): HTMLElement {
  const row = h("div", { class: "rating", role: "group", "aria-label": words.useful });
  const say = (value: string, ...reasons: string[]) => acts.rate(id, value, reasons);
  const thank = () => row.replaceChildren(h("span", { role: "status" }, words.thanks));
  const yes = () => {
    say("useful");
    thank();
  };
  const no = () => {
    say("not_useful"); // counts even if no reason follows
    const reasons = Object.entries(words.reasons).map(([value, label]) =>
      button(label, "small", () => {
        say("not_useful", value);
        thank();
      }),
    );
    row.setAttribute("aria-label", words.why);
    row.replaceChildren(h("span", {}, words.why), ...reasons);
    reasons[0]!.focus();
  };
  row.append(
    h("span", {}, words.useful),
    button(words.yes, "small", yes),
    button(words.no, "small", no),
  );
  return row;
}
