import type { Modseq, Uid } from "../lib/ids.ts";
import type { MessageState } from "./message.ts";

/** Columns instead of rows, as PostgreSQL's text: a third of the time for 100,000 messages. */
export type PackedStates = [
  uids: string | null,
  flags: string | null,
  modseqs: string | null,
  keywords: Readonly<Record<string, readonly string[]>> | null,
];

/** What most messages have. */
export const NO_KEYWORDS: readonly string[] = [];

/** The states that were packed, in the order they were. */
export function unpackStates(
  row: Readonly<[...PackedStates, ...unknown[]]> | undefined,
): MessageState[] {
  const uids = unpackNumbers(row?.[0] ?? null) as Uid[];
  const flags = unpackNumbers(row?.[1] ?? null);
  const modseqs = unpackNumbers(row?.[2] ?? null) as Modseq[];
  const keywords = row?.[3];
  return uids.map((uid, at) => {
    const modseq = modseqs[at];
    if (modseq === undefined) throw new Error("States are incomplete");
    return { uid, flags: flags[at] ?? 0, keywords: keywords?.[uid] ?? NO_KEYWORDS, modseq };
  });
}

/** The numbers of `{1,2,3}`, an array in PostgreSQL's text form; null for none. */
export function unpackNumbers(array: string | null): number[] {
  return array === null ? [] : JSON.parse(`[${array.slice(1, -1)}]`) as number[];
}
