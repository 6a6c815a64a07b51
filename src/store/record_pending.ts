import { sql, type Transaction } from "./database.ts";
import type { AccountId } from "../lib/ids.ts";
import type { NewMessage, PendingUpload } from "./message.ts";
import type { Sql } from "./sql.ts";

/** Rows of one statement. */
const CHUNK = 1_000;

/** A body to be uploaded, and whose it is. */
interface Owned {
  readonly accountId: AccountId;
  readonly pending: PendingUpload;
}

/**
 * Records bodies that are to be uploaded, in the transaction of the messages that name them. To be
 * called behind the locks of mailboxes and quotas, as `appendStatement` takes them.
 */
export async function recordPending(
  tx: Transaction,
  account: AccountId,
  uploads: readonly PendingUpload[],
): Promise<void> {
  const sorted = uploads.map((pending) => ({ accountId: account, pending }))
    .sort((a, b) => a.pending.objectKey < b.pending.objectKey ? -1 : 1);
  for (let at = 0; at < sorted.length; at += CHUNK) {
    const part = sorted.slice(at, at + CHUNK);
    await tx.query(sql`
      INSERT INTO ${TARGET} ${grouped(sql`(${unnested(part)}) AS upload`)} ${ON_CONFLICT}`);
  }
}

/**
 * CTE `uploads` of `appendStatement`, with a comma in front: for those of the batch that are stored
 * (`fresh`). Nothing where no message has a body to be uploaded.
 */
export function pendingUploads(batch: readonly NewMessage[]): Sql {
  const positions: number[] = [];
  const owned: Owned[] = [];
  for (const [at, { accountId, pending }] of batch.entries()) {
    if (!pending) continue;
    positions.push(at + 1);
    owned.push({ accountId, pending });
  }
  if (owned.length === 0) return NONE;
  return sql`, uploads AS (
      INSERT INTO ${TARGET} ${
    grouped(sql`(${unnested(owned)}) AS upload
        JOIN unnest(${positions}::int[]) WITH ORDINALITY AS place(position, nth) USING (nth)
        JOIN fresh USING (position)`)
  } ${ON_CONFLICT}
    )`;
}

const NONE = sql``;
const TARGET = sql`pending_uploads AS known
        (object_key, account_id, size_bytes, instance_id, body)`;

/** WHY: what one message staged is as good as ever when another one comes; so is a body that stands here. */
const ON_CONFLICT = sql`
      ON CONFLICT (object_key) DO UPDATE SET generation = known.generation + 1, attempts = 0,
        next_attempt_at = now(), last_error = NULL,
        instance_id = coalesce(EXCLUDED.instance_id, known.instance_id),
        body = coalesce(EXCLUDED.body, known.body)`;

function unnested(owned: readonly Owned[]): Sql {
  const column = <T>(of: (one: Owned) => T): T[] => owned.map(of);
  return sql`SELECT * FROM unnest(
        ${column(({ pending }) => pending.objectKey)}::text[],
        ${column(({ accountId }) => accountId)}::bigint[],
        ${column(({ pending }) => pending.sizeBytes)}::bigint[],
        ${column(({ pending }) => pending.instanceId)}::text[],
        ${column(({ pending }) => pending.body)}::bytea[]
      ) WITH ORDINALITY AS one(object_key, owner_id, octets, instance_id, body, nth)`;
}

/** Each key once, in their order, so that two statements never wait for each other. */
function grouped(from: Sql): Sql {
  return sql`
      SELECT upload.object_key, min(owner_id), min(octets), max(upload.instance_id),
        (array_agg(upload.body) FILTER (WHERE upload.body IS NOT NULL))[1]
      FROM ${from} GROUP BY upload.object_key ORDER BY upload.object_key`;
}
