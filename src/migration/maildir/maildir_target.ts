import type { Uid } from "../../lib/ids.ts";
import type { Mailbox } from "../../store/mailboxes.ts";
import type { MessageRow } from "../../store/messages.ts";
import { bodyPieces } from "../body_pieces.ts";
import { LfLines } from "../crlf.ts";
import { exportRows, type ExportServices, type ExportTarget, type Tally } from "../export_mail.ts";
import { parallel } from "../parallel.ts";
import { Unreadable } from "../source.ts";
import { KEYWORD_LETTERS, parseFileName, renderInfo } from "./file_name.ts";
import { mailboxToFolder } from "./folder_name.ts";
import { renderKeywordList } from "./keyword_list.ts";
import { renderSubscriptions } from "./subscription_list.ts";
import { renderUidList } from "./uid_list.ts";

const FORWARDED = "$forwarded";

/**
 * A Maildir++ as Dovecot has it: files with LF, dates as times of modification, dovecot-uidlist,
 * dovecot-keywords, subscriptions. A second export into the same folder writes what is new and renames
 * files whose flags have changed; files of messages that are gone stay.
 */
export class MaildirTarget implements ExportTarget {
  readonly #root: string;
  readonly #services: ExportServices;
  readonly #subscriptions: readonly string[];
  readonly #remarks: string[] = [];

  constructor(
    root: string,
    services: ExportServices,
    options: { readonly subscriptions: readonly string[] },
  ) {
    this.#root = root.replace(/(?<=.)\/+$/, "");
    this.#services = services;
    this.#subscriptions = options.subscriptions;
  }

  async mailbox(mailbox: Mailbox, tally: Tally): Promise<void> {
    const path = [this.#root, mailboxToFolder(mailbox.name)].filter((part) => part !== "").join(
      "/",
    );
    await makeFolder(path, path !== this.#root);
    const known = await knownFiles(path);
    const keywords = this.#keywords(mailbox);
    const bases = new Map<Uid, string>();
    await parallel(
      exportRows(this.#services.messages, mailbox),
      this.#services.jobs,
      async (row) => {
        try {
          const info = renderInfo(infoOf(row, keywords));
          const there = known.get(uniqueName(mailbox, row));
          if (there !== undefined) bases.set(row.uid, await renamed(path, there, info));
          else bases.set(row.uid, await this.#write(path, { mailbox, row, info }));
          if (there === undefined) tally.written(row.sizeBytes);
          else tally.there();
        } catch (error) {
          tally.skipped(row.uid, error);
        }
      },
    );
    const files = [...bases].sort(([a], [b]) => a - b);
    await replaceFile(`${path}/dovecot-keywords`, renderKeywordList(keywords));
    // WHY: something may have been delivered since the mailboxes were listed.
    const uidNext = Math.max(mailbox.uidNext, (files.at(-1)?.[0] ?? 0) + 1) as Uid;
    await replaceFile(`${path}/dovecot-uidlist`, renderUidList({ ...mailbox, uidNext }, files));
  }

  async finish(): Promise<readonly string[]> {
    await Deno.mkdir(this.#root, { recursive: true, mode: 0o700 });
    await replaceFile(`${this.#root}/subscriptions`, renderSubscriptions(this.#subscriptions));
    return this.#remarks;
  }

  /** Those that get a letter, in the order of the letters. */
  #keywords({ name, keywords }: Mailbox): string[] {
    if (keywords.length > KEYWORD_LETTERS) {
      const left = keywords.slice(KEYWORD_LETTERS).join(", ");
      this.#remarks.push(`${name}: a Maildir has no letters for the keywords ${left}`);
    }
    return keywords.slice(0, KEYWORD_LETTERS);
  }

  /** Writes a file, complete before it has its name; answers the name without flags. */
  async #write(
    path: string,
    { mailbox, row, info }: {
      readonly mailbox: Mailbox;
      readonly row: MessageRow;
      readonly info: string;
    },
  ): Promise<string> {
    const unique = uniqueName(mailbox, row);
    const temporary = `${path}/tmp/${unique}`;
    try {
      const fileBytes = await this.#writeBody(temporary, row);
      const base = `${unique},S=${fileBytes},W=${row.sizeBytes}`;
      await Deno.utime(temporary, row.internalDate, row.internalDate);
      await Deno.rename(temporary, `${path}/cur/${base}${info}`);
      return base;
    } catch (error) {
      await Deno.remove(temporary).catch(() => {});
      throw error;
    }
  }

  async #writeBody(temporary: string, row: MessageRow): Promise<number> {
    using file = await Deno.open(temporary, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    const lines = new LfLines();
    let fileBytes = 0;
    const write = async (piece: Uint8Array) => {
      for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
      fileBytes += piece.length;
    };
    for await (const piece of bodyPieces(this.#services.blobs, row)) await write(lines.push(piece));
    await write(lines.end());
    await file.syncData();
    return fileBytes;
  }
}

/** The same for the same message in every export. */
function uniqueName({ uidValidity }: Mailbox, { uid, internalDate }: MessageRow): string {
  return `${Math.max(0, Math.floor(internalDate.getTime() / 1000))}.V${uidValidity}U${uid}.sora`;
}

function infoOf(
  { flags, keywords }: MessageRow,
  letters: readonly string[],
): Parameters<typeof renderInfo>[0] {
  return {
    flags,
    // WHY besides its letter: Dovecot knows the keyword only, others the "P" only.
    isForwarded: keywords.some((keyword) => keyword.toLowerCase() === FORWARDED),
    keywords: keywords.map((keyword) => letters.indexOf(keyword)).filter((place) => place >= 0),
  };
}

async function makeFolder(path: string, isBelow: boolean): Promise<void> {
  try {
    for (const part of ["cur", "new", "tmp"]) {
      await Deno.mkdir(`${path}/${part}`, { recursive: true, mode: 0o700 });
    }
    // Maildir++: so that a delivery program knows that it is no Maildir of its own.
    if (isBelow) await Deno.writeTextFile(`${path}/maildirfolder`, "", { mode: 0o600 });
  } catch (error) {
    const isTooLong = error instanceof Error && "code" in error && error.code === "ENAMETOOLONG";
    if (isTooLong) throw new Unreadable("its name is too long for a file system");
    throw error;
  }
}

/** The files of earlier exports by their unique names. */
async function knownFiles(path: string): Promise<Map<string, string>> {
  const known = new Map<string, string>();
  for await (const { name, isFile } of Deno.readDir(`${path}/cur`)) {
    if (isFile) known.set(name.split(",")[0] ?? name, name);
  }
  return known;
}

/** Gives a file the flags of now; answers its name without them. */
async function renamed(path: string, name: string, info: string): Promise<string> {
  const { base } = parseFileName(name);
  if (name !== base + info) {
    await Deno.rename(`${path}/cur/${name}`, `${path}/cur/${base}${info}`);
  }
  return base;
}

async function replaceFile(path: string, text: string): Promise<void> {
  const temporary = `${path}.sora-tmp`;
  await Deno.writeTextFile(temporary, text, { mode: 0o600 });
  await Deno.rename(temporary, path);
}
