import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { type Database, sql } from "./database.ts";

/** What an account may use; null limits nothing. */
export interface QuotaLimits {
  /** Octets of all messages as they are stored. */
  readonly storageBytes: number | null;
  readonly messages: number | null;
  readonly mailboxes: number | null;
}

/** What an account uses and may use: RFC 9208 §3. */
export interface Quota {
  readonly account: AccountId;
  /** The primary address, which is the name of the quota root. */
  readonly address: string;
  readonly used: { readonly [K in keyof QuotaLimits]: number };
  readonly limits: QuotaLimits;
}

/** An account that has just used more than `percent` of its storage or messages. */
export interface QuotaWarning {
  readonly account: AccountId;
  readonly address: string;
  /** Which of the percentages was reached. */
  readonly percent: number;
}

/** Accounts that one statement warns. */
const WARNINGS_MAX = 100;

/** Owns the table `quotas`; usage is kept by whoever adds and removes messages. */
export class QuotaStore {
  constructor(readonly db: Database) {}

  /** By a base address of an active account; null when there is none. */
  async find(address: string): Promise<Quota | null> {
    if (address.includes("\0")) return null;
    const [row] = await this.db.query<Row>(sql`
      ${SELECT} WHERE quotas.account_id = (
        SELECT account_id FROM credentials WHERE address = ${address})`);
    return row ? fromRow(row) : null;
  }

  /** Throws `no-such-account`. */
  async of(account: AccountId): Promise<Quota> {
    const [row] = await this.db.query<Row>(sql`${SELECT} WHERE quotas.account_id = ${account}`);
    if (!row) throw new Refused({ kind: "no-such-account" });
    return fromRow(row);
  }

  /** Replaces the limits; what is used already stays. Throws `no-such-account`. */
  async setLimits(account: AccountId, limits: QuotaLimits): Promise<void> {
    const rows = await this.db.write(sql`
      UPDATE quotas SET storage_limit = ${limits.storageBytes},
        messages_limit = ${limits.messages}, mailboxes_limit = ${limits.mailboxes}
      WHERE account_id = ${account} RETURNING account_id`);
    if (rows.length === 0) throw new Refused({ kind: "no-such-account" });
  }

  /**
   * Accounts that reached one of these percentages since the last call, each once; whoever falls
   * below it again is warned again. Safe on any number of nodes: an account comes out once.
   */
  async takeWarnings(percentages: readonly number[]): Promise<QuotaWarning[]> {
    if (percentages.length === 0) return [];
    return await this.db.transaction((tx) =>
      tx.query<QuotaWarning>(sql`
        WITH reached AS (
          SELECT account_id, warned_percent AS warned, coalesce((
              SELECT max(percent) FROM unnest(${[...percentages]}::int[]) AS percent
              WHERE storage_used * 100 >= storage_limit * percent
                OR messages_used * 100 >= messages_limit * percent), 0) AS percent
          FROM quotas
          WHERE storage_limit IS NOT NULL OR messages_limit IS NOT NULL OR warned_percent > 0
        ), picked AS (
          SELECT quotas.account_id, reached.percent, reached.warned
          FROM reached JOIN quotas USING (account_id) WHERE reached.percent <> reached.warned
          ORDER BY quotas.account_id LIMIT ${WARNINGS_MAX} FOR NO KEY UPDATE OF quotas SKIP LOCKED
        ), changed AS (
          UPDATE quotas SET warned_percent = picked.percent FROM picked
          WHERE quotas.account_id = picked.account_id AND quotas.warned_percent = picked.warned
          RETURNING quotas.account_id, picked.percent, picked.warned
        )
        SELECT changed.account_id AS account, credentials.address, changed.percent
        FROM changed JOIN accounts ON accounts.id = changed.account_id AND deleted_at IS NULL
        JOIN credentials ON credentials.account_id = changed.account_id AND is_primary
        WHERE changed.percent > changed.warned`)
    );
  }
}

interface Row {
  readonly account: AccountId;
  readonly address: string;
  readonly storage: number;
  readonly messages: number;
  readonly mailboxes: number;
  readonly storageLimit: number | null;
  readonly messagesLimit: number | null;
  readonly mailboxesLimit: number | null;
}

const SELECT = sql`
  SELECT quotas.account_id AS account, first.address, storage_used AS storage,
    messages_used AS messages, (SELECT count(*) FROM mailboxes
      WHERE mailboxes.account_id = quotas.account_id AND mailboxes.deleted_at IS NULL) AS mailboxes,
    storage_limit AS "storageLimit", messages_limit AS "messagesLimit",
    mailboxes_limit AS "mailboxesLimit"
  FROM quotas
  JOIN accounts ON accounts.id = quotas.account_id AND accounts.deleted_at IS NULL
  JOIN credentials AS first ON first.account_id = quotas.account_id AND first.is_primary`;

function fromRow(row: Row): Quota {
  return {
    account: row.account,
    address: row.address,
    used: { storageBytes: row.storage, messages: row.messages, mailboxes: row.mailboxes },
    limits: {
      storageBytes: row.storageLimit,
      messages: row.messagesLimit,
      mailboxes: row.mailboxesLimit,
    },
  };
}
