/**
 * WHY: Ctrl-C signals everybody at the terminal, and `deno task` and npx pass theirs on, so that one
 * keystroke arrives two or three times within milliseconds. A person who insists takes longer.
 */
const ECHO_MS = 1_000;

/** What the process is told from outside. */
export class Signals implements Disposable {
  /** Resolves with the first SIGTERM or SIGINT. */
  readonly stop: Promise<Deno.Signal>;
  readonly #handlers: [Deno.Signal, () => void][] = [];

  /**
   * @param onReload called for each SIGHUP
   * @param onAgain called for each SIGTERM or SIGINT more than a second after the first: somebody
   *   does not want to wait
   */
  constructor(onReload: () => void, onAgain: () => void) {
    const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
    this.stop = promise;
    let stoppedAt: number | undefined;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      this.#on(signal, () => {
        const now = performance.now();
        if (stoppedAt === undefined) {
          stoppedAt = now;
          resolve(signal);
        } else if (now - stoppedAt > ECHO_MS) onAgain();
      });
    }
    if (Deno.build.os !== "windows") this.#on("SIGHUP", onReload);
  }

  #on(signal: Deno.Signal, handler: () => void): void {
    Deno.addSignalListener(signal, handler);
    this.#handlers.push([signal, handler]);
  }

  [Symbol.dispose](): void {
    for (const [signal, handler] of this.#handlers) Deno.removeSignalListener(signal, handler);
  }
}
