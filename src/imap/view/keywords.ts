import { FLAGS_ALL } from "../../store/flags.ts";
import type { Changeable } from "../../store/messages.ts";
import { renderFlags } from "../wire/flags.ts";

/** Always offered, so that clients which only use what FLAGS names can mark junk and forwards. */
const OFFERED = ["$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing", "$Important"];

/** The keywords that a client has been told of in FLAGS and PERMANENTFLAGS. */
export class Keywords {
  readonly #known = new Map<string, string>();
  readonly #changeable: () => Changeable;

  /** `changeable`: what this client may change at the moment. */
  constructor(used: readonly string[], changeable: () => Changeable) {
    this.#changeable = changeable;
    // WHY: the mailbox's own spelling of an offered keyword wins.
    for (const keyword of [...OFFERED, ...used]) this.#known.set(keyword.toLowerCase(), keyword);
  }

  /** RFC 3501 §7.2.6 FLAGS and §7.1 PERMANENTFLAGS; only what may be changed is permanent. */
  get lines(): string[] {
    const keywords = [...this.#known.values()];
    const list = renderFlags({ flags: FLAGS_ALL, keywords });
    const { flags, keywords: mayKeywords } = this.#changeable();
    const permanent = mayKeywords
      ? renderFlags({ flags, keywords: [...keywords, "\\*"] })
      : renderFlags({ flags, keywords: [] });
    return [`FLAGS ${list}`, `OK [PERMANENTFLAGS ${permanent}] Flags that can be kept`];
  }

  /** The lines again when these messages bring a keyword that the client does not know. */
  learn(states: readonly { readonly keywords: readonly string[] }[]): string[] {
    const before = this.#known.size;
    for (const { keywords } of states) {
      for (const keyword of keywords) {
        const key = keyword.toLowerCase();
        if (!this.#known.has(key)) this.#known.set(key, keyword);
      }
    }
    return this.#known.size > before ? this.lines : [];
  }
}
