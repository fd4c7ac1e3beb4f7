import type { Entry, Opened } from "./contract";
import { Feed } from "./feed";
import { Refused, type Server } from "./server";
import type { Opening } from "./opening";
import { patience } from "./waiting";
import type { Words } from "./words";

const SLOW_MS = 20_000;

// A citizen's message as it is shown: on its way, arrived, or refused.
export interface Mine {
  waits(): void;
  arrived(): void;
  refused(again: () => void): void;
}

export interface View {
  greet(opened: Opened): void;
  restore(entries: Entry[]): void;
  mine(shown: string): Mine;
  said(entry: Entry): void;
  note(text: string): void;
  status(text: string): void;
}

interface Waiting {
  text: string;
  id: string;
  mine: Mine;
}

// The course of a conversation: it begins or is taken up again, messages go out in order and each arrives once, whatever
// the network does, and what is said back comes by the feed.
export class Talk {
  #begun: Promise<void> | null = null;
  #feed: Feed | null = null;
  #queue: Waiting[] = [];
  #sending = false;
  #reached = true;
  #expecting = 0;
  #open = 0;
  #withPerson = false;

  constructor(
    private readonly server: Server,
    private readonly words: Words,
    private readonly view: View,
  ) {}

  // Begins, if it has not begun, and says what brought somebody here; what stands against it is told.
  open(opening: Opening | null = null): void {
    this.#begin()
      .then(() => opening && this.say(opening.shown, opening.text))
      .catch((error) => this.#trouble(error));
  }

  say(shown: string, text: string): void {
    this.#queue.push({ text, id: newId(), mine: this.view.mine(shown) });
    void this.#send();
  }

  async person(): Promise<void> {
    try {
      await this.#begin();
      await this.#persist(() => this.server.handoff());
    } catch (error) {
      this.#trouble(error);
    }
  }

  rate(id: number, rating: string, reasons: string[]): void {
    this.server.rate(id, rating, reasons).catch((error) => this.#trouble(error));
  }

  // The conversation is erased on the server, and another begins.
  async restart(): Promise<void> {
    this.leave();
    this.#queue = [];
    await this.server.end().catch(() => undefined);
    this.server.token = "";
    this.open();
  }

  #begin(): Promise<void> {
    return (this.#begun ??= this.#start().catch((error) => {
      this.#begun = null; // the next message tries again
      throw error;
    }));
  }

  async #start(): Promise<void> {
    this.view.status(this.words.connecting);
    const entries = await this.#persist(() => this.#opened());
    this.view.status("");
    this.view.restore(entries);
    this.#feed = new Feed(
      this.server,
      (entry) => this.#took(entry),
      (is) => this.#reach(is),
      () => void this.#over(),
    );
    this.#feed.last = entries.at(-1)?.id ?? 0;
    void this.#feed.run();
  }

  async #opened(): Promise<Entry[]> {
    try {
      if (this.server.token) {
        const opened = await this.server.renew();
        const entries = await this.server.history();
        this.view.greet(opened);
        return entries;
      }
    } catch (error) {
      if (!(error instanceof Refused && error.over)) throw error;
      this.server.token = "";
    }
    this.view.greet(await this.server.open());
    return [];
  }

  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    for (let next = this.#queue[0]; next; next = this.#queue[0]) {
      try {
        await this.#begin();
        const { text, id, mine } = next;
        const sent = await this.#persist(() => this.server.send(text, id), () => mine.waits());
        mine.arrived();
        this.#expect(sent.with_person);
      } catch (error) {
        if (error instanceof Refused && error.over) {
          await this.#over();
          continue;
        }
        const again = next;
        next.mine.refused(() => {
          this.#queue.push(again);
          void this.#send();
        });
        this.#trouble(error);
      }
      this.#queue = this.#queue.filter((one) => one !== next);
    }
    this.#sending = false;
  }

  // Tries until the server has answered; only what it refuses is an error.
  async #persist<T>(work: () => Promise<T>, failed: () => void = () => undefined): Promise<T> {
    for (const wait = patience(); ; await wait.next()) {
      try {
        const done = await work();
        this.#reach(true);
        return done;
      } catch (error) {
        if (error instanceof Refused && !error.passing) throw error;
        failed();
        this.#reach(false);
      }
    }
  }

  #expect(withPerson: boolean): void {
    this.#withPerson = withPerson;
    this.#open += 1;
    clearTimeout(this.#expecting);
    this.view.status(withPerson ? this.words.passed : this.words.looking);
    if (!withPerson) this.#expecting = window.setTimeout(() => this.view.status(this.words.slow), SLOW_MS);
  }

  // The citizen's own words are on the screen already; that they come back tells that the turn is over.
  #took(entry: Entry): void {
    if (entry.reply) this.#settled();
    else if (--this.#open <= 0 && !this.#withPerson) this.#settled();
    if (entry.reply) this.view.said(entry);
  }

  #settled(): void {
    clearTimeout(this.#expecting);
    this.#open = 0;
    this.view.status("");
  }

  #reach(is: boolean): void {
    if (is !== this.#reached) this.view.status(is ? this.words.back : this.words.offline);
    this.#reached = is;
  }

  #trouble(error: unknown): void {
    clearTimeout(this.#expecting);
    this.view.status((error instanceof Refused && error.message) || this.words.failed);
  }

  // The server knows the session no longer; what has not been sent goes into a new one.
  async #over(): Promise<void> {
    this.leave();
    this.server.token = "";
    this.view.note(this.words.over);
    await this.#begin();
  }

  leave(): void {
    clearTimeout(this.#expecting);
    this.#feed?.stop();
    this.#feed = null;
    this.#begun = null;
  }
}

// Not crypto.randomUUID: an office's page may still be served without https.
const newId = (): string =>
  Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
