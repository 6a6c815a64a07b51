/** Terminates a worker that hangs, and tells whether its socket is still there; ends by itself. */
const worker = new Worker(new URL("./hanging_worker.ts", import.meta.url), { type: "module" });
const port = await new Promise<number>((resolve) => {
  worker.onmessage = (event) => resolve(event.data);
});
worker.postMessage("hang");
await new Promise((resolve) => setTimeout(resolve, 200));
worker.terminate();
await new Promise((resolve) => setTimeout(resolve, 1_000));
const still = await Deno.connect({ hostname: "127.0.0.1", port }).then(() => true, () => false);
await Deno.stdout.write(new TextEncoder().encode(still ? "still listening\n" : "gone\n"));
Deno.exit(0);
