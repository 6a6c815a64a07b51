import { Refused } from "../lib/refused.ts";

/** The constraint that ends UIDs where RFC 3501 §9 ends them: `nz-number` has 32 bits. */
const CONSTRAINT = "mailboxes_uid_next_check";

/** A refusal where a mailbox has no UID left; every other error as it is. */
export function refuseOutOfUids(error: unknown): unknown {
  const isThat = error instanceof Error && "constraint" in error && error.constraint === CONSTRAINT;
  return isThat
    ? new Refused({ kind: "limit", what: "UIDs of a mailbox" }, { cause: error })
    : error;
}
