import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, sql, type Transaction } from "./database.ts";
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

/** What STORE is about. A viewer has \Seen alone, and shares all other flags with the owner. */
interface Wanted {
  readonly uids: UidSet;
  readonly change: FlagChange;
  readonly viewer?: AccountId | null;
}

/** STORE in one transaction: every message that changes gets the same new MODSEQ. */
export async function changeFlags(
  tx: Transaction,
  mailbox: MailboxId,
  { uids, change, viewer = null }: Wanted,
): Promise<StoredFlags> {
  const box = await lockMailbox(tx, mailbox);
  const modseq = (box.highestModseq + 1) as Modseq;
  const { keywords, added } = fold(change, box);
  if (viewer !== null) await addViewer(tx, box, viewer);
  const stored: StoredState[] = [];
  const modified: Uid[] = [];
  let anyChanged = false;
  await inChunks(uids, async (part) => {
    const [row] = await tx.query<PackedAnswer>(storeStatement(mailbox, {
      box: sql`SELECT ${modseq}::bigint AS modseq`,
      part,
      viewer,
      change,
      keywords,
      added: anyChanged ? [] : added,
    }));
    if (!row) throw new Error("STORE without an answer");
    const answer = unpack(row, modseq);
    for (const uid of answer.modified) modified.push(uid);
    for (const state of answer.stored) stored.push(state);
    anyChanged ||= answer.anyChanged;
    return [...answer.stored.map(({ uid }) => uid), ...answer.modified].sort((a, b) => a - b);
  });
  return { modseq: anyChanged ? modseq : box.highestModseq, stored, modified };
}

/**
 * The same of few messages in one statement that commits itself: null when nothing was done, and it has
 * to be the long way. WHY this is safe: nothing happens in a mailbox without a new MODSEQ on its row. If
 * somebody changed the row while we waited for it, PostgreSQL looks at its new version, compares that
 * with the MODSEQ of our snapshot, and drops it; else the snapshot is the present. `onRepeat`: it may have
 * been done already when it is done, and changes nothing then.
 */
export async function changeFlagsAtOnce(
  db: Database,
  mailbox: MailboxId,
  { uids, change, viewer = null, onRepeat = () => {} }: Wanted & { readonly onRepeat?: () => void },
): Promise<StoredFlags | null> {
  // WHY: what a lost answer said about a condition cannot be found out again.
  if (viewer !== null || uids.size >= CHUNK || change.unchangedSince !== undefined) return null;
  const keywords = change.within?.keywords === false ? [] : cleanKeywords(change.keywords);
  const [row] = await db.write<PackedAnswer>(
    storeStatement(mailbox, {
      // WHY `@>`: a keyword that is new here, or has another case, needs the long way.
      box: sql`SELECT highest_modseq + 1 AS modseq FROM mailboxes
        WHERE id = ${mailbox} AND deleted_at IS NULL AND keywords @> ${[...keywords]}::text[]
          AND highest_modseq = (SELECT highest_modseq FROM mailboxes WHERE id = ${mailbox})
        FOR NO KEY UPDATE`,
      part: uids,
      viewer,
      change,
      keywords,
      added: [],
    }),
    { repeatable: true, onRepeat },
  );
  const modseq = row?.[6] ?? null;
  if (!row || modseq === null) return null;
  const { stored, modified, anyChanged } = unpack(row, modseq);
  return { modseq: anyChanged ? modseq : modseq - 1 as Modseq, stored, modified };
}

/** One statement of STORE. `box` is its new MODSEQ; nothing is done when that is empty. */
function storeStatement(
  mailbox: MailboxId,
  { box, part, viewer, change, keywords, added }: {
    readonly box: Sql;
    readonly part: UidSet;
    readonly viewer: AccountId | null;
    readonly change: FlagChange;
    readonly keywords: readonly string[];
    readonly added: readonly string[];
  },
): Sql {
  // WHY: one message with too many keywords fails the command, and nothing may have been changed.
  const fits = change.mode === "add" && keywords.length > 0
    ? sql`NOT EXISTS (SELECT 1 FROM new WHERE cardinality(keywords) > ${KEYWORDS_PER_MESSAGE_MAX}::int)`
    : sql`true`;
  return sql`
    WITH box AS MATERIALIZED (${box}), old AS (
      SELECT state.*, ${passing(change, keywords)} AS passes
      FROM box CROSS JOIN ${wantedStates(mailbox, part, viewer)} LIMIT ${CHUNK}
    ), new AS (
      SELECT ${mailbox}::bigint AS mailbox_id, uid, modseq,
        flags AS old_flags, keywords AS old_keywords,
        ${newFlags(change)} AS flags, ${newKeywords(change, keywords)} AS keywords
      FROM old WHERE passes
    ), changed AS (
      SELECT * FROM new
      WHERE (flags <> old_flags OR keywords IS DISTINCT FROM old_keywords) AND ${fits}
    ), ${viewer === null ? OWN_WRITES : viewerWrites(mailbox, viewer)}, counted AS (
      UPDATE mailboxes SET highest_modseq = ${NEW_MODSEQ},
        unseen = unseen + ${viewer === null ? sql`total.not_seen` : sql`0`},
        keywords = keywords || ${[...added]}::text[]
      FROM (SELECT count(*) AS live, sum((old_flags & 1) - (flags & 1)) AS not_seen
        FROM changed) AS total
      WHERE id = ${mailbox} AND total.live > 0
    )
    SELECT array_agg(uid)::text, array_agg(flags)::text, array_agg(modseq)::text,
      json_object_agg(uid, keywords) FILTER (WHERE keywords IS NOT NULL),
      array_agg((flags <> old_flags OR keywords IS DISTINCT FROM old_keywords)::int)::text,
      (SELECT array_agg(uid ORDER BY uid)::text FROM old WHERE NOT passes), ${NEW_MODSEQ}
    FROM new`.asArrays();
}

/**
 * As before the change, but with the flags and keywords of after it; what has changed; what did not
 * pass; the MODSEQ of the changes, null when nothing was done.
 */
type PackedAnswer = [
  ...PackedStates,
  changed: string | null,
  modified: string | null,
  modseq: Modseq | null,
];

/** What a statement did; throws `too-many-keywords`. */
function unpack(row: PackedAnswer, modseq: Modseq): Omit<StoredFlags, "modseq"> & {
  readonly anyChanged: boolean;
} {
  const changed = unpackNumbers(row[4]);
  const stored = unpackStates(row).map((state, at) => {
    if (state.keywords.length > KEYWORDS_PER_MESSAGE_MAX) {
      throw new Refused({ kind: "too-many-keywords", limit: KEYWORDS_PER_MESSAGE_MAX });
    }
    const now = changed[at] === 1 ? modseq : state.modseq;
    return { ...state, modseq: now, previousModseq: state.modseq };
  });
  return { stored, modified: unpackNumbers(row[5]) as Uid[], anyChanged: changed.includes(1) };
}

const NEW_MODSEQ = sql`(SELECT modseq FROM box)`;

/** CTE: the rows of `changed` as they are now. */
const OWN_WRITES = sql`updated AS (
    UPDATE message_state AS state
    SET flags = changed.flags, keywords = changed.keywords, modseq = ${NEW_MODSEQ}
    FROM changed WHERE state.mailbox_id = changed.mailbox_id AND state.uid = changed.uid)`;

/** The same where \Seen is not the owner's. */
function viewerWrites(mailbox: MailboxId, viewer: AccountId): Sql {
  return sql`updated AS (
      UPDATE message_state AS state
      SET flags = (state.flags & 1) | (changed.flags & ~1), keywords = changed.keywords,
        modseq = ${NEW_MODSEQ}
      FROM changed WHERE state.mailbox_id = changed.mailbox_id AND state.uid = changed.uid
        AND ((changed.flags # changed.old_flags) & ~1 <> 0
          OR changed.keywords IS DISTINCT FROM changed.old_keywords)
    ), ${storeSeen(mailbox, { viewer, modseq: NEW_MODSEQ })}`;
}

/** RFC 7162 §3.1.3 UNCHANGEDSINCE, for one MODSEQ that stands for all flags of a message. */
function passing({ mode, flags, unchangedSince }: FlagChange, keywords: readonly string[]): Sql {
  if (unchangedSince === undefined) return sql`true`;
  if (unchangedSince > 0) return sql`state.modseq <= ${unchangedSince}::bigint`;
  if (mode === "replace" || flags !== 0) return sql`false`;
  return sql`NOT coalesce(state.keywords && ${[...keywords]}::text[], false)`;
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
