import { sharedPace } from "../../../lib/pace.ts";
import type { Connection } from "../../../net/connection.ts";
import type { Replies } from "../../replies.ts";
import type { SessionMemory } from "../../session_memory.ts";
import { HELD_BYTES_MAX, prefetched } from "../../view/prefetched.ts";
import { isInHeader, type StoredMessage } from "../../view/stored_message.ts";
import type { View } from "../../view/view.ts";
import { decodedChunks } from "./decoded.ts";
import type { FetchItem } from "./items.ts";
import {
  DECODED_BYTES_MAX,
  headerResponse,
  type Piece,
  pieces,
  type Streamed,
  STREAMED_BYTES_MIN,
} from "./response.ts";

/** A message with the items that its response is to have. */
export interface Asked {
  readonly message: StoredMessage;
  readonly items: readonly FetchItem[];
}

/** What sending needs of the session. */
interface Sink {
  readonly view: View;
  readonly reply: Replies;
  readonly connection: Connection;
  readonly memory: SessionMemory;
}

/**
 * Sends FETCH responses with sections, in order, while the next bodies are read already. Throws
 * `unavailable` between two responses when a body cannot be read.
 */
export async function sendResponses(asked: readonly Asked[], sink: Sink): Promise<void> {
  const { view } = sink;
  const heldMaxBytes = Math.max(0, Math.min(HELD_BYTES_MAX, sink.memory.freeBytes));
  const isLarge = (each: Asked) => isStreamedBody(each) || costOf(each) > heldMaxBytes;
  let at = 0;
  for (; at < asked.length; at++) {
    const pieces: (string | Uint8Array)[] = [];
    if (!headerResponse(asked[at] as Asked, view, pieces)) break;
    for (const piece of pieces) sink.reply.raw(piece);
    await sink.reply.drained();
    await sharedPace.breathe();
  }
  const responses = prefetched(asked.slice(at), {
    heldMaxBytes,
    costBytes: (each) => isLarge(each) ? 0 : costOf(each),
    load: async (each) => ({ each, ready: isLarge(each) ? null : await render(each, view) }),
  });
  for await (const { each, ready } of responses) {
    if (ready === null) await stream(each, sink);
    else for (const piece of ready) sink.reply.raw(piece);
    await sink.reply.drained();
  }
}

/** Octets in memory while a message waits: the body, and what is not a part of it as it is. */
function costOf({ message: { row }, items }: Asked): number {
  let octets = items.some((item) => needsBody(item, row)) ? row.sizeBytes : row.headerBytes;
  for (const item of items) {
    if (item.kind === "binary") octets += row.sizeBytes;
    if (item.kind === "section" && item.section.fields.length > 0) octets += row.headerBytes;
  }
  return octets;
}

/** A message whose octets are read and sent bit by bit, when its turn has come. */
function isStreamedBody({ message: { row }, items }: Asked): boolean {
  const isDecoded = items.some(({ kind }) => kind === "binary" || kind === "binarySize");
  return row.sizeBytes > (isDecoded ? DECODED_BYTES_MAX : STREAMED_BYTES_MIN) &&
    items.some((item) => needsBody(item, row));
}

function needsBody(item: FetchItem, { header, preview = null }: Asked["message"]["row"]): boolean {
  switch (item.kind) {
    case "binary":
    case "binarySize":
      return true;
    case "preview":
      return !item.lazy && preview === null;
    case "section":
      return !(header && isInHeader(item.section));
    default:
      return false;
  }
}

function render({ message, items }: Asked, view: View): Promise<(string | Uint8Array)[]> {
  return Array.fromAsync(
    pieces(message, items, view),
    async (piece) => isStreamed(piece) ? await piece.message.slice(piece.start, piece.end) : piece,
  );
}

async function stream({ message, items }: Asked, sink: Sink): Promise<void> {
  // WHY: from the first octet on there is no way to say NO; so look before.
  await message.check();
  try {
    for await (const piece of pieces(message, items, sink.view)) {
      if (isStreamed(piece)) await streamOctets(piece, sink.reply);
      else sink.reply.raw(piece);
      await sink.reply.drained();
    }
  } catch (error) {
    // WHY: in the middle of a literal anything else would be taken for octets of the message.
    sink.connection.close();
    throw error;
  }
}

async function streamOctets(piece: Streamed, reply: Replies): Promise<void> {
  const { message, start, end, decoded } = piece;
  if (decoded) return await streamDecoded(message, decoded, reply);
  for await (const octets of message.pieces(start, end)) {
    reply.raw(octets);
    // WHY not `drained`: they are overwritten by what is read next.
    await reply.flush();
  }
}

async function streamDecoded(
  message: StoredMessage,
  part: NonNullable<Streamed["decoded"]>,
  reply: Replies,
): Promise<void> {
  let skip = part.from;
  let left = part.length;
  for await (const chunk of decodedChunks(message, part)) {
    const wanted = chunk.subarray(skip, skip + left);
    skip = Math.max(0, skip - chunk.length);
    left -= wanted.length;
    // WHY a copy: the decoder's octets may be a view of what it reads into next.
    reply.raw(wanted.slice());
    await reply.drained();
    if (left === 0) return;
  }
}

function isStreamed(piece: Piece): piece is Streamed {
  return typeof piece === "object" && "message" in piece;
}
