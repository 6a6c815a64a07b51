import type { MailboxId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { type Reader, sql } from "./database.ts";
import { above } from "./in_chunks.ts";
import { unpackNumbers } from "./packed_states.ts";
import type { UidSet } from "./uid_set.ts";

/** Messages of one answer, which is parsed within some ms. */
const ROWS_MAX = 5_000;
/** Octets of texts in one answer, unless its first message alone has more: RFC 5256 references. */
const TEXT_BYTES_MAX = 1024 * 1024;

/** What threads are made of, column by column, in UID order; what was not wanted is empty. */
export interface ThreadFacts {
  readonly uids: readonly Uid[];
  /** RFC 5256 §2.2 sent date, in seconds. */
  readonly dates: readonly number[];
  /** RFC 5256 §2.1 base subject, folded. */
  readonly subjects: readonly string[];
  readonly isReply: readonly boolean[];
  /** Message-IDs, empty where there is none. */
  readonly ids: readonly string[];
  /** RFC 5256 §3: message ids, oldest first, separated by single spaces; or empty. */
  readonly references: readonly string[];
}

/** Which texts `readThreadFacts` is to read. */
export interface WantedThreadFacts {
  readonly subjects: boolean;
  readonly ids: boolean;
}

/** One answer of bounded size, and what is still to be asked for. */
export interface ThreadFactsPiece {
  readonly facts: ThreadFacts;
  readonly rest: UidSet;
}

/** Ranges of one statement: they are sent with each. */
const RANGES_MAX = 5_000;

/** All of them, in pieces; while one is worked on, the next is being read. */
export async function* threadFactsPieces(
  read: (uids: UidSet) => Promise<ThreadFactsPiece>,
  uids: UidSet,
): AsyncGenerator<ThreadFacts> {
  for (let at = 0; at < uids.ranges.length; at += RANGES_MAX) {
    const part = NumberSet.of(uids.ranges.slice(at, at + RANGES_MAX));
    for (let reading: Promise<ThreadFactsPiece> | null = read(part); reading;) {
      const { facts, rest }: ThreadFactsPiece = await reading;
      reading = rest.isEmpty ? null : read(rest);
      // WHY: when nobody wants the rest any more, nobody hears of its failure.
      reading?.catch(() => {});
      if (facts.uids.length > 0) yield facts;
    }
  }
}

type Packed = [
  uids: string | null,
  dates: string | null,
  subjects: readonly string[] | null,
  replies: string | null,
  ids: readonly string[] | null,
  references: readonly string[] | null,
];

/**
 * The first ones of these messages, at least one if any exists. WHY LATERAL with OFFSET 0: see
 * `wantedStates`; these are known to be live.
 */
export async function readThreadFacts(
  db: Reader,
  mailbox: MailboxId,
  { uids, want }: { readonly uids: UidSet; readonly want: WantedThreadFacts },
): Promise<ThreadFactsPiece> {
  const subject = want.subjects ? sql`base_subject` : sql`NULL::text`;
  const ids = want.ids
    ? sql`coalesce(message_id, '') AS ids, coalesce(reference_ids, in_reply_to, '') AS refs`
    : sql`NULL AS ids`;
  const [row] = await db.query<Packed>(sql`
    SELECT array_agg(uid)::text, array_agg(date)::text,
      ${want.subjects ? sql`json_agg(subject)` : sql`NULL`}, array_agg(reply)::text,
      ${want.ids ? sql`json_agg(ids), json_agg(refs)` : sql`NULL, NULL`}
    FROM (
      SELECT *, sum(octets) OVER (ORDER BY uid) - octets AS before
      FROM (
        SELECT facts.* FROM unnest(${uids.lows}::bigint[], ${uids.highs}::bigint[]) AS want(low, high)
        CROSS JOIN LATERAL (
          SELECT uid, date_part('epoch', coalesce(sent_date, internal_date)) AS date,
            ${subject} AS subject, ${ids},
            coalesce(is_reply, length(subject) > length(base_subject))::int AS reply,
            octet_length(base_subject) + coalesce(octet_length(reference_ids), 0) AS octets
          FROM messages WHERE mailbox_id = ${mailbox} AND uid BETWEEN want.low AND want.high
          ORDER BY uid OFFSET 0) AS facts
        LIMIT ${ROWS_MAX}) AS chunk
      ORDER BY uid) AS weighed
    WHERE before < ${TEXT_BYTES_MAX}`.asArrays());
  const found = unpackNumbers(row?.[0] ?? null) as Uid[];
  const last = found.at(-1);
  return {
    facts: {
      uids: found,
      dates: unpackNumbers(row?.[1] ?? null),
      subjects: row?.[2] ?? [],
      isReply: unpackNumbers(row?.[3] ?? null).map((reply) => reply === 1),
      ids: row?.[4] ?? [],
      references: row?.[5] ?? [],
    },
    rest: last === undefined ? NumberSet.from<Uid>([]) : above(uids, last),
  };
}
