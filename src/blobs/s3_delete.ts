import { createHash } from "node:crypto";
import type { DeleteObjectsCommand } from "@aws-sdk/client-s3";
import { Refused } from "../lib/refused.ts";
import type { ObjectKey } from "./blobs.ts";
import type { S3Bucket } from "./s3_blobs.ts";
import { s3Answer } from "./s3_trouble.ts";

/** WHY: S3 takes a thousand; a batch that fails is sent again as a whole. */
const BATCH_MAX = 500;

/** What DeleteObjects did: the objects that may still be there, and whether the store knows it. */
export interface DeletedMany {
  readonly left: readonly ObjectKey[];
  readonly isSupported: boolean;
}

/** Removes objects by DeleteObjects, many with one request. Throws `unavailable`. */
export async function deleteS3Objects(
  bucket: S3Bucket,
  keys: readonly ObjectKey[],
): Promise<DeletedMany> {
  const left: ObjectKey[] = [];
  for (let at = 0; at < keys.length; at += BATCH_MAX) {
    try {
      left.push(...await deleteBatch(bucket, keys.slice(at, at + BATCH_MAX)));
    } catch (error) {
      if (!isUnsupported(error)) throw error;
      return { left: [...left, ...keys.slice(at)], isSupported: false };
    }
  }
  return { left, isSupported: true };
}

async function deleteBatch(
  { sdk, client, name, requests }: S3Bucket,
  keys: readonly ObjectKey[],
): Promise<ObjectKey[]> {
  const answer = await requests.ask({
    operation: "delete_many",
    circuit: "delete",
    key: `${keys[0] ?? ""} and ${keys.length - 1} more`,
    send: ({ signal: abortSignal }) => {
      const command = new sdk.DeleteObjectsCommand({
        Bucket: name,
        Delete: { Objects: keys.map((key) => ({ Key: key })), Quiet: true },
      });
      addMd5(command);
      return client.send(command, { abortSignal });
    },
  });
  if (answer === null) return [...keys];
  const failed = new Set(
    (answer.Errors ?? []).filter(({ Code }) => Code !== "NoSuchKey").map(({ Key }) => Key),
  );
  return keys.filter((key) => failed.has(key));
}

/** QUIRK: Swift 2.30 wants Content-MD5, as S3 once did; the SDK sends a CRC, which it does not know. */
function addMd5(command: DeleteObjectsCommand): void {
  command.middlewareStack.add((next) => (args) => {
    const { headers, body } = args.request as {
      readonly headers: Record<string, string>;
      readonly body: string | Uint8Array;
    };
    for (const header of Object.keys(headers)) {
      if (/^x-amz-(checksum|sdk-checksum)-/i.test(header)) delete headers[header];
    }
    headers["content-md5"] = createHash("md5").update(body).digest("base64");
    return next(args);
  }, { step: "build", priority: "low", name: "contentMd5" });
}

/** WHY: who may not delete at all learns so from the single deletes. */
function isUnsupported(error: unknown): boolean {
  const cause = error instanceof Refused && error.cause instanceof Error ? error.cause.cause : null;
  const { status = 0 } = s3Answer(cause);
  return status === 501 || (status >= 400 && status < 500 && status !== 403);
}
