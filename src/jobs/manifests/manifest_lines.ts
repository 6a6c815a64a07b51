import { areTexts, isCount, isDate, isNumber } from "../../lib/checked.ts";
import type { GoneRow, ManifestRow } from "../../store/manifests.ts";
import { unpackObjectKey } from "../../store/object_key.ts";

/** Of the format; a reader refuses any other. */
export const MANIFEST_VERSION = 1;

/** First line of the manifest of a mailbox. */
export interface MailboxHeader {
  readonly sora: "mailbox";
  readonly version: number;
  readonly kind: "base" | "delta";
  readonly epoch: string;
  /** Primary address of the account. */
  readonly account: string;
  readonly mailboxId: number;
  readonly name: string;
  /** Whose shared tree it is in; null: it is a personal one. */
  readonly domain: string | null;
  readonly uidValidity: number;
  readonly uidNext: number;
  readonly keywords: readonly string[];
  /** Changes after this MODSEQ; 0: everything. */
  readonly since: number;
  readonly modseq: number;
  /** By the database's clock. */
  readonly writtenMs: number;
  /** `<domain>/<localpart>/`: where bodies are unless their line says otherwise. */
  readonly owner: string;
}

/** A line about a message, or the last one, which says how many there are. */
export type ManifestLine =
  | {
    readonly kind: "message";
    readonly uid: number;
    readonly hash: string;
    readonly sizeBytes: number;
    readonly flags: number;
    readonly keywords: readonly string[];
    readonly internalMs: number;
    readonly savedMs: number;
    /** The key of its body. */
    readonly objectKey: string;
  }
  | {
    readonly kind: "gone";
    readonly uid: number;
    /** null: expunged, or nobody knows. */
    readonly moved: { readonly mailboxId: number; readonly uid: number } | null;
  }
  | { readonly kind: "end"; readonly lines: number };

/** `[uid, hash, size, flags, keywords|0, internalDateMs, savedAtMs]`, and the body's key where it is elsewhere. */
export function messageLine(row: ManifestRow, owner: string): string {
  const { uid, hash, sizeBytes, flags, keywords, internalMs, savedMs } = row;
  const key = unpackObjectKey(row.objectKey, hash);
  const line = [uid, hash, sizeBytes, flags, keywords ?? 0, internalMs, savedMs];
  return JSON.stringify(key === owner + hash ? line : [...line, key]);
}

/** `[uid]`, or `[uid, mailboxId, uid]` of one that was moved. */
export function goneLine({ uid, movedTo, movedUid }: GoneRow): string {
  return JSON.stringify(movedTo === null || movedUid === null ? [uid] : [uid, movedTo, movedUid]);
}

/** `{"end": lines}`. */
export function endLine(lines: number): string {
  return JSON.stringify({ end: lines });
}

/** null: it is no line of a mailbox's manifest. */
export function readLine(text: string, owner: string): ManifestLine | null {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return null;
  }
  if (Array.isArray(value)) return value.length <= 3 ? gone(value) : message(value, owner);
  const end = typeof value === "object" && value !== null && "end" in value ? value.end : null;
  return isCount(end) ? { kind: "end", lines: end } : null;
}

function gone([uid, mailboxId, movedUid, ...rest]: readonly unknown[]): ManifestLine | null {
  if (!isNumber(uid) || rest.length > 0) return null;
  if (mailboxId === undefined) return { kind: "gone", uid, moved: null };
  if (!isCount(mailboxId) || !isNumber(movedUid)) return null;
  return { kind: "gone", uid, moved: { mailboxId, uid: movedUid } };
}

function message(line: readonly unknown[], owner: string): ManifestLine | null {
  const [uid, hash, sizeBytes, flags, keywords, internalMs, savedMs, key, ...rest] = line;
  if (!isNumber(uid) || !isCount(sizeBytes) || !isCount(flags) || rest.length > 0) return null;
  if (typeof hash !== "string" || !/^[0-9a-f]{64}$/.test(hash)) return null;
  if (!isDate(internalMs) || !isDate(savedMs)) return null;
  if (keywords !== 0 && !areTexts(keywords)) return null;
  const objectKey = key ?? owner + hash;
  if (typeof objectKey !== "string" || !objectKey.endsWith(`/${hash}`)) return null;
  const facts = { uid, hash, sizeBytes, flags, internalMs, savedMs, objectKey };
  return { kind: "message", ...facts, keywords: keywords === 0 ? [] : keywords };
}
