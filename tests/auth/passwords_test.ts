import assert from "node:assert/strict";
import fc from "fast-check";
import { hashPassword, knownScheme, verifyPassword } from "../../src/auth/passwords.ts";
import { Refused } from "../../src/lib/refused.ts";

const HORSE = "correct horse";

/** Made by Dovecot 2.3 (doveadm pw), glibc's crypt() and Python's hashlib: none by Sora. */
const vectors: readonly (readonly [password: string, hash: string])[] = [
  [HORSE, "{BLF-CRYPT}$2y$05$6O.kLr214yRwfyL1iIR8Cuo02nl18KdEz9LixC4oZWyc5246JLVkW"],
  [HORSE, "{BLF-CRYPT}$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"],
  [HORSE, "{blf-crypt}$2a$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"],
  [HORSE, "$2a$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"],
  [HORSE, "$2b$05$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2"],
  ["grüße", "$2y$05$abcdefghijklmnopqrstuuw1XXhQ5C8Zcm6QLvdJ77.2rdR17LM02"],
  ["x".repeat(100), "$2b$05$abcdefghijklmnopqrstuujf8SX2ahXLwp9w/B.Y5XdysS6yR576q"],
  [
    HORSE,
    "{SSHA512}SGN41g/7Nh5fW1caq7+OFLY1bStmyjRGeqqYToVdk0I9L+xm2+jSyFnhDNYpXUOOGQ9nETeYvQasgfmOQKvGSAABAgMEBQYH",
  ],
  [
    HORSE,
    "{SSHA512.b64}Fh0NQYb+SyV9bUDD9R/1JeXSUgblC66wH96oeGtqLoLB8DpqIsL9KLOijaT+B80Bz7YZHUIfFq7w2brWkheOhGLsMEc=",
  ],
  [
    HORSE,
    "{SSHA512.HEX}194e7a58801b84da23b1fd7c2046bf43127898c02703e6eb20a2cf1f534166e6209d4101f0ee746792ad47c0ceafeffbf7478b31d71d372775e44573d6fa9b3e80030647",
  ],
  [
    "grüße",
    "{SHA512}lnmp+7P9sfbJUH04NmelTzIYnQv/XJniQQdMAxNpoM1yva2gU7ntxiX3MOa7CcfchPCTDUuAYGvupOAc0jK0/w==",
  ],
  [
    "grüße",
    "{SHA512.hex}9679a9fbb3fdb1f6c9507d383667a54f32189d0bff5c99e241074c031369a0cd72bdada053b9edc625f730e6bb09c7dc84f0930d4b80606beea4e01cd232b4ff",
  ],
  [
    HORSE,
    "{ARGON2ID}$argon2id$v=19$m=65536,t=3,p=1$5XQ5qZ6mLKKuaN6mPS78dA$1Cs8NL8zheGZKqE+BRMmisP1i8fwO8qdNcsWsrFN3Fo",
  ],
];

for (const [password, hash] of vectors) {
  Deno.test(`verifyPassword() knows ${hash.slice(0, 24)}… for ${password.slice(0, 16)}`, async () => {
    assert.equal(knownScheme(hash), true);
    assert.equal(await verifyPassword(password, hash), true);
    assert.equal(await verifyPassword(`y${password}`, hash), false);
    assert.equal(await verifyPassword(password.toUpperCase(), hash), false);
  });
}

const bcryptOf = (cost: string) =>
  `$2b$${cost}$abcdefghijklmnopqrstuuHNbAKRhpaujgo33bRWs.NLUTJO3lOy2`;
const argon2Of = (costs: string) =>
  `{ARGON2ID}$argon2id$v=19$${costs}$5XQ5qZ6mLKKuaN6mPS78dA$1Cs8NL8zheGZKqE+BRMmisP1i8fwO8qdNcsWsrFN3Fo`;
const refused: readonly string[] = [
  "",
  HORSE,
  `{PLAIN}${HORSE}`,
  `{CLEARTEXT}${HORSE}`,
  "{SHA512-CRYPT}$6$pKv57Dgep288NFyJ$jLXEGuB8SQ32IZodQV7tNXUVxps6x3sNUS6EaMAKvRWv29WMdP5gkE2jjOsIrwHAoOnD2yceC/A1ZiYn.l3VC0",
  "{ARGON2I}$argon2i$v=19$m=32768,t=4,p=1$eKLLIHfkG2jVJ/j6lk8XRQ$A7RjTs8qsM6UseF9Hx4TbnS5fK1wMO8jnrL3VurDqO4",
  bcryptOf("05").replace("$2b$", "$2x$"),
  bcryptOf("03"),
  bcryptOf("17"),
  bcryptOf("31"),
  bcryptOf("05") + "2",
  bcryptOf("05").slice(0, -1),
  `${bcryptOf("05")}\n`,
  argon2Of("m=4294967,t=3,p=1"),
  argon2Of("m=65536,t=99,p=1"),
  argon2Of("m=8,t=3,p=16"),
  "{SSHA512}",
  "{SHA512}AAAA",
  "{SHA512}" + btoa("x".repeat(65)),
  "{SSHA512}" + btoa("x".repeat(64)),
  "{SHA512}" + btoa("x".repeat(64)).replace("e", "!"),
  "{SHA512.HEX}" + "ab".repeat(63) + "a",
  "{SHA512.HEX}" + "ab".repeat(2000),
];

for (const hash of refused) {
  Deno.test(`verifyPassword() refuses the hash ${JSON.stringify(hash.slice(0, 40))}`, async () => {
    assert.equal(knownScheme(hash), false);
    assert.equal(await verifyPassword(HORSE, hash), false);
    assert.equal(await verifyPassword("", hash), false);
  });
}

Deno.test("verifyPassword() refuses passwords that no account can have", async () => {
  const hash = await hashPassword("abc", { scheme: "ssha512", cost: 0 });
  const long = await hashPassword("a".repeat(1024), { scheme: "ssha512", cost: 0 });
  assert.equal(await verifyPassword("abc", hash), true);
  assert.equal(await verifyPassword("a".repeat(1024), long), true);
  for (const password of ["", "abc\0", "abc\0d", "a".repeat(1025), "ä".repeat(513)]) {
    assert.equal(await verifyPassword(password, hash), false);
  }
});

for (const scheme of ["bcrypt", "ssha512", "sha512"] as const) {
  Deno.test(`hashPassword() ${scheme} verifies, and is salted where the scheme is`, async () => {
    const hash = await hashPassword("grüße", { scheme, cost: 10 });
    assert.equal(await verifyPassword("grüße", hash), true);
    assert.equal(await verifyPassword("grüsse", hash), false);
    const again = await hashPassword("grüße", { scheme, cost: 10 });
    assert.equal(again === hash, scheme === "sha512");
  });
}

Deno.test("hashPassword() keeps bcrypt's cost between 10 and 14", async () => {
  for (const cost of [-1, 0, 4, 10, NaN]) {
    assert.match(await hashPassword("abc", { scheme: "bcrypt", cost }), /^\{BLF-CRYPT\}\$2b\$10\$/);
  }
  assert.match(
    await hashPassword("abc", { scheme: "bcrypt", cost: 11 }),
    /^\{BLF-CRYPT\}\$2b\$11\$/,
  );
});

Deno.test("hashPassword() refuses what it could not keep whole", async () => {
  const limits = [["bcrypt", 72], ["ssha512", 1024], ["sha512", 1024]] as const;
  for (const [scheme, max] of limits) {
    const hash = (password: string) => hashPassword(password, { scheme, cost: 10 });
    await hash("x".repeat(max));
    await hash("ä".repeat(max / 2));
    for (const bad of ["", "a\0b", "x".repeat(max + 1), "ä".repeat(max / 2) + "x"]) {
      await assert.rejects(hash(bad), (error) => {
        return error instanceof Refused && error.refusal.kind === "limit";
      });
    }
  }
});

Deno.test("any text is a hash that verifyPassword() can judge", async () => {
  const prefix = fc.constantFrom("", "{SSHA512}", "{SHA512.HEX}", "{BLF-CRYPT}$2b$", "{ARGON2ID}");
  const hash = fc.tuple(prefix, fc.string({ unit: "binary" })).map((parts) => parts.join(""));
  await fc.assert(
    fc.asyncProperty(fc.string({ unit: "binary" }), hash, async (password, stored) => {
      assert.equal(await verifyPassword(password, stored), false);
    }),
    { numRuns: 500 },
  );
});
