import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { cleanKeywords, FLAGS_ALL, foldKeywords, KEYWORDS_PER_MESSAGE_MAX } from "./flags.ts";
import { CHUNK, inChunks } from "./in_chunks.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import type { Mailbox } from "./mailbox.ts";
import type { FlagChange, StoredFlags, StoredState } from "./message.ts";
import { type PackedStates, unpackNumbers, unpackStates } from "./packed_states.ts";
import { addViewer, storeSeen } from "./seen_states.ts";
import type { Sql } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";
import { wantedStates } from "./wanted_states.ts";

/**
 * STORE in one transaction: every message that changes gets the same new MODSEQ. A viewer has \Seen
 * alone, and shares all other flags with the owner.
 */
export async function changeFlags(
  tx: Transaction,
  mailbox: MailboxId,
  { uids, change, viewer = null }: {
    readonly uids: UidSet;
    readonly change: FlagChange;
    readonly viewer?: AccountId | null;
  },
): Promise<StoredFlags> {
  const box = await lockMailbox(tx, mailbox);
  const modseq = (box.highestModseq + 1) as Modseq;
  const { keywords, added } = fold(change, box);
  const setFlags = newFlags(change);
  const setKeywords = newKeywords(change, keywords);
  const passes = passing(change, keywords);
  const writes = viewer === null ? ownWrites(modseq) : viewerWrites(mailbox, { viewer, modseq });
  if (viewer !== null) await addViewer(tx, box, viewer);
  const stored: StoredState[] = [];
  const modified: Uid[] = [];
  let anyChanged = false;
  await inChunks(uids, async (part) => {
    const [row] = await tx.query<PackedAnswer>(sql`
      WITH old AS (
        SELECT state.*, ${passes} AS passes FROM ${
      wantedStates(mailbox, part, viewer)
    } LIMIT ${CHUNK}
      ), new AS (
        SELECT ${mailbox}::bigint AS mailbox_id, uid, modseq,
          flags AS old_flags, keywords AS old_keywords,
          ${setFlags} AS flags, ${setKeywords} AS keywords
        FROM old WHERE passes
      ), changed AS (
        SELECT * FROM new WHERE flags <> old_flags OR keywords IS DISTINCT FROM old_keywords
      ), ${writes}, counted AS (
        UPDATE mailboxes SET highest_modseq = ${modseq},
          unseen = unseen + ${viewer === null ? sql`total.not_seen` : sql`0`},
          keywords = keywords || ${anyChanged ? [] : [...added]}::text[]
        FROM (SELECT count(*) AS live, sum((old_flags & 1) - (flags & 1)) AS not_seen
          FROM changed) AS total
        WHERE id = ${mailbox} AND total.live > 0
      )
      SELECT array_agg(uid)::text, array_agg(flags)::text, array_agg(modseq)::text,
        json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL),
        array_agg((flags <> old_flags OR keywords IS DISTINCT FROM old_keywords)::int)::text,
        (SELECT array_agg(uid ORDER BY uid)::text FROM old WHERE NOT passes)
      FROM new`.asArrays());
    const states = unpackStates(row);
    const changed = unpackNumbers(row?.[4] ?? null);
    const failed = unpackNumbers(row?.[5] ?? null) as Uid[];
    for (const uid of failed) modified.push(uid);
    for (const [at, state] of states.entries()) {
      if (state.keywords.length > KEYWORDS_PER_MESSAGE_MAX) {
        throw new Refused({ kind: "too-many-keywords", limit: KEYWORDS_PER_MESSAGE_MAX });
      }
      const isChanged = changed[at] === 1;
      anyChanged ||= isChanged;
      const now = isChanged ? modseq : state.modseq;
      stored.push({ ...state, modseq: now, previousModseq: state.modseq });
    }
    return [...states.map(({ uid }) => uid), ...failed].sort((a, b) => a - b);
  });
  return { modseq: anyChanged ? modseq : box.highestModseq, stored, modified };
}

/** CTE: the rows of `changed` as they are now. */
function ownWrites(modseq: Modseq): Sql {
  return sql`updated AS (
    UPDATE message_state AS state
    SET flags = changed.flags, keywords = changed.keywords, modseq = ${modseq}
    FROM changed WHERE state.mailbox_id = changed.mailbox_id AND state.uid = changed.uid)`;
}

/** The same where \Seen is not the owner's. */
function viewerWrites(
  mailbox: MailboxId,
  { viewer, modseq }: { readonly viewer: AccountId; readonly modseq: Modseq },
): Sql {
  return sql`updated AS (
      UPDATE message_state AS state
      SET flags = (state.flags & 1) | (changed.flags & ~1), keywords = changed.keywords,
        modseq = ${modseq}
      FROM changed WHERE state.mailbox_id = changed.mailbox_id AND state.uid = changed.uid
        AND ((changed.flags # changed.old_flags) & ~1 <> 0
          OR changed.keywords IS DISTINCT FROM changed.old_keywords)
    ), ${storeSeen(mailbox, { viewer, modseq })}`;
}

/** As before the change, but with the flags and keywords of after it; and what has changed. */
type PackedAnswer = [...PackedStates, changed: string | null, modified: string | null];

/** RFC 7162 §3.1.3 UNCHANGEDSINCE, for one MODSEQ that stands for all flags of a message. */
function passing({ mode, flags, unchangedSince }: FlagChange, keywords: readonly string[]): Sql {
  if (unchangedSince === undefined) return sql`true`;
  if (unchangedSince > 0) return sql`modseq <= ${unchangedSince}::bigint`;
  if (mode === "replace" || flags !== 0) return sql`false`;
  return sql`NOT coalesce(keywords && ${[...keywords]}::text[], false)`;
}

function fold(change: FlagChange, box: Mailbox): ReturnType<typeof foldKeywords> {
  if (change.within?.keywords === false) return { keywords: [], added: [] };
  const cleaned = cleanKeywords(change.keywords);
  if (change.mode !== "remove") return foldKeywords(cleaned, box.keywords);
  // WHY: what the mailbox does not know cannot be taken off, and must not become known by it.
  const named = new Set(cleaned.map((keyword) => keyword.toLowerCase()));
  return { keywords: box.keywords.filter((known) => named.has(known.toLowerCase())), added: [] };
}

function newFlags(change: FlagChange): Sql {
  const within = (change.within?.flags ?? FLAGS_ALL) & FLAGS_ALL;
  const flags = change.flags & within;
  switch (change.mode) {
    case "add":
      return sql`flags | ${flags}::int`;
    case "remove":
      return sql`flags & ~${flags}::int`;
    case "replace":
      return sql`flags & ~${within}::int | ${flags}::int`;
  }
}

/** Sorted, so that the same set is always the same array; null for none. */
function newKeywords(change: FlagChange, keywords: readonly string[]): Sql {
  const sorted = [...keywords].sort();
  if (change.within?.keywords === false) return sql`keywords`;
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
