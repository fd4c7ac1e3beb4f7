const FIRST_MS = 1_000;
const LONGEST_MS = 30_000;

// Waits longer after each failure, with some chance in it so that browsers do not all come back at once; the network's
// return ends a wait.
export function patience(stop?: AbortSignal): { next(): Promise<void>; reset(): void } {
  let wait = FIRST_MS;
  return {
    reset: () => {
      wait = FIRST_MS;
    },
    next: async () => {
      await pause(wait * (0.75 + Math.random() / 2), stop);
      wait = Math.min(wait * 2, LONGEST_MS);
    },
  };
}

function pause(ms: number, stop?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer);
      removeEventListener("online", done);
      stop?.removeEventListener("abort", done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    addEventListener("online", done);
    stop?.addEventListener("abort", done);
  });
}

// AbortSignal.any, which phones of 2022 do not have yet.
export function either(...signals: AbortSignal[]): AbortSignal {
  const any = new AbortController();
  for (const signal of signals) {
    if (signal.aborted) any.abort();
    else signal.addEventListener("abort", () => any.abort(), { once: true });
  }
  return any.signal;
}
