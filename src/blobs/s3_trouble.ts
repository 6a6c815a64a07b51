import { Refused } from "../lib/refused.ts";

/**
 * What a failed request says. `missing`: there is no such object. `refused`: the store has
 * understood and will not, now or later. `content`: what came is not what was stored. `transient`:
 * the store or the way to it is in trouble.
 */
export type S3Trouble = "missing" | "refused" | "content" | "transient";

/** What came is not what was stored: it may be, when it is asked for again. */
export class WrongContent extends Error {
  override readonly name = "WrongContent";
}

/** WHY: with a status of 4xx, but the same request may succeed in a moment. */
const TRANSIENT_CODES: ReadonlySet<string> = new Set([
  "RequestTimeout",
  "RequestTimeTooSkewed", // The SDK has learned the store's time from the answer.
  "SlowDown",
  "XAmzContentSHA256Mismatch",
  "BadDigest",
  "IncompleteBody",
]);
const TRANSIENT_STATUSES: ReadonlySet<number> = new Set([408, 425, 429]);
const NOT_IMPLEMENTED = 501;

/** Tells apart why a request of the SDK has failed. */
export function s3Trouble(error: unknown): S3Trouble {
  if (error instanceof WrongContent) return "content";
  const { status, code } = s3Answer(error);
  if (status === undefined) return "transient";
  // WHY: a missing bucket is trouble, not a missing object.
  if (status === 404) return code === "NoSuchBucket" ? "refused" : "missing";
  if (TRANSIENT_CODES.has(code) || TRANSIENT_STATUSES.has(status)) return "transient";
  // WHY: an answer of 2xx that is an error could not be read whole.
  return status === NOT_IMPLEMENTED || (status >= 300 && status < 500) ? "refused" : "transient";
}

/** WHY: who asks must not, or the bucket is elsewhere or gone, whatever the object. */
const STATUSES_OF_ALL: ReadonlySet<number> = new Set([301, 307, 401, 403, 404, NOT_IMPLEMENTED]);

/** Whether a `Refused` says that the store will not have this one object, as far as its answer tells. */
export function isObjectRefused(error: unknown): boolean {
  const cause = error instanceof Refused && error.cause instanceof Error ? error.cause.cause : null;
  const { status } = s3Answer(cause);
  return status !== undefined && s3Trouble(cause) === "refused" && !STATUSES_OF_ALL.has(status);
}

/** The answer that an error of the SDK came with; no status when there was none. */
export function s3Answer(error: unknown): { readonly status?: number; readonly code: string } {
  if (!(error instanceof Error)) return { code: "" };
  const { name: code, $metadata } = error as Error & {
    readonly $metadata?: { readonly httpStatusCode?: number };
  };
  const status = $metadata?.httpStatusCode;
  return status === undefined ? { code } : { status, code };
}
