import type { Entry, Opened } from "./contract";

// The server said no; `message` is for people. `passing`: it may say yes later, unasked.
export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
  ) {
    super(message);
  }

  get passing(): boolean {
    return this.status >= 500;
  }

  get over(): boolean {
    return this.status === 401;
  }
}

export interface Sent {
  with_person: boolean;
}

const TIMEOUT_MS = 20_000;

// The web channel's API. The token is the only thing that stays in the browser, in this tab.
export class Server {
  token = "";

  constructor(
    private readonly base: string,
    private readonly tokenChanged: (token: string) => void,
  ) {}

  async open(): Promise<Opened> {
    return this.#took(await this.#json<Opened>("POST", "sessions", {}));
  }

  async renew(): Promise<Opened> {
    return this.#took(await this.#json<Opened>("POST", "sessions/renew", {}));
  }

  end(): Promise<Response> {
    return this.call("POST", "sessions/end", {});
  }

  send(text: string, id: string): Promise<Sent> {
    return this.#json<Sent>("POST", "messages", { text, client_msg_id: id, wait: false });
  }

  async history(): Promise<Entry[]> {
    return (await this.#json<{ events: Entry[] }>("GET", "history")).events;
  }

  handoff(): Promise<unknown> {
    return this.#json("POST", "handoff", {});
  }

  rate(id: number, rating: string, reasons: string[]): Promise<Response> {
    return this.call("POST", "feedback", { message_id: id, rating, reasons });
  }

  // A call with the token; a token that has run out is renewed once.
  async call(method: string, path: string, body?: object, init: RequestInit = {}): Promise<Response> {
    try {
      return await this.#fetch(method, path, body, init);
    } catch (error) {
      if (!(error instanceof Refused && error.code === "token_expired") || path === "sessions/renew") throw error;
      await this.renew();
      return this.#fetch(method, path, body, init);
    }
  }

  async #json<T>(method: string, path: string, body?: object): Promise<T> {
    return (await this.call(method, path, body)).json() as Promise<T>;
  }

  async #fetch(method: string, path: string, body: object | undefined, init: RequestInit): Promise<Response> {
    const headers: Record<string, string> = { ...(init.headers as Record<string, string>) };
    if (body) headers["Content-Type"] = "application/json";
    if (this.token) headers["Authorization"] = `Bearer ${this.token}`;
    const response = await fetch(`${this.base}/api/v1/web/${path}`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
      ...init,
      method,
      headers,
      credentials: "omit",
      cache: "no-store",
      ...(body && { body: JSON.stringify(body) }),
    });
    if (!response.ok) {
      const told = await response.json().catch(() => null);
      throw new Refused(response.status, told?.error?.code ?? "", told?.error?.message ?? "");
    }
    return response;
  }

  #took(opened: Opened): Opened {
    this.token = opened.token;
    this.tokenChanged(opened.token);
    return opened;
  }
}
