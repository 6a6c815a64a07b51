/** WHY: a store that sends an octet now and then must not hold a request for ever. */
const WHOLE_MAX_TIMEOUTS = 10;

/** The store was silent for too long. */
export class Silence extends Error {
  override readonly name = "Silence";

  constructor(timeoutMs: number) {
    super(`Cannot wait longer than ${timeoutMs} ms for the object store`);
  }
}

/** One attempt of a request: what ends it, and how it says that it gets on. */
export interface S3Attempt {
  readonly signal: AbortSignal;
  /** To be called for whatever came or went. */
  readonly progress: () => void;
}

/**
 * Runs one attempt, which is given up (and its signal aborted) when nothing happens for `timeoutMs`,
 * when the whole takes ten times as long, or when `closed` aborts. Never waits for an attempt that
 * does not obey its signal.
 */
export async function watched<T>(
  attempt: (attempt: S3Attempt) => Promise<T>,
  { timeoutMs, closed }: { readonly timeoutMs: number; readonly closed: AbortSignal },
): Promise<T> {
  closed.throwIfAborted();
  const { promise: ended, reject } = Promise.withResolvers<never>();
  ended.catch(() => {});
  const controller = new AbortController();
  const end = (reason: unknown) => {
    reject(reason);
    controller.abort(reason);
  };
  const close = () => end(closed.reason);
  closed.addEventListener("abort", close, { once: true });
  const begun = performance.now();
  let last = begun;
  const look = () => {
    const now = performance.now();
    const leftMs = Math.min(last + timeoutMs, begun + WHOLE_MAX_TIMEOUTS * timeoutMs) - now;
    if (leftMs <= 0) end(new Silence(timeoutMs));
    else timer = setTimeout(look, leftMs);
  };
  let timer = setTimeout(look, timeoutMs);
  try {
    const progress = () => void (last = performance.now());
    return await Promise.race([attempt({ signal: controller.signal, progress }), ended]);
  } finally {
    clearTimeout(timer);
    closed.removeEventListener("abort", close);
  }
}
