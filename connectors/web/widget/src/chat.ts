import { colourRules } from "./colours";
import css from "./chat.css";
import type { Entry, Opened } from "./contract";
import { button, h, styled } from "./dom";
import { bubble, cross, phone } from "./icons";
import { keep, recalled } from "./memory";
import { openingOf } from "./opening";
import { type Look, turn } from "./replies";
import { Server } from "./server";
import { type Mine, Talk, type View } from "./talk";
import { type Words, wordsFor } from "./words";

const SMALL = "(max-width: 30rem), (max-height: 30rem)";
const MOST_TEXT = 2000;
const SPACE_PX = 10;

// <vn-gov-chat>: a launcher with a panel, or with data-mode="page" the whole page. Its settings are data-… attributes,
// the same as those of the script tag (docs/widget.md).
export class Chat extends HTMLElement implements View {
  static server = location.origin;

  #words!: Words;
  #look!: Look;
  #talk!: Talk;
  #log!: HTMLElement;
  #box!: HTMLTextAreaElement;
  #status!: HTMLElement;
  #help!: HTMLElement;
  #panel!: HTMLElement;
  #launcher: HTMLButtonElement | null = null;
  #unread = 0;

  connectedCallback(): void {
    if (this.shadowRoot) return;
    const { lang = "vi", office = "", color = "" } = this.dataset;
    const page = this.dataset.mode === "page";
    this.#words = wordsFor(lang);
    this.#look = {
      words: this.#words,
      levels: page ? { card: "h2", part: "h3" } : { card: "h3", part: "h4" },
      office,
    };
    const server = new Server(this.dataset.server ?? Chat.server, (token) => keep({ token }));
    server.token = recalled().token;
    this.#talk = new Talk(server, this.#words, this);
    const root = this.attachShadow({ mode: "open" });
    styled(root, css, colourRules(color));
    if (page) this.#buildPage(root);
    else this.#buildLauncher(root);
    root.querySelectorAll("[data-chrome]").forEach((node) => node.setAttribute("lang", lang));
  }

  disconnectedCallback(): void {
    this.#talk.leave();
  }

  open(): void {
    const dialog = this.#panel as HTMLDialogElement;
    if (dialog.open) return;
    // On a small screen the panel covers everything, so everything else is inert then.
    if (matchMedia(SMALL).matches) dialog.showModal();
    else dialog.show();
    this.#shown();
    // A telephone's keyboard would cover the greeting; there the heading is where reading begins.
    if (matchMedia("(pointer: coarse)").matches) this.#panel.querySelector<HTMLElement>(".title")!.focus();
    else this.#box.focus();
  }

  close(): void {
    (this.#panel as HTMLDialogElement).close();
    keep({ open: false });
    this.#launcher!.hidden = false;
    this.#launcher!.setAttribute("aria-expanded", "false");
    this.#launcher!.focus();
  }

  // -- building ------------------------------------------------------------------------------

  #buildPage(root: ShadowRoot): void {
    this.#panel = h("div", { class: "panel page" }, ...this.#parts("h1"));
    root.append(this.#panel);
    this.#talk.open(openingOf(location.search));
    history.replaceState(null, "", location.pathname); // opened anew, the page does not ask again
  }

  #buildLauncher(root: ShadowRoot): void {
    this.#panel = h("dialog", { id: "panel", class: "panel", "aria-labelledby": "title" }, ...this.#parts("h2"));
    this.#panel.addEventListener("keydown", (event) => {
      if (event.key !== "Escape" || event.isComposing) return;
      event.preventDefault();
      this.close();
    });
    this.#panel.addEventListener("cancel", (event) => {
      event.preventDefault(); // the way back on a telephone
      this.close();
    });
    this.#launcher = button("", "launcher", () => this.open());
    this.#launcher.append(bubble(), h("span", { class: "label" }, this.#words.launcher), h("span", { class: "badge" }));
    this.#launcher.setAttribute("aria-expanded", "false");
    this.#launcher.setAttribute("aria-controls", "panel");
    this.#launcher.dataset.chrome = "";
    const side = this.dataset.side === "left" ? "corner left" : "corner";
    root.append(h("section", { class: side, "aria-label": this.#words.heading }, this.#launcher, this.#panel));
    this.#resume();
  }

  // After a reload the panel is there as it was, without taking the focus; on a small screen it waits behind its button.
  #resume(): void {
    const { token, open } = recalled();
    if (!token || !open || matchMedia(SMALL).matches) return;
    (this.#panel as HTMLDialogElement).open = true;
    this.#shown();
  }

  #shown(): void {
    this.#unread = 0;
    this.#badge();
    this.#launcher!.hidden = true;
    this.#launcher!.setAttribute("aria-expanded", "true");
    keep({ open: true });
    this.#talk.open();
  }

  #parts(level: "h1" | "h2"): HTMLElement[] {
    this.#log = h("div", { class: "log", role: "log", "aria-live": "polite", "aria-label": this.#words.log, tabindex: "0" });
    this.#status = h("p", { class: "status", role: "status", "data-chrome": "" });
    return [this.#head(level), this.#log, this.#status, this.#form(), this.#foot()];
  }

  #head(level: "h1" | "h2"): HTMLElement {
    const { logo, title = this.#words.heading, office, phone: number = "" } = this.dataset;
    this.#help = h("p", { class: "help" });
    this.#showPhone(number);
    const close = button("", "close", () => this.close());
    close.setAttribute("aria-label", this.#words.close);
    close.append(cross());
    return h(
      "header",
      { "data-chrome": "" },
      logo && h("img", { src: logo, alt: "" }),
      h(
        "div",
        { class: "heading" },
        h(level, { id: "title", class: "title", tabindex: "-1" }, title),
        h("p", {}, office || this.#words.subtitle),
      ),
      this.#help,
      level === "h2" && close,
    );
  }

  #showPhone(number: string): void {
    const digits = number.replace(/[^\d+]/g, "");
    if (!digits) return;
    this.#help.replaceChildren(h("a", { href: `tel:${digits}` }, phone(), h("span", { class: "verb" }, `${this.#words.call} `), number));
  }

  #form(): HTMLElement {
    const words = this.#words;
    this.#box = h("textarea", {
      id: "text",
      rows: "1",
      maxlength: String(MOST_TEXT),
      placeholder: words.example,
      enterkeyhint: "send",
      autocomplete: "off",
    });
    this.#box.addEventListener("keydown", (event) => {
      // While a Vietnamese input method is composing, Enter ends the word and does not send.
      if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
      event.preventDefault();
      this.#sendText();
    });
    const form = h(
      "form",
      { "data-chrome": "" },
      h("label", { for: "text", class: "hidden" }, words.question),
      this.#box,
      h("button", { type: "submit" }, words.send),
    );
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#sendText();
    });
    return form;
  }

  #foot(): HTMLElement {
    const restart = () => {
      this.#log.replaceChildren();
      void this.#talk.restart();
      this.#box.focus();
    };
    return h(
      "div",
      { class: "foot", "data-chrome": "" },
      button(this.#words.person, "plain person", () => void this.#talk.person()),
      button(this.#words.restart, "plain restart", restart),
      h("p", { class: "hint" }, this.#words.hint),
    );
  }

  #sendText(): void {
    const text = this.#box.value.trim();
    if (!text) return;
    this.#box.value = "";
    this.#talk.say(text, text);
  }

  // -- what the talk shows -------------------------------------------------------------------

  greet(opened: Opened): void {
    if (!this.dataset.phone) this.#showPhone(opened.help_phone);
    const greeting = this.#turn({ id: 0, who: "bot", reply: opened.greeting });
    greeting.append(h("p", { class: "consent" }, opened.consent_text));
    this.#log.append(greeting);
  }

  restore(entries: Entry[]): void {
    if (!entries.length) return;
    this.#log.setAttribute("aria-live", "off"); // what was read before is not read out again
    for (const entry of entries) {
      if (entry.reply) this.#log.append(this.#turn(entry));
      else if (entry.text) this.#mine(entry.text);
    }
    this.#log.scrollTop = this.#log.scrollHeight;
    setTimeout(() => this.#log.setAttribute("aria-live", "polite"), 500);
  }

  mine(shown: string): Mine {
    const node = this.#mine(shown);
    const state = h("p", { class: "sending", "data-chrome": "" });
    this.#log.scrollTop = this.#log.scrollHeight;
    return {
      waits: () => {
        state.replaceChildren(this.#words.unsent);
        node.append(state);
      },
      arrived: () => state.remove(),
      refused: (again) => {
        const retry = button(this.#words.retry, "small", () => {
          state.remove();
          again();
        });
        state.replaceChildren(`${this.#words.unsent} `, retry);
        node.append(state);
      },
    };
  }

  said(entry: Entry): void {
    // One rating at a time is asked for: that of the newest answer.
    this.#log.querySelectorAll(".rating").forEach((row) => row.querySelector("button") && row.remove());
    const node = this.#turn(entry);
    this.#log.append(node);
    // The start of a long answer matters more than its end. Only the log scrolls, never the office's page.
    this.#log.scrollTop = node.offsetTop - SPACE_PX;
    if (this.#launcher && !this.#launcher.hidden) {
      this.#unread += 1;
      this.#badge();
    }
  }

  note(text: string): void {
    this.#log.append(h("p", { class: "note", "data-chrome": "" }, text));
  }

  status(text: string): void {
    this.#status.textContent = text;
  }

  #badge(): void {
    const badge = this.#launcher!.querySelector(".badge")!;
    badge.textContent = this.#unread ? this.#words.unread(this.#unread) : "";
  }

  #mine(text: string): HTMLElement {
    const hidden = h("span", { class: "hidden" }, this.#words.me);
    const node = h("div", { class: "message mine", "aria-live": "off" }, hidden, h("p", { class: "text" }, text));
    this.#log.append(node);
    return node;
  }

  #turn(entry: Entry): HTMLElement {
    return turn(entry, this.#look, {
      choose: (option) => {
        this.#talk.say(option.label, option.payload);
        this.#box.focus({ preventScroll: true });
      },
      rate: (id, rating, reasons) => this.#talk.rate(id, rating, reasons),
    });
  }
}
