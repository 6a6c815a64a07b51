import { Buffer } from "node:buffer";
import { areTexts, isCount, isDate, isNumber } from "./checked.ts";

/** Where a body's message is, or was when the body was stored: what its object says of itself. */
export interface BodyDescription {
  /** Primary address of the account. */
  readonly account: string;
  /** Which database has numbered the mailbox. */
  readonly epoch: string;
  readonly mailboxId: number;
  readonly mailbox: string;
  /** Whose shared tree the mailbox is in; null: it is a personal one. */
  readonly domain: string | null;
  readonly uidValidity: number;
  readonly uid: number;
  /** Bits of FLAG. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalMs: number;
  readonly savedMs: number;
}

/** Of an object's metadata. */
const NAME = "sora-message";
/** WHY: S3 takes 2 KiB of metadata; base64 makes a third more of it, and encryption some octets more. */
const JSON_BYTES_MAX = 1_050;

/** What an object is put with: one value. What is too long loses its keywords, then its mailbox's name. */
export function describeBody(description: BodyDescription): Record<string, string> {
  const shorter = { ...description, keywords: [] };
  for (const each of [description, shorter, { ...shorter, mailbox: "", domain: null }]) {
    const json = Buffer.from(JSON.stringify(packed(each)));
    if (json.length <= JSON_BYTES_MAX) return { [NAME]: json.toString("base64url") };
  }
  return {};
}

/** What an object says of itself; null where it says nothing that can be understood. */
export function readBodyDescription(
  metadata: Readonly<Record<string, string>>,
): BodyDescription | null {
  const text = metadata[NAME];
  if (text === undefined) return null;
  try {
    return unpacked(JSON.parse(Buffer.from(text, "base64url").toString()));
  } catch {
    return null;
  }
}

function packed(of: BodyDescription): unknown[] {
  const { account, epoch, mailboxId, mailbox, domain, uidValidity, uid, flags, keywords } = of;
  const place = [account, epoch, mailboxId, mailbox, domain, uidValidity, uid];
  return [1, ...place, flags, keywords, of.internalMs, of.savedMs];
}

function unpacked(value: unknown): BodyDescription | null {
  if (!Array.isArray(value) || value[0] !== 1) return null;
  const [
    ,
    account,
    epoch,
    mailboxId,
    mailbox,
    domain,
    uidValidity,
    uid,
    flags,
    keywords,
    ...dates
  ] = value as readonly unknown[];
  const [internalMs, savedMs] = dates;
  if (typeof account !== "string" || typeof epoch !== "string" || typeof mailbox !== "string") {
    return null;
  }
  if (domain !== null && typeof domain !== "string") return null;
  if (!isCount(mailboxId) || !isNumber(uidValidity) || !isNumber(uid)) return null;
  if (!isCount(flags) || !isDate(internalMs) || !isDate(savedMs) || !areTexts(keywords)) {
    return null;
  }
  const place = { account, epoch, mailboxId, mailbox, domain, uidValidity, uid };
  return { ...place, flags, keywords, internalMs, savedMs };
}
