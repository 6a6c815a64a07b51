import assert from "node:assert/strict";
import { Buffer } from "node:buffer";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { objectKey } from "../../src/blobs/blobs.ts";
import {
  manifestKey,
  ownerAddress,
  ownerPrefix,
  readManifestKey,
} from "../../src/blobs/manifest_key.ts";
import { concat } from "../../src/lib/bytes.ts";
import type { Hash, MailboxId, Uid } from "../../src/lib/ids.ts";
import {
  endLine,
  goneLine,
  type MailboxHeader,
  type ManifestLine,
  messageLine,
  readLine,
} from "../../src/jobs/manifests/manifest_lines.ts";
import {
  ManifestError,
  readAccountManifest,
  readMailboxManifest,
} from "../../src/jobs/manifests/read_manifest.ts";
import { zipLines } from "../../src/jobs/manifests/zip_lines.ts";
import {
  type BodyDescription,
  describeBody,
  readBodyDescription,
} from "../../src/lib/body_description.ts";
import { packObjectKey } from "../../src/store/object_key.ts";

const OWNER = "example.com/owner/";

const header: MailboxHeader = {
  sora: "mailbox",
  version: 1,
  kind: "base",
  epoch: "0123456789ab",
  account: "owner@example.com",
  mailboxId: 7,
  name: "Entwürfe/ä",
  domain: null,
  uidValidity: 1_700_000_000,
  uidNext: 4_294_967_296,
  keywords: ["$Junk"],
  since: 0,
  modseq: 12,
  writtenMs: 1_700_000_000_000,
  owner: OWNER,
};

const uids = fc.integer({ min: 1, max: 0xffff_ffff }).map((uid) => uid as Uid);
const hashes = fc.stringMatching(/^[0-9a-f]{64}$/).map((hash) => hash as Hash);
const dates = fc.integer({ min: -62_135_596_800_000, max: 253_402_300_799_999 });
const rows = fc.record({
  uid: uids,
  hash: hashes,
  owner: fc.constantFrom(OWNER, "example.com/renamed/", "go/"),
  sizeBytes: fc.nat(),
  flags: fc.nat(31),
  keywords: fc.option(fc.array(fc.string({ minLength: 1, maxLength: 20 }), { maxLength: 5 })),
  internalMs: dates,
  savedMs: dates,
});

async function objectOf(lines: readonly string[]): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  const object = await zipLines(lines, "/nowhere");
  for await (const piece of object.chunks()) pieces.push(piece.slice());
  return concat(pieces);
}

async function linesOf(object: Uint8Array): Promise<ManifestLine[]> {
  return await Array.fromAsync((await readMailboxManifest(object)).lines());
}

Deno.test("a manifest says again whatever was written", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(rows), fc.array(uids), async (messages, gone) => {
      const lines = [
        ...messages.map(({ owner, ...row }) =>
          messageLine({ ...row, objectKey: packObjectKey(owner + row.hash, row.hash) }, OWNER)
        ),
        ...gone.map((uid, i) =>
          goneLine({ uid, movedTo: i % 2 ? i as MailboxId : null, movedUid: i % 2 ? uid : null })
        ),
      ];
      const object = await objectOf([JSON.stringify(header), ...lines, endLine(lines.length)]);
      assert.deepEqual((await readMailboxManifest(object)).header, header);
      const expected: ManifestLine[] = [
        ...messages.map(({ owner, keywords, ...row }) => ({
          kind: "message" as const,
          ...row,
          keywords: keywords ?? [],
          objectKey: owner + row.hash,
        })),
        ...gone.map((uid, i) => ({
          kind: "gone" as const,
          uid,
          moved: i % 2 ? { mailboxId: i, uid } : null,
        })),
      ];
      assert.deepEqual(await linesOf(object), expected);
    }),
    { numRuns: 50 },
  );
});

Deno.test("no line makes the reader throw or give what is none", () => {
  const check = (text: string) => {
    const line = readLine(text, OWNER);
    if (line === null || line.kind === "end") return;
    assert.ok(Number.isInteger(line.uid) && line.uid >= 1 && line.uid <= 0xffff_ffff);
    if (line.kind === "message") assert.match(line.objectKey, new RegExp(`/${line.hash}$`));
  };
  fc.assert(fc.property(fc.string(), check));
  fc.assert(fc.property(fc.json(), check));
  const parts = fc.oneof(
    fc.integer(),
    fc.double(),
    hashes,
    fc.constant(null),
    fc.array(fc.string()),
  );
  fc.assert(fc.property(fc.array(parts, { maxLength: 9 }), (line) => check(JSON.stringify(line))));
  for (
    const bad of ["[]", "[0]", "[1.5]", "[4294967296]", "[1,2]", "[1,2,0]", "[1,2,3,4]", "{}", ""]
  ) {
    assert.equal(readLine(bad, OWNER), null, bad);
  }
});

Deno.test("a manifest that is cut off, changed or of another kind is an error, nothing else", async () => {
  const line = JSON.stringify([1, "a".repeat(64), 10, 0, 0, 0, 0]);
  const whole = await objectOf([JSON.stringify(header), line, line, endLine(2)]);
  assert.equal((await linesOf(whole)).length, 2);
  const cases: Uint8Array[] = [
    new Uint8Array(0),
    new TextEncoder().encode("no gzip"),
    await objectOf([]),
    await objectOf(["{}"]),
    await objectOf([JSON.stringify(header)]),
    await objectOf([JSON.stringify(header), line, line]),
    await objectOf([JSON.stringify(header), line, endLine(2)]),
    await objectOf([JSON.stringify(header), "[0]", endLine(1)]),
    await objectOf([JSON.stringify({ ...header, version: 2 }), endLine(0)]),
    await objectOf([JSON.stringify({ ...header, uidValidity: 0 }), endLine(0)]),
    new Uint8Array(gzipSync(`${JSON.stringify(header)}\n${line}`)),
    new Uint8Array(gzipSync(Uint8Array.of(0xff, 0xfe, 10))),
  ];
  for (let at = 0; at < whole.length; at += 7) {
    cases.push(whole.slice(0, at));
    // WHY not octets 4 to 9: gzip compares nothing with what stands there.
    if (at > 9) cases.push(whole.map((octet, i) => i === at ? octet ^ 0x55 : octet));
  }
  for (const object of cases) {
    await assert.rejects(linesOf(object), ManifestError);
    await assert.rejects(readAccountManifest(object), ManifestError);
  }
  await assert.rejects(readAccountManifest(whole), ManifestError);
});

Deno.test("the names of manifests say what they are about, and are those of no body", () => {
  fc.assert(
    fc.property(fc.emailAddress(), hashes, fc.nat(), fc.nat(), (address, hash, id, modseq) => {
      const mailbox = { kind: "delta", epoch: "0a1b2c3d4e5f", mailboxId: id, modseq } as const;
      const account = { kind: "account", epoch: "0a1b2c3d4e5f", writtenMs: modseq } as const;
      for (const subject of [mailbox, { ...mailbox, kind: "base" } as const, account]) {
        const key = manifestKey(address, subject, hash);
        assert.deepEqual(readManifestKey(key), { key, owner: ownerPrefix(address), subject });
      }
      assert.equal(ownerAddress(ownerPrefix(address)), address);
      assert.equal(readManifestKey(objectKey(address, hash)), null);
    }),
  );
  for (
    const key of ["", "sora-manifests/", "sora-manifests/a/b/c-1-2-base/d", "sora/key-check-one"]
  ) {
    assert.equal(readManifestKey(key), null);
  }
});

const descriptions: fc.Arbitrary<BodyDescription> = fc.record({
  account: fc.emailAddress(),
  epoch: fc.stringMatching(/^[0-9a-f]{12}$/),
  mailboxId: fc.nat(),
  mailbox: fc.string({ unit: "grapheme", maxLength: 300 }),
  domain: fc.option(fc.domain()),
  uidValidity: uids,
  uid: uids,
  flags: fc.nat(31),
  keywords: fc.array(fc.string({ maxLength: 100 }), { maxLength: 50 }),
  internalMs: dates,
  savedMs: dates,
}, { noNullPrototype: true });

Deno.test("what a body says of itself fits into a header, and is understood", () => {
  fc.assert(fc.property(descriptions, (description) => {
    const metadata = describeBody(description);
    const [value = "", ...more] = Object.values(metadata);
    assert.deepEqual(more, []);
    assert.ok(value.length <= 1500);
    assert.match(value, /^[A-Za-z0-9_-]*$/);
    const read = readBodyDescription(metadata);
    if (!read) return assert.deepEqual(metadata, {});
    const { keywords, mailbox, domain } = read;
    const isShort = Object.keys(metadata).length > 0 &&
      keywords.length === description.keywords.length;
    assert.deepEqual(
      read,
      isShort && mailbox !== "" ? description : { ...description, keywords, mailbox, domain },
    );
  }));
});

Deno.test("metadata of others are no description, whatever they are", () => {
  fc.assert(fc.property(fc.string(), (value) => {
    const read = readBodyDescription({ "sora-message": value });
    assert.ok(read === null || Number.isInteger(read.uid));
  }));
  fc.assert(fc.property(fc.array(fc.jsonValue()), (value) => {
    const encoded = Buffer.from(JSON.stringify([1, ...value])).toString("base64url");
    const read = readBodyDescription({ "sora-message": encoded });
    assert.ok(read === null || Number.isInteger(read.uid));
  }));
  assert.equal(readBodyDescription({}), null);
});
