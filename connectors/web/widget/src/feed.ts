import type { Entry } from "./contract";
import { Refused, type Server } from "./server";
import { either, patience } from "./waiting";

const HELLO_MS = 4_000; // a stream that shows nothing by then is held back by a proxy
const SILENCE_MS = 40_000; // the server's heart beats every 15 s
const POLL_MS = 35_000; // the server answers a poll after at most 25 s
const STREAM_AGAIN_MS = 300_000;

// What the server has to say, as it comes: by a stream, or by long polls where streams do not come through.
// Entries come in order, each once, from `last` on.
export class Feed {
  last = 0;
  #pollUntil = 0;
  #stopped = new AbortController();

  constructor(
    private readonly server: Server,
    private readonly took: (entry: Entry) => void,
    private readonly reached: (is: boolean) => void,
    private readonly over: () => void,
  ) {}

  stop(): void {
    this.#stopped.abort();
  }

  async run(): Promise<void> {
    const wait = patience(this.#stopped.signal);
    while (!this.#stopped.signal.aborted) {
      try {
        const news = await (Date.now() < this.#pollUntil ? this.#poll() : this.#stream());
        wait.reset();
        if (news) continue;
      } catch (error) {
        if (this.#stopped.signal.aborted) return;
        if (error instanceof Refused && error.over) return this.over();
        this.reached(false);
      }
      await wait.next();
    }
  }

  async #poll(): Promise<boolean> {
    try {
      const signal = either(this.#stopped.signal, AbortSignal.timeout(POLL_MS));
      const response = await this.server.call("GET", "events?wait=poll", undefined, { signal, headers: this.#since() });
      const { events } = (await response.json()) as { events: Entry[] };
      this.reached(true);
      events.forEach((entry) => this.#take(entry));
      return events.length > 0;
    } catch (error) {
      this.#pollUntil = 0; // nothing gets through, so a stream will be as good
      throw error;
    }
  }

  async #stream(): Promise<boolean> {
    const late = new AbortController();
    let watch = setTimeout(() => late.abort(), HELLO_MS);
    let heard = false;
    try {
      const signal = either(this.#stopped.signal, late.signal);
      const response = await this.server.call("GET", "events", undefined, { signal, headers: this.#since() });
      for await (const block of blocks(response.body!)) {
        clearTimeout(watch);
        watch = setTimeout(() => late.abort(), SILENCE_MS);
        if (!heard) this.reached((heard = true));
        this.#event(block);
      }
      return false;
    } catch (error) {
      if (heard || error instanceof Refused || this.#stopped.signal.aborted) throw error;
      this.#pollUntil = Date.now() + STREAM_AGAIN_MS; // perhaps only streams do not come through
      return true;
    } finally {
      clearTimeout(watch);
      late.abort();
    }
  }

  #event(block: string): void {
    const data = block.split("\n").filter((line) => line.startsWith("data:"));
    if (/^event: ?message$/m.test(block) && data.length) {
      this.#take(JSON.parse(data.map((line) => line.slice(5).trimStart()).join("\n")) as Entry);
    }
  }

  #take(entry: Entry): void {
    if (entry.id <= this.last) return;
    this.last = entry.id;
    this.took(entry);
  }

  #since(): Record<string, string> {
    return { "Last-Event-ID": String(this.last) };
  }
}

// The blocks of an event stream, each without its empty line.
async function* blocks(body: ReadableStream<Uint8Array>): AsyncGenerator<string> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    rest = (rest + decoder.decode(value, { stream: true })).replace(/\r/g, "");
    const found = rest.split("\n\n");
    rest = found.pop()!;
    yield* found;
  }
}
