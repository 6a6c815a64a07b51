import { command, type Completion } from "../command.ts";
import { keepUpdated, refuseTagInUse } from "./search/keep_updated.ts";
import { searchKeys } from "./search/parse.ts";
import { respond } from "./search/respond.ts";
import { readReturn } from "./search/return_options.ts";
import { scoresOf } from "./search/scores.ts";
import { savingNothing, searchFor } from "./search/search_for.ts";
import { refuseUnoffered } from "./search/unoffered.ts";

/**
 * SEARCH and UID SEARCH: RFC 3501 §6.4.4, with ESEARCH (RFC 4731), SEARCHRES (RFC 5182), CONTEXT (RFC
 * 5267), PARTIAL (RFC 9394), FUZZY (RFC 6203) and others. Complete, however many messages match.
 */
export const search = command("SEARCH", {
  states: ["selected"],
  capability: [
    "ESEARCH",
    "SEARCHRES",
    "WITHIN",
    "CONTEXT=SEARCH",
    "PARTIAL",
    "SEARCH=FUZZY",
    "I18NLEVEL=1",
    "INPROGRESS",
  ],
  uid: true,
  expunges: false,
  parse: (wire) => ({ options: readReturn(wire.sp()), key: searchKeys(wire) }),
  async execute(asked, context): Promise<Completion> {
    refuseUnoffered(asked, context);
    const { options } = asked;
    refuseTagInUse(options, context);
    return await savingNothing(options, context, async () => {
      const { completion, ...searched } = await searchFor(asked.key, context);
      const { uids, key, hasModseq } = searched;
      const found = { uids, options, command: "SEARCH", hasModseq } as const;
      const scores = options?.relevancy ? await scoresOf(key, uids, context) : null;
      await respond(scores ? { ...found, scores } : found, context);
      keepUpdated(options, { ...searched }, context);
      return completion;
    });
  },
});
