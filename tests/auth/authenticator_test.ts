import assert from "node:assert/strict";
import { Authenticator, type Login } from "../../src/auth/authenticator.ts";
import type { Hasher } from "../../src/auth/hasher.ts";
import { parsePasswordHash } from "../../src/auth/password_hash.ts";
import { hashPassword, verifyPassword } from "../../src/auth/passwords.ts";
import { VerifiedPasswords } from "../../src/auth/verified_passwords.ts";
import type { AccountId } from "../../src/lib/ids.ts";
import { Refused, unavailable } from "../../src/lib/refused.ts";
import type { Log } from "../../src/observe/log.ts";
import { Metrics } from "../../src/observe/metrics.ts";

const BCRYPT = await hashPassword("secret", { scheme: "bcrypt", cost: 10 });
const SSHA = await hashPassword("secret", { scheme: "ssha512", cost: 0 });

/** Verifies like the real one and keeps what it was asked. */
class RecordingHasher implements Hasher {
  readonly asked: { password: string; hash: string }[] = [];

  verify(password: string, hash: string): Promise<boolean> {
    this.asked.push({ password, hash });
    return verifyPassword(password, hash);
  }

  hash(): Promise<string> {
    return Promise.reject(new Error("not asked for"));
  }
}

function setUp(options: { hasher?: Hasher; verified?: VerifiedPasswords; trouble?: Error } = {}) {
  const hashes = new Map([
    ["user@example.org", BCRYPT],
    ["fast@example.org", SSHA],
    ["cheap@example.org", "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"],
    ["odd@example.org", "{PLAIN}secret"],
  ]);
  const recorder = new RecordingHasher();
  const metrics = new Metrics();
  const { hasher = recorder, verified = new VerifiedPasswords(), trouble } = options;
  const accounts = {
    credential(address: string) {
      if (trouble) return Promise.reject(trouble);
      const passwordHash = hashes.get(address);
      if (passwordHash === undefined) return Promise.resolve(null);
      const accountId = 7 as AccountId;
      const primaryAddress = "primary@example.org";
      return Promise.resolve({ accountId, credentialId: 1, address, primaryAddress, passwordHash });
    },
  };
  const logged: string[] = [];
  const authenticator = new Authenticator({
    accounts,
    hasher,
    log: loud(logged),
    metrics,
    bcryptCost: 10,
    verified,
  });
  const login = (address: string, password: string) =>
    authenticator.login(attempt(address, password));
  return { login, hashes, recorder, metrics, logged };
}

function attempt(address: string, password: string): Login {
  const remote = { host: "192.0.2.1", port: 1 };
  return { address, password, protocol: "imap", remote, session: "s1", serverName: "imap" };
}

/** A log that keeps every line as text. */
function loud(lines: string[], context: Record<string, unknown> = {}): Log {
  const line = (event: string, fields = {}) =>
    void lines.push(JSON.stringify({ event, ...context, ...fields }));
  return {
    debug: line,
    info: line,
    warning: line,
    error: line,
    with: (fields) => loud(lines, { ...context, ...fields }),
  };
}

const badCredentials = (error: unknown) =>
  error instanceof Refused && error.refusal.kind === "bad-credentials";

for (const address of ["user@example.org", "USER@Example.ORG", " user+tag@example.org"]) {
  Deno.test(`login() as ${JSON.stringify(address)} gives the primary address`, async () => {
    const { login } = setUp();
    assert.deepEqual(await login(address, "secret"), {
      accountId: 7,
      address: "primary@example.org",
    });
  });
}

const causes: readonly (readonly [why: string, address: string, password: string])[] = [
  ["a wrong password", "user@example.org", "Secret"],
  ["a wrong password of a fast scheme", "fast@example.org", "Secret"],
  ["a wrong password of a low cost", "cheap@example.org", "Secret"],
  ["an unknown user", "nobody@example.org", "secret"],
  ["no address at all", "user", "secret"],
  ["an unknown scheme", "odd@example.org", "secret"],
  ["an empty password", "user@example.org", ""],
  ["a password with NUL", "user@example.org", "secret\0"],
  ["a password without end", "user@example.org", "s".repeat(100_000)],
];

for (const [why, address, password] of causes) {
  Deno.test(`login() refuses ${why} like every other cause, and as slowly`, async () => {
    const { login, recorder, metrics, logged } = setUp();
    await assert.rejects(login(address, password), badCredentials);
    const costs = recorder.asked.map(({ hash }) => parsePasswordHash(hash))
      .map((parsed) => parsed?.scheme === "bcrypt" ? parsed.cost : 0);
    assert.deepEqual(costs.filter((cost) => cost >= 10), [10]);
    const text = await metrics.registry.metrics();
    assert.match(text, /sora_authentication_attempts_total\{[^}]*result="failure"\} 1/);
    assert.equal(logged.some((line) => /secret|example\.org/i.test(line)), false);
  });
}

Deno.test("the dummy hash is one that is really computed", () => {
  const dummies = setUp();
  return assert.rejects(dummies.login("nobody@example.org", "x"), () => {
    const [{ hash = "" } = {}] = dummies.recorder.asked;
    return parsePasswordHash(hash)?.scheme === "bcrypt" && hash !== BCRYPT;
  });
});

Deno.test("login() hashes a password once, until the stored hash is another", async () => {
  const { login, hashes, recorder } = setUp();
  for (let turn = 0; turn < 3; turn++) await login("user@example.org", "secret");
  assert.equal(recorder.asked.length, 1);
  await assert.rejects(login("user@example.org", "wrong"), badCredentials);
  assert.equal(recorder.asked.length, 2);
  hashes.set("user@example.org", await hashPassword("changed", { scheme: "bcrypt", cost: 10 }));
  await assert.rejects(login("user@example.org", "secret"), badCredentials);
  await login("user@example.org", "changed");
  hashes.delete("user@example.org");
  await assert.rejects(login("user@example.org", "changed"), badCredentials);
});

Deno.test("ten logins at once cost one hash", async () => {
  const { login, recorder } = setUp();
  await Promise.all(Array.from({ length: 10 }, () => login("user@example.org", "secret")));
  assert.equal(recorder.asked.length, 1);
});

const troubles: readonly (readonly [string, Parameters<typeof setUp>[0]])[] = [
  ["database", { trouble: unavailable("database", new Error("57P01")) }],
  ["hashing", {
    hasher: {
      verify: () => Promise.reject(unavailable("hashing", new Error("queue is full"))),
      hash: () => Promise.reject(new Error("not asked for")),
    },
  }],
];

for (const [what, options] of troubles) {
  Deno.test(`trouble with ${what} is unavailable, never bad credentials`, async () => {
    const { login, metrics } = setUp(options);
    for (const address of ["user@example.org", "nobody@example.org"]) {
      await assert.rejects(login(address, "secret"), (error) => {
        assert.ok(error instanceof Refused);
        assert.deepEqual(error.refusal, { kind: "unavailable", what });
        return true;
      });
    }
    const text = await metrics.registry.metrics();
    assert.match(text, /sora_authentication_attempts_total\{[^}]*result="error"\} 2/);
    assert.doesNotMatch(text, /sora_authentication_attempts_total\{[^}]*result="failure"\}/);
  });
}

Deno.test("VerifiedPasswords forgets after an hour, and the least used first", () => {
  let now = 0;
  const verified = new VerifiedPasswords({ entriesMax: 2, now: () => now });
  verified.add("a", "hash-a");
  verified.add("b", "hash-b");
  assert.equal(verified.has("a", "hash-a"), true);
  assert.equal(verified.has("b", "hash-a"), false);
  assert.equal(verified.has("a", "hash-b"), false);
  verified.add("c", "hash-c");
  assert.deepEqual(["a", "b", "c"].map((x) => verified.has(x, `hash-${x}`)), [true, false, true]);
  now = 3_600_000;
  assert.deepEqual(["a", "c"].map((x) => verified.has(x, `hash-${x}`)), [false, false]);
});

Deno.test("VerifiedPasswords of two processes have different digests", () => {
  const digest = () => new VerifiedPasswords().digest("a", "hash");
  assert.notDeepEqual(digest(), digest());
});
