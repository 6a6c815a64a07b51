import assert from "node:assert/strict";
import { connect } from "node:net";
import { once } from "node:events";
import { fromBinary } from "../../src/lib/bytes.ts";
import type { Connection } from "../../src/net/connection.ts";
import { type Admission, listen, Listener, type ListenOptions } from "../../src/net/listener.ts";
import { logger } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";
import { readAll } from "./streams.ts";

function options(changes: Partial<ListenOptions> = {}): ListenOptions {
  return {
    host: "127.0.0.1",
    port: 0,
    protocol: "test",
    serverName: "test",
    onConnection: echo,
    log: logger("test"),
    metrics: new Metrics(),
    ...changes,
  };
}

async function echo(connection: Connection): Promise<void> {
  for (let bytes = await connection.read(); bytes; bytes = await connection.read()) {
    connection.write(bytes.slice());
    await connection.flush();
  }
}

/** Says something, hears the answer, leaves. */
async function roundTrip(port: number): Promise<string> {
  const client = await Deno.connect({ hostname: "127.0.0.1", port });
  await client.write(fromBinary("hello"));
  await client.closeWrite();
  const answer = await readAll(client);
  client.close();
  return answer;
}

Deno.test("a listener serves, and ends with its sessions", async () => {
  const listener = listen(options());
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => roundTrip(listener.addr.port)),
  );
  assert.ok(answers.every((answer) => answer === "hello"));
  listener.close();
  await listener.finished();
  assert.equal(listener.connections.size, 0);
});

Deno.test("a peer that resets before it is accepted does not end the accept loop", async () => {
  await using listener = listen(options());
  for (let i = 0; i < 20; i++) {
    const socket = connect({ host: "127.0.0.1", port: listener.addr.port });
    socket.on("error", () => {});
    await once(socket, "connect");
    socket.resetAndDestroy();
    await once(socket, "close");
  }
  assert.equal(await roundTrip(listener.addr.port), "hello");
});

Deno.test("whatever accept() throws, the loop goes on", async () => {
  const errors = [
    new Deno.errors.NotConnected("Socket is not connected"),
    new Error("Too many open files (os error 24)"),
    new Deno.errors.NotConnected("Socket is not connected"),
  ];
  const socket = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const flaky = new Proxy(socket, {
    get: (target, name) => {
      if (name === "accept") {
        return () => {
          const error = errors.shift();
          return error ? Promise.reject(error) : target.accept();
        };
      }
      const value: unknown = Reflect.get(target, name);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
  await using listener = new Listener(flaky, options());
  assert.equal(await roundTrip(listener.addr.port), "hello");
  assert.equal(errors.length, 0);
});

Deno.test("a session that throws is one session less, nothing more", async () => {
  let sessions = 0;
  await using listener = listen(options({
    onConnection: (connection) => {
      if (++sessions === 1) throw new Error("a bug");
      return echo(connection);
    },
  }));
  assert.equal(await roundTrip(listener.addr.port), "");
  assert.equal(await roundTrip(listener.addr.port), "hello");
});

Deno.test("closing a listener cuts its sessions off", async () => {
  const listener = listen(options());
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  await client.write(fromBinary("hello"));
  await client.read(new Uint8Array(5));
  await listener[Symbol.asyncDispose]();
  assert.equal(await client.read(new Uint8Array(5)).catch(() => null), null);
  client.close();
});

Deno.test("who finds no place is told so, and places are given back", async () => {
  let held = 0;
  const admission: Admission = {
    admit: () => {
      if (held > 0) return "max_connections";
      held++;
      return () => held--;
    },
  };
  const metrics = new Metrics();
  await using listener = listen(options({ admission, metrics, busy: "421 4.3.2 full\r\n" }));
  const { port } = listener.addr;
  const first = await Deno.connect({ hostname: "127.0.0.1", port });
  await first.write(fromBinary("hello"));
  await first.read(new Uint8Array(5));
  const second = await Deno.connect({ hostname: "127.0.0.1", port });
  assert.equal(await readAll(second), "421 4.3.2 full\r\n");
  second.close();
  first.close();
  while (held > 0) await new Promise((resolve) => setTimeout(resolve, 1));
  assert.equal(await roundTrip(port), "hello");
  const text = await metrics.registry.metrics();
  assert.match(text, /connections_refused_total\{[^}]*max_connections[^}]*\} 1/);
});

Deno.test("a client that floods and leaves hears its last reply", async () => {
  await using listener = listen(options({
    onConnection: async (connection) => {
      connection.write("500 go away\r\n");
    },
  }));
  const client = await Deno.connect({ hostname: "127.0.0.1", port: listener.addr.port });
  const flood = new Uint8Array(200_000);
  for (let at = 0; at < flood.length;) at += await client.write(flood.subarray(at));
  await client.closeWrite();
  assert.equal(await readAll(client), "500 go away\r\n");
  client.close();
});

Deno.test("every address means IPv4 too, and its peers have IPv4 addresses", async () => {
  const seen: string[] = [];
  await using listener = listen(options({
    host: "",
    onConnection: (connection) => {
      seen.push(connection.remote.host, connection.local.host);
      return echo(connection);
    },
  }));
  assert.equal(await roundTrip(listener.addr.port), "hello");
  assert.deepEqual(seen, ["127.0.0.1", "127.0.0.1"]);
});

Deno.test("a port in use is an error at once", () => {
  const first = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  assert.throws(() => listen(options({ port: first.addr.port })), Deno.errors.AddrInUse);
  first.close();
});
