import type { Hash } from "../lib/ids.ts";
import { type ObjectKey, objectKey } from "./blobs.ts";

/** What the names of all manifests begin with: no body has such a name. */
export const MANIFEST_PREFIX = "sora-manifests/";

/** What a manifest is about, as its name says. */
export type ManifestSubject =
  | {
    readonly kind: "base" | "delta";
    readonly epoch: string;
    readonly mailboxId: number;
    readonly modseq: number;
  }
  | { readonly kind: "account"; readonly epoch: string; readonly writtenMs: number };

/** A manifest's name, taken apart. */
export interface ManifestName {
  readonly key: ObjectKey;
  /** `<domain>/<localpart>/`: what bodies of the account begin with. */
  readonly owner: string;
  readonly subject: ManifestSubject;
}

/**
 * The key of a manifest of the account with this primary address.
 *
 *     key     = "sora-manifests/" domain "/" localpart "/" epoch "-" subject "/" sha256
 *     subject = mailbox-id "-" modseq "-" ("base" / "delta") / "account-" milliseconds
 */
export function manifestKey(address: string, subject: ManifestSubject, hash: Hash): ObjectKey {
  const what = subject.kind === "account"
    ? `account-${subject.writtenMs}`
    : `${subject.mailboxId}-${subject.modseq}-${subject.kind}`;
  return `${MANIFEST_PREFIX}${ownerPrefix(address)}${subject.epoch}-${what}/${hash}` as ObjectKey;
}

/** `<domain>/<localpart>/` of an address, as it stands in keys. */
export function ownerPrefix(address: string): string {
  return objectKey(address, "" as Hash);
}

/** null: it is no manifest of ours. */
export function readManifestKey(key: string): ManifestName | null {
  const [, owner = "", epoch = "", what = ""] =
    /^sora-manifests\/([^/]+\/[^/]+\/)([0-9a-z]{1,32})-([^/]+)\/[0-9a-f]{64}$/.exec(key) ?? [];
  const [, written] = /^account-(\d{1,15})$/.exec(what) ?? [];
  if (written !== undefined) {
    const subject = { kind: "account", epoch, writtenMs: Number(written) } as const;
    return { key: key as ObjectKey, owner, subject };
  }
  const [, mailbox, modseq, kind] = /^(\d{1,15})-(\d{1,15})-(base|delta)$/.exec(what) ?? [];
  if (kind !== "base" && kind !== "delta") return null;
  const numbers = { mailboxId: Number(mailbox), modseq: Number(modseq) };
  return { key: key as ObjectKey, owner, subject: { kind, epoch, ...numbers } };
}

/** The address that an owner's prefix was made of; null where it cannot have been one. */
export function ownerAddress(prefix: string): string | null {
  const [domain = "", local = ""] = prefix.split("/");
  try {
    return `${decodeURIComponent(local)}@${decodeURIComponent(domain)}`;
  } catch {
    return null;
  }
}
