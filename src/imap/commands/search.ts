import type { Uid } from "../../lib/ids.ts";
import { NumberSet } from "../../lib/number_set.ts";
import { Refused } from "../../lib/refused.ts";
import { isDisabled } from "../capability_config.ts";
import { command, type Completion, type Context } from "../command.ts";
import { enableCondstore } from "../enable_condstore.ts";
import { limitMessages } from "../message_limit.ts";
import { spannedUids } from "../view/uid_list.ts";
import { WireError } from "../wire/wire_error.ts";
import { evaluate } from "./search/evaluate.ts";
import { hasKey, type SearchKey } from "./search/key.ts";
import { searchKeys } from "./search/parse.ts";
import { resolve } from "./search/resolve.ts";
import { respond } from "./search/respond.ts";
import { readReturn, type ReturnOptions } from "./search/return_options.ts";

/**
 * SEARCH and UID SEARCH: RFC 3501 §6.4.4, with ESEARCH (RFC 4731), SEARCHRES (RFC 5182), PARTIAL (RFC
 * 9394), FUZZY (RFC 6203) and others. Complete, however many messages match.
 */
export const search = command("SEARCH", {
  states: ["selected"],
  capability: [
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "PARTIAL",
    "SEARCH=FUZZY",
    "I18NLEVEL=1",
    "INPROGRESS",
  ],
  uid: true,
  expunges: false,
  parse: (wire) => ({ options: readReturn(wire.sp()), key: searchKeys(wire) }),
  async execute({ options, key }, context): Promise<Completion> {
    refuseDisabled({ options, key }, context);
    const hasModseq = hasKey(
      key,
      (part) => part.kind === "stored" && "modseqFrom" in part.condition,
    );
    if (hasModseq) enableCondstore(context);
    const { session: { view, user }, services } = context;
    services.searchRate.take(user.accountId);
    const { ranges, completion = {} } = limitMessages(view.allRanges, context);
    const within = { kind: "stored", condition: { uids: spannedUids(view.list, ranges) } } as const;
    const limited: SearchKey = completion.code ? { kind: "all", keys: [within, key] } : key;
    try {
      const uids = await evaluate(resolve(limited, view), context);
      refuseTooMany(uids, context);
      const scores = options?.relevancy ? await scoresOf(limited, uids, context) : undefined;
      const found = { uids, options, command: "SEARCH", hasModseq } as const;
      await respond(scores ? { ...found, scores } : found, context);
    } catch (error) {
      // RFC 5182 §2.1: a search that is refused leaves nothing saved.
      if (options?.save && error instanceof Refused) view.save(NumberSet.of([]));
      throw error;
    }
    return completion;
  },
});

/** What is not announced is refused. */
export function refuseDisabled(
  { options, key }: { readonly options: ReturnOptions | null; readonly key: SearchKey },
  { services: { config }, enabled }: Pick<Context, "services" | "enabled">,
): void {
  const needs: readonly (readonly [extension: string, isUsed: boolean])[] = [
    ["ESEARCH", options !== null],
    ["SEARCHRES", options?.save ?? false],
    ["PARTIAL", options?.partial !== null && options !== null],
    ["CONTEXT=SEARCH", options?.update !== null && options !== null],
    ["SEARCH=FUZZY", options?.relevancy || hasKey(key, ({ kind }) => kind === "fuzzy")],
  ];
  for (const [extension, isUsed] of needs) {
    if (isUsed && isDisabled(extension, config)) {
      throw WireError.because(`${extension} is disabled`);
    }
  }
  const isRefused = ({ extension }: { readonly extension?: string }) =>
    extension !== undefined && isDisabled(extension, config);
  if (hasKey(key, (part) => part.kind === "stored" && isRefused(part))) {
    throw WireError.because("A search key is disabled");
  }
  // RFC 9051 appendix E: NEW, OLD and RECENT are no more.
  if (enabled.rev2 && hasKey(key, ({ kind }) => kind === "recent")) {
    throw WireError.because("There are no recent messages in IMAP4rev2");
  }
}

/** RFC 5530 §3 LIMIT: never a part of the result that looks like all of it. */
function refuseTooMany(
  uids: readonly Uid[],
  { services: { config } }: Pick<Context, "services">,
): void {
  const { maxSearchResults } = config;
  if (maxSearchResults > 0 && uids.length > maxSearchResults) {
    throw new Refused({ kind: "limit", what: "search results" });
  }
}

const EXACT = 100;
const LOOSE = 50;

/** RFC 6203 §4: what matches as it was written is better than what only has the words. */
export async function scoresOf(
  key: SearchKey,
  uids: readonly Uid[],
  context: Context<"selected">,
): Promise<number[]> {
  const exactly = resolve(key, context.session.view, { exactly: true });
  const exact = new Set(await evaluate(exactly, context));
  return uids.map((uid) => exact.has(uid) ? EXACT : LOOSE);
}
