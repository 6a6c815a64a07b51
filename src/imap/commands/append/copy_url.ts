import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import type { Uid } from "../../../lib/ids.ts";
import { inTurns } from "../../../lib/pace.ts";
import { NumberSet } from "../../../lib/number_set.ts";
import { type Refusal, Refused } from "../../../lib/refused.ts";
import { DELIMITER } from "../../../store/mailbox_name.ts";
import { needsStructure, StoredMessage } from "../../view/stored_message.ts";
import type { AppendContext } from "./append_message.ts";
import type { Intake } from "./intake.ts";
import { type MessageUrl, readMessageUrl, renderUrl } from "./message_url.ts";

/** Octets of a body that are in memory at once. */
const PIECE_BYTES = 256 * 1024;

/**
 * What a URL names, octet for octet, into the message that is put together: RFC 4469 §3. Throws
 * `bad-url` for what is not there or not for this user; trouble with the storage stays what it is.
 */
export async function copyUrl(
  text: string,
  intake: Intake,
  context: AppendContext,
): Promise<void> {
  const badUrl = () => new Refused({ kind: "bad-url", url: renderUrl(text) });
  const url = readMessageUrl(text);
  if (!url) throw badUrl();
  const { message, mailbox } = await find(url, context).catch((error) => {
    throw isAboutUrl(error) ? badUrl() : error;
  });
  if (!message || url.uidValidity !== null && url.uidValidity !== mailbox.uidValidity) {
    throw badUrl();
  }
  const location = message.locate(url.section);
  if (!location) throw badUrl();
  const { start, end, filter } = location;
  if (filter) {
    const octets = await inTurns(filter(await message.slice(start, end)));
    const [from, to] = part(url, octets.length);
    intake.expect(to - from);
    await intake.write(octets.subarray(from, to));
    return;
  }
  const [from, to] = part(url, end - start);
  intake.expect(to - from);
  for (let at = from; at < to; at += PIECE_BYTES) {
    const until = Math.min(to, at + PIECE_BYTES);
    await intake.write(await message.slice(start + at, start + until));
  }
}

interface Found {
  readonly mailbox: AccessibleMailbox;
  readonly message: StoredMessage | null;
}

async function find(url: MessageUrl, { session, services }: AppendContext): Promise<Found> {
  const { access, messages, blobs } = services;
  const name = mailboxName(url, session.state === "selected" ? session.view.mailbox.name : null);
  const mailbox = await access.find(session.user, name, ["r"]);
  const uids = NumberSet.from([url.uid as Uid]);
  const wanted = { header: true, structure: needsStructure(url.section) };
  const [row] = await messages.rows(mailbox.id, uids, wanted);
  return { mailbox, message: row ? new StoredMessage(row, blobs) : null };
}

/** RFC 4469 §3: the base is the selected mailbox, or the root where none is. */
function mailboxName({ mailbox }: MessageUrl, selected: string | null): string {
  if (mailbox === null) {
    if (selected === null) throw new Refused({ kind: "no-such-mailbox", name: "" });
    return selected;
  }
  const parent = mailbox.relative ? selected?.lastIndexOf(DELIMITER) ?? -1 : -1;
  return `${selected?.slice(0, parent + 1) ?? ""}${mailbox.name}`;
}

function part({ partial }: MessageUrl, sizeBytes: number): [from: number, to: number] {
  const from = Math.min(partial?.origin ?? 0, sizeBytes);
  return [from, Math.min(sizeBytes, from + (partial?.length ?? Infinity))];
}

/** Refusals that say: such a message is not there for this user. */
const aboutUrl: readonly Refusal["kind"][] = [
  "no-such-mailbox",
  "not-permitted",
  "bad-mailbox-name",
  "gone",
];

function isAboutUrl(error: unknown): boolean {
  return error instanceof Refused && aboutUrl.includes(error.refusal.kind);
}
