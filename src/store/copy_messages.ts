import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NUMBER_MAX } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { sql, type Transaction } from "./database.ts";
import { foldKeywords } from "./flags.ts";
import { below, CHUNK, inChunks } from "./in_chunks.ts";
import { lockMailboxes } from "./lock_mailboxes.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Copied } from "./message.ts";
import { refuseOutOfUids } from "./out_of_uids.ts";
import { unpackNumbers } from "./packed_states.ts";
import type { Sql } from "./sql.ts";
import type { UidSet } from "./uid_set.ts";
import { wantedStates } from "./wanted_states.ts";

/** A mailbox that a transaction changed, for the notice after its commit. */
export interface Changed {
  readonly mailbox: MailboxId;
  readonly modseq: Modseq;
}

/** What is copied or moved where. */
export interface Transfer {
  readonly from: MailboxId;
  readonly uids: UidSet;
  readonly to: MailboxId;
  /** Whose mailbox the target must be; null: not checked. */
  readonly toAccount: AccountId | null;
  readonly move: boolean;
}

/** A transfer as it was done. */
export interface Transferred extends Copied {
  readonly changed: readonly Changed[];
}

/**
 * COPY and MOVE, all or nothing, in the UID order of the source. A copy is new rows; a move takes
 * the rows along (their headers are not even rewritten) and leaves a tombstone behind.
 */
export async function transfer(tx: Transaction, wanted: Transfer): Promise<Transferred> {
  const boxes = await lockMailboxes(tx, [wanted.from, wanted.to]);
  const from = boxes.get(wanted.from);
  const to = boxes.get(wanted.to);
  if (!from) throw new Refused({ kind: "gone", what: "mailbox" });
  if (!to || wanted.toAccount !== null && to.accountId !== wanted.toAccount) {
    throw new Refused({ kind: "no-such-mailbox", name: "" });
  }
  const keywords = await foldFor(tx, wanted, { from, to });
  const source: Uid[] = [];
  // WHY: a mailbox that is copied to itself must not meet its copies again.
  await inChunks(below(wanted.uids, from.uidNext), async (uids) => {
    const plan: Plan = {
      ...wanted,
      uids,
      keywords: source.length === 0 ? keywords : { ...keywords, added: [] },
      fromBox: from,
      toBox: to,
      firstUid: to.uidNext + source.length as Uid,
    };
    const [row] = await tx.query<[string | null]>(
      (wanted.move ? moveStatement(plan) : copyStatement(plan)).asArrays(),
    ).catch((error) => {
      throw refuseOutOfUids(error);
    });
    const done = unpackNumbers(row?.[0] ?? null) as Uid[];
    for (const uid of done) source.push(uid);
    return done;
  });
  return {
    uidValidity: to.uidValidity,
    source,
    target: source.map((_, at) => to.uidNext + at as Uid),
    changed: source.length === 0 ? [] : changes(wanted, { from, to }),
  };
}

/** Moves everything to a mailbox of the same account. */
export async function moveAll(
  tx: Transaction,
  from: MailboxId,
  to: MailboxId,
): Promise<readonly Changed[]> {
  const uids = NumberSet.of([[1 as Uid, NUMBER_MAX as Uid]]);
  return (await transfer(tx, { from, uids, to, toAccount: null, move: true })).changed;
}

interface Plan extends Transfer {
  readonly fromBox: Mailbox;
  readonly toBox: Mailbox;
  /** In the target, of the first of these messages. */
  readonly firstUid: Uid;
  readonly keywords: Folding;
}

/** Keywords whose letter case is another one in the target, and those that are new there. */
interface Folding {
  readonly from: readonly string[];
  readonly to: readonly string[];
  readonly added: readonly string[];
}

async function foldFor(
  tx: Transaction,
  { from, uids }: Transfer,
  boxes: { readonly from: Mailbox; readonly to: Mailbox },
): Promise<Folding> {
  if (boxes.from.id === boxes.to.id || boxes.from.keywords.length === 0) {
    return { from: [], to: [], added: [] };
  }
  const used = (await tx.query<{ keyword: string }>(sql`
    SELECT DISTINCT unnest(state.keywords) AS keyword FROM ${wantedStates(from, uids)}`))
    .map(({ keyword }) => keyword);
  const { keywords, added } = foldKeywords(used, boxes.to.keywords);
  const differing = used.map((keyword, at) => [keyword, keywords[at] ?? keyword] as const)
    .filter(([old, now]) => old !== now);
  return { from: differing.map(([old]) => old), to: differing.map(([, now]) => now), added };
}

const next = (box: Mailbox): Modseq => (box.highestModseq + 1) as Modseq;

function changes(
  { from, to, move }: Transfer,
  boxes: { readonly from: Mailbox; readonly to: Mailbox },
): Changed[] {
  const target = { mailbox: to, modseq: next(boxes.to) };
  return move && from !== to ? [target, { mailbox: from, modseq: next(boxes.from) }] : [target];
}

function pickedMessages({ from, uids, firstUid, keywords }: Plan): Sql {
  const folded = keywords.from.length === 0 ? sql`state.keywords` : sql`
    CASE WHEN state.keywords && ${[...keywords.from]}::text[] THEN ARRAY(
      SELECT coalesce(folding.new, keyword) COLLATE "C" FROM unnest(state.keywords) AS keyword
      LEFT JOIN unnest(${[...keywords.from]}::text[], ${[...keywords.to]}::text[])
        AS folding(old, new) ON folding.old = keyword
      ORDER BY 1) ELSE state.keywords END`;
  return sql`
    SELECT ${from}::bigint AS from_id, state.uid, state.flags, state.keywords AS old_keywords, ${folded} AS keywords,
      ${firstUid}::bigint + row_number() OVER (ORDER BY state.uid) - 1 AS new_uid
    FROM (SELECT state.* FROM ${wantedStates(from, uids)} LIMIT ${CHUNK}) AS state`;
}

function copyStatement(plan: Plan): Sql {
  const { to, toBox } = plan;
  return sql`
    WITH picked AS (${pickedMessages(plan)}), facts AS (
      INSERT INTO messages (mailbox_id, uid, created_modseq, internal_date, sent_date, size_bytes,
        header_bytes, hash, object_key, message_id, in_reply_to, reference_ids, subject,
        base_subject, from_text, to_text, cc_text, bcc_text, envelope, body_structure, structure,
        header)
      SELECT ${to}, picked.new_uid, ${next(toBox)}, internal_date, sent_date, size_bytes,
        header_bytes, hash, object_key, message_id, in_reply_to, reference_ids, subject,
        base_subject, from_text, to_text, cc_text, bcc_text, envelope, body_structure, structure,
        header
      FROM picked JOIN messages ON messages.mailbox_id = picked.from_id AND messages.uid = picked.uid
      RETURNING size_bytes
    ), states AS (
      INSERT INTO message_state (mailbox_id, uid, modseq, flags, keywords)
      SELECT ${to}, new_uid, ${next(toBox)}, flags, keywords FROM picked
    ), counted AS (${count(plan)})
    SELECT array_agg(uid ORDER BY uid)::text FROM picked`;
}

function moveStatement(plan: Plan): Sql {
  const { from, to, fromBox, toBox } = plan;
  return sql`
    WITH picked AS (${pickedMessages(plan)}), facts AS (
      UPDATE messages
      SET mailbox_id = ${to}, uid = picked.new_uid, created_modseq = ${next(toBox)},
        saved_at = now()
      FROM picked WHERE messages.mailbox_id = picked.from_id AND messages.uid = picked.uid
      RETURNING messages.size_bytes
    ), states AS (
      UPDATE message_state AS state
      SET mailbox_id = ${to}, uid = picked.new_uid, modseq = ${next(toBox)},
        keywords = picked.keywords
      FROM picked WHERE state.mailbox_id = picked.from_id AND state.uid = picked.uid
    ), gone AS (
      INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved)
      SELECT ${from}, uid, ${next(fromBox)}, flags, old_keywords, true FROM picked
    ), counted AS (${count(plan)})
    SELECT array_agg(uid ORDER BY uid)::text FROM picked`;
}

/** Both counters in one UPDATE, so that source and target may be the same row. */
function count({ from, to, fromBox, toBox, move, keywords }: Plan): Sql {
  // WHY: a copy takes nothing from its source, and no mailbox has the id 0.
  const source = move ? from : 0;
  return sql`
    UPDATE mailboxes SET
      highest_modseq = CASE WHEN id = ${to} THEN ${next(toBox)}::bigint
        ELSE ${next(fromBox)}::bigint END,
      uid_next = uid_next + total.live * (id = ${to})::int,
      messages = messages + total.live * ((id = ${to})::int - (id = ${source})::int),
      unseen = unseen + total.not_seen * ((id = ${to})::int - (id = ${source})::int),
      size_bytes = size_bytes
        + total.octets * ((id = ${to})::int - (id = ${source})::int),
      keywords = CASE WHEN id = ${to} THEN keywords || ${[...keywords.added]}::text[]
        ELSE keywords END
    FROM (SELECT count(*) AS live, count(*) FILTER (WHERE flags & 1 = 0) AS not_seen,
        (SELECT sum(size_bytes)::bigint FROM facts) AS octets FROM picked) AS total
    WHERE id IN (${to}, ${source}) AND total.live > 0`;
}
