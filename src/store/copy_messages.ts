import type { AccountId, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { NUMBER_MAX } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { chargeQuota } from "./charge_quota.ts";
import { sql, type Transaction } from "./database.ts";
import { FLAG, FLAGS_ALL, foldKeywords } from "./flags.ts";
import { below, CHUNK, inChunks } from "./in_chunks.ts";
import { lockMailboxes } from "./lock_mailboxes.ts";
import type { Mailbox } from "./mailbox.ts";
import type { Changeable, Copied, PendingUpload } from "./message.ts";
import { columnsWithKey, MESSAGE_COLUMNS } from "./message_columns.ts";
import { refuseOutOfUids } from "./out_of_uids.ts";
import { unpackNumbers } from "./packed_states.ts";
import { recordPending } from "./record_pending.ts";
import { addViewer, forgetSeen } from "./seen_states.ts";
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
  /** Flags that go along; undefined: all. */
  readonly within?: Changeable | undefined;
  /** Whose \Seen goes along; undefined: the owner's. */
  readonly by?: AccountId | undefined;
  /** What stands in front of the hash in the keys of the bodies, where they have been copied to. */
  readonly bodies?: string | undefined;
  /** Of those, what is to be uploaded yet. */
  readonly pending?: readonly PendingUpload[] | undefined;
}

/** A transfer as it was done. */
export interface Transferred extends Copied {
  readonly changed: readonly Changed[];
}

/**
 * COPY and MOVE, all or nothing, in the UID order of the source. A copy is new rows; a move takes
 * the rows along (their headers are not even rewritten) and leaves a tombstone behind. Between two
 * accounts both copy, as each account has bodies of its own, and a move then expunges.
 */
export async function transfer(tx: Transaction, wanted: Transfer): Promise<Transferred> {
  const boxes = await lockMailboxes(tx, [wanted.from, wanted.to]);
  const from = boxes.get(wanted.from);
  const to = boxes.get(wanted.to);
  if (!from) throw new Refused({ kind: "gone", what: "mailbox" });
  if (!to || wanted.toAccount !== null && to.accountId !== wanted.toAccount) {
    throw new Refused({ kind: "no-such-mailbox", name: "" });
  }
  if (from.accountId !== to.accountId && wanted.bodies === undefined) {
    throw new Error("Cannot have copied the messages of another account without their bodies");
  }
  const seenBy = {
    from: viewerOf(from, wanted.by),
    to: viewerOf(to, wanted.by),
  };
  if (seenBy.to !== null) await addViewer(tx, to, seenBy.to);
  const keywords = await foldFor(tx, wanted, { from, to });
  const source: Uid[] = [];
  let octets = 0;
  // WHY: a mailbox that is copied to itself must not meet its copies again.
  await inChunks(below(wanted.uids, from.uidNext), async (uids) => {
    const plan: Plan = {
      ...wanted,
      uids,
      keywords: source.length === 0 ? keywords : { ...keywords, added: [] },
      fromBox: from,
      toBox: to,
      seenBy,
      firstUid: to.uidNext + source.length as Uid,
    };
    const [row] = await tx.query<[uids: string | null, octets: number | null]>(
      (wanted.move && wanted.bodies === undefined ? moveStatement(plan) : copyStatement(plan))
        .asArrays(),
    ).catch((error) => {
      throw refuseOutOfUids(error);
    });
    const done = unpackNumbers(row?.[0] ?? null) as Uid[];
    for (const uid of done) source.push(uid);
    if (wanted.move) await forgetSeen(tx, from, done);
    octets += row?.[1] ?? 0;
    return done;
  });
  const added = { account: to.accountId, octets, messages: source.length };
  const taken = { account: from.accountId, octets: -octets, messages: -source.length };
  await chargeQuota(tx, wanted.move ? [added, taken] : [added]);
  if (wanted.pending) await recordPending(tx, to.accountId, wanted.pending);
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
  /** Who does this and is not the owner: null the owner. */
  readonly seenBy: { readonly from: AccountId | null; readonly to: AccountId | null };
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
  { from, uids, within }: Transfer,
  boxes: { readonly from: Mailbox; readonly to: Mailbox },
): Promise<Folding> {
  const none = within?.keywords === false || boxes.from.keywords.length === 0;
  if (none || boxes.from.id === boxes.to.id) {
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

function viewerOf({ accountId }: Mailbox, by: AccountId | undefined): AccountId | null {
  return by === undefined || by === accountId ? null : by;
}

const next = (box: Mailbox): Modseq => (box.highestModseq + 1) as Modseq;

function changes(
  { from, to, move }: Transfer,
  boxes: { readonly from: Mailbox; readonly to: Mailbox },
): Changed[] {
  const target = { mailbox: to, modseq: next(boxes.to) };
  return move && from !== to ? [target, { mailbox: from, modseq: next(boxes.from) }] : [target];
}

function pickedMessages(plan: Plan): Sql {
  const { from, uids, firstUid, keywords, within, seenBy } = plan;
  const old = seenBy.from === null ? sql`state.flags` : sql`state.own_flags`;
  const all = within?.keywords === false ? sql`NULL::text[]` : sql`state.keywords`;
  const folded = keywords.from.length === 0 ? all : sql`
    CASE WHEN state.keywords && ${[...keywords.from]}::text[] THEN ARRAY(
      SELECT coalesce(folding.new, keyword) COLLATE "C" FROM unnest(state.keywords) AS keyword
      LEFT JOIN unnest(${[...keywords.from]}::text[], ${[...keywords.to]}::text[])
        AS folding(old, new) ON folding.old = keyword
      ORDER BY 1) ELSE state.keywords END`;
  return sql`
    SELECT ${from}::bigint AS from_id, state.uid, ${old} AS old_flags,
      ${flagsThere(plan)} AS flags, state.flags & ${within?.flags ?? FLAGS_ALL}::int & 1 AS is_seen,
      state.keywords AS old_keywords, ${folded} AS keywords,
      ${firstUid}::bigint + row_number() OVER (ORDER BY state.uid) - 1 AS new_uid
    FROM (SELECT state.* FROM ${wantedStates(from, uids, seenBy.from)} LIMIT ${CHUNK}) AS state`;
}

/** The flags of the copy, with \Seen as the target's owner has it. */
function flagsThere({ within, seenBy, fromBox, toBox }: Plan): Sql {
  const flags = within?.flags ?? FLAGS_ALL;
  if (seenBy.to === null) return sql`state.flags & ${flags}::int`;
  const shared = sql`state.flags & ${flags & ~FLAG.seen}::int`;
  // WHY: to its owner it is the same message at another place; to somebody else it is a new one.
  if (fromBox.accountId !== toBox.accountId) return shared;
  return sql`(${shared}) | (${seenBy.from === null ? sql`state.flags` : sql`state.own_flags`} & 1)`;
}

/** CTEs for \Seen in the target of who is not its owner. */
function seenThere({ to, toBox, seenBy }: Plan): Sql {
  if (seenBy.to === null) return sql``;
  return sql`
    seen AS (
      INSERT INTO seen_states (mailbox_id, account_id, uid, modseq, seen)
      SELECT ${to}, ${seenBy.to}, new_uid, ${next(toBox)}, true FROM picked WHERE is_seen = 1
    ), viewed AS (
      UPDATE viewers SET seen = seen + (SELECT count(*) FROM picked WHERE is_seen = 1)
      WHERE mailbox_id = ${to} AND account_id = ${seenBy.to}
    ),`;
}

function copyStatement(plan: Plan): Sql {
  const { from, to, fromBox, toBox, bodies, move } = plan;
  const columns = bodies === undefined ? MESSAGE_COLUMNS : columnsWithKey(sql`${bodies}::text`);
  const left = !move ? sql`` : sql`
    taken AS (
      DELETE FROM message_state AS state USING picked
      WHERE state.mailbox_id = picked.from_id AND state.uid = picked.uid
    ), gone AS (
      INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved)
      SELECT ${from}, uid, ${next(fromBox)}, old_flags, old_keywords, false FROM picked
    ),`;
  return sql`
    WITH picked AS (${pickedMessages(plan)}), facts AS (
      INSERT INTO messages (mailbox_id, uid, created_modseq, ${MESSAGE_COLUMNS})
      SELECT ${to}, picked.new_uid, ${next(toBox)}, ${columns}
      FROM picked JOIN messages ON messages.mailbox_id = picked.from_id AND messages.uid = picked.uid
      RETURNING size_bytes
    ), states AS (
      INSERT INTO message_state (mailbox_id, uid, modseq, flags, keywords)
      SELECT ${to}, new_uid, ${next(toBox)}, flags, keywords FROM picked
    ), ${left} ${seenThere(plan)} counted AS (${count(plan)})
    SELECT array_agg(uid ORDER BY uid)::text, (SELECT sum(size_bytes)::bigint FROM facts) FROM picked`;
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
        flags = picked.flags, keywords = picked.keywords
      FROM picked WHERE state.mailbox_id = picked.from_id AND state.uid = picked.uid
    ), gone AS (
      INSERT INTO expunged_messages (mailbox_id, uid, modseq, flags, keywords, moved,
        saved_at, moved_to, moved_uid)
      SELECT ${from}, uid, ${next(fromBox)}, old_flags, old_keywords, true,
        (SELECT saved_at FROM messages WHERE mailbox_id = picked.from_id AND messages.uid = picked.uid),
        ${to}, new_uid FROM picked
    ), ${seenThere(plan)} counted AS (${count(plan)})
    SELECT array_agg(uid ORDER BY uid)::text, (SELECT sum(size_bytes)::bigint FROM facts) FROM picked`;
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
      unseen = unseen + total.not_seen * (id = ${to})::int
        - total.was_not_seen * (id = ${source})::int,
      size_bytes = size_bytes
        + total.octets * ((id = ${to})::int - (id = ${source})::int),
      keywords = CASE WHEN id = ${to} THEN keywords || ${[...keywords.added]}::text[]
        ELSE keywords END
    FROM (SELECT count(*) AS live, count(*) FILTER (WHERE flags & 1 = 0) AS not_seen,
        count(*) FILTER (WHERE old_flags & 1 = 0) AS was_not_seen,
        (SELECT sum(size_bytes)::bigint FROM facts) AS octets FROM picked) AS total
    WHERE id IN (${to}, ${source}) AND total.live > 0`;
}
