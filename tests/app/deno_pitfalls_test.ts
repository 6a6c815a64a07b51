import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { settleAddresses } from "../../src/app/settle_addresses.ts";
import { StartFailure } from "../../src/app/exit_codes.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import { trialListen } from "../../src/net/trial_listen.ts";

/** What Deno 2.9.6 does that the design rests on: a test that fails says what to think over. */

const hostname = "127.0.0.1";

Deno.test("terminate() does not stop a worker in a loop: a hung worker must end the process", async () => {
  const { stdout } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", fileURLToPath(new URL("./hanging_main.ts", import.meta.url))],
  }).output();
  assert.equal(new TextDecoder().decode(stdout), "still listening\n");
});

Deno.test("reusePort lets a second listener in where a plain one is refused", () => {
  using first = Deno.listen({ hostname, port: 0, reusePort: true });
  const { port } = first.addr;
  using _second = Deno.listen({ hostname, port, reusePort: true });
  assert.throws(() => trialListen({ host: hostname, port }), Deno.errors.AddrInUse);
});

Deno.test("a closed listener takes no more connections away from those that share its port", async () => {
  const first = Deno.listen({ hostname, port: 0, reusePort: true });
  const { port } = first.addr;
  using second = Deno.listen({ hostname, port, reusePort: true });
  const accepting = first.accept().catch((error: Error) => error.name);
  first.close();
  assert.match(String(await accepting), /BadResource|Interrupted/);
  for (let i = 0; i < 50; i++) {
    const [client, served] = await Promise.all([
      Deno.connect({ hostname, port }),
      second.accept(),
    ]);
    client.close();
    served.close();
  }
});

Deno.test("settleAddresses() names every address that cannot be had, and gives real ports", () => {
  using taken = Deno.listen({ hostname, port: 0 });
  const { port } = taken.addr;
  const [imap, lmtp] = embeddedConfig("unused").servers;
  assert.ok(imap && lmtp);
  const at = (first: typeof imap.addr, second: typeof imap.addr) => ({
    ...embeddedConfig("unused"),
    servers: [{ ...imap, addr: first }, { ...lmtp, addr: second }],
  });
  const free = { host: hostname, port: 0 };
  const settled = settleAddresses(at(free, free));
  const [one, two] = settled.servers;
  assert.ok(one && two && one.addr.port > 0 && two.addr.port > 0);
  assert.notEqual(one.addr.port, two.addr.port);

  const failing: [typeof free, typeof free, RegExp][] = [
    [{ host: hostname, port }, free, /^servers\.imap\.addr: .*in use/],
    [free, { host: "192.0.2.1", port: 0 }, /^servers\.lmtp\.addr: .*does not have this address/],
    [{ host: hostname, port }, { host: hostname, port }, /imap\.addr.*\nservers\.lmtp\.addr/],
    [one.addr, one.addr, /^servers\.lmtp\.addr: .*in use/],
    [
      { host: "", port: one.addr.port },
      { host: "::", port: one.addr.port },
      /^servers\.lmtp\.addr/,
    ],
  ];
  for (const [first, second, message] of failing) {
    assert.throws(
      () => settleAddresses(at(first, second)),
      (error) =>
        error instanceof StartFailure && error.exitCode === 75 && message.test(error.message),
    );
  }
});
