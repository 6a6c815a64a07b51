import assert from "node:assert/strict";
import type { UidMaps } from "../../../src/imap/view/uid_maps.ts";
import type { View } from "../../../src/imap/view/view.ts";
import type { Sequence, Uid } from "../../../src/lib/ids.ts";
import { FakeMailbox, Heard } from "./fake_mailbox.ts";
import { dice } from "../../support/dice.ts";

const SEEDS = 200;
const STEPS = 60;

/** A client that believes what it is told, number by number, and asks about what is new. */
class Client {
  readonly messages: { uid: Uid; flags: number | null }[] = [];
  readonly gone = new Set<Uid>();
  readonly #heard = new Heard();

  constructor(readonly view: View, readonly box: FakeMailbox) {
    this.#exists(view.count);
  }

  async listen(expunges: boolean): Promise<void> {
    await this.view.tell(this.#heard.reply, { expunges });
    let exists = this.messages.length;
    for (const line of this.#heard.take()) {
      const [number = "", word = "", ...rest] = line.split(" ");
      const n = Number(number);
      switch (word) {
        case "EXPUNGE": {
          assert.ok(expunges, "EXPUNGE where none may be told");
          assert.ok(n >= 1 && n <= exists, `phantom: ${line}`);
          const [message] = this.messages.splice(n - 1, 1);
          assert.ok(message && !this.gone.has(message.uid), `told twice: ${line}`);
          this.gone.add(message.uid);
          exists--;
          break;
        }
        case "EXISTS":
          assert.ok(n > exists, `EXISTS ${n} after ${exists}`);
          exists = n;
          break;
        case "FETCH":
          assert.ok(n >= 1 && n <= this.messages.length, `phantom: ${line}`);
          this.#fetched(n, rest.join(" "));
          break;
        default:
          assert.equal(word, "RECENT");
      }
    }
    this.#exists(exists);
  }

  /** STORE FLAGS.SILENT and the like: the client expects its own change and believes it. */
  storeSilently(n: number, bit: number): void {
    const message = this.messages[n - 1];
    assert.ok(message);
    const result = this.box.setFlags([message.uid], (flags) => flags | bit);
    const [stored] = result.stored;
    if (!stored) return;
    if (message.flags !== null) message.flags |= bit;
    if (this.view.isNews(stored.previousModseq)) message.flags = stored.flags;
    this.view.stored(result);
  }

  /** What every client may rely on at any time. */
  check(): void {
    assert.equal(this.view.count, this.messages.length);
    for (const [at, { uid }] of this.messages.entries()) {
      assert.equal(this.view.uidAt(at + 1 as Sequence), uid);
      assert.equal(this.view.numberOf(uid), at + 1);
    }
  }

  /** After a last `tell` nothing may be missing or wrong. */
  checkTruth(): void {
    assert.deepEqual(this.messages.map(({ uid }) => uid), this.box.uids);
    for (const { uid, flags } of this.messages) {
      assert.equal(flags, this.box.live.get(uid)?.flags, `flags of ${uid}`);
    }
  }

  #exists(count: number): void {
    for (let n = this.messages.length + 1; n <= count; n++) {
      const uid = this.view.uidAt(n as Sequence);
      assert.ok(uid !== undefined);
      this.messages.push({ uid, flags: this.box.live.get(uid)?.flags ?? null });
    }
  }

  #fetched(n: number, text: string): void {
    const message = this.messages[n - 1];
    assert.ok(message);
    message.flags = (text.includes("\\Seen") ? 1 : 0) | (text.includes("\\Answered") ? 2 : 0) |
      (text.includes("\\Flagged") ? 4 : 0);
  }
}

for (let seed = 0; seed < SEEDS; seed++) {
  Deno.test(`every view tells the truth in the end, seed ${seed}`, async () => {
    const roll = dice(seed);
    const box = new FakeMailbox();
    box.append(roll(6) + 1);
    // WHY: two workers; the second hears of changes only now and then.
    const workers: UidMaps[] = [box.maps(), box.maps()];
    const clients: Client[] = [];
    for (let i = 0; i < 4; i++) {
      const maps = workers[i % 2];
      assert.ok(maps);
      clients.push(new Client(await box.view(maps), box));
    }
    box.delay = () => roll(3);
    for (let step = 0; step < STEPS; step++) {
      await act(roll, box, clients);
      for (const client of clients) client.check();
    }
    box.notifies = true;
    box.notify(null);
    for (const client of clients) {
      await client.listen(true);
      client.checkTruth();
    }
    for (const { view } of clients) view.close();
    for (const maps of workers) maps[Symbol.dispose]();
  });
}

async function act(
  roll: (below: number) => number,
  box: FakeMailbox,
  clients: readonly Client[],
): Promise<void> {
  const some = () => box.uids.filter(() => roll(4) === 0);
  const client = clients[roll(clients.length)];
  assert.ok(client);
  switch (roll(9)) {
    case 0:
    case 1:
      return box.append(roll(3) + 1);
    case 2: {
      const expunged = box.expunge(some());
      if (roll(2) === 0) client.view.expunged(expunged);
      return;
    }
    case 3:
    case 4: {
      const bit = 1 << roll(3);
      return void box.setFlags(some(), (flags) => flags ^ bit);
    }
    case 5:
      if (client.messages.length === 0) return;
      return client.storeSilently(roll(client.messages.length) + 1, 1 << roll(3));
    case 6:
      box.notifies = roll(3) > 0;
      return;
    case 7: {
      // Several sessions at once, while the mailbox changes under their queries.
      const telling = clients.map((each) => each.listen(roll(2) === 0));
      box.append();
      box.expunge(some());
      await Promise.all(telling);
      return;
    }
    default:
      return await client.listen(roll(2) === 0);
  }
}
