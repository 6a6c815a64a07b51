import { createHash } from "node:crypto";
import { Buffer } from "node:buffer";
import type { Hash, MailboxId } from "../lib/ids.ts";

/*
 * RFC 8474 §7: object ids are 1 to 255 of A-Z a-z 0-9 "_" "-", and begin with a letter here, so that
 * no client takes one for a number.
 */

/** Never given to another mailbox, whatever it is called: RFC 8474 §4. */
export function mailboxId(id: MailboxId): string {
  return `F${id}`;
}

/** The same for the same octets, and for no others: RFC 8474 §5.1. */
export function emailId(hash: Hash): string {
  return `M${Buffer.from(hash, "hex").toString("base64url")}`;
}

/** The hash that an EMAILID stands for; null for what is none of ours. */
export function hashOfEmailId(id: string): Hash | null {
  return OURS.test(id) && id.startsWith("M") ? hexOf(id) as Hash : null;
}

/** What decides about a message's thread. */
export interface ThreadLinks {
  readonly messageId: string | null;
  readonly inReplyTo: string | null;
  /** The oldest of its References. */
  readonly rootReference: string | null;
}

/**
 * RFC 8474 §5.2: the same for all messages that name the same first message, so that it never changes
 * and needs no look at others; null without any message id.
 */
export function threadId({ messageId, inReplyTo, rootReference }: ThreadLinks): string | null {
  const root = rootReference ?? inReplyTo ?? messageId;
  if (root === null) return null;
  return `T${createHash("sha256").update(root).digest("base64url")}`;
}

/** SHA-256, in hexadecimal digits, of the root that a THREADID stands for; null for none of ours. */
export function rootOfThreadId(id: string): string | null {
  return OURS.test(id) && id.startsWith("T") ? hexOf(id) : null;
}

/** 32 octets in base64url, which leaves two bits of the last letter unused. */
const OURS = /^[MT][\w-]{42}[AEIMQUYcgkosw048]$/;

function hexOf(id: string): string {
  return Buffer.from(id.slice(1), "base64url").toString("hex");
}
