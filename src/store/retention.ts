import type { MailboxId, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, sql } from "./database.ts";
import { expunge } from "./expunge.ts";
import { mailboxKey } from "./mailbox_name.ts";
import type { Notices } from "./notices.ts";
import { unpackNumbers } from "./packed_states.ts";

/** Mailboxes that one statement looks at: one look into an index each. */
const MAILBOXES_MAX = 2_000;
/** Messages that one statement looks at, and one transaction expunges. */
const MESSAGES_MAX = 1_000;

/** How long messages stay. */
export interface RetentionRules {
  /** In every mailbox; null: for ever. */
  readonly everywhereMs: number | null;
  /** By name, of what is below it, too, or by special use ("\\Trash"). The shortest one counts. */
  readonly mailboxes: readonly { readonly mailbox: string; readonly ageMs: number }[];
}

/** A mailbox whose oldest message is too old. */
export interface Overdue {
  readonly mailbox: MailboxId;
  readonly ageMs: number;
}

/** A page of overdue mailboxes; `next`: what was looked at last, null at the end. */
export interface OverduePage {
  readonly overdue: readonly Overdue[];
  readonly next: MailboxId | null;
}

/** Expunges messages by age, counted from when they came into their mailbox (RFC 8514). */
export class RetentionStore {
  constructor(readonly db: Database, readonly notices: Pick<Notices, "changed">) {}

  /** Looks at the next mailboxes behind `after`, by id. */
  async overdue(after: MailboxId | 0, rules: RetentionRules): Promise<OverduePage> {
    const { everywhereMs, mailboxes: rows } = rules;
    const names = rows.filter(({ mailbox }) => !mailbox.startsWith("\\"));
    const uses = rows.filter(({ mailbox }) => mailbox.startsWith("\\"));
    // WHY the lowest UID: UIDs are given in the order of arrival.
    const found = await this.db.query<{ mailbox: MailboxId; ageMs: number | null }>(sql`
      SELECT id AS mailbox, CASE WHEN (SELECT saved_at FROM message_state AS state
          JOIN messages USING (mailbox_id, uid) WHERE state.mailbox_id = id
          ORDER BY state.uid LIMIT 1) < now() - make_interval(secs => age_ms / 1000.0)
        THEN age_ms::float8 END AS "ageMs"
      FROM (SELECT id, account_id, name_key, special_use, messages, domain FROM mailboxes
        WHERE id > ${after} AND deleted_at IS NULL ORDER BY id LIMIT ${MAILBOXES_MAX}) AS box
      CROSS JOIN LATERAL (SELECT CASE WHEN messages = 0 THEN NULL ELSE least(${everywhereMs}::bigint,
        (SELECT min(age) FROM unnest(${names.map(({ mailbox }) => mailboxKey(mailbox))}::text[],
            ${names.map(({ ageMs }) => ageMs)}::bigint[]) AS rule(key, age)
          WHERE domain IS NULL AND (name_key = key OR starts_with(name_key, key || '/'))),
        (SELECT min(age) FROM unnest(${uses.map(({ mailbox }) => mailbox.toLowerCase())}::text[],
            ${uses.map(({ ageMs }) => ageMs)}::bigint[]) AS rule(use, age)
          WHERE lower(special_use) = use)) END AS age_ms) AS limits
      ORDER BY id`);
    const last = found.at(-1)?.mailbox ?? null;
    return {
      overdue: found.flatMap(({ mailbox, ageMs }) => ageMs === null ? [] : [{ mailbox, ageMs }]),
      next: found.length === MAILBOXES_MAX ? last : null,
    };
  }

  /**
   * Expunges the oldest messages of a mailbox that are older than `ageMs`, as a client would. Answers how
   * many; 0 when there are none left.
   */
  async expungeOld({ mailbox, ageMs }: Overdue): Promise<number> {
    const [row] = await this.db.query<{ uids: string | null }>(sql`
      SELECT array_agg(uid ORDER BY uid)::text AS uids FROM (
        SELECT state.uid, saved_at FROM message_state AS state JOIN messages USING (mailbox_id, uid)
        WHERE state.mailbox_id = ${mailbox} ORDER BY state.uid LIMIT ${MESSAGES_MAX}) AS oldest
      WHERE saved_at < now() - make_interval(secs => ${ageMs / 1000})`);
    const uids = unpackNumbers(row?.uids ?? null) as Uid[];
    if (uids.length === 0) return 0;
    try {
      const { modseq, expunged } = await this.db.transaction((tx) =>
        expunge(tx, mailbox, NumberSet.from(uids), { onlyDeleted: false })
      );
      if (!expunged.isEmpty) this.notices.changed(mailbox, modseq);
      return expunged.size;
    } catch (error) {
      // WHY: a mailbox that was deleted meanwhile needs nothing of this.
      if (error instanceof Refused && error.refusal.kind === "gone") return 0;
      throw error;
    }
  }
}
