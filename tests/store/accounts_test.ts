import assert from "node:assert/strict";
import { openFixture } from "./fixture.ts";

const OWNER = "owner@example.com";
const missing = { refusal: { kind: "no-such-account" } };

Deno.test("create() normalises the address and refuses what is taken or none", async () => {
  await using it = await openFixture();
  const account = await it.accounts.create({ address: " Ann@Example.ORG ", passwordHash: "{A}x" });
  assert.equal(account.address, "ann@example.org");
  assert.deepEqual(
    account.credentials.map(({ address, isPrimary, passwordHash }) => [
      address,
      isPrimary,
      passwordHash,
    ]),
    [["ann@example.org", true, "{A}x"]],
  );
  await assert.rejects(it.accounts.create({ address: "ANN@example.org", passwordHash: "" }), {
    refusal: { kind: "account-exists", address: "ann@example.org", deleted: false },
  });
  for (const address of ["ann", "a+b@example.org", "@x", "a@b@", "a\0@x.org"]) {
    const error = await it.accounts.create({ address, passwordHash: "" }).catch((thrown) => thrown);
    assert.equal(error.refusal?.kind, "unsupported", address);
  }
});

Deno.test("delete() stops login and delivery, keeps the address, restore() undoes it", async () => {
  await using it = await openFixture();
  const { accounts } = it;
  assert.ok(await accounts.credential(OWNER));
  const recipient = await accounts.recipient(OWNER);
  assert.deepEqual(recipient, {
    accountId: it.account,
    address: OWNER,
    inbox: it.inbox.id,
    isFull: false,
  });
  await accounts.delete("OWNER+x@example.com");
  assert.equal(await accounts.credential(OWNER), null);
  assert.equal(await accounts.recipient(OWNER), null);
  assert.ok((await accounts.show(OWNER)).deletedAt instanceof Date);
  await assert.rejects(accounts.create({ address: OWNER, passwordHash: "" }), {
    refusal: { kind: "account-exists", address: OWNER, deleted: true },
  });
  await assert.rejects(accounts.delete(OWNER), missing);
  await assert.rejects(accounts.setPassword(OWNER, "{B}"), missing);
  await assert.rejects(it.mailboxes.create(it.account, "x"), missing);
  await accounts.restore(OWNER);
  await assert.rejects(accounts.restore(OWNER), missing);
  assert.deepEqual(await accounts.recipient(OWNER), recipient);
});

Deno.test("setPassword() changes one credential and its time", async () => {
  await using it = await openFixture();
  const { accounts } = it;
  await accounts.addCredential(OWNER, { address: "alias@example.com", passwordHash: "{1}" });
  const before = await accounts.show(OWNER);
  await accounts.setPassword("alias@example.com", "{2}");
  const after = await accounts.show(OWNER);
  assert.deepEqual(after.credentials[0], before.credentials[0]);
  assert.equal(after.credentials[1]?.passwordHash, "{2}");
  assert.ok((after.credentials[1]?.updatedAt ?? 0) > (before.credentials[1]?.updatedAt ?? 0));
  await assert.rejects(accounts.setPassword("nobody@example.com", "{2}"), missing);
  await assert.rejects(accounts.setPassword("", "{2}"), missing);
});

Deno.test("credentials: a second address logs in and receives; the primary one can change", async () => {
  await using it = await openFixture();
  const { accounts } = it;
  await accounts.addCredential(OWNER, { address: "Alias@Example.com", passwordHash: "{1}" });
  const login = await accounts.credential("alias@example.com");
  assert.deepEqual([login?.accountId, login?.primaryAddress], [it.account, OWNER]);
  assert.equal((await accounts.recipient("alias@example.com"))?.address, OWNER);
  await assert.rejects(
    accounts.addCredential(OWNER, { address: "alias@example.com", passwordHash: "" }),
    { refusal: { kind: "account-exists", address: "alias@example.com", deleted: false } },
  );
  await assert.rejects(accounts.removeCredential(OWNER), { refusal: { kind: "not-permitted" } });
  await accounts.makePrimary("alias@example.com");
  assert.equal((await accounts.show(OWNER)).address, "alias@example.com");
  await accounts.makePrimary("alias@example.com");
  await accounts.removeCredential(OWNER);
  assert.equal(await accounts.find(OWNER), null);
  await assert.rejects(accounts.removeCredential(OWNER), missing);
});

Deno.test("list() pages by address, by domain and by state", async () => {
  await using it = await openFixture();
  const { accounts } = it;
  for (const address of ["b@one.org", "a@one.org", "c@two.org", "d@one.org"]) {
    await accounts.create({ address, passwordHash: "" });
  }
  await accounts.delete("d@one.org");
  const addresses = async (filter: Parameters<typeof accounts.list>[0]) =>
    (await accounts.list(filter)).map(({ address }) => address);
  assert.deepEqual(await addresses({}), ["a@one.org", "b@one.org", "c@two.org", OWNER]);
  assert.deepEqual(await addresses({ domain: "ONE.org" }), ["a@one.org", "b@one.org"]);
  assert.deepEqual(await addresses({ limit: 1, after: "a@one.org" }), ["b@one.org"]);
  assert.deepEqual(await addresses({ deleted: true }), ["d@one.org"]);
  assert.equal((await addresses({ deleted: "any" })).length, 5);
  assert.deepEqual(await addresses({ domain: "none.org" }), []);
});

Deno.test("parallel create() of one address gives one account", async () => {
  await using it = await openFixture();
  const done = await Promise.allSettled(
    Array.from({ length: 8 }, () => it.accounts.create({ address: "x@y.org", passwordHash: "" })),
  );
  assert.equal(done.filter(({ status }) => status === "fulfilled").length, 1);
});
