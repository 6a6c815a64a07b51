import type { Blobs } from "../../blobs/blobs.ts";
import type { ManifestName } from "../../blobs/manifest_key.ts";
import type { MailboxHeader, ManifestLine } from "../manifests/manifest_lines.ts";
import {
  type MailboxManifest,
  ManifestError,
  readMailboxManifest,
} from "../manifests/read_manifest.ts";
import { readObject } from "./bucket_accounts.ts";

/** A message as the manifests of its mailbox have it. */
export type KnownLine = Extract<ManifestLine, { readonly kind: "message" }>;

type Moved = Extract<ManifestLine, { readonly kind: "gone" }>["moved"];

/**
 * What all manifests of one mailbox say together: the newest base, and the deltas behind it. Holds in memory
 * what the deltas say, and the base as it is compressed.
 */
export class MailboxState {
  /** Of the newest manifest. */
  readonly header: MailboxHeader;
  readonly #base: MailboxManifest | null;
  readonly #changed = new Map<number, KnownLine>();
  readonly #gone = new Map<number, Moved>();
  readonly #damaged: (why: string) => void;
  #isWhole = true;

  private constructor(
    header: MailboxHeader,
    base: MailboxManifest | null,
    damaged: (why: string) => void,
  ) {
    this.header = header;
    this.#base = base;
    this.#damaged = damaged;
  }

  /** null: there is nothing that can be read. `damaged` hears of everything else that cannot. */
  static async read(
    blobs: Blobs,
    names: readonly ManifestName[],
    damaged: (why: string) => void,
  ): Promise<MailboxState | null> {
    const manifests: MailboxManifest[] = [];
    for (const { key } of names) {
      try {
        const object = await readObject(blobs, key);
        if (object) manifests.push(await readMailboxManifest(object));
      } catch (error) {
        if (!(error instanceof ManifestError)) throw error;
        damaged(`manifest ${key}: ${error.message}`);
      }
    }
    // WHY by time: a database that was restored from a backup counts MODSEQs a second time.
    const order = ({ header: a }: MailboxManifest, { header: b }: MailboxManifest) =>
      a.writtenMs - b.writtenMs || a.modseq - b.modseq;
    manifests.sort(order);
    const base = manifests.findLast(({ header }) => header.kind === "base") ?? null;
    const deltas = manifests.filter((each) =>
      each.header.kind === "delta" && (!base || order(each, base) > 0)
    );
    const newest = deltas.at(-1) ?? base;
    if (!newest) return null;
    const state = new MailboxState(newest.header, base, damaged);
    await state.#apply(deltas);
    return state;
  }

  /** Nothing is missing between the first and the last manifest. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  /** Where messages went that were moved, by their UIDs; null: expunged. */
  get gone(): ReadonlyMap<number, Moved> {
    return this.#gone;
  }

  /** The messages that are there, by UID. */
  async *messages(): AsyncGenerator<KnownLine> {
    const changed = [...this.#changed.values()].sort((a, b) => a.uid - b.uid);
    let next = 0;
    let last = 0;
    for await (const line of this.#baseLines()) {
      for (let own = changed[next]; own && own.uid <= line.uid; own = changed[++next]) {
        last = own.uid;
        if (!this.#gone.has(own.uid)) yield own;
      }
      if (line.uid <= last) continue;
      last = line.uid;
      if (!this.#gone.has(line.uid)) yield line;
    }
    for (const own of changed.slice(next)) if (!this.#gone.has(own.uid)) yield own;
  }

  async *#baseLines(): AsyncGenerator<KnownLine> {
    if (!this.#base) return;
    try {
      for await (const line of this.#base.lines()) {
        if (line.kind === "message") yield line;
        else if (!this.#gone.has(line.uid)) this.#gone.set(line.uid, line.moved);
      }
    } catch (error) {
      this.#incomplete(error);
    }
  }

  async #apply(deltas: readonly MailboxManifest[]): Promise<void> {
    let reached = this.#base?.header.modseq ?? 0;
    for (const { header, lines } of deltas) {
      if (header.since > reached) {
        this.#isWhole = false;
        this.#damaged(`the manifest of the changes ${reached} to ${header.since} is missing`);
      }
      reached = header.modseq;
      try {
        for await (const line of lines()) {
          if (line.kind === "message") this.#changed.set(line.uid, line);
          else this.#gone.set(line.uid, line.moved);
        }
      } catch (error) {
        this.#incomplete(error);
      }
    }
  }

  #incomplete(error: unknown): void {
    if (!(error instanceof ManifestError)) throw error;
    this.#isWhole = false;
    this.#damaged(error.message);
  }
}
