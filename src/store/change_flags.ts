import type { MailboxId, Modseq } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { cleanKeywords, FLAGS_ALL, foldKeywords, KEYWORDS_PER_MESSAGE_MAX } from "./flags.ts";
import { CHUNK, inChunks } from "./in_chunks.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import type { Mailbox } from "./mailbox.ts";
import type { FlagChange, StoredFlags, StoredState } from "./message.ts";
import { type PackedStates, unpackNumbers, unpackStates } from "./packed_states.ts";
import type { Sql } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";
import { wantedStates } from "./wanted_states.ts";

/** STORE in one transaction: every message that changes gets the same new MODSEQ. */
export async function changeFlags(
  tx: Transaction,
  mailbox: MailboxId,
  { uids, change }: { readonly uids: UidSet; readonly change: FlagChange },
): Promise<StoredFlags> {
  const box = await lockMailbox(tx, mailbox);
  const modseq = (box.highestModseq + 1) as Modseq;
  const { keywords, added } = fold(change, box);
  const setFlags = newFlags(change);
  const setKeywords = newKeywords(change, keywords);
  const stored: StoredState[] = [];
  let anyChanged = false;
  await inChunks(uids, async (part) => {
    const [row] = await tx.query<PackedAnswer>(sql`
      WITH old AS (
        SELECT state.* FROM ${wantedStates(mailbox, part)} LIMIT ${CHUNK}
      ), new AS (
        SELECT ${mailbox}::bigint AS mailbox_id, uid, modseq,
          flags AS old_flags, keywords AS old_keywords,
          ${setFlags} AS flags, ${setKeywords} AS keywords
        FROM old
      ), changed AS (
        SELECT * FROM new WHERE flags <> old_flags OR keywords IS DISTINCT FROM old_keywords
      ), updated AS (
        UPDATE message_state AS state
        SET flags = changed.flags, keywords = changed.keywords, modseq = ${modseq}
        FROM changed WHERE state.mailbox_id = changed.mailbox_id AND state.uid = changed.uid
      ), counted AS (
        UPDATE mailboxes SET highest_modseq = ${modseq}, unseen = unseen + total.not_seen,
          keywords = keywords || ${anyChanged ? [] : [...added]}::text[]
        FROM (SELECT count(*) AS live, sum((old_flags & 1) - (flags & 1)) AS not_seen
          FROM changed) AS total
        WHERE id = ${mailbox} AND total.live > 0
      )
      SELECT array_agg(uid)::text, array_agg(flags)::text, array_agg(modseq)::text,
        json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL),
        array_agg((flags <> old_flags OR keywords IS DISTINCT FROM old_keywords)::int)::text
      FROM new`.asArrays());
    const states = unpackStates(row);
    const changed = unpackNumbers(row?.[4] ?? null);
    for (const [at, state] of states.entries()) {
      if (state.keywords.length > KEYWORDS_PER_MESSAGE_MAX) {
        throw new Refused({ kind: "too-many-keywords", limit: KEYWORDS_PER_MESSAGE_MAX });
      }
      const isChanged = changed[at] === 1;
      anyChanged ||= isChanged;
      const now = isChanged ? modseq : state.modseq;
      stored.push({ ...state, modseq: now, previousModseq: state.modseq });
    }
    return states.map(({ uid }) => uid);
  });
  return { modseq: anyChanged ? modseq : box.highestModseq, stored };
}

/** As before the change, but with the flags and keywords of after it; and what has changed. */
type PackedAnswer = [...PackedStates, changed: string | null];

function fold(change: FlagChange, box: Mailbox): ReturnType<typeof foldKeywords> {
  const cleaned = cleanKeywords(change.keywords);
  if (change.mode !== "remove") return foldKeywords(cleaned, box.keywords);
  // WHY: what the mailbox does not know cannot be taken off, and must not become known by it.
  const named = new Set(cleaned.map((keyword) => keyword.toLowerCase()));
  return { keywords: box.keywords.filter((known) => named.has(known.toLowerCase())), added: [] };
}

function newFlags(change: FlagChange): Sql {
  const flags = change.flags & FLAGS_ALL;
  switch (change.mode) {
    case "add":
      return sql`flags | ${flags}::int`;
    case "remove":
      return sql`flags & ~${flags}::int`;
    case "replace":
      return sql`${flags}::int`;
  }
}

/** Sorted, so that the same set is always the same array; null for none. */
function newKeywords(change: FlagChange, keywords: readonly string[]): Sql {
  const sorted = [...keywords].sort();
  if (change.mode === "replace") return sql`nullif(${sorted}::text[], '{}')`;
  if (sorted.length === 0) return sql`keywords`;
  return change.mode === "add"
    ? sql`CASE WHEN keywords @> ${sorted}::text[] THEN keywords ELSE ARRAY(
        SELECT DISTINCT keyword COLLATE "C" FROM unnest(keywords || ${sorted}::text[]) AS keyword
        ORDER BY 1) END`
    : sql`CASE WHEN keywords && ${sorted}::text[] THEN nullif(ARRAY(
        SELECT keyword COLLATE "C" FROM unnest(keywords) AS keyword
        WHERE keyword <> ALL (${sorted}::text[]) ORDER BY 1), '{}') ELSE keywords END`;
}
