import { createGunzip } from "node:zlib";
import { Readable } from "node:stream";
import { z } from "zod";
import {
  type MailboxHeader,
  MANIFEST_VERSION,
  type ManifestLine,
  readLine,
} from "./manifest_lines.ts";

/** Octets of a line: that of an account with ten thousand mailboxes has some. */
const LINE_MAX = 16 * 1024 * 1024;
/** Octets of a whole manifest: of ten million messages. */
const TEXT_MAX = 2 * 1024 * 1024 * 1024;

/** A manifest is not one, or damaged. */
export class ManifestError extends Error {
  override readonly name = "ManifestError";
}

const count = z.int().min(0);
const number32 = z.int().min(1).max(0xffff_ffff);
const text = z.string();

const headerSchema = z.object({
  sora: z.literal("mailbox"),
  version: z.literal(MANIFEST_VERSION),
  kind: z.enum(["base", "delta"]),
  epoch: text,
  account: text,
  mailboxId: count,
  name: text,
  domain: text.nullable(),
  uidValidity: number32,
  uidNext: z.int().min(1).max(0x1_0000_0000),
  keywords: z.array(text),
  since: count,
  modseq: count,
  writtenMs: count,
  owner: text,
});

const accountSchema = z.object({
  sora: z.literal("account"),
  version: z.literal(MANIFEST_VERSION),
  epoch: text,
  supersedes: z.array(text),
  lastMailboxId: count,
  writtenMs: count,
  content: z.object({
    address: text,
    createdMs: z.int(),
    deletedMs: z.int().nullable(),
    addresses: z.array(z.tuple([text, z.boolean(), text.nullable()])),
    limits: z.tuple([count.nullable(), count.nullable(), count.nullable()]),
    mailboxes: z.array(z.object({
      id: count,
      name: text,
      domain: text.nullable(),
      uidValidity: number32,
      specialUse: text.nullable(),
    })),
    acls: z.array(z.tuple([count, text.nullable(), text.nullable(), text])),
    subscriptions: z.array(text),
  }),
});

/** The manifest of an account. */
export type AccountManifest = Readonly<z.output<typeof accountSchema>>;

/** A mailbox's manifest: its header, then what it says of messages, line by line. */
export interface MailboxManifest {
  readonly header: MailboxHeader;
  /** By UID, the gone ones of a base at its end. Throws `ManifestError` where it is damaged. */
  lines(): AsyncGenerator<Exclude<ManifestLine, { readonly kind: "end" }>>;
}

/** @throws {ManifestError} where the object is not the manifest of an account */
export async function readAccountManifest(object: Uint8Array): Promise<AccountManifest> {
  for await (const line of lines(object)) {
    const parsed = accountSchema.safeParse(json(line));
    if (!parsed.success) break;
    return parsed.data;
  }
  throw new ManifestError("Cannot read the manifest of an account");
}

/** @throws {ManifestError} where the object does not begin like the manifest of a mailbox */
export async function readMailboxManifest(object: Uint8Array): Promise<MailboxManifest> {
  for await (const line of lines(object)) {
    const parsed = headerSchema.safeParse(json(line));
    if (!parsed.success) break;
    const header = parsed.data;
    return { header, lines: () => messages(object, header.owner) };
  }
  throw new ManifestError("Cannot read the manifest of a mailbox");
}

async function* messages(
  object: Uint8Array,
  owner: string,
): AsyncGenerator<Exclude<ManifestLine, { readonly kind: "end" }>> {
  let number = -1;
  for await (const text of lines(object)) {
    if (++number === 0) continue;
    const line = readLine(text, owner);
    if (!line) throw new ManifestError(`Cannot read line ${number} of a manifest`);
    if (line.kind !== "end") yield line;
    else if (line.lines === number - 1) return;
    else {throw new ManifestError(
        `Cannot read a manifest of ${line.lines} lines: there are ${number}`,
      );}
  }
  throw new ManifestError(`Cannot read the end of a manifest of ${number} lines`);
}

/** Unzipped, a line at a time. */
async function* lines(object: Uint8Array): AsyncGenerator<string> {
  const gunzip = createGunzip();
  const source = Readable.from([object], { objectMode: false });
  source.on("error", (error) => gunzip.destroy(error));
  const decoder = new TextDecoder("utf-8", { fatal: true });
  let rest = "";
  let total = 0;
  try {
    for await (const piece of source.pipe(gunzip) as AsyncIterable<Uint8Array>) {
      total += piece.length;
      const found = (rest + decoder.decode(piece, { stream: true })).split("\n");
      rest = found.pop() ?? "";
      yield* found;
      if (rest.length > LINE_MAX || total > TEXT_MAX) {
        throw new ManifestError("Cannot read so much");
      }
    }
    if (rest + decoder.decode() !== "") {
      throw new ManifestError("Cannot read a line that has no end");
    }
  } catch (error) {
    if (error instanceof ManifestError) throw error;
    throw new ManifestError("Cannot unzip a manifest", { cause: error });
  } finally {
    source.destroy();
    gunzip.destroy();
  }
}

function json(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return null;
  }
}
