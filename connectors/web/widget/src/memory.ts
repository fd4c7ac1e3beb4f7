// What this tab remembers over a reload: the token and whether the chat was open. Never texts or personal data; where
// storage is forbidden, nothing.

const KEY = "vn-gov-chat";

export interface Memory {
  token: string;
  open: boolean;
}

export function recalled(): Memory {
  try {
    const kept = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as Partial<Memory>;
    return { token: String(kept.token ?? ""), open: kept.open === true };
  } catch {
    return { token: "", open: false };
  }
}

export function keep(change: Partial<Memory>): void {
  try {
    sessionStorage.setItem(KEY, JSON.stringify({ ...recalled(), ...change }));
  } catch {
    // Without storage the conversation ends with the page.
  }
}
