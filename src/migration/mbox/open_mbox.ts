import type { Uid, UidValidity } from "../../lib/ids.ts";
import { NUMBER_MAX } from "../../lib/ids.ts";
import { type OpenMailbox, type SourceMessage, Unreadable } from "../source.ts";
import { type MboxEntry, MboxIndex } from "./mbox_index.ts";
import { mboxDecoder, type Quoting } from "./mbox_lines.ts";
import { imapBase, mboxDate, mboxStatus } from "./mbox_status.ts";

const BLOCK_BYTES = 256 * 1024;

interface MboxMessage extends SourceMessage {
  readonly entry: MboxEntry;
}

/** Where the messages of a file are. Throws `Unreadable`. */
export async function indexMbox(path: string): Promise<readonly MboxEntry[]> {
  try {
    using file = await Deno.open(path);
    const index = new MboxIndex();
    const block = new Uint8Array(BLOCK_BYTES);
    for (;;) {
      const count = await file.read(block);
      if (count === null) return index.end();
      index.push(block.subarray(0, count));
    }
  } catch (error) {
    throw new Unreadable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}

/** The mailbox that a file holds. */
export async function openMbox(
  path: string,
  entries: readonly MboxEntry[],
  quoting: Quoting,
): Promise<OpenMailbox> {
  const base = imapBase(entries[0]);
  const { mtime } = await Deno.stat(path);
  let lastUid = 0;
  const messages: MboxMessage[] = [];
  for (const entry of entries) {
    // QUIRK: UW-IMAP keeps its own state in a first message that nobody wrote.
    if (entry.fields.has("x-imap")) continue;
    const { flags, keywords, uid } = mboxStatus(entry);
    const isOrdered = base !== null && uid !== null && uid > lastUid;
    if (isOrdered) lastUid = uid;
    messages.push({
      uid: isOrdered ? uid as Uid : null,
      flags,
      keywords,
      internalDate: mboxDate(entry) ?? mtime ?? new Date(),
      sizeBytes: null,
      label: `${path}, octet ${entry.start}`,
      entry,
    });
  }
  const uidNext = Math.min(Math.max(base?.lastUid ?? 0, lastUid) + 1, NUMBER_MAX);
  return {
    uidValidity: base ? base.uidValidity as UidValidity : null,
    uidNext: base ? uidNext as Uid : null,
    messages: [
      ...messages.filter(({ uid }) => uid !== null),
      ...messages.filter(({ uid }) => uid === null),
    ],
    expect() {},
    async *read(message) {
      if (!isOwn(message)) throw new Error("Cannot read a message of another mailbox");
      yield* readEntry(path, message.entry, quoting);
    },
    async [Symbol.asyncDispose]() {},
  };
}

function isOwn(message: SourceMessage): message is MboxMessage {
  return "entry" in message;
}

async function* readEntry(
  path: string,
  { start, end }: MboxEntry,
  quoting: Quoting,
): AsyncGenerator<Uint8Array> {
  try {
    using file = await Deno.open(path);
    await file.seek(start, Deno.SeekMode.Start);
    const lines = mboxDecoder(quoting);
    const block = new Uint8Array(Math.min(BLOCK_BYTES, end - start));
    for (let at = start; at < end;) {
      const count = await file.read(block.subarray(0, Math.min(block.length, end - at)));
      if (count === null) throw new Unreadable("the file is shorter than it was");
      at += count;
      yield lines.push(block.subarray(0, count));
    }
    yield lines.end();
  } catch (error) {
    if (error instanceof Unreadable) throw error;
    throw new Unreadable(error instanceof Error ? error.message : String(error), { cause: error });
  }
}
