import type { MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { cleanKeywords, FLAGS_ALL, foldKeywords, KEYWORDS_PER_MESSAGE_MAX } from "./flags.ts";
import { lockMailbox } from "./lock_mailboxes.ts";
import type { Mailbox } from "./mailbox.ts";
import type { FlagChange, StoredFlags } from "./message.ts";
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
  const rows = await tx.query<[Uid, number, string[] | null, Modseq, boolean]>(sql`
    WITH old AS (
      SELECT state.* FROM ${wantedStates(mailbox, uids)}
    ), new AS (
      SELECT uid, modseq, flags AS old_flags, keywords AS old_keywords,
        ${newFlags(change)} AS flags, ${newKeywords(change, keywords)} AS keywords
      FROM old
    ), changed AS (
      SELECT * FROM new WHERE flags <> old_flags OR keywords IS DISTINCT FROM old_keywords
    ), updated AS (
      UPDATE message_state AS state
      SET flags = changed.flags, keywords = changed.keywords, modseq = ${modseq}
      FROM changed WHERE state.mailbox_id = ${mailbox} AND state.uid = changed.uid
    ), counted AS (
      UPDATE mailboxes SET highest_modseq = ${modseq}, unseen = unseen + total.not_seen,
        keywords = keywords || ${[...added]}::text[]
      FROM (SELECT count(*) AS live, sum((old_flags & 1) - (flags & 1)) AS not_seen
        FROM changed) AS total
      WHERE id = ${mailbox} AND total.live > 0
    )
    SELECT uid, flags, keywords, modseq,
      flags <> old_flags OR keywords IS DISTINCT FROM old_keywords
    FROM new ORDER BY uid`.asArrays());
  let anyChanged = false;
  const stored = rows.map(([uid, flags, keywords, previousModseq, changed]) => {
    if (keywords && keywords.length > KEYWORDS_PER_MESSAGE_MAX) {
      throw new Refused({ kind: "too-many-keywords", limit: KEYWORDS_PER_MESSAGE_MAX });
    }
    anyChanged ||= changed;
    const now = changed ? modseq : previousModseq;
    return { uid, flags, keywords: keywords ?? [], modseq: now, previousModseq };
  });
  return { modseq: anyChanged ? modseq : box.highestModseq, stored };
}

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
