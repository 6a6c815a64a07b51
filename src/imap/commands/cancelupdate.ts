import { isDisabled } from "../capability_config.ts";
import { command } from "../command.ts";
import { WireError } from "../wire/wire_error.ts";

/** WHY: more than there can be. */
const TAGS_MAX = 100;

/**
 * CANCELUPDATE: RFC 5267 §4.3.5. A tag of which nothing is told any more is as good as cancelled.
 *
 *     command-select =/ "CANCELUPDATE" 1*(SP quoted)                        RFC 5267 §5
 */
export const cancelUpdate = command("CANCELUPDATE", {
  states: ["selected"],
  parse(wire) {
    const tags: string[] = [];
    do {
      tags.push(wire.sp().quoted());
      if (tags.length > TAGS_MAX) wire.fail(`at most ${TAGS_MAX} tags`);
    } while (!wire.atEnd);
    return { tags };
  },
  execute({ tags }, { session: { view }, services: { config } }) {
    if (["CONTEXT=SEARCH", "CONTEXT=SORT"].every((name) => isDisabled(name, config))) {
      throw WireError.because("CONTEXT is disabled");
    }
    for (const tag of tags) view.contexts.cancel(tag);
    return Promise.resolve();
  },
});
