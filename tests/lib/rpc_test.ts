import assert from "node:assert/strict";
import { Refused } from "../../src/lib/refused.ts";
import { Rpc } from "../../src/lib/rpc.ts";

type Table = {
  add(a: number, b: number): number;
  later(text: string): Promise<string>;
  refuse(): never;
  fail(): never;
};

const table: Table = {
  add: (a, b) => a + b,
  later: (text) => Promise.resolve(text.toUpperCase()),
  refuse: () => {
    throw new Refused({ kind: "too-big", limitBytes: 7 });
  },
  fail: () => {
    throw new TypeError("broken");
  },
};

function connect(): { client: Rpc<Record<never, never>, Table>; close(): void } {
  const { port1, port2 } = new MessageChannel();
  new Rpc(port1, table);
  const client = new Rpc<Record<never, never>, Table>(port2, {});
  port1.start();
  port2.start();
  return {
    client,
    close: () => {
      port1.close();
      port2.close();
    },
  };
}

Deno.test("Rpc answers each call with its own result", async () => {
  const { client, close } = connect();
  const [sum, text] = await Promise.all([client.remote.add(2, 3), client.remote.later("a")]);
  assert.deepEqual([sum, text], [5, "A"]);
  close();
});

Deno.test("Rpc carries a Refused across as a Refused, anything else as an Error", async () => {
  const { client, close } = connect();
  await assert.rejects(
    client.remote.refuse(),
    (e) => e instanceof Refused && e.refusal.kind === "too-big" && e.refusal.limitBytes === 7,
  );
  await assert.rejects(client.remote.fail(), { message: "broken" });
  close();
});

Deno.test("Rpc refuses a name that is not its own, such as toString", async () => {
  const { client, close } = connect();
  const odd = client.remote as unknown as Record<string, () => Promise<unknown>>;
  for (const name of ["toString", "constructor", "__proto__", "nothing"]) {
    await assert.rejects(async () => await odd[name]?.(), /no such procedure/);
  }
  close();
});

Deno.test("Rpc.close rejects what is open and what comes later", async () => {
  const { port1, port2 } = new MessageChannel();
  const client = new Rpc<Record<never, never>, Table>(port2, {});
  const open = client.remote.add(1, 1);
  client.close(new Error("worker died"));
  await assert.rejects(open, /worker died/);
  await assert.rejects(client.remote.add(1, 1), /worker died/);
  port1.close();
  port2.close();
});
