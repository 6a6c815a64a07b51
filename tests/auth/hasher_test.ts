import assert from "node:assert/strict";
import { RemoteHasher } from "../../src/auth/hasher.ts";
import { LocalHasher } from "../../src/auth/local_hasher.ts";
import type { HashScheme } from "../../src/auth/passwords.ts";
import { Refused } from "../../src/lib/refused.ts";

const scheme: HashScheme = { scheme: "ssha512", cost: 10 };

const isUnavailable = (error: unknown) => {
  assert.ok(error instanceof Refused);
  assert.deepEqual(error.refusal, { kind: "unavailable", what: "hashing" });
  return true;
};

/** The real worker with the rights that it has in Sora, and a port to it. */
function openWorker(): { worker: Worker; port: MessagePort } & Disposable {
  const url = new URL("../../src/auth/hash_worker.ts", import.meta.url);
  const worker = new Worker(url, { type: "module", deno: { permissions: "none" } });
  const port = connect(worker);
  return {
    worker,
    port,
    [Symbol.dispose]() {
      port.close();
      worker.terminate();
    },
  };
}

function connect(worker: Worker): MessagePort {
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ port: port2 }, [port2]);
  return port1;
}

Deno.test("LocalHasher hashes by its scheme", async () => {
  const hasher = new LocalHasher(scheme);
  const hash = await hasher.hash("secret");
  assert.match(hash, /^\{SSHA512\}/);
  assert.equal(await hasher.verify("secret", hash), true);
  assert.equal(await hasher.verify("Secret", hash), false);
});

Deno.test("RemoteHasher hashes in the worker, over several ports", async () => {
  using opened = openWorker();
  const second = connect(opened.worker);
  for (const port of [opened.port, second]) {
    const hasher = new RemoteHasher(port, { scheme: "bcrypt", cost: 10 });
    const hash = await hasher.hash("secret");
    assert.match(hash, /^\{BLF-CRYPT\}\$2b\$10\$/);
    assert.deepEqual(
      await Promise.all([hasher.verify("secret", hash), hasher.verify("Secret", hash)]),
      [true, false],
    );
  }
  second.close();
});

Deno.test("the hash worker knows Argon2id, without any permission", async () => {
  using opened = openWorker();
  const hasher = new RemoteHasher(opened.port, scheme);
  const hash =
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$5XQ5qZ6mLKKuaN6mPS78dA$1Cs8NL8zheGZKqE+BRMmisP1i8fwO8qdNcsWsrFN3Fo";
  assert.equal(await hasher.verify("correct horse", hash), true);
});

Deno.test("RemoteHasher hands a refusal of the worker on", async () => {
  using opened = openWorker();
  const hasher = new RemoteHasher(opened.port, scheme);
  await assert.rejects(hasher.hash(""), (error) => {
    return error instanceof Refused && error.refusal.kind === "limit";
  });
});

/** A port behind which no one works. */
function deadPort() {
  return { postMessage() {}, addEventListener() {} };
}

Deno.test("RemoteHasher refuses those who would wait too long, and takes new ones later", async () => {
  const hasher = new RemoteHasher(deadPort(), scheme);
  const waiting = Array.from({ length: 64 }, () => hasher.verify("a", "b"));
  await assert.rejects(hasher.verify("a", "b"), isUnavailable);
  hasher.close();
  for (const one of waiting) await assert.rejects(one, isUnavailable);
  await assert.rejects(hasher.verify("a", "b"), isUnavailable);
  using opened = openWorker();
  hasher.reconnect(opened.port);
  assert.equal(await hasher.verify("a", await hasher.hash("a")), true);
});

Deno.test("RemoteHasher takes no more than it can hash, when nobody waits for the answers either", async () => {
  const asked: { id: number }[] = [];
  let receive: (event: MessageEvent) => void = () => {};
  const port = {
    postMessage: (message: { id: number }) => void asked.push(message),
    addEventListener: (_: "message", listener: typeof receive) => void (receive = listener),
  };
  const hasher = new RemoteHasher(port, scheme, { answerMs: 1 });
  const storm = Array.from({ length: 64 }, () => hasher.verify("a", "b"));
  for (const one of storm) await assert.rejects(one, isUnavailable);
  await assert.rejects(hasher.verify("a", "b"), isUnavailable);
  assert.equal(asked.length, 64);
  // Each answer, late as it is, makes room for one.
  receive(new MessageEvent("message", { data: { rpc: "result", id: 1, value: true } }));
  await Promise.resolve();
  const next = hasher.verify("a", "b");
  const id = asked[64]?.id;
  receive(new MessageEvent("message", { data: { rpc: "result", id, value: true } }));
  assert.equal(await next, true);
});
