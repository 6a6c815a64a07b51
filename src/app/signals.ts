/** What the process is told from outside. */
export class Signals implements Disposable {
  /** Resolves with the first SIGTERM or SIGINT. */
  readonly stop: Promise<Deno.Signal>;
  readonly #handlers: [Deno.Signal, () => void][] = [];

  /**
   * @param onReload called for each SIGHUP
   * @param onAgain called for each further SIGTERM or SIGINT: somebody does not want to wait
   */
  constructor(onReload: () => void, onAgain: () => void) {
    const { promise, resolve } = Promise.withResolvers<Deno.Signal>();
    this.stop = promise;
    let stopping = false;
    for (const signal of ["SIGTERM", "SIGINT"] as const) {
      this.#on(signal, () => {
        if (stopping) return onAgain();
        stopping = true;
        resolve(signal);
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
