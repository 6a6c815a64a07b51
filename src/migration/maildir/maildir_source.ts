import { basename, dirname } from "node:path";
import type { Source, SourceMailbox } from "../source.ts";
import { findFolders, type MaildirLayout } from "./find_folders.ts";
import { countFiles, openFolder } from "./open_folder.ts";
import { parseSubscriptions } from "./subscription_list.ts";

const SUBSCRIPTIONS = ["subscriptions", "courierimapsubscribed"];

/** A Maildir with its folders, of Dovecot, Courier, or whoever else writes such. It may be in use. */
export class MaildirSource implements Source {
  readonly #root: string;
  readonly #layout: MaildirLayout;

  constructor(root: string, options: { readonly layout: MaildirLayout }) {
    this.#root = root.replace(/(?<=.)\/+$/, "");
    this.#layout = options.layout;
  }

  async mailboxes(): Promise<readonly SourceMailbox[]> {
    const folders = await findFolders(this.#root, this.#layout);
    return folders.map((folder) => ({
      name: folder.name,
      count: () => countFiles(folder),
      open: () => openFolder(folder),
    }));
  }

  async subscriptions(): Promise<readonly string[]> {
    for (const name of SUBSCRIPTIONS) {
      const text = await Deno.readTextFile(`${this.#root}/${name}`).catch(() => null);
      if (text !== null) return parseSubscriptions(text);
    }
    return [];
  }

  async remarks(): Promise<readonly string[]> {
    const home = basename(this.#root).toLowerCase().startsWith("mail") ? [dirname(this.#root)] : [];
    const scripts = (await Promise.all([this.#root, ...home].map(sieveScripts))).flat();
    return scripts.map((path) => `${path}: Sieve scripts are not imported by this version`);
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

async function sieveScripts(folder: string): Promise<string[]> {
  return [
    ...await entries(folder, (name) => name === ".dovecot.sieve"),
    ...await entries(`${folder}/sieve`, (name) => name.endsWith(".sieve")),
  ];
}

async function entries(folder: string, wanted: (name: string) => boolean): Promise<string[]> {
  const found: string[] = [];
  try {
    for await (const { name } of Deno.readDir(folder)) {
      if (wanted(name)) found.push(`${folder}/${name}`);
    }
  } catch { /* WHY: there is none, or none that anybody may read. */ }
  return found.sort();
}
