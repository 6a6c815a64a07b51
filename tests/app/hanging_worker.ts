/** Listens, tells where, and on the first message never gives its event loop back. */
const socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
const scope = self as unknown as { postMessage(data: unknown): void };
self.addEventListener("message", () => {
  for (;;);
});
scope.postMessage(socket.addr.port);
