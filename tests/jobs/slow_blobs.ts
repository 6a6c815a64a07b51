import type { DeleteOptions, ObjectInfo, ObjectKey } from "../../src/blobs/blobs.ts";
import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import type { Spooled } from "../../src/blobs/spool.ts";
import type { Roll } from "../support/dice.ts";

const MINUTE_MS = 60_000;
/** The cleaner relies on a body being named by a row within an hour of `put`: nobody here takes as long. */
const ON_THE_WAY_MS_MAX = 40 * MINUTE_MS;

/** Time that only goes on when a test says so. */
export class PlayedClock {
  ms = Date.UTC(2026, 0, 1);
  /** When those began who have put, or are about to put, a body that no row names yet. */
  readonly onTheWay = new Set<{ readonly since: number }>();

  tick(): void {
    const next = this.ms + 20 * MINUTE_MS;
    for (const { since } of this.onTheWay) if (next - since > ON_THE_WAY_MS_MAX) return;
    this.ms = next;
  }
}

/** Bodies that take a while for everything, by a clock that is played. */
export class SlowBlobs extends MemoryBlobs {
  readonly #putAt = new Map<ObjectKey, number>();
  readonly #random: Roll;
  readonly #clock: PlayedClock;
  removed = 0;
  cameBack = 0;
  readonly #everRemoved = new Set<ObjectKey>();

  constructor(random: Roll, clock: PlayedClock) {
    super();
    this.#random = random;
    this.#clock = clock;
  }

  override async put(key: ObjectKey, body: Spooled): Promise<null> {
    await this.delay();
    const isNew = !await super.exists(key);
    await super.put(key, body);
    this.#putAt.set(key, this.#clock.ms);
    if (isNew && this.#everRemoved.has(key)) this.cameBack++;
    await this.delay();
    return null;
  }

  override async info(key: ObjectKey): Promise<ObjectInfo | null> {
    await this.delay();
    const info = await super.info(key);
    const modifiedAt = new Date(this.#putAt.get(key) ?? 0);
    await this.delay();
    return info && { ...info, modifiedAt };
  }

  override async deleteMany(
    keys: readonly ObjectKey[],
    { putBefore }: DeleteOptions = {},
  ): Promise<void> {
    await this.delay(40); // longer than it takes to deliver and to upload
    for (const key of keys) {
      await this.delay();
      if (putBefore && (this.#putAt.get(key) ?? 0) >= putBefore.getTime()) continue;
      void super.delete(key); // at once, like the look before it
      this.removed++;
      this.#everRemoved.add(key);
    }
    await this.delay();
  }

  async delay(below = 6): Promise<void> {
    const ms = this.#random(below);
    await new Promise((resolve) => setTimeout(resolve, ms));
  }
}
