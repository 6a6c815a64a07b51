import type { Modseq, Uid } from "../../../lib/ids.ts";
import { NumberSet } from "../../../lib/number_set.ts";
import { inTurns } from "../../../lib/pace.ts";
import { Refused } from "../../../lib/refused.ts";
import type { AccessibleMailbox } from "../../../auth/mailbox_access.ts";
import type { UidSet } from "../../../store/uid_set.ts";
import type { Context } from "../../command.ts";
import { renderQuoted } from "../../wire/quote.ts";
import type { SearchScope } from "./scope.ts";
import { renderSet } from "./render_set.ts";
import { partOf, renderPartial, type ReturnOptions } from "./return_options.ts";

/** WHY: one line may name every message; it is written in pieces. */
const NUMBERS_PER_WRITE = 5_000;

/** What a range of a set takes in memory, roughly. */
const RANGE_BYTES = 48;

/** What was found, and how it is to be told. */
export interface Found {
  /** In the order of the answer: ascending for SEARCH, sorted for SORT. */
  readonly uids: readonly Uid[];
  /** null: without RETURN. */
  readonly options: ReturnOptions | null;
  /** What the answer without RETURN is called. */
  readonly command: "SEARCH" | "SORT";
  /** The key MODSEQ was used: RFC 7162 §3.1.5, the highest one is told. */
  readonly hasModseq?: boolean;
  /** How well each message matches, 1 … 100, in the order of the UIDs: RFC 6203 §4. */
  readonly scores?: readonly number[];
}

/** Answers SEARCH and SORT: as RFC 3501 §7.2.5 and RFC 5256 have it, or by ESEARCH (RFC 4731). */
export async function respond(found: Found, context: Context<"selected">): Promise<void> {
  const { options } = found;
  const { enabled } = context;
  // RFC 9051 §6.4.4: IMAP4rev2 knows ESEARCH only.
  if (options || enabled.rev2 && found.command === "SEARCH") {
    const { session: { view }, uid: byUid } = context;
    const wanted: Wanted = options ?? ALL_ONLY;
    if (wanted.save) save(savedOf(found.uids, wanted), context);
    if (wanted.save && isOnlySave(wanted)) return;
    return await extended({ ...found, scope: view, byUid, mailbox: null }, wanted, context);
  }
  await plain(found, context);
}

/**
 * For `$`; it counts until the next one is saved, or the mailbox is left. Throws `not-saved`, and nothing is
 * saved then (RFC 5182 §2.1).
 */
function save(
  uids: UidSet,
  { session, memory }: Context<"authenticated" | "selected">,
): void {
  if (session.state !== "selected") return;
  memory.hold("saved search", 0);
  session.view.save(NumberSet.of<Uid>([]));
  try {
    memory.hold("saved search", uids.ranges.length * RANGE_BYTES);
  } catch (error) {
    throw error instanceof Refused ? new Refused({ kind: "not-saved" }) : error;
  }
  session.view.save(uids);
}

/** The part of an answer to ESEARCH that is about one mailbox: RFC 7377 §2.1. */
export async function respondAbout(
  { uids, options, scope, mailbox }: Pick<Found, "uids" | "options"> & {
    readonly scope: SearchScope;
    readonly mailbox: Pick<AccessibleMailbox, "name" | "uidValidity">;
  },
  context: Context<"authenticated" | "selected">,
): Promise<void> {
  const wanted: Wanted = options ?? ALL_ONLY;
  if (wanted.save) save(savedOf(uids, wanted), context);
  if (wanted.save && isOnlySave(wanted)) return;
  await extended({ uids, scope, byUid: true, mailbox }, wanted, context);
}

/** What an ESEARCH response is made from. */
interface Extended extends Pick<Found, "uids" | "hasModseq" | "scores"> {
  readonly scope: SearchScope;
  readonly byUid: boolean;
  /** RFC 7377 §2.1: named where it need not be the selected one. */
  readonly mailbox: Pick<AccessibleMailbox, "name" | "uidValidity"> | null;
}

const ALL_ONLY = { all: true } as const;
type Wanted = Partial<ReturnOptions>;

/** `"SEARCH" *(SP nz-number) [SP "(" "MODSEQ" SP mod-sequence-value ")"]`. */
async function plain(
  { uids, command, hasModseq = false }: Found,
  context: Context<"selected">,
): Promise<void> {
  const { session: { view }, reply, uid: byUid } = context;
  reply.raw(`* ${command}`);
  for (let from = 0; from < uids.length; from += NUMBERS_PER_WRITE) {
    let numbers = "";
    for (const uid of uids.slice(from, from + NUMBERS_PER_WRITE)) {
      numbers += ` ${byUid ? uid : view.numberOf(uid)}`;
    }
    reply.raw(numbers);
    await reply.drained();
  }
  const modseq = hasModseq ? await highestModseq(uids, context.session.view) : null;
  reply.raw(modseq === null ? "\r\n" : ` (MODSEQ ${modseq})\r\n`);
}

/**
 *     esearch-response = "ESEARCH" [search-correlator] [SP "UID"] *(SP search-return-data)   RFC 4466
 */
async function extended(
  { uids, hasModseq = false, scores, scope, byUid, mailbox }: Extended,
  wanted: Wanted,
  context: Pick<Context, "reply" | "tag">,
): Promise<void> {
  const { reply, tag } = context;
  const numberOf = (uid: Uid): number => byUid ? uid : scope.numberOf(uid) ?? 0;
  const first = uids[0];
  const last = uids.at(-1);
  const where = mailbox ? renderWhere(mailbox, reply) : "";
  reply.raw(`* ESEARCH (TAG ${renderQuoted(tag)}${where})${byUid ? " UID" : ""}`);
  if (wanted.min && first !== undefined) reply.raw(` MIN ${numberOf(first)}`);
  if (wanted.max && last !== undefined) reply.raw(` MAX ${numberOf(last)}`);
  if (wanted.all && first !== undefined) {
    reply.raw(` ALL ${await inTurns(renderSet(uids, numberOf))}`);
  }
  if (wanted.count) reply.raw(` COUNT ${uids.length}`);
  if (wanted.partial) {
    const part = partOf(uids, wanted.partial);
    const set = part.length === 0 ? "NIL" : await inTurns(renderSet(part, numberOf));
    reply.raw(` PARTIAL (${renderPartial(wanted.partial)} ${set})`);
  }
  if (wanted.relevancy && scores && scores.length > 0) {
    reply.raw(` RELEVANCY (${scores.join(" ")})`);
  }
  if (hasModseq && first !== undefined) {
    reply.raw(` MODSEQ ${await highestModseq(told(uids, wanted), scope)}`);
  }
  reply.raw("\r\n");
  await reply.drained();
}

/** What the correlator says about a mailbox: RFC 7377 §2.1. */
export function renderWhere(
  { name, uidValidity }: Pick<AccessibleMailbox, "name" | "uidValidity">,
  reply: Context["reply"],
): string {
  return ` MAILBOX ${reply.mailbox(name)} UIDVALIDITY ${uidValidity}`;
}

function isOnlySave({ min, max, all, count, partial, relevancy }: Wanted): boolean {
  return !(min || max || all || count || partial || relevancy);
}

/** RFC 5182 §2.1: with MIN or MAX and neither ALL nor COUNT, only those are saved. */
function savedOf(uids: readonly Uid[], wanted: Wanted): NumberSet<Uid> {
  const isWhole = !wanted.min && !wanted.max || wanted.all || wanted.count;
  // RFC 9394 §3.2: PARTIAL saves what it returns.
  if (wanted.partial && !wanted.all && !wanted.count) {
    return NumberSet.from([...told(uids, { ...wanted, partial: null, all: false }, false)]
      .concat(partOf(uids, wanted.partial)));
  }
  return NumberSet.from(isWhole ? uids : told(uids, wanted, false));
}

/** RFC 4731 §3.2: with MIN and MAX alone, only those messages count. */
function told(uids: readonly Uid[], wanted: Wanted, whole = true): readonly Uid[] {
  if (whole && (wanted.all || wanted.count || wanted.partial || !(wanted.min || wanted.max))) {
    return uids;
  }
  const ends: Uid[] = [];
  const [first] = uids;
  const last = uids.at(-1);
  if (wanted.min && first !== undefined) ends.push(first);
  if (wanted.max && last !== undefined && last !== ends[0]) ends.push(last);
  return ends;
}

async function highestModseq(
  uids: readonly Uid[],
  { messages, mailbox }: SearchScope,
): Promise<Modseq | null> {
  if (uids.length === 0) return null;
  const states = await messages.states(mailbox.id, NumberSet.from(uids));
  let highest = 0;
  for (const { modseq } of states) highest = Math.max(highest, modseq);
  return highest === 0 ? null : highest as Modseq;
}
