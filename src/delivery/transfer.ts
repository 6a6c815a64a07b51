import { type Blobs, type ObjectKey, objectKey, type PendingUpload } from "../blobs/blobs.ts";
import type { AccountId, Hash, Uid } from "../lib/ids.ts";
import { NumberSet } from "../lib/number_set.ts";
import type { Mailbox } from "../store/mailboxes.ts";
import type { Changeable, Copied, MessageStore } from "../store/messages.ts";
import type { UidSet } from "../store/uid_set.ts";

/** What a transfer works with. */
export interface TransferServices {
  readonly messages: MessageStore;
  readonly blobs: Blobs;
}

/** A mailbox, and the primary address of whom it belongs to. */
export interface OwnedMailbox extends Pick<Mailbox, "id" | "accountId"> {
  readonly owner: string;
}

/** Messages that a user copies or moves. */
export interface WantedTransfer {
  readonly from: OwnedMailbox;
  readonly uids: UidSet;
  readonly to: OwnedMailbox;
  /** Flags that go along. */
  readonly within: Changeable;
  readonly move: boolean;
}

/** WHY: enough to keep a disk or an object store busy. */
const COPIES_AT_ONCE = 8;
/** Messages whose keys are read at a time. */
const ROWS_CHUNK = 1_000;

/**
 * Copies or moves messages in UID order, all or none, whoever the mailboxes belong to; the user has
 * the rights to do so. Between accounts the bodies are copied first, so that each account's mail is
 * whole without the other. Throws what `MessageStore.copy` throws, and `unavailable`.
 */
export async function transfer(
  user: { readonly accountId: AccountId },
  { from, uids, to, within, move }: WantedTransfer,
  services: TransferServices,
): Promise<Copied> {
  const target = { mailbox: to.id, account: to.accountId, within, by: user.accountId };
  const { messages } = services;
  const act = move ? messages.move.bind(messages) : messages.copy.bind(messages);
  if (from.accountId === to.accountId) return await act(from.id, uids, target);
  const { bodies, copied, pending } = await copyBodies({ from, uids, to }, services);
  return await act(from.id, copied, { ...target, bodies, pending });
}

interface Bodies {
  /** In front of the hashes, in the keys of the copies. */
  readonly bodies: string;
  /** The messages whose bodies were copied: those that there were. */
  readonly copied: UidSet;
  readonly pending: readonly PendingUpload[];
}

async function copyBodies(
  { from, uids, to }: Pick<WantedTransfer, "from" | "uids" | "to">,
  { messages, blobs }: TransferServices,
): Promise<Bodies> {
  const live = (await messages.states(from.id, uids)).map(({ uid }) => uid);
  const copied: Uid[] = [];
  const done = new Set<Hash>();
  const pending: PendingUpload[] = [];
  for (let at = 0; at < live.length; at += ROWS_CHUNK) {
    const rows = await messages.rows(from.id, NumberSet.from(live.slice(at, at + ROWS_CHUNK)), {});
    const fresh = new Map(
      rows.filter(({ hash }) => !done.has(hash)).map(({ hash, objectKey }) => [hash, objectKey]),
    );
    await inParallel([...fresh], async ([hash, key]) => {
      const left = await blobs.copy(key as ObjectKey, objectKey(to.owner, hash));
      if (left) pending.push(left);
    });
    for (const { uid, hash } of rows) {
      copied.push(uid);
      done.add(hash);
    }
  }
  return { bodies: ownerPart(to.owner), copied: NumberSet.from(copied), pending };
}

/** Waits for all that has begun, also when one fails. */
async function inParallel<T>(
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  for (let at = 0; at < items.length; at += COPIES_AT_ONCE) {
    const results = await Promise.allSettled(items.slice(at, at + COPIES_AT_ONCE).map(work));
    for (const result of results) if (result.status === "rejected") throw result.reason;
  }
}

function ownerPart(address: string): string {
  const hash = "0".repeat(64) as Hash;
  return objectKey(address, hash).slice(0, -hash.length);
}
