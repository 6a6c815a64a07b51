import type { Uid } from "../../../lib/ids.ts";
import type { Context } from "../../command.ts";
import { evaluate } from "./evaluate.ts";
import type { SearchKey } from "./key.ts";
import { resolve } from "./resolve.ts";

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
