import type { Modseq } from "../../../lib/ids.ts";
import type { Scanner } from "../../wire/scanner.ts";
import type { SequenceSet } from "../../wire/sequence_set.ts";

/** What a client wants of SELECT or EXAMINE besides the mailbox. */
export interface SelectOptions {
  readonly condstore: boolean;
  readonly qresync: Resync | null;
}

/** What a client knows of a mailbox that it had open before: RFC 7162 §3.2.5. */
export interface Resync {
  readonly uidValidity: number;
  readonly modseq: Modseq;
  /** null: all that there ever were. */
  readonly knownUids: SequenceSet | null;
  /** Some message numbers and their UIDs. */
  readonly match: MatchData | null;
}

/** RFC 7162 §3.2.5.2: both ascending, pair by pair. */
export interface MatchData {
  readonly numbers: SequenceSet;
  readonly uids: SequenceSet;
}

/**
 * Reads what may follow the mailbox's name.
 *
 *     select-params = SP "(" select-param *(SP select-param) ")"            RFC 4466 §2.1
 *     select-param  =/ "CONDSTORE" / "QRESYNC" SP "(" … ")"                 RFC 7162 §7
 */
export function selectOptions(wire: Scanner): SelectOptions {
  let condstore = false;
  let qresync: Resync | null = null;
  if (wire.maybe(" ")) {
    wire.list(() => {
      if (wire.maybe("CONDSTORE")) condstore = true;
      else qresync = readResync(wire.expect("QRESYNC").sp());
    });
  }
  return { condstore, qresync };
}

/**
 *     "(" uidvalidity SP mod-sequence-value [SP known-uids]                 RFC 7162 §7
 *         [SP seq-match-data] ")"
 */
function readResync(wire: Scanner): Resync {
  wire.open();
  const uidValidity = wire.nzNumber();
  const modseq = wire.sp().modSequence();
  const knownUids = wire.continues(KNOWN_UIDS) ? plainSet(wire.sp()) : null;
  const match = wire.maybe(" ") ? readMatch(wire) : null;
  wire.close();
  return { uidValidity, modseq, knownUids, match };
}

const KNOWN_UIDS = / [0-9*]/y;

function readMatch(wire: Scanner): MatchData {
  const numbers = plainSet(wire.open());
  const uids = plainSet(wire.sp());
  wire.close();
  return { numbers, uids };
}

/** RFC 7162 §7 known-uids, known-sequence-set: "*" is not allowed. */
function plainSet(wire: Scanner): SequenceSet {
  const set = wire.sequenceSet();
  if (set.hasStar) wire.fail("set without *");
  return set;
}
