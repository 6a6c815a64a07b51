import type { Log } from "../observe/log.ts";

/**
 * From here to the end an error that nobody catches is logged. WHY: one bug must not end the work of all
 * others in this isolate; what is caught here is a bug all the same.
 */
export function catchBugs(log: Log): Disposable {
  const controller = new AbortController();
  const { signal } = controller;
  globalThis.addEventListener("unhandledrejection", (event) => {
    event.preventDefault();
    log.error("unhandled-rejection", { error: event.reason });
  }, { signal });
  globalThis.addEventListener("error", (event) => {
    event.preventDefault();
    log.error("uncaught-error", { error: event.error });
  }, { signal });
  return { [Symbol.dispose]: () => controller.abort() };
}
