import { parseAddress } from "../lib/address.ts";
import type { AccountId, MailboxId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import { createDefaultMailboxes, lockAccount } from "./create_mailboxes.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import type { QuotaLimits } from "./quotas.ts";
import { joined } from "./sql.ts";

/** An address that mail is accepted for and that can log in. */
export interface Credential {
  readonly id: number;
  /** Lower case, without `+detail`. */
  readonly address: string;
  readonly isPrimary: boolean;
  /** `{SCHEME}…`; opaque here. */
  readonly passwordHash: string;
  readonly createdAt: Date;
  readonly updatedAt: Date;
}

/** One account with all its credentials, the primary one first. */
export interface Account {
  readonly id: AccountId;
  /** The primary address. */
  readonly address: string;
  readonly createdAt: Date;
  /** null: active. */
  readonly deletedAt: Date | null;
  readonly credentials: readonly Credential[];
}

/** Which accounts `list` gives. */
export interface AccountFilter {
  /** Primary address in this domain. */
  readonly domain?: string;
  /** true: only deleted ones; false (default): only active ones; "any": both. */
  readonly deleted?: boolean | "any";
  /** Primary addresses behind this one: the last of the page before. */
  readonly after?: string;
  /** 1 … 1000, default 100. */
  readonly limit?: number;
}

/** What a login needs to know. */
export interface LoginCredential {
  readonly accountId: AccountId;
  readonly credentialId: number;
  readonly address: string;
  readonly primaryAddress: string;
  readonly passwordHash: string;
}

/** Where mail to an address goes. */
export interface Recipient {
  readonly accountId: AccountId;
  /** The primary address. */
  readonly address: string;
  readonly inbox: MailboxId;
  /** Storage or messages are used up: RFC 9208. */
  readonly isFull: boolean;
}

const NO_LIMITS: QuotaLimits = { storageBytes: null, messages: null, mailboxes: null };
/** Largest page of `list`. */
const PAGE_MAX = 1000;
const PAGE_DEFAULT = 100;
/** Addresses of one account. */
const CREDENTIALS_MAX = 1000;

/** Owns the tables `accounts` and `credentials`. Addresses are normalised: `parseAddress`. */
export class AccountStore {
  constructor(readonly db: Database) {}

  /**
   * Creates an account with its default mailboxes, in one transaction. Throws `unsupported` for
   * what is no address (or has a `+detail`), and `account-exists`, also for the address of a
   * deleted account: it stays reserved until the account is purged, so that nobody inherits mail.
   */
  async create(
    account: {
      readonly address: string;
      readonly passwordHash: string;
      /** Default: not limited. */
      readonly quota?: QuotaLimits;
    },
  ): Promise<Account> {
    const address = newAddress(account.address);
    return await this.db.transaction(async (tx) => {
      const [row] = await tx.query<{ id: AccountId }>(sql`
        INSERT INTO accounts DEFAULT VALUES RETURNING id`);
      if (!row) throw new Error("Account was not created");
      const credential = { address, passwordHash: account.passwordHash, isPrimary: true };
      await insertCredential(tx, row.id, credential);
      const { storageBytes, messages, mailboxes } = account.quota ?? NO_LIMITS;
      await tx.query(sql`
        INSERT INTO quotas (account_id, storage_limit, messages_limit, mailboxes_limit)
        VALUES (${row.id}, ${storageBytes}, ${messages}, ${mailboxes})`);
      await createDefaultMailboxes(tx, row.id);
      return await readAccount(tx, row.id);
    });
  }

  /** A page of accounts by primary address. */
  async list(filter: AccountFilter = {}): Promise<Account[]> {
    const limit = Math.max(1, Math.min(PAGE_MAX, Math.trunc(filter.limit ?? PAGE_DEFAULT)));
    const deleted = filter.deleted ?? false;
    const conditions = [
      sql`primary_one.is_primary`,
      ...(filter.domain === undefined ? [] : [
        sql`split_part(primary_one.address, '@', 2) = ${filter.domain.toLowerCase()}`,
      ]),
      ...(filter.after === undefined ? [] : [
        sql`primary_one.address > ${normalised(filter.after)}`,
      ]),
      ...(deleted === "any" ? [] : [
        deleted ? sql`accounts.deleted_at IS NOT NULL` : sql`accounts.deleted_at IS NULL`,
      ]),
    ];
    const rows = await this.db.read<{ id: AccountId }>(sql`
      SELECT accounts.id FROM credentials AS primary_one
      JOIN accounts ON accounts.id = primary_one.account_id
      WHERE ${joined(conditions, " AND ")} ORDER BY primary_one.address LIMIT ${limit}`);
    return await readAccounts(this.db, rows.map(({ id }) => id));
  }

  /** The account that has this address, deleted or not; null when there is none. */
  async find(address: string): Promise<Account | null> {
    const [row] = await this.db.query<{ id: AccountId }>(sql`
      SELECT account_id AS id FROM credentials WHERE address = ${normalised(address)}`);
    if (!row) return null;
    return (await readAccounts(this.db, [row.id]))[0] ?? null;
  }

  /** The account that has this address, deleted or not; throws `no-such-account`. */
  async show(address: string): Promise<Account> {
    return await this.find(address) ?? refuseMissing();
  }

  /** Replaces the hash of one credential of an active account; throws `no-such-account`. */
  async setPassword(address: string, passwordHash: string): Promise<void> {
    const rows = await this.db.write(sql`
      UPDATE credentials SET password_hash = ${passwordHash}, updated_at = now()
      FROM accounts
      WHERE credentials.address = ${normalised(address)}
        AND accounts.id = credentials.account_id AND accounts.deleted_at IS NULL
      RETURNING credentials.id`);
    if (rows.length === 0) refuseMissing();
  }

  /** Deletes the account softly: no login, no delivery; throws `no-such-account`. */
  async delete(address: string): Promise<void> {
    const rows = await this.db.write(sql`
      UPDATE accounts SET deleted_at = now()
      WHERE deleted_at IS NULL
        AND id = (SELECT account_id FROM credentials WHERE address = ${normalised(address)})
      RETURNING id`);
    if (rows.length === 0) refuseMissing();
  }

  /** Takes a deletion back; throws `no-such-account` when there is no deleted account, or no more. */
  async restore(address: string): Promise<void> {
    const rows = await this.db.write(sql`
      UPDATE accounts SET deleted_at = NULL
      WHERE deleted_at IS NOT NULL AND NOT purging
        AND id = (SELECT account_id FROM credentials WHERE address = ${normalised(address)})
      RETURNING id`);
    if (rows.length === 0) refuseMissing();
  }

  /** Gives an active account a further address; throws `no-such-account`, `account-exists`. */
  async addCredential(
    address: string,
    credential: { readonly address: string; readonly passwordHash: string },
  ): Promise<Account> {
    const added = newAddress(credential.address);
    return await this.#change(address, async (tx, id) => {
      const [row] = await tx.query<{ count: number }>(sql`
        SELECT count(*) FROM credentials WHERE account_id = ${id}`);
      if ((row?.count ?? 0) >= CREDENTIALS_MAX) {
        throw new Refused({ kind: "limit", what: `${CREDENTIALS_MAX} addresses` });
      }
      await insertCredential(tx, id, {
        address: added,
        passwordHash: credential.passwordHash,
        isPrimary: false,
      });
    });
  }

  /** Takes an address away; throws `no-such-account`, and `not-permitted` for the primary one. */
  async removeCredential(address: string): Promise<void> {
    const removed = normalised(address);
    await this.#change(removed, async (tx) => {
      const rows = await tx.query(sql`
        DELETE FROM credentials WHERE address = ${removed} AND NOT is_primary RETURNING id`);
      if (rows.length === 0) throw new Refused({ kind: "not-permitted" });
    });
  }

  /** Makes an address of the account its primary one; throws `no-such-account`. */
  async makePrimary(address: string): Promise<void> {
    const chosen = normalised(address);
    await this.#change(chosen, async (tx, id) => {
      // WHY: two statements, as the index that allows one primary looks at every single row.
      await tx.query(sql`
        UPDATE credentials SET is_primary = false, updated_at = now()
        WHERE account_id = ${id} AND is_primary AND address <> ${chosen}`);
      await tx.query(sql`
        UPDATE credentials SET is_primary = true, updated_at = now()
        WHERE address = ${chosen} AND NOT is_primary`);
    });
  }

  /** By a base address (`parseAddress(…).base`), among active accounts. */
  async credential(address: string): Promise<LoginCredential | null> {
    if (address.includes("\0")) return null;
    const [row] = await this.db.query<LoginCredential>(sql`
      SELECT accounts.id AS "accountId", own.id AS "credentialId", own.address,
        first.address AS "primaryAddress", own.password_hash AS "passwordHash"
      FROM credentials AS own
      JOIN accounts ON accounts.id = own.account_id AND accounts.deleted_at IS NULL
      JOIN credentials AS first ON first.account_id = own.account_id AND first.is_primary
      WHERE own.address = ${address}`);
    return row ?? null;
  }

  /** By a base address (`parseAddress(…).base`), among active accounts. */
  async recipient(address: string): Promise<Recipient | null> {
    if (address.includes("\0")) return null;
    const [row] = await this.db.query<Recipient>(sql`
      SELECT accounts.id AS "accountId", first.address, mailboxes.id AS inbox,
        coalesce(storage_used >= storage_limit, false)
          OR coalesce(messages_used >= messages_limit, false) AS "isFull"
      FROM credentials AS own
      JOIN accounts ON accounts.id = own.account_id AND accounts.deleted_at IS NULL
      JOIN credentials AS first ON first.account_id = own.account_id AND first.is_primary
      JOIN mailboxes ON mailboxes.account_id = own.account_id AND mailboxes.name_key = 'inbox'
        AND mailboxes.deleted_at IS NULL
      JOIN quotas ON quotas.account_id = own.account_id
      WHERE own.address = ${address}`);
    return row ?? null;
  }

  /** Changes the credentials of an active account, which is locked meanwhile. */
  async #change(
    address: string,
    change: (tx: Transaction, id: AccountId) => Promise<void>,
  ): Promise<Account> {
    return await this.db.transaction(async (tx) => {
      const [row] = await tx.query<{ id: AccountId }>(sql`
        SELECT accounts.id FROM credentials JOIN accounts ON accounts.id = credentials.account_id
        WHERE credentials.address = ${normalised(address)}`);
      if (!row) refuseMissing();
      await lockAccount(tx, row.id);
      await change(tx, row.id);
      return await readAccount(tx, row.id);
    });
  }
}

/** Adds an address; throws `account-exists` when any account, deleted or not, has it. */
async function insertCredential(
  tx: Transaction,
  account: AccountId,
  credential: Pick<Credential, "address" | "passwordHash" | "isPrimary">,
): Promise<void> {
  const { address, passwordHash, isPrimary } = credential;
  const [row] = await tx.query(sql`
    INSERT INTO credentials (account_id, address, password_hash, is_primary)
    VALUES (${account}, ${address}, ${passwordHash}, ${isPrimary})
    ON CONFLICT (address) DO NOTHING RETURNING id`);
  if (row) return;
  const [holder] = await tx.query<{ deleted: boolean }>(sql`
    SELECT accounts.deleted_at IS NOT NULL AS deleted
    FROM credentials JOIN accounts ON accounts.id = credentials.account_id
    WHERE credentials.address = ${address}`);
  throw new Refused({ kind: "account-exists", address, deleted: holder?.deleted ?? false });
}

interface Row extends Credential {
  readonly accountId: AccountId;
  readonly accountCreatedAt: Date;
  readonly deletedAt: Date | null;
}

async function readAccount(tx: Transaction, id: AccountId): Promise<Account> {
  const [account] = await readAccounts(tx, [id]);
  return account ?? refuseMissing();
}

/** Accounts in the order of their primary addresses. */
async function readAccounts(
  db: Pick<Transaction, "query">,
  ids: readonly AccountId[],
): Promise<Account[]> {
  if (ids.length === 0) return [];
  const rows = await db.query<Row>(sql`
    SELECT accounts.id AS "accountId", accounts.created_at AS "accountCreatedAt",
      accounts.deleted_at AS "deletedAt", credentials.id, credentials.address,
      credentials.is_primary AS "isPrimary", credentials.password_hash AS "passwordHash",
      credentials.created_at AS "createdAt", credentials.updated_at AS "updatedAt"
    FROM accounts JOIN credentials ON credentials.account_id = accounts.id
    WHERE accounts.id = ANY(${[...ids]}::bigint[])
    ORDER BY credentials.is_primary DESC, credentials.address`);
  const accounts = new Map<AccountId, Account & { credentials: Credential[] }>();
  for (const { accountId, accountCreatedAt, deletedAt, ...credential } of rows) {
    const account = accounts.get(accountId);
    if (account) account.credentials.push(credential);
    else {
      accounts.set(accountId, {
        id: accountId,
        address: credential.address,
        createdAt: accountCreatedAt,
        deletedAt,
        credentials: [credential],
      });
    }
  }
  return [...accounts.values()];
}

/** An address that is to be given out. */
function newAddress(text: string): string {
  const parsed = parseAddress(text);
  if (!parsed) throw new Refused({ kind: "unsupported", what: "not an address" });
  // WHY: mail to "a+b" is looked up as "a", so an address with a detail would never be found.
  if (parsed.detail !== null) throw new Refused({ kind: "unsupported", what: "address with +" });
  return parsed.base;
}

/** An address to look up; what is none finds nothing. */
function normalised(text: string): string {
  return parseAddress(text)?.base ?? "";
}

function refuseMissing(): never {
  throw new Refused({ kind: "no-such-account" });
}
