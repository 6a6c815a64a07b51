import type { Uid } from "../../lib/ids.ts";
import { type OpenMailbox, type SourceMessage, Unreadable } from "../source.ts";
import { type FileName, parseFileName } from "./file_name.ts";
import type { MaildirFolder } from "./find_folders.ts";
import { parseKeywordList } from "./keyword_list.ts";
import { readFile } from "./read_file.ts";
import { parseUidList, type UidList } from "./uid_list.ts";

/** Files whose dates are asked for at a time. */
const STATS_AT_ONCE = 32;
const UID_LISTS = ["dovecot-uidlist", "courierimapuiddb"];

interface MaildirMessage extends SourceMessage {
  readonly base: string;
  readonly path: string;
  readonly fileBytes: number;
}

interface Found {
  readonly path: string;
  readonly name: string;
  readonly isFile: boolean;
}

/** Reads a folder: its lists, and names and dates of its files. Throws `Unreadable`. */
export async function openFolder(folder: MaildirFolder): Promise<OpenMailbox> {
  const uidList = await readUidList(folder);
  const keywords = parseKeywordList(await textOf(`${folder.path}/dovecot-keywords`) ?? "");
  const files = await filesOf(folder);
  const messages: MaildirMessage[] = [];
  for (let at = 0; at < files.length; at += STATS_AT_ONCE) {
    const part = files.slice(at, at + STATS_AT_ONCE);
    messages.push(...await Promise.all(part.map((file) => look(file, { uidList, keywords }))));
  }
  return {
    uidValidity: uidList?.uidValidity ?? null,
    uidNext: uidList?.uidNext ?? null,
    messages: messages.sort(inOrder),
    expect() {},
    async *read(message) {
      if (!isOwn(message)) throw new Error("Cannot read a message of another mailbox");
      yield* readMessage(folder, message);
    },
    async [Symbol.asyncDispose]() {},
  };
}

function isOwn(message: SourceMessage): message is MaildirMessage {
  return "fileBytes" in message;
}

/** How many files there may be. */
export async function countFiles(folder: MaildirFolder): Promise<number> {
  return (await filesOf(folder).catch(() => [])).length;
}

/** WHY twice: a server that runs renames a file when a flag changes. */
async function* readMessage(
  folder: MaildirFolder,
  { base, path, fileBytes }: MaildirMessage,
): AsyncGenerator<Uint8Array> {
  if (fileBytes < 0) throw new Unreadable("no regular file");
  try {
    return yield* readFile(path, fileBytes);
  } catch (error) {
    const isGone = error instanceof Unreadable && error.cause instanceof Deno.errors.NotFound;
    if (!isGone) throw error;
  }
  const renamed = (await filesOf(folder)).find(({ name }) => parseFileName(name).base === base);
  if (!renamed) throw new Unreadable("it is gone");
  yield* readFile(renamed.path, fileBytes);
}

async function look(
  { path, name, isFile }: Found,
  { uidList, keywords }: {
    readonly uidList: UidList | null;
    readonly keywords: ReadonlyMap<number, string>;
  },
): Promise<MaildirMessage> {
  const read = parseFileName(name);
  const info = isFile ? await Deno.lstat(path).catch(() => null) : null;
  return {
    uid: uidList?.uids.get(read.base) ?? null,
    flags: read.flags,
    keywords: keywordsOf(read, keywords),
    // Dovecot: INTERNALDATE is the file's time of modification.
    internalDate: info?.mtime ?? deliveredAt(read.base) ?? new Date(),
    sizeBytes: read.sizeBytes,
    label: path,
    base: read.base,
    path,
    fileBytes: isFile ? info?.size ?? 0 : -1,
  };
}

function keywordsOf(
  { keywords, isForwarded }: FileName,
  known: ReadonlyMap<number, string>,
): string[] {
  const names = keywords.map((place) => known.get(place)).filter((name) => name !== undefined);
  // RFC 9051 §2.3.2: what the letter "P" (passed) says in other words.
  return isForwarded ? [...new Set(["$Forwarded", ...names])] : names;
}

/** The time in front of a file's unique name. */
function deliveredAt(base: string): Date | null {
  const [, seconds] = /^(\d{1,10})\./.exec(base) ?? [];
  return seconds === undefined ? null : new Date(Number(seconds) * 1000);
}

function inOrder(a: MaildirMessage, b: MaildirMessage): number {
  if (a.uid !== b.uid) return (a.uid ?? Infinity as Uid) - (b.uid ?? Infinity as Uid);
  return a.internalDate.getTime() - b.internalDate.getTime() || (a.base < b.base ? -1 : 1);
}

async function readUidList({ path }: MaildirFolder): Promise<UidList | null> {
  for (const name of UID_LISTS) {
    const text = await textOf(`${path}/${name}`);
    const list = text === null ? null : parseUidList(text);
    if (list) return list;
  }
  return null;
}

async function filesOf({ path }: MaildirFolder): Promise<Found[]> {
  const found: Found[] = [];
  for (const part of ["cur", "new"]) {
    try {
      for await (const { name, isFile, isDirectory } of Deno.readDir(`${path}/${part}`)) {
        if (isDirectory || name.startsWith(".")) continue;
        found.push({ path: `${path}/${part}/${name}`, name, isFile });
      }
    } catch (error) {
      if (error instanceof Deno.errors.NotFound) continue;
      const why = error instanceof Error ? error.message : String(error);
      throw new Unreadable(`cannot read its folder ${part}: ${why}`, { cause: error });
    }
  }
  return found;
}

/** null: there is no such file. */
async function textOf(path: string): Promise<string | null> {
  try {
    return await Deno.readTextFile(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    const why = error instanceof Error ? error.message : String(error);
    throw new Unreadable(`cannot read ${path}: ${why}`, { cause: error });
  }
}
