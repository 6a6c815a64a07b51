import { basename } from "node:path";
import type { Source, SourceMailbox } from "../source.ts";
import type { MboxEntry } from "./mbox_index.ts";
import type { Quoting } from "./mbox_lines.ts";
import { indexMbox, openMbox } from "./open_mbox.ts";

/** Levels of folders that are looked at. */
const DEPTH_MAX = 32;

/** An mbox file, or a folder of them; "Work.sbd/" (Thunderbird) and "Work/" have what is below Work. */
export class MboxSource implements Source {
  readonly #path: string;
  readonly #mailbox: string | undefined;
  readonly #quoting: Quoting;

  /** `mailbox`: what the file becomes; default: its own name. */
  constructor(
    path: string,
    options: { readonly mailbox: string | undefined; readonly quoting: Quoting },
  ) {
    this.#path = path.replace(/(?<=.)\/+$/, "");
    this.#mailbox = options.mailbox;
    this.#quoting = options.quoting;
  }

  async mailboxes(): Promise<readonly SourceMailbox[]> {
    const info = await Deno.stat(this.#path);
    if (!info.isDirectory) {
      if (!await isMbox(this.#path)) return [];
      return [this.#file(this.#mailbox ?? levelOf(basename(this.#path)), this.#path)];
    }
    const found: SourceMailbox[] = [];
    await this.#folder(this.#path, "", found, 0);
    return found.sort((a, b) => a.name < b.name ? -1 : 1);
  }

  /** An mbox has none. */
  async subscriptions(): Promise<readonly string[]> {
    return [];
  }

  async remarks(): Promise<readonly string[]> {
    return [];
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  async #folder(
    path: string,
    prefix: string,
    found: SourceMailbox[],
    depth: number,
  ): Promise<void> {
    for await (const { name, isFile, isDirectory } of Deno.readDir(path)) {
      if (name.startsWith(".")) continue;
      const own = prefix + levelOf(name);
      if (isDirectory && depth < DEPTH_MAX) {
        await this.#folder(`${path}/${name}`, `${own}/`, found, depth + 1);
      }
      if (!isFile || !await isMbox(`${path}/${name}`)) continue;
      // QUIRK: Apple Mail exports a folder "Work.mbox" with a file "mbox" in it.
      found.push(
        this.#file(name === "mbox" && prefix !== "" ? prefix.slice(0, -1) : own, `${path}/${name}`),
      );
    }
  }

  #file(name: string, path: string): SourceMailbox {
    let index: Promise<readonly MboxEntry[]> | undefined;
    const entries = () => index ??= indexMbox(path);
    return {
      name,
      count: async () => (await entries().catch(() => [])).length,
      open: async () => await openMbox(path, await entries(), this.#quoting),
    };
  }
}

/** A file name as a level of a mailbox name. */
function levelOf(name: string): string {
  const level = name.replace(/\.(?:mbox|mbx|sbd)$/i, "");
  return level.toLowerCase() === "inbox" ? "INBOX" : level;
}

/** By its first octets; an empty file is one if it is called so. */
async function isMbox(path: string): Promise<boolean> {
  try {
    using file = await Deno.open(path);
    const head = new Uint8Array(5);
    const count = await file.read(head) ?? 0;
    if (count === 0) return /\.(?:mbox|mbx)$/i.test(path);
    return new TextDecoder().decode(head.subarray(0, count)) === "From ";
  } catch {
    // WHY: what cannot be opened is named when it is read.
    return /\.(?:mbox|mbx)$/i.test(path);
  }
}
