import type { MessageRow, MessageState } from "../../../store/messages.ts";
import type { Context } from "../../command.ts";
import { inChunks, type IndexRange, spannedUids, uidsAt } from "../../view/uid_list.ts";
import type { Plan } from "./plan.ts";

/** WHY: a chunk is one query and one write; larger ones gain nothing and hold the event loop. */
const ROWS_MAX = 1_000;
/** Of rows that are flags only. */
const NARROW_ROWS = 2_500;
/** WHY: rows may hold a header of 256 KiB each; how large they really are shows after the first few. */
const ROWS_FIRST = 50;
/** Octets that one chunk should hold. Two are held at a time: one is rendered, one is read. */
const CHUNK_BYTES = 512 * 1024;
/** What reading needs of the session. */
type Reading = Pick<Context<"selected">, "session" | "services">;
/** What a row costs besides its wide columns. */
const ROW_BYTES = 300;

/**
 * What the plan needs of the messages at these positions, in order, in chunks of bounded size. The
 * next chunk is read while the caller works on this one. Messages that others have expunged, though
 * this client has not been told yet, are left out (RFC 2180 §4.1.3).
 */
export async function* fetchedRows(
  plan: Plan,
  ranges: readonly IndexRange[],
  context: Reading,
): AsyncGenerator<readonly MessageRow[]> {
  yield* oneAhead(rowsOf(plan, ranges, context));
}

/** The same where the states have just been read. */
export function* statesAsRows(states: readonly MessageState[]): Generator<readonly MessageRow[]> {
  for (let from = 0; from < states.length; from += NARROW_ROWS) {
    // WHY: no item of this plan needs the rest of a row.
    yield states.slice(from, from + NARROW_ROWS) as readonly MessageState[] as MessageRow[];
  }
}

async function* rowsOf(
  plan: Plan,
  ranges: readonly IndexRange[],
  context: Reading,
): AsyncGenerator<readonly MessageRow[]> {
  let size = isWide(plan) ? ROWS_FIRST : NARROW_ROWS;
  for (const chunk of inChunks(ranges, () => size)) {
    for await (const rows of read(plan, chunk, context)) {
      if (isWide(plan)) size = nextSize(rows, size);
      yield rows;
    }
  }
}

/** The same, but each item is asked for while the caller works on the one before. */
async function* oneAhead<T>(source: AsyncGenerator<T>): AsyncGenerator<T> {
  let next = source.next();
  try {
    for (let item = await next; !item.done; item = await next) {
      next = source.next();
      next.catch(() => {}); // WHY: it is awaited later, or never when the client has left.
      yield item.value;
    }
  } finally {
    await next.catch(() => {}); // WHY: no query may outlive the command, also when it fails.
  }
}

function isWide({ want }: Plan): boolean {
  return Object.entries(want).some(([key, wanted]) => key !== "omit" && wanted);
}

function nextSize(rows: readonly MessageRow[], size: number): number {
  let bytes = 0;
  for (const { header, envelope, bodyStructure, structure } of rows) {
    bytes += ROW_BYTES + (header?.length ?? 0) + (envelope?.length ?? 0) +
      (bodyStructure?.length ?? 0) + (structure?.length ?? 0);
  }
  const fitting = Math.floor(CHUNK_BYTES / (bytes / Math.max(1, rows.length) || ROW_BYTES));
  return Math.max(1, Math.min(ROWS_MAX, size * 4, fitting));
}

async function* read(
  { source, want }: Plan,
  ranges: readonly IndexRange[],
  { session: { view } }: Reading,
): AsyncGenerator<readonly MessageRow[]> {
  // WHY: the casts are true for what the plan looks at; no item of a narrower source needs the rest.
  if (source === "view") {
    yield Array.from(uidsAt(view.list, ranges), (uid) => ({ uid }) as MessageRow);
    return;
  }
  const uids = spannedUids(view.list, ranges);
  const pieces = source === "states"
    ? [await view.messages.states(view.mailbox.id, uids) as MessageRow[]]
    : view.messages.rowPieces(view.mailbox.id, uids, want);
  for await (const rows of pieces) yield rows.filter(({ uid }) => view.numberOf(uid) !== undefined);
}
