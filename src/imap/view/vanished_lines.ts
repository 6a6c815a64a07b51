import type { Uid } from "../../lib/ids.ts";
import type { NumberSet } from "../../lib/number_set.ts";

/** RFC 7162 §4: about as long as the lines of clients, so that none is too long for a client. */
const SET_CHARS_MAX = 8_000;

/**
 * VANISHED for these UIDs, in lines of bounded length; nothing for none. With `earlier` they were
 * gone before the mailbox was opened, or before the client asked.
 *
 *     expunged-resp = "VANISHED" [SP "(EARLIER)"] SP known-uids             RFC 7162 §7
 */
export function* vanishedLines(
  { ranges }: NumberSet<Uid>,
  { earlier = false }: { readonly earlier?: boolean } = {},
): Generator<string> {
  const head = earlier ? "* VANISHED (EARLIER) " : "* VANISHED ";
  let set = "";
  for (const [low, high] of ranges) {
    const range = low === high ? `${low}` : `${low}:${high}`;
    if (set.length + range.length >= SET_CHARS_MAX) {
      yield `${head}${set}\r\n`;
      set = "";
    }
    set += set === "" ? range : `,${range}`;
  }
  if (set !== "") yield `${head}${set}\r\n`;
}
