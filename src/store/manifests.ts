import { type BodyDescription, describeBody } from "../lib/body_description.ts";
import type { AccountId, Hash, MailboxId, Modseq, Uid } from "../lib/ids.ts";
import { type Database, sql } from "./database.ts";
import { packObjectKey } from "./object_key.ts";
import { unpackNumbers } from "./packed_states.ts";
import { UNFINISHED } from "./rebuilds.ts";
import type { Sql } from "./sql.ts";

/** Mailboxes that one statement looks at: one look into an index each. */
const LOOK_MAX = 5_000;
/** Longer than a mailbox takes: after it another node may take it. */
const LEASE_S = 900;
/** A deleted mailbox keeps its manifests until its account's says that it is gone. */
const DROPPED_AFTER_S = 3600;
/** How long a base tells where messages were moved to: until the target's manifest is surely written. */
const MOVES_S = 86_400;
const MOVES_MAX = 10_000;

/** A mailbox whose manifest is behind, taken for a while. */
export interface UnwrittenMailbox {
  readonly id: MailboxId;
  readonly accountId: AccountId;
  /** Primary address of the account. */
  readonly address: string;
  readonly name: string;
  readonly domain: string | null;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly keywords: readonly string[];
  readonly highestModseq: Modseq;
  readonly expungedFloor: Modseq;
  /** By the database's clock. */
  readonly nowMs: number;
  /** 0: nothing is written yet. */
  readonly writtenModseq: Modseq;
  readonly baseBytes: number;
  readonly deltaBytes: number;
  readonly obsolete: readonly string[];
}

/** A live message as a manifest has it. */
export interface ManifestRow {
  readonly uid: Uid;
  readonly hash: Hash;
  /** As it is stored: see `packObjectKey`. */
  readonly objectKey: string;
  readonly sizeBytes: number;
  readonly flags: number;
  readonly keywords: readonly string[] | null;
  readonly internalMs: number;
  readonly savedMs: number;
}

/** A message that is gone, and where it was moved to, if so. */
export interface GoneRow {
  readonly uid: Uid;
  readonly movedTo: MailboxId | null;
  readonly movedUid: Uid | null;
}

/** What is behind of some mailboxes. */
export interface ManifestLook {
  /** Those that may be taken, the one that has waited longest first. */
  readonly due: readonly MailboxId[];
  readonly behind: number;
  /** Since the last manifest of the mailbox that has waited longest; 0 without any. */
  readonly oldestSeconds: number;
  /** The last one that was looked at; null: there are no more. */
  readonly last: MailboxId | null;
}

/** Owns `manifest_epoch` and `manifest_progress`: what the object store knows of mailboxes. */
export class ManifestStore {
  #epoch: string | null = null;

  constructor(readonly db: Database) {}

  /** Which database this is, to whoever finds what it wrote; made when it is asked for first. */
  async epoch(): Promise<string> {
    if (this.#epoch !== null) return this.#epoch;
    await this.db.write(sql`
      INSERT INTO manifest_epoch (epoch) VALUES (substr(replace(gen_random_uuid()::text, '-', ''), 1, 12))
      ON CONFLICT DO NOTHING`);
    const [row] = await this.db.query<{ epoch: string }>(sql`SELECT epoch FROM manifest_epoch`);
    if (!row) throw new Error("Cannot tell which database this is");
    return this.#epoch = row.epoch;
  }

  /**
   * Looks at the next mailboxes behind `after`, by id: which have changed since their last manifest, and which
   * of those may be written as it is older than `intervalMs`. WHY not all at once: no index knows them.
   */
  async look(after: MailboxId | 0, intervalMs: number): Promise<ManifestLook> {
    const [row] = await this.db.query<Omit<ManifestLook, "due"> & { due: string | null }>(sql`
      WITH page AS MATERIALIZED (SELECT * FROM mailboxes
        WHERE id > ${after} ORDER BY id LIMIT ${LOOK_MAX}),
      behind AS (SELECT mailboxes.id, written_at, ${isDue(intervalMs)} AS is_due,
          extract(epoch FROM now() - coalesce(written_at, created_at))::float8 AS age
        FROM page AS mailboxes LEFT JOIN LATERAL (SELECT * FROM manifest_progress AS own
          WHERE own.mailbox_id = mailboxes.id OFFSET 0) AS done ON true
        WHERE ${isBehind})
      SELECT count(*) AS behind, coalesce(max(age), 0) AS "oldestSeconds",
        array_agg(id ORDER BY written_at NULLS FIRST, id) FILTER (WHERE is_due)::text AS due,
        (SELECT CASE WHEN count(*) = ${LOOK_MAX} THEN max(id) END FROM page) AS last
      FROM behind`);
    if (!row) return { due: [], behind: 0, oldestSeconds: 0, last: null };
    return { ...row, due: unpackNumbers(row.due) as MailboxId[] };
  }

  /**
   * Takes those of these mailboxes whose manifest is still behind, and older than `intervalMs`. Nobody else
   * gets them for a quarter of an hour.
   */
  async take(mailboxes: readonly MailboxId[], intervalMs: number): Promise<UnwrittenMailbox[]> {
    const taken = await this.db.write<{ id: MailboxId }>(sql`
      INSERT INTO manifest_progress AS own (mailbox_id, account_id, leased_until)
      SELECT mailboxes.id, mailboxes.account_id, now() + make_interval(secs => ${LEASE_S})
      FROM mailboxes LEFT JOIN manifest_progress AS done ON done.mailbox_id = mailboxes.id
      WHERE mailboxes.id = ANY(${[...mailboxes]}::bigint[])
        AND ${isBehind} AND ${isDue(intervalMs)}
      ORDER BY mailboxes.id
      ON CONFLICT (mailbox_id) DO UPDATE SET leased_until = excluded.leased_until
        WHERE coalesce(own.leased_until < now(), true)
      RETURNING mailbox_id AS id`);
    if (taken.length === 0) return [];
    return await this.db.query<UnwrittenMailbox>(sql`
      SELECT mailboxes.id, mailboxes.account_id AS "accountId", address, name, domain,
        uid_validity AS "uidValidity", uid_next AS "uidNext", keywords,
        highest_modseq AS "highestModseq", expunged_floor AS "expungedFloor",
        floor(extract(epoch FROM now()) * 1000)::bigint AS "nowMs",
        written_modseq AS "writtenModseq", base_bytes AS "baseBytes", delta_bytes AS "deltaBytes",
        obsolete
      FROM mailboxes JOIN manifest_progress ON mailbox_id = mailboxes.id
      JOIN credentials ON credentials.account_id = mailboxes.account_id AND is_primary
      WHERE mailboxes.id = ANY(${taken.map(({ id }) => id)}::bigint[]) AND deleted_at IS NULL
      ORDER BY written_at NULLS FIRST, mailboxes.id`);
  }

  /** Gives mailboxes back that were not written. */
  async giveBack(mailboxes: readonly MailboxId[]): Promise<void> {
    await this.db.write(sql`
      UPDATE manifest_progress SET leased_until = NULL
      WHERE mailbox_id = ANY(${[...mailboxes]}::bigint[])`);
  }

  /** How many messages changed after a MODSEQ; 0: all there are. */
  async changes(mailbox: MailboxId, since: Modseq): Promise<{ changed: number; live: number }> {
    const [row] = await this.db.query<{ changed: number; live: number }>(sql`
      SELECT (SELECT count(*) FROM message_state
          WHERE mailbox_id = ${mailbox} AND modseq > ${since}) AS changed,
        (SELECT messages FROM mailboxes WHERE id = ${mailbox}) AS live`);
    return { changed: row?.changed ?? 0, live: row?.live ?? 0 };
  }

  /** The next live messages above a UID that changed after a MODSEQ. */
  async rows(
    mailbox: MailboxId,
    { above, since, limit }: {
      readonly above: Uid;
      readonly since: Modseq;
      readonly limit: number;
    },
  ): Promise<ManifestRow[]> {
    return await this.db.query<ManifestRow>(sql`
      SELECT state.uid, encode(hash, 'hex') AS hash, object_key AS "objectKey",
        size_bytes AS "sizeBytes", flags, keywords, ${
      milliseconds(sql`internal_date`)
    } AS "internalMs",
        ${milliseconds(sql`saved_at`)} AS "savedMs"
      FROM message_state AS state JOIN messages USING (mailbox_id, uid)
      WHERE state.mailbox_id = ${mailbox} AND state.uid > ${above}
        ${since === 0 ? sql`` : sql`AND modseq > ${since}`}
      ORDER BY state.uid LIMIT ${limit}`);
  }

  /** The next messages above a UID that were expunged or moved away after a MODSEQ. */
  async gone(
    mailbox: MailboxId,
    { above, since, limit }: {
      readonly above: Uid;
      readonly since: Modseq;
      readonly limit: number;
    },
  ): Promise<GoneRow[]> {
    return await this.db.query<GoneRow>(sql`
      SELECT uid, moved_to AS "movedTo", moved_uid AS "movedUid" FROM expunged_messages
      WHERE mailbox_id = ${mailbox} AND uid > ${above} AND modseq > ${since}
      ORDER BY uid LIMIT ${limit}`);
  }

  /** Where messages were moved to lately: for a base, which else says nothing of what is gone. */
  async moves(mailbox: MailboxId): Promise<GoneRow[]> {
    return await this.db.query<GoneRow>(sql`
      SELECT uid, moved_to AS "movedTo", moved_uid AS "movedUid" FROM expunged_messages
      WHERE mailbox_id = ${mailbox} AND moved_to IS NOT NULL
        AND expunged_at > now() - make_interval(secs => ${MOVES_S})
      ORDER BY modseq DESC LIMIT ${MOVES_MAX}`);
  }

  /** An object is about to be put: it is deleted again unless `commit` follows. */
  async announce(mailbox: MailboxId, key: string): Promise<void> {
    await this.db.write(sql`
      UPDATE manifest_progress SET obsolete = array_append(array_remove(obsolete, ${key}), ${key})
      WHERE mailbox_id = ${mailbox}`);
  }

  /** The object is there. false: somebody else has written this mailbox meanwhile. */
  async commit(
    { id, writtenModseq, highestModseq }: Pick<
      UnwrittenMailbox,
      "id" | "writtenModseq" | "highestModseq"
    >,
    written: { readonly kind: "base" | "delta"; readonly key: string; readonly bytes: number },
  ): Promise<boolean> {
    const { kind, key, bytes } = written;
    const done = kind === "base"
      ? sql`base_bytes = ${bytes}, delta_bytes = 0, objects = ARRAY[${key}],
          obsolete = array_remove(obsolete || objects, ${key})`
      : sql`delta_bytes = delta_bytes + ${bytes},
          objects = array_append(array_remove(objects, ${key}), ${key}),
          obsolete = array_remove(obsolete, ${key})`;
    const rows = await this.db.write(sql`
      UPDATE manifest_progress SET ${done}, written_modseq = ${highestModseq}, written_at = now(),
        leased_until = NULL
      WHERE mailbox_id = ${id} AND written_modseq = ${writtenModseq} RETURNING mailbox_id`);
    return rows.length > 0;
  }

  /** What is to be deleted of a mailbox. */
  async obsolete(mailbox: MailboxId): Promise<readonly string[]> {
    const [row] = await this.db.query<{ obsolete: string[] }>(sql`
      SELECT obsolete FROM manifest_progress WHERE mailbox_id = ${mailbox}`);
    return row?.obsolete ?? [];
  }

  /** These objects are deleted. */
  async forget(mailbox: MailboxId, keys: readonly string[]): Promise<void> {
    await this.db.write(sql`
      UPDATE manifest_progress SET obsolete = ARRAY(
        SELECT each FROM unnest(obsolete) AS each WHERE each <> ALL(${[...keys]}::text[]))
      WHERE mailbox_id = ${mailbox}`);
  }

  /** Some mailboxes behind `after` up to `last` (null: all) that are gone, with all their objects. */
  async dropped(
    { after, last }: { readonly after: MailboxId | 0; readonly last: MailboxId | null },
    limit: number,
  ): Promise<{ id: MailboxId; objects: readonly string[] }[]> {
    return await this.db.query<{ id: MailboxId; objects: string[] }>(sql`
      SELECT mailbox_id AS id, done.objects || done.obsolete AS objects
      FROM manifest_progress AS done LEFT JOIN mailboxes ON mailboxes.id = mailbox_id
      WHERE mailbox_id > ${after} AND mailbox_id <= ${last ?? Number.MAX_SAFE_INTEGER}
        AND (mailboxes.id IS NULL
          OR mailboxes.deleted_at < now() - make_interval(secs => ${DROPPED_AFTER_S}))
      LIMIT ${limit}`);
  }

  /** The objects of a mailbox that is gone are deleted. */
  async drop(mailbox: MailboxId): Promise<void> {
    await this.db.write(sql`DELETE FROM manifest_progress WHERE mailbox_id = ${mailbox}`);
  }

  /** What the object of a body is to say of itself: where a message is that has it; {} without any. */
  async describe(key: string): Promise<Record<string, string>> {
    const hash = key.slice(key.lastIndexOf("/") + 1) as Hash;
    if (!/^[0-9a-f]{64}$/.test(hash)) return {};
    const [row] = await this.db.query<
      Omit<BodyDescription, "epoch"> & { keywords: string[] | null }
    >(
      sql`
      SELECT address AS account, mailboxes.id AS "mailboxId", name AS mailbox, domain,
        uid_validity AS "uidValidity", messages.uid, flags, state.keywords,
        ${milliseconds(sql`internal_date`)} AS "internalMs", ${
        milliseconds(sql`saved_at`)
      } AS "savedMs"
      FROM messages JOIN message_state AS state USING (mailbox_id, uid)
      JOIN mailboxes ON mailboxes.id = messages.mailbox_id AND deleted_at IS NULL
      JOIN credentials ON credentials.account_id = mailboxes.account_id AND is_primary
      WHERE hash = decode(${hash}, 'hex') AND object_key IN (${packObjectKey(key, hash)}, ${key})
      ORDER BY messages.mailbox_id DESC, messages.uid DESC LIMIT 1`,
    );
    if (!row) return {};
    return describeBody({ ...row, epoch: await this.epoch(), keywords: row.keywords ?? [] });
  }
}

/** Empty mailboxes that never had anything in them are in their account's manifest alone. */
const isBehind = sql`mailboxes.deleted_at IS NULL AND uid_next > 1
  AND highest_modseq > coalesce(written_modseq, 0)
  AND mailboxes.account_id NOT IN (${UNFINISHED})`;

/** Nobody has written it lately, or is at it. */
function isDue(intervalMs: number): Sql {
  return sql`(coalesce(written_at < now() - make_interval(secs => ${intervalMs / 1000}), true)
    AND coalesce(leased_until < now(), true))`;
}

function milliseconds(time: Sql): Sql {
  return sql`floor(extract(epoch FROM ${time}) * 1000)::bigint`;
}
