import type { Context } from "../../command.ts";
import { WireError } from "../../wire/wire_error.ts";
import { noUpdate } from "../../view/contexts.ts";
import { type Kept, LiveSearch } from "./live_search.ts";
import type { ReturnOptions } from "./return_options.ts";

/** RFC 5267 §4.3: a tag that is in use for UPDATE names no other result. */
export function refuseTagInUse(
  options: ReturnOptions | null,
  { session: { view }, tag }: Context<"selected">,
): void {
  if (options?.update && view.contexts.has(tag)) throw WireError.because("Tag is in use");
}

/** RFC 5267 §4.3: with UPDATE, tells from now on how the result changes. */
export function keepUpdated(
  options: ReturnOptions | null,
  found: Pick<Kept, "uids" | "key" | "resultsMax"> & Partial<Kept>,
  context: Context<"selected">,
): void {
  if (!options?.update) return;
  const { session: { view }, uid: byUid, reply, memory } = context;
  const { items } = options.update;
  const kept = { criteria: null, where: "", byUid, items, ...found };
  view.contexts.add(new LiveSearch(kept, context), { reply, memory });
}

/** RFC 5267 §4.3.1: the result is told once, and nothing afterwards. */
export function refuseUpdate(
  options: ReturnOptions | null,
  why: string,
  { reply, tag }: Pick<Context, "reply" | "tag">,
): void {
  if (options?.update) reply.untagged(noUpdate(tag, why));
}
