import type { MessageRow } from "../../../store/messages.ts";
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
  context: Context<"selected">,
): AsyncGenerator<readonly MessageRow[]> {
  let size = isWide(plan) ? ROWS_FIRST : NARROW_ROWS;
  const chunks = inChunks(ranges, () => size);
  const read = () => {
    const { value, done } = chunks.next();
    const rows = done ? null : readChunk(plan, value, context);
    rows?.catch(() => {}); // WHY: it is awaited later, or never when the client has left.
    return rows;
  };
  for (let next = read(); next !== null;) {
    const rows = await next;
    if (isWide(plan)) size = nextSize(rows, size);
    next = read();
    try {
      yield rows;
    } finally {
      await next?.catch(() => {}); // WHY: no query may outlive the command, also when it fails.
    }
  }
}

function isWide({ want }: Plan): boolean {
  return Object.values(want).some(Boolean);
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

async function readChunk(
  { source, want }: Plan,
  ranges: readonly IndexRange[],
  { session: { view }, services: { messages } }: Context<"selected">,
): Promise<readonly MessageRow[]> {
  // WHY: the casts are true for what the plan looks at; no item of a narrower source needs the rest.
  if (source === "view") {
    return Array.from(uidsAt(view.list, ranges), (uid) => ({ uid }) as MessageRow);
  }
  const uids = spannedUids(view.list, ranges);
  const rows = source === "states"
    ? await messages.states(view.mailbox.id, uids) as MessageRow[]
    : await messages.rows(view.mailbox.id, uids, want);
  return rows.filter(({ uid }) => view.numberOf(uid) !== undefined);
}
