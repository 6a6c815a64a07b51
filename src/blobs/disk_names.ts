import { createHash } from "node:crypto";
import { hashOf, type ObjectKey } from "./blobs.ts";

/** WHY: the longest file name of every usual file system. */
const FILE_NAME_MAX = 255;
/** Below the folder of the bodies: the accounts whose names are too long, each under its digest. */
const LONG_FOLDER = "long";

/** The names of DiskBlobs: `<first two digits of the hash>/<hash>.<account>`, and back. */
export class DiskNames {
  readonly #directory: string;
  readonly #remembered = new Set<string>();

  constructor(directory: string) {
    this.#directory = directory;
  }

  /** The file of a body. Throws where the key has no hash. */
  path(key: ObjectKey): string {
    const { hash, account, short } = parts(key);
    return `${this.#directory}/${hash.slice(0, 2)}/${hash}.${short ?? account}`;
  }

  /**
   * To be called before a body is stored: the file of an account with a very long name has only a
   * digest of it, so that the name is kept beside, once.
   */
  async remember(key: ObjectKey): Promise<void> {
    const { account, short } = parts(key);
    if (short === null || this.#remembered.has(short)) return;
    const folder = `${this.#directory}/${LONG_FOLDER}`;
    await Deno.mkdir(folder, { recursive: true, mode: 0o700 });
    const temporary = `${folder}/.${crypto.randomUUID()}`;
    await Deno.writeTextFile(temporary, account, { mode: 0o600 });
    await Deno.rename(temporary, `${folder}/${short}`);
    this.#remembered.add(short);
  }

  /**
   * Every body there is, folder by folder in their order; files with other names are passed over. With
   * `after`, from the folder of that key on.
   */
  async *all(after?: string): AsyncGenerator<{ readonly key: ObjectKey; readonly path: string }> {
    const first = after?.slice(after.lastIndexOf("/") + 1).slice(0, 2) ?? "";
    const folders = await Array.fromAsync(entries(this.#directory));
    for (const folder of folders.sort()) {
      if (!/^[0-9a-f]{2}$/.test(folder) || folder < first) continue;
      for await (const name of entries(`${this.#directory}/${folder}`)) {
        const key = await this.#key(name);
        if (key !== null) yield { key, path: `${this.#directory}/${folder}/${name}` };
      }
    }
  }

  async #key(name: string): Promise<ObjectKey | null> {
    const [, hash, account = ""] = /^([0-9a-f]{64})\.(.*)$/s.exec(name) ?? [];
    if (hash === undefined) return null;
    try {
      const whole = /^[0-9a-f]{64}$/.test(account) ? await this.#long(account) : account;
      return `${decodeURIComponent(whole)}/${hash}` as ObjectKey;
    } catch (error) {
      if (error instanceof URIError || error instanceof Deno.errors.NotFound) return null;
      throw error;
    }
  }

  async #long(digest: string): Promise<string> {
    return await Deno.readTextFile(`${this.#directory}/${LONG_FOLDER}/${digest}`);
  }
}

/** `short` stands for an account whose name would make the file name too long. */
function parts(key: ObjectKey): { hash: string; account: string; short: string | null } {
  const hash = hashOf(key);
  const account = encodeURIComponent(key.slice(0, -(hash.length + 1)));
  const isLong = hash.length + 1 + account.length > FILE_NAME_MAX;
  const short = isLong ? createHash("sha256").update(account).digest("hex") : null;
  return { hash, account, short };
}

async function* entries(folder: string): AsyncGenerator<string> {
  try {
    for await (const { name } of Deno.readDir(folder)) yield name;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
