import assert from "node:assert/strict";
import { makeWorld, type World } from "../../support/imap.ts";

async function idling(world: World): Promise<number> {
  const metric = await world.services.metrics.imapIdleConnectionsCurrent.get();
  return metric.values[0]?.value ?? 0;
}

Deno.test("IDLE counts who is in it, however it ends", async () => {
  await using world = await makeWorld("empty");
  const clients = [await world.login(), await world.login(), await world.login()];
  const [done, wrong, left] = clients;
  assert.ok(done && wrong && left);
  await left.ok("SELECT INBOX");
  for (const client of clients) {
    await client.writeLine("i IDLE");
    assert.equal(await client.readLine(), "+ idling");
  }
  assert.equal(await idling(world), 3);
  await done.writeLine("DONE");
  assert.equal(await done.readLine(), "i OK IDLE completed");
  assert.equal(await idling(world), 2);
  await wrong.writeLine("a NOOP");
  assert.match(await wrong.readLine(), /^i BAD /);
  assert.equal(await idling(world), 1);
  left.close();
  for (let turn = 0; turn < 1_000 && await idling(world) > 0; turn++) {
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  assert.equal(await idling(world), 0);
});

for (const command of ["NOOP", "CHECK"]) {
  Deno.test(`${command} finds what no notice has told of`, async () => {
    await using world = await makeWorld("empty", { workers: 2 });
    const client = await world.login();
    await client.ok("SELECT INBOX");
    const [, other] = world.workers;
    assert.ok(other);
    other.messages.notices.changed = () => {}; // every notice is lost
    await world.deliver("Subject: new\r\n\r\n\r\n", { worker: 1 });
    assert.deepEqual(await client.ok(command), ["* 1 EXISTS", "* 1 RECENT"]);
  });
}
