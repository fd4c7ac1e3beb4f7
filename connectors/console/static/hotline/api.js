// Calls of the console's API: one place for the CSRF token, errors and signing in again.

const token = document.querySelector("meta[name=csrf-token]").content;

/** An answer that is no success; `message` is for people, `code` for programs. */
export class ApiError extends Error {
  constructor(status, code, message) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** The JSON answer to a request; without a session it leads to the sign-in page. */
export async function call(method, path, body, signal) {
  const response = await fetch(`/api/v1/console${path}`, {
    method,
    signal,
    headers: { "X-CSRF-Token": token, ...(body === undefined ? {} : { "Content-Type": "application/json" }) },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (response.status === 401) {
    location.assign(`/console/sign-in?expired=1&next=${encodeURIComponent(location.pathname)}`);
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) {
    const error = answer.error ?? {};
    throw new ApiError(response.status, error.code ?? "error", error.message ?? "Hệ thống gặp sự cố, anh/chị thử lại.");
  }
  return answer;
}

export const get = (path, signal) => call("GET", path, undefined, signal);
export const post = (path, body = {}) => call("POST", path, body);

/** Run `task` again and again, `seconds` apart, slower while nobody looks; shows where the server is away. */
export function repeat(seconds, task) {
  const offline = document.getElementById("offline");
  let timer = 0;
  const run = async () => {
    clearTimeout(timer);
    try {
      await task();
      offline.hidden = true;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status >= 500) offline.hidden = false;
    }
    clearTimeout(timer);
    timer = setTimeout(run, seconds * 1000 * (document.hidden ? 5 : 1));
  };
  document.addEventListener("visibilitychange", () => !document.hidden && run());
  run();
  return run;
}
