import type { AccountId, Hash, MailboxId, Modseq, Uid, UidValidity } from "../lib/ids.ts";
import type { MessageFacts } from "../message/facts.ts";
import type { UidSet } from "./uid_set.ts";

/** A body that the object store has not got yet: what `Blobs.put` and `Blobs.copy` give back. */
export interface PendingUpload {
  readonly objectKey: string;
  readonly sizeBytes: number;
  /** Whose staging folder has the body; null where `body` is it. */
  readonly instanceId: string | null;
  readonly body: Uint8Array | null;
}

/** A message to be added to a mailbox. Its body must be durable already. */
export interface NewMessage {
  readonly mailbox: MailboxId;
  readonly accountId: AccountId;
  readonly hash: Hash;
  /** Where the body is; its owner part is frozen here. */
  readonly objectKey: string;
  readonly facts: MessageFacts;
  readonly internalDate: Date;
  readonly flags: number;
  readonly keywords: readonly string[];
  /** Hash by which a redelivery is recognised within `DELIVERY_KEYS_DAYS`; null: never one. */
  readonly deliveryKey: Hash | null;
  /** Recorded with the message; null or missing: the body is where it stays. */
  readonly pending?: PendingUpload | null;
}

/** Where an appended message is. */
export interface Appended {
  readonly uid: Uid;
  readonly uidValidity: UidValidity;
  readonly modseq: Modseq;
  /** It had been delivered before: nothing was stored, `uid` is the first copy's. */
  readonly duplicate: boolean;
}

/** The mutable part of a message. */
export interface MessageState {
  readonly uid: Uid;
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly modseq: Modseq;
}

/** A message as it is after its last change; of an expunged one only UID and MODSEQ mean anything. */
export interface Change extends MessageState {
  readonly expunged: boolean;
}

/** The wide columns that `rows` is to read. */
export interface Wanted {
  readonly header?: boolean;
  readonly envelope?: boolean;
  readonly bodyStructure?: boolean;
  readonly structure?: boolean;
  /** Message-ID, In-Reply-To and the oldest reference. */
  readonly threadLinks?: boolean;
  /** What nobody will look at: `body` stands for `hash`, `objectKey` and `headerBytes`. */
  readonly omit?: { readonly [K in "body" | "internalDate" | "savedAt"]?: boolean };
  readonly preview?: boolean;
}

/** A message with the columns that were asked for. */
export interface MessageRow extends MessageState {
  readonly hash: Hash;
  readonly objectKey: string;
  readonly sizeBytes: number;
  readonly headerBytes: number;
  readonly internalDate: Date;
  /** RFC 8514: when it came into this mailbox. */
  readonly savedAt: Date;
  /** null: too large to be kept in the database, read it from the body. */
  readonly header?: Uint8Array | null;
  readonly envelope?: string;
  readonly bodyStructure?: string;
  readonly structure?: string;
  readonly messageId?: string | null;
  readonly inReplyTo?: string | null;
  /** The oldest of its references. */
  readonly rootReference?: string | null;
  /** RFC 8970; null: not known yet, if ever. */
  readonly preview?: string | null;
}

/** Flags that somebody may change or set: RFC 4314 §4. */
export interface Changeable {
  /** Bits of FLAG. */
  readonly flags: number;
  readonly keywords: boolean;
}

/** What is counted only when somebody asks. */
export interface MailboxCounts {
  readonly deleted: number;
  /** Octets of those; 0 when not asked for. */
  readonly deletedBytes: number;
  /** Messages that no session has been told of. */
  readonly recent: number;
}

/** What STORE is to do. */
export interface FlagChange {
  readonly mode: "add" | "remove" | "replace";
  readonly flags: number;
  readonly keywords: readonly string[];
  /** All other flags stay as they are; default: all may be changed. */
  readonly within?: Changeable;
  /**
   * RFC 7162 §3.1.3: only messages whose MODSEQ is not above it; with 0, only if none of the flags
   * that are added or removed exists on the message, where system flags always exist.
   */
  readonly unchangedSince?: number;
}

/** A message after STORE; `previousModseq` = `modseq` when nothing about it changed. */
export interface StoredState extends MessageState {
  readonly previousModseq: Modseq;
}

/** Result of STORE, in UID order. */
export interface StoredFlags {
  readonly modseq: Modseq;
  readonly stored: readonly StoredState[];
  /** Left alone because of `unchangedSince`, ascending. */
  readonly modified: readonly Uid[];
}

/** Result of EXPUNGE. */
export interface Expunged {
  readonly modseq: Modseq;
  readonly expunged: UidSet;
}

/** Where COPY and MOVE go to. */
export interface Target {
  readonly mailbox: MailboxId;
  /** Whose mailbox it must be. */
  readonly account: AccountId;
  /** Flags that go along, all others stay behind; default: all go. */
  readonly within?: Changeable;
  /** Whose \Seen goes along; default: the owner's. */
  readonly by?: AccountId;
  /**
   * What stands in front of the hash in the object keys of the copies: where the bodies have been
   * copied to. Needed when source and target belong to different accounts; default: as they are.
   */
  readonly bodies?: string;
  /** What copying those bodies has left to be uploaded. */
  readonly pending?: readonly PendingUpload[];
}

/** Result of COPY and MOVE, ascending: `source[i]` became `target[i]`. */
export interface Copied {
  readonly uidValidity: UidValidity;
  readonly source: readonly Uid[];
  readonly target: readonly Uid[];
}
