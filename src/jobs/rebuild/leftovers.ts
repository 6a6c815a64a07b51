import type { Blobs, ObjectInfo, ObjectKey } from "../../blobs/blobs.ts";
import { type BodyDescription, readBodyDescription } from "../../lib/body_description.ts";
import type { Uid } from "../../lib/ids.ts";
import type { MailboxState } from "./mailbox_state.ts";
import type { WantedMessage } from "./restore_messages.ts";
import { BodyLost, surely } from "./surely.ts";

/** Descriptions that are asked for at once. */
const AT_ONCE = 32;
/** Mailboxes that one message was moved through since their manifests were written. */
const MOVES_MAX = 16;

/** What is known of the mailboxes of one epoch. */
export interface KnownEpoch {
  /** By its id there; null: its account's manifest has it, and it has none of its own. */
  readonly mailboxes: ReadonlyMap<number, MailboxState | null>;
  /** Mailboxes with higher ids were made since; null: nobody knows. */
  readonly lastMailboxId: number | null;
}

/** Where a body goes that no manifest names. */
export type Placement =
  | {
    readonly kind: "mailbox";
    readonly epoch: string;
    readonly mailboxId: number;
    readonly uid: number;
    readonly description: BodyDescription;
  }
  /** Its message had been expunged, or its mailbox deleted. */
  | { readonly kind: "expunged"; readonly description: BodyDescription }
  | { readonly kind: "unknown" };

/** A body that no manifest names. */
export interface Leftover {
  readonly key: ObjectKey;
  readonly modifiedAt: Date;
  readonly placement: Placement;
}

export interface Knowledge {
  /** Of the account: what says that it is of another one was copied from there. */
  readonly addresses: ReadonlySet<string>;
  readonly epochs: ReadonlyMap<string, KnownEpoch>;
  /** What these named has been taken over by others, who would name it if it were there. */
  readonly superseded: ReadonlySet<string>;
}

/** Says of bodies that no manifest names where they go, by what they say of themselves. */
export async function* placeLeftovers(
  blobs: Blobs,
  keys: Iterable<ObjectKey>,
  knowledge: Knowledge,
): AsyncGenerator<Leftover> {
  const all = [...keys];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE);
    const infos = await Promise.all(some.map((key) => infoOf(blobs, key)));
    for (const [i, key] of some.entries()) {
      const info = infos[i];
      if (!info) continue;
      const description = readBodyDescription(info.metadata);
      const placement = description
        ? placementOf(description, knowledge, info.modifiedAt)
        : { kind: "unknown" } as const;
      yield { key, modifiedAt: info.modifiedAt, placement };
    }
  }
}

/** Of a body that nobody can read, nothing is known; to restore it will tell why. */
async function infoOf(
  blobs: Blobs,
  key: ObjectKey,
): Promise<Pick<ObjectInfo, "metadata" | "modifiedAt"> | null> {
  try {
    return await surely(blobs, key, () => blobs.info(key));
  } catch (error) {
    if (error instanceof BodyLost) return { metadata: {}, modifiedAt: new Date() };
    throw error;
  }
}

/** A body as a message of a mailbox; of one that says nothing, only when it was stored is known. */
export function leftoverMessage(
  { key, modifiedAt, placement }: Leftover,
  uid: Uid | null,
): WantedMessage {
  const modifiedMs = modifiedAt.getTime();
  if (placement.kind === "unknown") {
    return { uid, key, flags: 0, keywords: [], internalMs: modifiedMs, savedMs: modifiedMs };
  }
  const { flags, keywords, internalMs, savedMs } = placement.description;
  return { uid, key, flags, keywords, internalMs, savedMs };
}

function placementOf(
  description: BodyDescription,
  { addresses, epochs, superseded }: Knowledge,
  modifiedAt: Date,
): Placement {
  const { epoch, mailboxId, uid } = description;
  if (!addresses.has(description.account)) return { kind: "unknown" };
  const expunged = { kind: "expunged", description } as const;
  if (superseded.has(epoch)) return expunged;
  const known = epochs.get(epoch);
  let place = { mailboxId, uid };
  for (let moves = 0; known && moves < MOVES_MAX; moves++) {
    const state = known.mailboxes.get(place.mailboxId);
    if (state === undefined) {
      const { lastMailboxId } = known;
      if (lastMailboxId !== null && place.mailboxId <= lastMailboxId) return expunged;
      break;
    }
    // WHY not expunged: what is missing, or was not written yet, may be what would have named it.
    if (state === null || !state.isWhole || place.uid >= state.header.uidNext) break;
    if (modifiedAt.getTime() > state.header.writtenMs) break;
    const moved = state.gone.get(place.uid);
    if (!moved) return expunged;
    place = moved;
  }
  return { kind: "mailbox", epoch, ...place, description };
}
