import { FLAGS_ALL } from "../../store/flags.ts";
import { renderFlags } from "../wire/flags.ts";

/** Always offered, so that clients which only use what FLAGS names can mark junk and forwards. */
const OFFERED = ["$Forwarded", "$MDNSent", "$Junk", "$NotJunk", "$Phishing", "$Important"];

/** The keywords that a client has been told of in FLAGS and PERMANENTFLAGS. */
export class Keywords {
  readonly #known = new Map<string, string>();
  readonly #readOnly: boolean;

  constructor(used: readonly string[], readOnly: boolean) {
    this.#readOnly = readOnly;
    // WHY: the mailbox's own spelling of an offered keyword wins.
    for (const keyword of [...OFFERED, ...used]) this.#known.set(keyword.toLowerCase(), keyword);
  }

  /** RFC 3501 §7.2.6 FLAGS and §7.1 PERMANENTFLAGS; nothing is permanent where nothing may change. */
  get lines(): string[] {
    const list = renderFlags({ flags: FLAGS_ALL, keywords: [...this.#known.values()] });
    const permanent = this.#readOnly ? "()" : `${list.slice(0, -1)} \\*)`;
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
