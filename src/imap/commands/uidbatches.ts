import { Refused } from "../../lib/refused.ts";
import { command } from "../command.ts";
import { lastUid, type UidList } from "../view/uid_list.ts";
import type { Scanner } from "../wire/scanner.ts";
import { WireError } from "../wire/wire_error.ts";

/** RFC 10022 §3.1.4: smaller ones would make more commands than they save. */
const SIZE_MIN = 500;
/** Batches of one answer: 200 KB of text. RFC 10022 §3.1.5 lets us refuse more. */
const BATCHES_MAX = 10_000;

/** UIDBATCHES: RFC 10022 §3.1. UIDs that divide the mailbox into batches of so many messages. */
export const uidBatches = command("UIDBATCHES", {
  states: ["selected"],
  capability: "UIDBATCHES",
  parse(wire) {
    const size = wire.sp().nzNumber();
    return { size, span: wire.maybe(" ") ? batchRange(wire) : ALL };
  },
  async execute({ size, span }, { session: { view }, services: { config }, reply, tag }) {
    if (size < SIZE_MIN) throw new Refused({ kind: "batch-size", code: "TOOFEW" });
    // RFC 10022 §3.4: what a batch is for must be possible in one command.
    const most = config.messageLimit === 0 ? size : Math.min(size, config.messageLimit);
    const batches = uidBatchesOf(view.list, { size: most, span });
    if (batches.length > BATCHES_MAX) throw new Refused({ kind: "batch-size", code: "TOOMANY" });
    const text = batches.map(([high, low]) => `${high}:${low}`).join(",");
    reply.untagged(`UIDBATCHES (TAG "${tag}")${text === "" ? "" : ` ${text}`}`);
  },
});

/** The first and the last batch that are wanted, from 1 on. */
type Span = readonly [first: number, last: number];

const ALL: Span = [1, Infinity];

/**
 *     batch-range = nz-number ":" nz-number                                 RFC 10022 §4
 */
function batchRange(wire: Scanner): Span {
  const first = wire.nzNumber();
  const last = wire.expect(":").nzNumber();
  if (last < first) throw WireError.because("Batch range is reversed", "CLIENTBUG");
  return [first, last];
}

/**
 * UID ranges, high end first, from the highest messages down: `size` messages each, the last one what
 * is left. They follow each other without a gap and end at UID 1.
 */
export function uidBatchesOf(
  list: UidList,
  { size, span: [first, last] }: { readonly size: number; readonly span: Span },
): (readonly [high: number, low: number])[] {
  const batches: (readonly [number, number])[] = [];
  const end = Math.min(last, Math.ceil(list.count / size), first + BATCHES_MAX);
  for (let n = first; n <= end; n++) {
    const next = list.count - n * size;
    const high = n === 1 ? lastUid(list) : uidBelow(list, list.count - (n - 1) * size);
    batches.push([high, next > 0 ? uidBelow(list, next) + 1 : 1]);
  }
  return batches;
}

/** The UID of the message before this position. */
function uidBelow({ uids }: UidList, at: number): number {
  return uids[at - 1] ?? 0;
}
