import assert from "node:assert/strict";
import type { DatabaseEndpoint } from "../../src/config/config.ts";
import { Connection } from "../../src/store/connection.ts";
import { ConnectionError } from "../../src/store/database_error.ts";

const OPTIONS = {
  applicationName: "test",
  shared: false,
  primary: true,
  statementTimeoutMs: 60_000,
  lockTimeoutMs: 60_000,
  openTimeoutMs: 200,
};

/** AuthenticationOk and ReadyForQuery. */
const WELCOME = Uint8Array.of(0x52, 0, 0, 0, 8, 0, 0, 0, 0, 0x5a, 0, 0, 0, 5, 0x49);

for (
  const [name, greeting] of [
    ["at once", new Uint8Array()],
    ["after authentication", WELCOME],
  ] as const
) {
  Deno.test(`Connection.open() gives up a server that falls silent ${name}`, async () => {
    using server = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const serving = (async () => {
      using peer = await server.accept();
      const buffer = new Uint8Array(4096);
      await peer.read(buffer);
      if (greeting.length > 0) await peer.write(greeting);
      while (await peer.read(buffer).catch(() => null) !== null);
    })();
    const endpoint: Partial<DatabaseEndpoint> = {
      port: server.addr.port,
      user: "sora",
      name: "sora",
    };
    await assert.rejects(
      Connection.open(endpoint as DatabaseEndpoint, "127.0.0.1", OPTIONS),
      (error) => error instanceof ConnectionError && /within 200 ms/.test(error.message),
    );
    await serving;
  });
}
