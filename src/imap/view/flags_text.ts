import type { MessageState } from "../../store/messages.ts";
import { renderFlags } from "../wire/flags.ts";

const NO_KEYWORDS = { keywords: [] } as const;
/** The 64 texts without keywords, by flags and \Recent: nearly every message has one of these. */
const plain: string[] = [];

/** `(\Seen $Forwarded \Recent)`: RFC 3501 §7.4.2 FLAGS. */
export function flagsText(
  state: Pick<MessageState, "flags" | "keywords">,
  recent: boolean,
): string {
  if (state.keywords.length > 0) return renderFlags(state, { recent });
  const key = state.flags * 2 + (recent ? 1 : 0);
  return plain[key] ??= renderFlags({ flags: state.flags, ...NO_KEYWORDS }, { recent });
}
