import type { Modseq } from "../../../lib/ids.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { type PartialRange, partialRange } from "../search/return_options.ts";

/** What narrows a FETCH down: RFC 4466 §2.4 fetch-modifiers. */
export interface FetchModifiers {
  /** RFC 7162 §3.1.4.1: only messages that changed later. */
  readonly changedSince: Modseq | null;
  /** RFC 7162 §3.2.6: tell which UIDs have gone since. */
  readonly vanished: boolean;
  /** RFC 9394 §3.3: only these of them. */
  readonly partial: PartialRange | null;
}

/** `[SP "(" fetch-modifier *(SP fetch-modifier) ")"]`. */
export function fetchModifiers(wire: Scanner): FetchModifiers {
  const read: { -readonly [K in keyof FetchModifiers]: FetchModifiers[K] } = {
    changedSince: null,
    vanished: false,
    partial: null,
  };
  if (!wire.maybe(" ")) return read;
  wire.list(() => {
    if (wire.maybe("CHANGEDSINCE ")) read.changedSince = wire.modSequenceOrZero();
    else if (wire.maybe("VANISHED")) read.vanished = true;
    else if (wire.maybe("PARTIAL ")) read.partial = partialRange(wire);
    else wire.fail("fetch-modifier");
  });
  return read;
}
