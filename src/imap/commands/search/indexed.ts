import { Refused } from "../../../lib/refused.ts";
import type { Context } from "../../command.ts";
import type { Resolved } from "./resolve.ts";
import type { SearchScope } from "./scope.ts";

/** WHY: each is a query of its own. */
const TEXTS_MAX = 50;

/** What the index is asked for. */
interface Asking extends Pick<Context, "services" | "cancelled"> {
  readonly scope: SearchScope;
}

/**
 * The same key, but what the index knows about texts is said by UIDs: only messages that it does not
 * know, or not the whole of, are left to be read.
 */
export async function indexed(key: Resolved, asking: Asking): Promise<Resolved> {
  return await new Rewriter(asking).rewrite(key);
}

class Rewriter {
  readonly #asking: Asking;
  #count = 0;

  constructor(asking: Asking) {
    this.#asking = asking;
  }

  async rewrite(key: Resolved): Promise<Resolved> {
    switch (key.kind) {
      case "all":
      case "any": {
        const parts: Resolved[] = [];
        for (const part of key.parts) parts.push(await this.rewrite(part));
        return { kind: key.kind, parts };
      }
      case "not":
        return { kind: "not", part: await this.rewrite(key.part) };
      case "text":
        return await this.#text(key);
      default:
        return key;
    }
  }

  async #text(key: Extract<Resolved, { kind: "text" }>): Promise<Resolved> {
    if (++this.#count > TEXTS_MAX) throw new Refused({ kind: "limit", what: "texts in a search" });
    const { scope, services: { texts }, cancelled: signal } = this.#asking;
    // WHY: the index has lines of other texts as neighbours, and never NUL.
    if (!isIndexable(key.needle)) return key;
    const { matching, undecided } = await texts.find(scope.mailbox.id, key, { signal });
    const known: Resolved = { kind: "stored", condition: { uids: matching } };
    if (undecided.isEmpty) return known;
    const rest: Resolved = { kind: "stored", condition: { uids: undecided } };
    return { kind: "any", parts: [known, { kind: "all", parts: [rest, key] }] };
  }
}

function isIndexable(needle: string): boolean {
  return needle !== "" && !/[\0\r\n]/.test(needle) && needle.isWellFormed();
}
