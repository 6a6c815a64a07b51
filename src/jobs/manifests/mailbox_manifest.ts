import { ownerPrefix } from "../../blobs/manifest_key.ts";
import type { Modseq, Uid } from "../../lib/ids.ts";
import type { ManifestStore, UnwrittenMailbox } from "../../store/manifests.ts";
import {
  endLine,
  goneLine,
  type MailboxHeader,
  MANIFEST_VERSION,
  messageLine,
} from "./manifest_lines.ts";

/** Messages of one query. */
const PAGE = 500;
const FIRST = 0 as Uid;
const EVERYTHING = 0 as Modseq;

/**
 * The lines of the manifest of a mailbox: all of it, or what changed since the last one. WHY not in one
 * transaction: what changes while it is read is after `highestModseq`, so the next delta says it again.
 */
export async function* mailboxManifest(
  manifests: ManifestStore,
  mailbox: UnwrittenMailbox,
  { kind, epoch }: Pick<MailboxHeader, "kind" | "epoch">,
): AsyncGenerator<string> {
  const { id, address, name, domain, uidValidity, uidNext, keywords } = mailbox;
  const since = kind === "base" ? EVERYTHING : mailbox.writtenModseq;
  const owner = ownerPrefix(address);
  const header: MailboxHeader = {
    sora: "mailbox",
    version: MANIFEST_VERSION,
    kind,
    epoch,
    account: address,
    mailboxId: id,
    name,
    domain,
    uidValidity,
    uidNext,
    keywords,
    since,
    modseq: mailbox.highestModseq,
    writtenMs: mailbox.nowMs,
    owner,
  };
  yield JSON.stringify(header);
  let lines = 0;
  for (let above = FIRST;;) {
    const rows = await manifests.rows(id, { above, since, limit: PAGE });
    for (const row of rows) yield messageLine(row, owner);
    lines += rows.length;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) break;
    above = last.uid;
  }
  for await (const gone of goneOf(manifests, mailbox, kind)) {
    yield goneLine(gone);
    lines++;
  }
  yield endLine(lines);
}

async function* goneOf(
  manifests: ManifestStore,
  { id, writtenModseq }: UnwrittenMailbox,
  kind: MailboxHeader["kind"],
) {
  if (kind === "base") return yield* await manifests.moves(id);
  for (let above = FIRST;;) {
    const rows = await manifests.gone(id, { above, since: writtenModseq, limit: PAGE });
    yield* rows;
    const last = rows.at(-1);
    if (!last || rows.length < PAGE) return;
    above = last.uid;
  }
}
