import { isDisabled } from "../../capability_config.ts";
import type { Context } from "../../command.ts";
import { WireError } from "../../wire/wire_error.ts";
import { hasKey, type SearchKey } from "./key.ts";
import type { ReturnOptions } from "./return_options.ts";

/** What a client asks SEARCH, SORT, THREAD or ESEARCH for. */
export interface Asked {
  readonly options: ReturnOptions | null;
  readonly key: SearchKey;
  /** RFC 6203 §6: RELEVANCY is among what it sorts by. */
  readonly byRelevancy?: boolean;
}

/** What RETURN and CONTEXT are called for the command. */
export interface Extensions {
  readonly results: "ESEARCH" | "ESORT";
  readonly context: "CONTEXT=SEARCH" | "CONTEXT=SORT";
}

const SEARCH: Extensions = { results: "ESEARCH", context: "CONTEXT=SEARCH" };

/** What is not announced is refused, as is what makes no sense. */
export function refuseUnoffered(
  { options, key, byRelevancy = false }: Asked,
  { services: { config }, enabled }: Pick<Context, "services" | "enabled">,
  { results, context }: Extensions = SEARCH,
): void {
  const isRelevancy = byRelevancy || (options?.relevancy ?? false);
  const isFuzzy = hasKey(key, ({ kind }) => kind === "fuzzy");
  // RFC 5267 §4.4 has PARTIAL, too, but not from the end.
  const partials = options?.partial?.fromEnd ? ["PARTIAL"] : ["PARTIAL", context];
  const needs: readonly (readonly [isUsed: boolean, anyOf: readonly string[]])[] = [
    [options !== null, [results]],
    [options?.save ?? false, ["SEARCHRES"]],
    [options !== null && options.partial !== null, partials],
    [options !== null && (options.update !== null || options.context), [context]],
    // RFC 5465 §7.
    [(options?.update?.items.length ?? 0) > 0, ["NOTIFY"]],
    [isRelevancy || isFuzzy, ["SEARCH=FUZZY"]],
  ];
  for (const [isUsed, anyOf] of needs) {
    if (isUsed && anyOf.every((name) => isDisabled(name, config))) {
      throw WireError.because(`${anyOf[0]} is disabled`);
    }
  }
  if (hasKey(key, (part) => isDisabled(extensionOf(part), config))) {
    throw WireError.because("A search key is disabled");
  }
  // RFC 6203 §4 and §6.
  if (isRelevancy && !isFuzzy) throw WireError.because("RELEVANCY needs the search key FUZZY");
  // RFC 9051 appendix E: NEW, OLD and RECENT are no more.
  if (enabled.rev2 && hasKey(key, ({ kind }) => kind === "recent")) {
    throw WireError.because("There are no recent messages in IMAP4rev2");
  }
}

function extensionOf(key: SearchKey): string {
  if (key.kind === "age") return "WITHIN";
  return key.kind === "stored" ? key.extension ?? "" : "";
}
