import { Refused } from "../lib/refused.ts";
import type { S3Bucket } from "./s3_blobs.ts";
import { s3Answer, s3Trouble } from "./s3_trouble.ts";

/** Written and removed to see whether that is allowed. */
const CHECK_KEY = "sora/write-check";

/**
 * What a bucket is like. `wrong`: as it is configured, it will never work. `unreachable`: it does not
 * work now, and may later. `why` is for operators.
 */
export type S3Check =
  | { readonly kind: "ok" }
  | { readonly kind: "wrong"; readonly why: string }
  | { readonly kind: "unreachable"; readonly why: string };

/** What an error code says about the configuration; %b is the bucket. */
const WORDS: Readonly<Record<string, string>> = {
  NoSuchBucket: "there is no bucket %b (s3.bucket)",
  InvalidBucketName: "%b is no name of a bucket (s3.bucket)",
  InvalidAccessKeyId: "the access key is not known (s3.access_key)",
  SignatureDoesNotMatch: "the secret key is wrong (s3.secret_key)",
  AuthorizationHeaderMalformed: "the region is wrong (s3.region)",
  PermanentRedirect: "the bucket %b is elsewhere (s3.endpoint, s3.region)",
  RequestTimeTooSkewed: "this machine's clock is wrong",
  ExpiredToken: "the credentials have expired",
  InvalidToken: "the credentials are not accepted",
  CredentialsProviderError:
    "there are no credentials: give s3.access_key and s3.secret_key, or what AWS's tools look for",
};

/** Lists, writes and deletes one object, with one request each. Never throws. */
export async function checkS3(bucket: S3Bucket): Promise<S3Check> {
  const { sdk, client, name, requests } = bucket;
  const place = { Bucket: name, Key: CHECK_KEY };
  const steps = {
    "list the bucket": (abortSignal: AbortSignal) =>
      client.send(new sdk.ListObjectsV2Command({ Bucket: name, MaxKeys: 1 }), { abortSignal }),
    "write objects": (abortSignal: AbortSignal) =>
      client.send(new sdk.PutObjectCommand({ ...place, Body: "ok" }), { abortSignal }),
    "delete objects": (abortSignal: AbortSignal) =>
      client.send(new sdk.DeleteObjectCommand(place), { abortSignal }),
  };
  for (const [what, step] of Object.entries(steps)) {
    try {
      await requests.once<unknown>({
        operation: "check",
        circuit: "get",
        key: CHECK_KEY,
        send: ({ signal }) => step(signal),
      });
    } catch (error) {
      return judged(error, { what, bucket: name });
    }
  }
  return { kind: "ok" };
}

function judged(
  error: unknown,
  { what, bucket }: { readonly what: string; readonly bucket: string },
): S3Check {
  const { status, code } = s3Answer(error);
  const words = WORDS[code];
  if (words !== undefined) return { kind: "wrong", why: words.replace("%b", `"${bucket}"`) };
  if (status === 403) return { kind: "wrong", why: `the credentials may not ${what}` };
  if (error instanceof Refused || s3Trouble(error) === "transient") {
    return { kind: "unreachable", why: messageOf(error) };
  }
  const answer = `${status ?? ""} ${code}`.trim();
  return {
    kind: "wrong",
    why: `what answers does not work as an S3 store: ${answer} (s3.endpoint)`,
  };
}

/** WHY: what node wraps has its reason inside. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { message, cause } = error;
  const inner = error instanceof AggregateError ? error.errors[0] : cause;
  const text = inner instanceof Error ? `${message} ${inner.message}`.trim() : message;
  return text === "" ? error.name : text;
}
