import assert from "node:assert/strict";
import type { BelievingClient } from "./wire_model.ts";

/** What a client keeps of a mailbox while it has it not open: RFC 7162 §3.2.5. */
interface Cache {
  readonly uidValidity: number;
  readonly highest: number;
  readonly flags: Map<number, ReadonlySet<string>>;
  /** Message numbers and UIDs as they were known last, ascending. */
  readonly places: readonly (readonly [number: number, uid: number])[];
}

/** Mailboxes as a client remembers them, by name. */
export class OfflineCaches {
  readonly #caches = new Map<string, Cache>();

  forget(): void {
    this.#caches.clear();
  }

  /** Remembers what a QRESYNC client knows of the mailbox that it leaves. */
  keep(mailbox: string, { mode, messages, uidValidity, highest }: BelievingClient): void {
    if (mode !== "qresync") return;
    const flags = new Map<number, ReadonlySet<string>>();
    const places: [number, number][] = [];
    for (const [at, { uid, flags: known }] of messages.entries()) {
      if (uid === undefined) continue;
      places.push([at + 1, uid]);
      if (known) flags.set(uid, known);
    }
    this.#caches.set(mailbox, { uidValidity, highest, flags, places });
  }

  /** Opens a mailbox, with what is remembered of it. */
  async select(
    mailbox: string,
    client: BelievingClient,
    roll: (below: number) => number,
  ): Promise<void> {
    const cache = this.#caches.get(mailbox);
    if (!cache || cache.flags.size === 0 || cache.highest === 0) {
      await client.select(mailbox);
      return void await client.run("UID FETCH 1:* (UID)");
    }
    const known = [...cache.flags.keys()].sort((a, b) => a - b);
    const some = cache.places.filter(() => roll(3) === 0);
    const isMatched = roll(2) === 0 && some.length > 0;
    const match = isMatched ? ` (${some.map(([n]) => n)} ${some.map(([, uid]) => uid)})` : "";
    const set = roll(2) === 0 || isMatched ? ` ${known.join(",")}` : "";
    const { uidValidity, highest } = cache;
    await client.select(mailbox, ` (QRESYNC (${uidValidity} ${highest}${set}${match}))`);
    assert.equal(client.uidValidity, uidValidity);
    for (const uid of client.earlier) cache.flags.delete(uid);
    // What has vanished since SELECT is told after the FETCHes: what is left must be there.
    await client.run("UID FETCH 1:* (UID)");
    const gone = known.filter((uid) => cache.flags.has(uid));
    for (const message of client.messages) {
      if (message.uid === undefined) continue;
      message.flags ??= cache.flags.get(message.uid);
      cache.flags.delete(message.uid);
    }
    const vanished = client.lastVanished;
    const left = gone.filter((uid) => cache.flags.has(uid) && !vanished.has(uid));
    assert.deepEqual(left, [], `not told that they are gone: ${left} of ${known}`);
  }
}
