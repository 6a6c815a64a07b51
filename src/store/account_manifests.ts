import type { AccountId, MailboxId } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { UNFINISHED } from "./rebuilds.ts";

/** What an account is besides its mail. */
export interface AccountContent {
  /** Primary address. */
  readonly address: string;
  readonly createdMs: number;
  /** null: active. */
  readonly deletedMs: number | null;
  readonly addresses: readonly (readonly [
    address: string,
    isPrimary: boolean,
    passwordHash: string | null,
  ])[];
  /** null limits nothing. */
  readonly limits: readonly [
    storageBytes: number | null,
    messages: number | null,
    mailboxes: number | null,
  ];
  readonly mailboxes: readonly {
    readonly id: number;
    readonly name: string;
    /** Whose shared tree it is in; null: it is a personal one. */
    readonly domain: string | null;
    readonly uidValidity: number;
    readonly specialUse: string | null;
  }[];
  /** Address null: anyone in the domain. */
  readonly acls: readonly (readonly [
    mailboxId: number,
    address: string | null,
    domain: string | null,
    rights: string,
  ])[];
  readonly subscriptions: readonly string[];
}

/** An account that is to be looked at. */
export interface CheckedAccount {
  readonly id: AccountId;
  /** `AccountContent` as JSON. */
  readonly content: string;
  /** By the database's clock. */
  readonly nowMs: number;
  /** The highest id that a mailbox of the server has: those above it were made later. */
  readonly lastMailboxId: MailboxId;
  /** Of databases that this account was rebuilt from. */
  readonly supersedes: readonly string[];
  /** Of what was written last; null: nothing was. */
  readonly digest: string | null;
  readonly writtenMs: number;
  readonly obsolete: readonly string[];
}

/** Owns `manifest_accounts`: what the object store knows of accounts. */
export class AccountManifestStore {
  constructor(readonly db: Database) {}

  /**
   * The accounts that nobody has looked at for `intervalMs`, the longest first: whoever asks next gets
   * others. What changes nothing needs no answer.
   */
  async take(intervalMs: number, limit: number): Promise<CheckedAccount[]> {
    const taken = await this.db.write<{ id: AccountId }>(sql`
      INSERT INTO manifest_accounts AS own (account_id)
      SELECT accounts.id FROM accounts LEFT JOIN manifest_accounts AS done ON account_id = accounts.id
      WHERE coalesce(checked_at < now() - make_interval(secs => ${intervalMs / 1000}), true)
        AND accounts.id NOT IN (${UNFINISHED})
      ORDER BY checked_at NULLS FIRST, accounts.id LIMIT ${limit}
      ON CONFLICT (account_id) DO UPDATE SET checked_at = now()
        WHERE own.checked_at < now() - make_interval(secs => ${intervalMs / 1000})
      RETURNING account_id AS id`);
    if (taken.length === 0) return [];
    return await this.#content(taken.map(({ id }) => id));
  }

  /** An object is about to be put: it is deleted again unless `commit` follows. */
  async announce(account: AccountId, key: string): Promise<void> {
    await this.db.write(sql`
      UPDATE manifest_accounts SET obsolete = array_append(array_remove(obsolete, ${key}), ${key})
      WHERE account_id = ${account}`);
  }

  /** The object is there, and replaces all others. false: somebody else has written one meanwhile. */
  async commit(
    { id, writtenMs }: Pick<CheckedAccount, "id" | "writtenMs">,
    written: { readonly key: string; readonly digest: string; readonly atMs: number },
  ): Promise<boolean> {
    const { key, digest, atMs } = written;
    const rows = await this.db.write(sql`
      UPDATE manifest_accounts SET digest = ${digest}, written_ms = ${atMs},
        objects = ARRAY[${key}], obsolete = array_remove(obsolete || objects, ${key})
      WHERE account_id = ${id} AND written_ms = ${writtenMs} RETURNING account_id`);
    return rows.length > 0;
  }

  /** They were not written: the next look takes them again. */
  async giveBack(accounts: readonly AccountId[]): Promise<void> {
    await this.db.write(sql`
      UPDATE manifest_accounts SET checked_at = 'epoch'
      WHERE account_id = ANY(${[...accounts]}::bigint[])`);
  }

  /** What is to be deleted of an account. */
  async obsolete(account: AccountId): Promise<readonly string[]> {
    const [row] = await this.db.query<{ obsolete: string[] }>(sql`
      SELECT obsolete FROM manifest_accounts WHERE account_id = ${account}`);
    return row?.obsolete ?? [];
  }

  /** These objects are deleted. */
  async forget(account: AccountId, keys: readonly string[]): Promise<void> {
    await this.db.write(sql`
      UPDATE manifest_accounts SET obsolete = ARRAY(
        SELECT each FROM unnest(obsolete) AS each WHERE each <> ALL(${[...keys]}::text[]))
      WHERE account_id = ${account}`);
  }

  /** Accounts that were purged, with all their objects. */
  async dropped(limit: number): Promise<{ id: AccountId; objects: readonly string[] }[]> {
    return await this.db.query<{ id: AccountId; objects: string[] }>(sql`
      SELECT account_id AS id, objects || obsolete AS objects
      FROM manifest_accounts LEFT JOIN accounts ON accounts.id = account_id
      WHERE accounts.id IS NULL LIMIT ${limit}`);
  }

  /** The objects of an account that was purged are deleted. */
  async drop(account: AccountId): Promise<void> {
    await this.db.write(sql`DELETE FROM manifest_accounts WHERE account_id = ${account}`);
  }

  /** Whether every mailbox of an account has been written whole. */
  async isWhole(account: AccountId): Promise<boolean> {
    const rows = await this.db.query(sql`
      SELECT FROM mailboxes LEFT JOIN manifest_progress ON mailbox_id = mailboxes.id
      WHERE mailboxes.account_id = ${account} AND deleted_at IS NULL AND uid_next > 1
        AND coalesce(written_modseq, 0) = 0 LIMIT 1`);
    return rows.length === 0;
  }

  async #content(accounts: readonly AccountId[]): Promise<CheckedAccount[]> {
    return await this.db.query<CheckedAccount>(sql`
      SELECT account.id, done.digest, done.written_ms AS "writtenMs", done.obsolete,
        coalesce((SELECT epochs FROM rebuilt_accounts JOIN credentials USING (address)
          WHERE credentials.account_id = account.id), '{}') AS supersedes,
        floor(extract(epoch FROM now()) * 1000)::bigint AS "nowMs",
        coalesce((SELECT max(id) FROM mailboxes), 0) AS "lastMailboxId",
        json_build_object(
          'address', (SELECT address FROM credentials WHERE account_id = account.id AND is_primary),
          'createdMs', floor(extract(epoch FROM account.created_at) * 1000)::bigint,
          'deletedMs', floor(extract(epoch FROM account.deleted_at) * 1000)::bigint,
          'addresses', (SELECT json_agg(json_build_array(address, is_primary, password_hash)
            ORDER BY address) FROM credentials WHERE account_id = account.id),
          'limits', coalesce((SELECT json_build_array(storage_limit, messages_limit, mailboxes_limit)
            FROM quotas WHERE account_id = account.id), '[null,null,null]'),
          'mailboxes', coalesce((SELECT json_agg(json_build_object('id', id, 'name', name,
              'domain', domain, 'uidValidity', uid_validity, 'specialUse', special_use) ORDER BY id)
            FROM mailboxes WHERE account_id = account.id AND deleted_at IS NULL), '[]'),
          'acls', coalesce((SELECT json_agg(json_build_array(acl.mailbox_id, address, acl.domain, rights)
              ORDER BY acl.mailbox_id, acl.account_id)
            FROM mailboxes JOIN mailbox_acls AS acl ON acl.mailbox_id = mailboxes.id
            LEFT JOIN credentials ON credentials.account_id = acl.account_id AND is_primary
            WHERE mailboxes.account_id = account.id AND deleted_at IS NULL), '[]'),
          'subscriptions', coalesce((SELECT json_agg(name ORDER BY name_key) FROM subscriptions
            WHERE account_id = account.id), '[]'))::text AS content
      FROM accounts AS account JOIN manifest_accounts AS done ON done.account_id = account.id
      WHERE account.id = ANY(${[...accounts]}::bigint[])
        AND EXISTS (SELECT FROM credentials WHERE account_id = account.id AND is_primary)
      ORDER BY account.id`);
  }
}
