import { Spool, type Spooled } from "../blobs/spool.ts";
import { type MessageFacts, messageFacts } from "../message/facts.ts";
import { MessageParser } from "../message/parser.ts";
import { CrlfLines } from "./crlf.ts";
import { Unreadable } from "./source.ts";

/** Octets of a message that is imported: what a client can still be expected to download. */
export const MESSAGE_BYTES_MAX = 256 * 1024 * 1024;

/** A message that was read from a source. */
export interface Taken {
  readonly facts: MessageFacts;
  /** Whoever gets it discards it. */
  readonly spooled: Spooled;
}

/** Reads, hashes and parses a message. Throws `Unreadable` for one that is none, and what `body` throws. */
export async function takeMessage(
  body: AsyncIterable<Uint8Array>,
  { spoolDir, expectedBytes }: { readonly spoolDir: string; readonly expectedBytes: number | null },
): Promise<Taken> {
  const spool = new Spool(spoolDir, { expectedBytes: expectedBytes ?? 0 });
  try {
    const lines = new CrlfLines();
    const parser = new MessageParser();
    for await (const piece of body) {
      const chunk = lines.push(piece);
      parser.push(chunk);
      await spool.write(chunk);
      if (spool.receivedBytes > MESSAGE_BYTES_MAX) {
        throw new Unreadable(`larger than ${MESSAGE_BYTES_MAX} octets`);
      }
    }
    if (spool.receivedBytes === 0) throw new Unreadable("empty");
    return { facts: messageFacts(parser.finish()), spooled: await spool.finish() };
  } catch (error) {
    await spool.discard();
    throw error;
  }
}
