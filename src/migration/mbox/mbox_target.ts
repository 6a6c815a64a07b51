import { dirname } from "node:path";
import { encodeUtf8 } from "../../lib/bytes.ts";
import type { Mailbox } from "../../store/mailboxes.ts";
import type { MessageRow } from "../../store/messages.ts";
import { bodyPieces } from "../body_pieces.ts";
import { LfLines } from "../crlf.ts";
import { exportRows, type ExportServices, type ExportTarget, type Tally } from "../export_mail.ts";
import { Unreadable } from "../source.ts";
import { mboxEncoder } from "./mbox_lines.ts";
import { renderFromTime, renderStatus } from "./mbox_status.ts";

const LF = 0x0a;

/**
 * One mbox file for each mailbox, "Work/2026.mbox" for Work/2026: mboxrd with Status, X-Status,
 * X-Keywords, X-UID and X-IMAPbase, which Dovecot, mutt and `import mbox` read.
 */
export class MboxTarget implements ExportTarget {
  readonly #root: string;
  readonly #services: ExportServices;
  readonly #overwrites: boolean;

  constructor(
    root: string,
    services: ExportServices,
    { overwrites }: { readonly overwrites: boolean },
  ) {
    this.#root = root.replace(/(?<=.)\/+$/, "");
    this.#services = services;
    this.#overwrites = overwrites;
  }

  async mailbox(mailbox: Mailbox, tally: Tally): Promise<void> {
    const path = `${this.#root}/${mailbox.name}.mbox`;
    const part = `${path}.part`;
    await this.#prepare(path);
    try {
      await this.#write(part, mailbox, tally);
      await Deno.rename(part, path);
    } catch (error) {
      await Deno.remove(part).catch(() => {});
      throw error;
    }
  }

  async finish(): Promise<readonly string[]> {
    return [];
  }

  async #prepare(path: string): Promise<void> {
    try {
      await Deno.mkdir(dirname(path), { recursive: true, mode: 0o700 });
      const there = await Deno.lstat(path).catch(() => null);
      if (there?.isDirectory) throw new Unreadable(`${path} is a folder`);
      if (there && !this.#overwrites) throw new Unreadable(`${path} is there already: --overwrite`);
    } catch (error) {
      const code = error instanceof Error && "code" in error ? error.code : "";
      if (code !== "ENAMETOOLONG" && code !== "ENOTDIR" && code !== "EEXIST") throw error;
      throw new Unreadable(`${path} cannot be made`, { cause: error });
    }
  }

  async #write(path: string, mailbox: Mailbox, tally: Tally): Promise<void> {
    using file = await Deno.open(path, {
      write: true,
      create: true,
      truncate: true,
      mode: 0o600,
    });
    let isFirst = true;
    for await (const row of exportRows(this.#services.messages, mailbox)) {
      const began = await file.seek(0, Deno.SeekMode.Current);
      try {
        await this.#message(file, row, isFirst ? mailbox : null);
        isFirst = false;
        tally.written(row.sizeBytes);
      } catch (error) {
        // WHY: half of a message must not be taken for a whole one.
        await file.truncate(began);
        await file.seek(began, Deno.SeekMode.Start);
        tally.skipped(row.uid, error);
      }
    }
    await file.syncData();
  }

  async #message(file: Deno.FsFile, row: MessageRow, first: Mailbox | null): Promise<void> {
    const base = first
      ? `X-IMAPbase: ${first.uidValidity} ${String(first.uidNext - 1).padStart(10, "0")}\n`
      : "";
    const status = renderStatus({ ...row, uid: row.uid });
    const head = `From MAILER-DAEMON ${renderFromTime(row.internalDate)}\n${base}${status}`;
    const lines = new LfLines();
    const quoted = mboxEncoder();
    let last: number | undefined;
    const write = async (piece: Uint8Array) => {
      for (let at = 0; at < piece.length;) at += await file.write(piece.subarray(at));
      last = piece.at(-1) ?? last;
    };
    await write(encodeUtf8(head));
    for await (const piece of bodyPieces(this.#services.blobs, row)) {
      await write(quoted.push(lines.push(piece)));
    }
    await write(quoted.push(lines.end()));
    await write(quoted.end());
    await write(encodeUtf8(last === LF ? "\n" : "\n\n"));
  }
}
