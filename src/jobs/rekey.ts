import { type Blobs, type ObjectKey } from "../blobs/blobs.ts";
import type { EncryptedBlobs } from "../blobs/encrypted_blobs.ts";
import { Refused } from "../lib/refused.ts";
import type { Database } from "../store/database.ts";
import { tryObjectLocks } from "../store/object_lock.ts";

/** Objects that are locked together: whoever uploads or removes one of them waits so long. */
const LOCKED_MAX = 16;
/** Failures that are listed; more are only counted. */
const LISTED_MAX = 1_000;

export interface RekeyOptions {
  /** The objects as they are stored. */
  readonly objects: Blobs;
  readonly encrypted: EncryptedBlobs;
  readonly database: Database;
  /** The id of the key that all are to have; null: they are to be stored as they are. */
  readonly current: string | null;
  /** What the names of the objects begin with. */
  readonly prefix: string;
  /** Objects that are dealt with at once. */
  readonly concurrency: number;
  /** Nothing is changed. */
  readonly dryRun: boolean;
  /** So many more objects are dealt with. */
  readonly onProgress: (objects: number) => void;
}

/** What became of the objects of a storage. */
export interface Rekeyed {
  readonly objects: number;
  /** By the id of the key they had; "" for those with none of the list's. */
  readonly before: Readonly<Record<string, number>>;
  readonly changed: number;
  readonly failed: number;
  /** At most a thousand of those that failed. */
  readonly failures: readonly { readonly key: string; readonly why: string }[];
}

type Outcome =
  | {
    readonly key: ObjectKey;
    readonly kind: "done";
    readonly id: string;
    readonly changed: boolean;
  }
  | { readonly key: ObjectKey; readonly kind: "gone" }
  | { readonly key: ObjectKey; readonly kind: "busy" }
  | { readonly key: ObjectKey; readonly kind: "failed"; readonly why: string };

/**
 * Gives all objects the current key. What has it is left alone, so that a run that was ended is gone on with
 * by another one. An object is replaced in one step; what cannot be decrypted is left as it is.
 *
 * @throws {Refused} `unavailable` where the storage cannot be listed, or the database not be asked
 */
export async function rekey(options: RekeyOptions): Promise<Rekeyed> {
  const tally = new Tally();
  let busy: ObjectKey[] = [];
  const run = async (keys: readonly ObjectKey[]) => {
    for (let at = 0; at < keys.length; at += LOCKED_MAX) {
      const outcomes = await batch(keys.slice(at, at + LOCKED_MAX), options);
      busy.push(...outcomes.filter(({ kind }) => kind === "busy").map(({ key }) => key));
      options.onProgress(tally.count(outcomes));
    }
  };
  for await (const page of options.objects.list(options.prefix)) {
    await run(page.map(({ key }) => key).filter(isHashed));
  }
  // WHY: whoever held them has had the whole run to be done.
  const [again, left]: ObjectKey[][] = [busy, busy = []];
  await run(again ?? []);
  tally.count((left ?? []).map((key) => ({ key, kind: "failed", why: "it is in use" })));
  return tally.result();
}

/** Bodies, and whatever else is named by its hash: all that is encrypted. */
function isHashed(key: string): key is ObjectKey {
  return /\/[0-9a-f]{64}$/.test(key);
}

function batch(keys: readonly ObjectKey[], options: RekeyOptions): Promise<Outcome[]> {
  if (options.dryRun) return inParallel(keys, options, (key) => look(key, options));
  return options.database.transaction(async (tx) => {
    const locked = await tryObjectLocks(tx, keys);
    return await inParallel(
      keys,
      options,
      (key) => locked.has(key) ? change(key, options) : Promise.resolve({ key, kind: "busy" }),
    );
  });
}

async function look(key: ObjectKey, { encrypted, current }: RekeyOptions): Promise<Outcome> {
  const id = await encrypted.keyId(key);
  if (id === null) return { key, kind: "gone" };
  return { key, kind: "done", id, changed: id !== (current ?? "") };
}

async function change(key: ObjectKey, { encrypted }: RekeyOptions): Promise<Outcome> {
  const id = await encrypted.keyId(key);
  const became = id === null ? "gone" : await encrypted.reencrypt(key);
  if (id === null || became === "gone") return { key, kind: "gone" };
  return { key, kind: "done", id, changed: became === "changed" };
}

async function inParallel(
  keys: readonly ObjectKey[],
  { concurrency }: RekeyOptions,
  work: (key: ObjectKey) => Promise<Outcome>,
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...keys];
  const worker = async () => {
    for (let key = waiting.shift(); key !== undefined; key = waiting.shift()) {
      outcomes.push(await orFailure(key, work));
    }
  };
  await Promise.all(Array.from({ length: concurrency }, worker));
  return outcomes;
}

async function orFailure(
  key: ObjectKey,
  work: (key: ObjectKey) => Promise<Outcome>,
): Promise<Outcome> {
  try {
    return await work(key);
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { key, kind: "failed", why: reason(error) };
  }
}

/** The words of whatever was in the way first. */
function reason(error: Error): string {
  return error.cause instanceof Error ? reason(error.cause) : error.message;
}

class Tally {
  #objects = 0;
  #changed = 0;
  #failed = 0;
  readonly #before: Record<string, number> = {};
  readonly #failures: { key: string; why: string }[] = [];

  /** How many of them are dealt with. */
  count(outcomes: readonly Outcome[]): number {
    let dealtWith = 0;
    for (const outcome of outcomes) {
      if (outcome.kind === "busy" || outcome.kind === "gone") continue;
      dealtWith++;
      this.#objects++;
      if (outcome.kind === "done") {
        this.#before[outcome.id] = (this.#before[outcome.id] ?? 0) + 1;
        if (outcome.changed) this.#changed++;
        continue;
      }
      this.#failed++;
      const { key, why } = outcome;
      if (this.#failures.length < LISTED_MAX) this.#failures.push({ key, why });
    }
    return dealtWith;
  }

  result(): Rekeyed {
    return {
      objects: this.#objects,
      before: this.#before,
      changed: this.#changed,
      failed: this.#failed,
      failures: this.#failures,
    };
  }
}
