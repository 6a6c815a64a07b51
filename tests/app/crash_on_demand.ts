/**
 * What a protocol worker cannot do by itself: "crash" as a message ends it by an error that nobody
 * caught. Imported before the worker's own module, whose listeners then come too late.
 */
globalThis.addEventListener("message", (event) => {
  if ((event as MessageEvent).data !== "crash") return;
  event.stopImmediatePropagation();
  setTimeout(() => {
    throw new Error("crashed on demand");
  });
});
globalThis.addEventListener("error", (event) => {
  if (/on demand/.test((event as ErrorEvent).message)) event.stopImmediatePropagation();
});
