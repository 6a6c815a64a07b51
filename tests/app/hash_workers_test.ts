import assert from "node:assert/strict";
import { HashWorkers } from "../../src/app/hash_workers.ts";
import { RemoteHasher } from "../../src/auth/hasher.ts";
import { verifyPassword } from "../../src/auth/passwords.ts";
import { logger } from "../../src/observe/log.ts";

Deno.test("HashWorkers hashes off the event loop, without any permission", async () => {
  using workers = new HashWorkers({ cores: 4, onReplaced: () => {}, log: logger("test") });
  const hash = await workers.hash("correct horse", 10);
  assert.ok(await verifyPassword("correct horse", hash));
  const ports = [1, 2, 3].map((user) => workers.connect(user));
  try {
    const scheme = { scheme: "bcrypt", cost: 10 } as const;
    const answers = await Promise.all(
      ports.map((port) => new RemoteHasher(port, scheme).verify("correct horse", hash)),
    );
    assert.deepEqual(answers, [true, true, true]);
  } finally {
    for (const port of ports) port.close();
  }
});
