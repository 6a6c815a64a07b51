import type { AccountId } from "../lib/ids.ts";
import { type Database, sql, type Transaction } from "./database.ts";
import type { PendingUpload } from "./message.ts";
import type { Sql } from "./sql.ts";

/** An upload that one worker has taken on. */
export interface LeasedUpload {
  readonly objectKey: string;
  readonly accountId: AccountId;
  readonly sizeBytes: number;
  readonly generation: number;
  /** How often it has failed. */
  readonly attempts: number;
  readonly instanceId: string | null;
  /** The body stands in the database. */
  readonly hasBody: boolean;
  /** Since its first message came. */
  readonly waitedMs: number;
}

/** Who asks for work. */
export interface Leasing {
  /** Different in every worker of every node. */
  readonly worker: string;
  readonly leaseMs: number;
  readonly limit: number;
}

/** What is left to be uploaded, and how bad it is. */
export interface UploadStatus {
  readonly instanceId: string | null;
  readonly pending: number;
  readonly sizeBytes: number;
  /** Of those octets, what only the staging folder of the instance has. */
  readonly atRiskBytes: number;
  /** Of those, what has failed `maxAttempts` times or more. */
  readonly failed: number;
  /** Leased by a worker now. */
  readonly running: number;
  readonly oldest: Date;
  readonly oldestSeconds: number;
}

/** An upload that does not succeed. */
export interface FailedUpload {
  readonly objectKey: string;
  readonly accountId: AccountId;
  readonly sizeBytes: number;
  readonly instanceId: string | null;
  readonly hasBody: boolean;
  readonly attempts: number;
  readonly createdAt: Date;
  readonly nextAttemptAt: Date;
  readonly lastError: string | null;
}

/** Rows of one statement that changes many: it takes a moment, and locks no more than these. */
const BATCH = 1_000;

/** Owns the table `pending_uploads`: bodies that the object store does not have yet. */
export class UploadStore {
  constructor(readonly db: Database) {}

  /** Who has a body that is not uploaded yet; null: it is uploaded, or nobody knows it. */
  async find(key: string): Promise<Pick<PendingUpload, "sizeBytes" | "instanceId"> | null> {
    const [row] = await this.db.query<{ sizeBytes: number; instanceId: string | null }>(sql`
      SELECT size_bytes AS "sizeBytes", instance_id AS "instanceId"
      FROM pending_uploads WHERE object_key = ${key}`);
    return row ?? null;
  }

  /** The body itself, where it stands in the database. */
  async body(key: string): Promise<Uint8Array | null> {
    const [row] = await this.db.query<{ body: Uint8Array | null }>(sql`
      SELECT body FROM pending_uploads WHERE object_key = ${key}`);
    return row?.body ?? null;
  }

  /** Takes on what is due and can be read here: this instance's, then what the database holds. */
  async lease(instance: string, leasing: Leasing): Promise<LeasedUpload[]> {
    const own = await this.#lease(sql`instance_id = ${instance}`, leasing);
    if (own.length >= leasing.limit) return own;
    const limit = leasing.limit - own.length;
    return [...own, ...await this.#lease(sql`body IS NOT NULL`, { ...leasing, limit })];
  }

  /** Takes on those of these that are due, whosever they are. */
  leaseThese(keys: readonly string[], leasing: Leasing): Promise<LeasedUpload[]> {
    return this.#lease(sql`object_key = ANY(${[...keys]}::text[])`, leasing);
  }

  /** A page of what is due and staged by other instances, by key. */
  async foreign(instance: string, after: string, limit: number): Promise<string[]> {
    const rows = await this.db.query<{ key: string }>(sql`
      SELECT object_key AS key FROM pending_uploads
      WHERE object_key > ${after} COLLATE "C" AND instance_id <> ${instance} AND body IS NULL
        AND next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now())
      ORDER BY object_key LIMIT ${limit}`);
    return rows.map(({ key }) => key);
  }

  /** Keeps what a worker has taken on. */
  async extend(worker: string, leaseMs: number): Promise<void> {
    await this.db.write(sql`
      UPDATE pending_uploads SET lease_until = now() + ${leaseMs} * interval '1 ms'
      WHERE object_key IN (SELECT object_key FROM pending_uploads WHERE leased_by = ${worker}
        ORDER BY object_key FOR UPDATE SKIP LOCKED)`);
  }

  /** Gives back what a worker has taken on, and works on no more. */
  async release(worker: string): Promise<void> {
    await this.db.write(sql`
      UPDATE pending_uploads SET leased_by = NULL, lease_until = NULL
      WHERE object_key IN (SELECT object_key FROM pending_uploads WHERE leased_by = ${worker}
        ORDER BY object_key FOR UPDATE)`);
  }

  /** Gives back what workers of an instance had taken on before it ended. */
  async releaseAll(instance: string): Promise<void> {
    await this.db.write(sql`
      UPDATE pending_uploads SET leased_by = NULL, lease_until = NULL
      WHERE object_key IN (SELECT object_key FROM pending_uploads
        WHERE starts_with(leased_by, ${`${instance}/`}) ORDER BY object_key FOR UPDATE)`);
  }

  /** Gives back uploads that failed; they are due again after `delayMs`, or at once with null. */
  async giveBack(
    failed: readonly {
      readonly upload: LeasedUpload;
      readonly delayMs: number;
      /** null: it was not its turn, and that is no failure. */
      readonly error: string | null;
      /** It is one more failed attempt of this upload. */
      readonly counts: boolean;
    }[],
  ): Promise<void> {
    if (failed.length === 0) return;
    await this.db.write(sql`
      WITH given AS (
        SELECT * FROM unnest(
          ${failed.map(({ upload }) => upload.objectKey)}::text[],
          ${failed.map(({ upload }) => upload.generation)}::bigint[],
          ${failed.map(({ delayMs }) => delayMs)}::float8[],
          ${failed.map(({ error }) => error)}::text[],
          ${
      failed.map(({ counts }) => counts)
    }::bool[]) AS given(key, seen, delay_ms, error, counts)
      ), locked AS (
        SELECT object_key FROM pending_uploads WHERE object_key IN (SELECT key FROM given)
        ORDER BY object_key FOR UPDATE
      )
      UPDATE pending_uploads AS row SET leased_by = NULL, lease_until = NULL,
        attempts = attempts + (counts AND generation = seen)::int,
        last_error = coalesce(error, last_error),
        next_attempt_at = CASE WHEN generation = seen
          THEN now() + delay_ms * interval '1 ms' ELSE next_attempt_at END
      FROM given JOIN locked ON locked.object_key = given.key WHERE row.object_key = given.key`);
  }

  /** What waited for the object store to come back is due now. */
  async hurry(batch = BATCH): Promise<void> {
    const which = sql`next_attempt_at > now()`;
    await this.#makeDue(which, { change: sql``, lock: sql`FOR UPDATE SKIP LOCKED`, batch });
  }

  /** By instance; null for what stands in the database. Instances without anything have no row. */
  status(maxAttempts: number): Promise<UploadStatus[]> {
    return this.db.query<UploadStatus>(sql`
      SELECT instance_id AS "instanceId", count(*) AS pending,
        sum(size_bytes)::bigint AS "sizeBytes",
        coalesce(sum(size_bytes) FILTER (WHERE body IS NULL), 0)::bigint AS "atRiskBytes",
        count(*) FILTER (WHERE attempts >= ${maxAttempts}) AS failed,
        count(*) FILTER (WHERE lease_until > now()) AS running, min(created_at) AS oldest,
        extract(epoch FROM now() - min(created_at))::float8 AS "oldestSeconds"
      FROM pending_uploads GROUP BY instance_id ORDER BY instance_id`);
  }

  /** What has failed at least so often, the oldest first. */
  failed(attempts: number, limit: number): Promise<FailedUpload[]> {
    return this.db.query<FailedUpload>(sql`
      SELECT object_key AS "objectKey", account_id AS "accountId", size_bytes AS "sizeBytes",
        instance_id AS "instanceId", body IS NOT NULL AS "hasBody", attempts,
        created_at AS "createdAt", next_attempt_at AS "nextAttemptAt", last_error AS "lastError"
      FROM pending_uploads WHERE attempts >= ${attempts}
      ORDER BY created_at, object_key LIMIT ${limit}`);
  }

  /** Makes what has failed due now, as if it never had; one object or all. Returns how many. */
  async retry(key: string | null): Promise<number> {
    const which = sql`attempts > 0 AND (${key}::text IS NULL OR object_key = ${key})`;
    return await this.#makeDue(which, { change: sql`attempts = 0, `, lock: sql`FOR UPDATE` });
  }

  /** In batches by key, each upload once. Returns how many. */
  async #makeDue(
    which: Sql,
    { change, lock, batch = BATCH }: {
      readonly change: Sql;
      readonly lock: Sql;
      readonly batch?: number;
    },
  ): Promise<number> {
    let count = 0;
    for (let after: string | null = ""; after !== null;) {
      const [row]: { count: number; last: string | null }[] = await this.db.write(sql`
        WITH late AS (
          SELECT object_key FROM pending_uploads WHERE object_key > ${after} COLLATE "C" AND ${which}
          ORDER BY object_key LIMIT ${batch} ${lock}
        ), changed AS (
          UPDATE pending_uploads SET ${change}next_attempt_at = now()
          WHERE object_key IN (SELECT object_key FROM late)
        )
        SELECT count(*) AS count, max(object_key) AS last FROM late`);
      count += row?.count ?? 0;
      after = row?.last ?? null;
    }
    return count;
  }

  #lease(which: Sql, { worker, leaseMs, limit }: Leasing): Promise<LeasedUpload[]> {
    return this.db.write<LeasedUpload>(sql`
      UPDATE pending_uploads SET leased_by = ${worker},
        lease_until = now() + ${leaseMs} * interval '1 ms'
      WHERE object_key IN (SELECT object_key FROM pending_uploads
        WHERE next_attempt_at <= now() AND (lease_until IS NULL OR lease_until < now()) AND ${which}
        ORDER BY next_attempt_at LIMIT ${limit} FOR UPDATE SKIP LOCKED)
      RETURNING object_key AS "objectKey", account_id AS "accountId", size_bytes AS "sizeBytes",
        generation, attempts, instance_id AS "instanceId", body IS NOT NULL AS "hasBody",
        1000 * extract(epoch FROM now() - created_at)::float8 AS "waitedMs"`);
  }
}

/**
 * The objects are there: forgets uploads, in the transaction that holds the locks of the objects.
 * One that another message has named since stays, and is due.
 */
export async function confirmUploads(
  tx: Transaction,
  uploads: readonly Pick<LeasedUpload, "objectKey" | "generation">[],
): Promise<void> {
  if (uploads.length === 0) return;
  const keys = uploads.map(({ objectKey }) => objectKey);
  await tx.query(sql`
    SELECT 1 FROM pending_uploads WHERE object_key = ANY(${keys}::text[])
    ORDER BY object_key FOR UPDATE`);
  await tx.query(sql`
    WITH done AS (
      SELECT * FROM unnest(${keys}::text[], ${
    uploads.map(({ generation }) => generation)
  }::bigint[])
        AS done(key, seen)
    ), gone AS (
      DELETE FROM pending_uploads USING done WHERE object_key = key AND generation = seen
    )
    UPDATE pending_uploads SET leased_by = NULL, lease_until = NULL
    FROM done WHERE object_key = key AND generation <> seen`);
}
