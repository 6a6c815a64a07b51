import type { Uid } from "../../../lib/ids.ts";
import { NumberSet } from "../../../lib/number_set.ts";
import { inTurns, Pace, sharedPace } from "../../../lib/pace.ts";
import { Refused } from "../../../lib/refused.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { SearchCondition } from "../../../store/search_condition.ts";
import type { Context } from "../../command.ts";
import { prefetched } from "../../view/prefetched.ts";
import { StoredMessage } from "../../view/stored_message.ts";
import { type Resolved, simplified, type Stored, superset } from "./resolve.ts";
import { indexed } from "./indexed.ts";
import { Scanned } from "./scan.ts";
import type { SearchScope } from "./scope.ts";

/** WHY: each row may hold a header of 256 KiB. */
const ROWS_PER_BATCH = 50;
/** WHY: the store refuses deeper ones; flat lists of any length have a depth of two. */
const DEPTH_MAX = 90;
/** WHY: stored conditions between scans are one query each. */
const QUERIES_MAX = 100;

/**
 * The messages that a key matches, ascending, as far as the client knows them. What the store can
 * decide is one query; only messages that are still undecided then are read.
 */
export function evaluate(key: Resolved, context: Context<"selected">): Promise<Uid[]> {
  return evaluateIn(context.session.view, key, context);
}

/** What evaluating needs of the session. */
export type Searcher = Pick<Context, "services" | "reply" | "cancelled"> & {
  readonly progress: Pick<Context["progress"], "report">;
};

interface Search extends Searcher {
  readonly scope: SearchScope;
}

/** The same in any mailbox. */
export async function evaluateIn(
  scope: SearchScope,
  wanted: Resolved,
  { services, reply, cancelled, progress }: Searcher,
): Promise<Uid[]> {
  const context: Search = { scope, services, reply, cancelled, progress };
  const key = simplified(await indexed(wanted, context));
  const candidates = (await find(superset(key), context))
    .filter((uid) => scope.numberOf(uid) !== undefined);
  if (key.kind === "stored") return candidates;
  const decided = await decide(key, context);
  const matching: Uid[] = [];
  const pace = new Pace();
  for (let from = 0; from < candidates.length; from += ROWS_PER_BATCH) {
    const batch = candidates.slice(from, from + ROWS_PER_BATCH);
    matching.push(...await matchingOf(batch, { key, decided }, context));
    cancelled.throwIfAborted();
    progress.report(Math.min(from + ROWS_PER_BATCH, candidates.length), candidates.length);
    await reply.drained();
    await pace.breathe();
  }
  return matching;
}

/** What the store says about each condition inside the key. */
type Decided = ReadonlyMap<Stored, NumberSet<Uid>>;

interface Question {
  readonly key: Resolved;
  readonly decided: Decided;
}

async function find(
  condition: SearchCondition,
  { scope: { mailbox, messages }, cancelled: signal }: Search,
): Promise<readonly Uid[]> {
  await sharedPace.breathe(); // WHY: a thousand keys take a while to read, and to write down again.
  if (depthOf(condition) > DEPTH_MAX) throw new Refused({ kind: "limit", what: "search keys" });
  return (await messages.search(mailbox.id, condition, { signal })).uids;
}

function depthOf(condition: SearchCondition): number {
  if ("not" in condition) return 1 + depthOf(condition.not);
  const parts = "all" in condition ? condition.all : "any" in condition ? condition.any : [];
  return 1 + parts.reduce((depth, part) => Math.max(depth, depthOf(part)), 0);
}

async function decide(key: Resolved, context: Search): Promise<Decided> {
  const decided = new Map<Stored, NumberSet<Uid>>();
  const parts = [...storedParts(key)];
  if (parts.length > QUERIES_MAX) throw new Refused({ kind: "limit", what: "search keys" });
  for (const part of parts) {
    decided.set(part, NumberSet.from(await find(part.condition, context)));
  }
  return decided;
}

function* storedParts(key: Resolved): Generator<Stored> {
  if (key.kind === "stored") yield key;
  else if (key.kind === "not") yield* storedParts(key.part);
  else if (key.kind === "all" || key.kind === "any") {
    for (const part of key.parts) yield* storedParts(part);
  }
}

async function matchingOf(
  uids: readonly Uid[],
  question: Question,
  { scope: { mailbox, messages }, services: { blobs }, cancelled }: Search,
): Promise<Uid[]> {
  const verdicts = new Map<Uid, boolean | null>();
  for (const uid of uids) verdicts.set(uid, await inTurns(judge(question, uid, null)));
  const open = uids.filter((uid) => verdicts.get(uid) === null);
  if (open.length > 0) {
    const needs = needsBody(question.key) ? "whole" : "header";
    const want = { header: true, structure: needs === "whole" };
    const rows = await messages.rows(mailbox.id, NumberSet.from(open), want);
    const scans = prefetched(rows, {
      costBytes: ({ sizeBytes }) => needs === "whole" ? sizeBytes : 0,
      load: async (row) => ({
        uid: row.uid,
        scanned: await Scanned.read(new StoredMessage(row, blobs), needs),
      }),
    });
    for await (const { uid, scanned } of scans) {
      verdicts.set(uid, await inTurns(judge(question, uid, scanned)));
      cancelled.throwIfAborted();
    }
  }
  return uids.filter((uid) => verdicts.get(uid) === true);
}

/** Does the message match? null: that cannot be told without the message itself. */
function* judge(
  { key, decided }: Question,
  uid: Uid,
  scanned: Scanned | null,
): Steps<boolean | null> {
  switch (key.kind) {
    case "stored":
      return decided.get(key)?.has(uid) ?? false;
    case "not": {
      const inner = yield* judge({ key: key.part, decided }, uid, scanned);
      return inner === null ? null : !inner;
    }
    case "all":
    case "any": {
      const settling = key.kind === "any";
      let open = false;
      for (const part of key.parts) {
        const verdict = yield* judge({ key: part, decided }, uid, scanned);
        if (verdict === settling) return settling;
        open ||= verdict === null;
        yield;
      }
      return open ? null : !settling;
    }
    default:
      return scanned === null ? null : yield* scanned.matches(key);
  }
}

function needsBody(key: Resolved): boolean {
  switch (key.kind) {
    case "all":
    case "any":
      return key.parts.some(needsBody);
    case "not":
      return needsBody(key.part);
    default:
      return key.kind === "text";
  }
}
