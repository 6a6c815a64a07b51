import assert from "node:assert/strict";
import { AccessControl } from "../../src/auth/access_control.ts";
import type { User } from "../../src/auth/authenticator.ts";
import { MailboxAccess } from "../../src/auth/mailbox_access.ts";
import { readRights } from "../../src/auth/rights.ts";
import { embeddedConfig } from "../../src/config/embedded.ts";
import type { SharingConfig } from "../../src/config/config.ts";
import { Refused } from "../../src/lib/refused.ts";
import { AclStore } from "../../src/store/acls.ts";
import { type Fixture, openFixture } from "../store/fixture.ts";

interface Sharing extends Fixture {
  readonly access: MailboxAccess;
  readonly control: AccessControl;
  readonly ann: User;
  readonly bob: User;
  /** The same database under another configuration. */
  with(sharing: Partial<SharingConfig>): MailboxAccess;
  /** How many statements something takes. */
  statements(work: () => Promise<unknown>): Promise<number>;
}

async function open(): Promise<Sharing> {
  const it = await openFixture();
  const acls = new AclStore(it.db, it.notices);
  const base: SharingConfig = {
    ...embeddedConfig("unused").sharedMailboxes,
    enabled: true,
    allowUserCreate: true,
    allowAnyone: true,
  };
  const { mailboxes, accounts } = it;
  const made = (sharing: Partial<SharingConfig>) =>
    new MailboxAccess({ mailboxes, acls, sharing: { ...base, ...sharing } });
  const access = made({});
  const bob = await accounts.create({ address: "bob@example.com", passwordHash: "{X}" });
  let count = 0;
  const query = it.db.query.bind(it.db);
  it.db.query = (statement) => {
    count++;
    return query(statement);
  };
  return {
    ...it,
    access,
    control: new AccessControl({ access, acls, accounts, sharing: base }),
    ann: { accountId: it.account, address: "owner@example.com" },
    bob: { accountId: bob.id, address: bob.address },
    with: made,
    async statements(work) {
      await it.notices.settled(); // NOTIFY is a statement, too
      count = 0;
      await work();
      return count;
    },
  };
}

const rights = (letters: string) => readRights(letters) ?? new Set();
const refused = (kind: string) => (error: unknown) =>
  error instanceof Refused && error.refusal.kind === kind;

Deno.test("find() and list() take one statement each, however much is shared", async () => {
  await using it = await open();
  const { access, control, ann, bob } = it;
  assert.equal(await it.statements(() => access.list(bob)), 1);
  assert.equal(await it.statements(() => access.find(bob, "INBOX", ["r"])), 1);
  for (let i = 0; i < 20; i++) {
    await access.create(ann, `Shared/${i}/below`);
    await access.create(ann, `Own/${i}`);
    for (const name of [`Shared/${i}`, `Shared/${i}/below`, `Own/${i}`]) {
      await control.grant(ann, name, {
        identifier: "bob@example.com",
        mode: "replace",
        rights: rights("lr"),
      });
    }
  }
  assert.equal(await it.statements(() => access.list(bob)), 1);
  assert.equal((await access.list(bob)).length, 6 + 60);
  for (const name of ["Shared/3/below", "Users/owner@example.com/Own/3", "Sent"]) {
    assert.equal(await it.statements(() => access.find(bob, name, ["r"])), 1, name);
  }
  assert.equal(
    await it.statements(() => access.find(bob, "Users/x@other.net/INBOX").catch(() => {})),
    0,
  );
});

Deno.test("list() names what is one's own first, and parents ahead of children", async () => {
  await using it = await open();
  const { access, control, ann, bob } = it;
  await access.create(ann, "Shared/a/b");
  await access.create(ann, "Shared/a b");
  await access.create(ann, "Zebra");
  await control.grant(ann, "Shared/a", { identifier: "anyone", mode: "add", rights: rights("l") });
  for (const name of ["Zebra", "Shared/a/b"]) {
    await control.grant(ann, name, {
      identifier: "bob@example.com",
      mode: "add",
      rights: rights("lr"),
    });
  }
  const names = (await access.list(ann)).map(({ name }) => name);
  assert.deepEqual(names.slice(-4), ["Zebra", "Shared/a", "Shared/a b", "Shared/a/b"]);
  const foreign = (await access.list(bob)).filter(({ isForeign }) => isForeign);
  assert.deepEqual(foreign.map(({ name, viewer, owner }) => [name, viewer, owner]), [
    ["Shared/a", bob.accountId, ann.address],
    ["Shared/a/b", bob.accountId, ann.address],
    ["Users/owner@example.com/Zebra", bob.accountId, ann.address],
  ]);
  assert.ok((await access.list(ann)).every(({ viewer }) => viewer === null));
});

Deno.test("without sharing, names and lists are as if nothing was ever shared", async () => {
  await using it = await open();
  const { access, control, ann, bob } = it;
  await access.create(ann, "Shared/a");
  await control.grant(ann, "Shared/a", { identifier: "anyone", mode: "add", rights: rights("lr") });
  await control.grant(ann, "INBOX", { identifier: "anyone", mode: "add", rights: rights("lr") });
  const off = it.with({ enabled: false });
  assert.deepEqual(off.namespaces(), { personal: "", users: null, shared: null });
  for (const name of ["Shared/a", "Users/owner@example.com/INBOX"]) {
    await access.find(bob, name, ["r"]);
    await assert.rejects(off.find(bob, name), refused("no-such-mailbox"));
  }
  assert.equal((await off.list(bob)).length, 6);
  await off.create(bob, "Shared/a");
  assert.equal((await off.find(bob, "Shared/a")).domain, null);
  // Switched on again: what is below a prefix is reached by the owner's own address.
  const hidden = "Users/bob@example.com/Shared/a";
  assert.ok((await access.list(bob)).some(({ name }) => name === hidden));
  assert.equal((await access.find(bob, hidden)).isForeign, false);
  await access.rename(bob, hidden, "Found");
  assert.equal((await access.find(bob, "Found")).domain, null);
});

Deno.test("anyone and other users' mailboxes count only while the configuration says so", async () => {
  await using it = await open();
  const { access, control, ann, bob } = it;
  await access.create(ann, "Shared/a");
  await control.grant(ann, "Shared/a", { identifier: "anyone", mode: "add", rights: rights("lr") });
  await control.grant(ann, "INBOX", {
    identifier: "bob@example.com",
    mode: "add",
    rights: rights("lr"),
  });
  const nobody = it.with({ allowAnyone: false });
  await assert.rejects(nobody.find(bob, "Shared/a"), refused("no-such-mailbox"));
  assert.ok(!(await nobody.list(bob)).some(({ name }) => name === "Shared/a"));
  const noUsers = it.with({ userPrefix: "" });
  assert.equal(noUsers.namespaces().users, null);
  assert.ok(
    (await noUsers.list(bob)).every(({ domain, isForeign }) => !isForeign || domain !== null),
  );
  await assert.rejects(
    noUsers.find(bob, "Users/owner@example.com/INBOX"),
    refused("no-such-mailbox"),
  );
  const renamed = it.with({ namespacePrefix: "#team/", userPrefix: "~/" });
  await renamed.find(bob, "#TEAM/a", ["r"]);
  await renamed.find(bob, "~/owner@example.com/inbox", ["r"]);
});

Deno.test("what a deleted account shares: its own is gone, the domain's stays", async () => {
  await using it = await open();
  const { access, control, ann, bob } = it;
  await access.create(ann, "Shared/a");
  for (const name of ["INBOX", "Shared/a"]) {
    await control.grant(ann, name, {
      identifier: "bob@example.com",
      mode: "add",
      rights: rights("lrka"),
    });
  }
  await it.accounts.delete(ann.address);
  await assert.rejects(
    access.find(bob, "Users/owner@example.com/INBOX"),
    refused("no-such-mailbox"),
  );
  await access.find(bob, "Shared/a", ["r"]);
  await access.create(bob, "Shared/a/b");
  assert.deepEqual((await access.list(bob)).slice(6).map(({ name }) => name), [
    "Shared/a",
    "Shared/a/b",
  ]);
  assert.equal((await control.grants(bob, "Shared/a"))[0]?.identifier, ann.address);
});

Deno.test("who moves to another domain shares nothing with the old one", async () => {
  await using it = await open();
  const { access, control, ann, bob } = it;
  await access.create(bob, "Shared/bobs");
  await control.grant(ann, "INBOX", {
    identifier: "bob@example.com",
    mode: "add",
    rights: rights("lr"),
  });
  const address = "bob@example.net";
  await it.accounts.addCredential(bob.address, { address, passwordHash: "{X}" });
  await it.accounts.makePrimary(address);
  const moved: User = { accountId: bob.accountId, address };
  await assert.rejects(
    access.find(moved, "Users/owner@example.com/INBOX"),
    refused("no-such-mailbox"),
  );
  await assert.rejects(access.find(moved, "Shared/bobs"), refused("no-such-mailbox"));
  assert.equal((await access.list(moved)).length, 6);
  await assert.rejects(
    control.grant(ann, "INBOX", { identifier: address, mode: "add", rights: rights("l") }),
    refused("no-such-account"),
  );
  await access.create(moved, "Shared/bobs");
});

Deno.test("an address with a delimiter or a percent sign is one level", async () => {
  await using it = await open();
  const { access, control, ann } = it;
  for (const address of ["a/b@example.com", "a%2fb@example.com"]) {
    const { id } = await it.accounts.create({ address, passwordHash: "{X}" });
    const odd: User = { accountId: id, address };
    await control.grant(odd, "INBOX", {
      identifier: ann.address,
      mode: "add",
      rights: rights("lr"),
    });
    const found = (await access.list(ann)).filter(({ owner }) => owner === address);
    assert.equal(found.length, 1);
    const { name } = found[0] ?? { name: "" };
    assert.equal(name.split("/").length, 3);
    assert.equal((await access.find(ann, name)).owner, address);
  }
});

Deno.test("a mailbox has a limit of entries", async () => {
  await using it = await open();
  const acls = new AclStore(it.db, it.notices);
  const { id } = it.inbox;
  const many = Array.from({ length: 1_000 }, (_, i) => i + 1_000_000);
  for (const account of many) {
    await acls.set(id, { account: account as User["accountId"], domain: "" }, () => "l");
  }
  await assert.rejects(
    acls.set(id, { account: null, domain: "example.com" }, () => "l"),
    refused("limit"),
  );
  const [first] = many;
  await acls.set(id, { account: first as User["accountId"], domain: "" }, () => "lr");
});
