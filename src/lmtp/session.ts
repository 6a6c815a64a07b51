import type { Recipient } from "../store/accounts.ts";
import type { Incoming } from "./incoming.ts";
import type { Path } from "./wire/path.ts";

/** What MAIL began: RFC 5321 §3.3. */
export interface Envelope {
  /** The null path `<>` included. */
  readonly sender: Path;
  /** RFC 1870: octets announced; 0 = not announced. */
  readonly sizeBytes: number;
  /** RFC 6531: addresses and header may be UTF-8. */
  readonly smtpUtf8: boolean;
}

/** A RCPT that was answered with 250. */
export interface Accepted {
  readonly path: Path;
  readonly recipient: Recipient;
}

/** RFC 5321 §4.1.4 in the words of RFC 2033: what a state does not have, its type does not have. */
export type Session =
  | { readonly state: "connected" }
  | { readonly state: "ready"; readonly helo: string }
  | { readonly state: "mail"; readonly helo: string; readonly envelope: Envelope }
  | {
    readonly state: "rcpt";
    readonly helo: string;
    readonly envelope: Envelope;
    readonly accepted: readonly Accepted[];
  }
  | {
    readonly state: "bdat";
    readonly helo: string;
    readonly envelope: Envelope;
    readonly accepted: readonly Accepted[];
    readonly incoming: Incoming;
  }
  | { readonly state: "closed" };

export type State = Session["state"];

/** The state diagram as data: obey it, test it, draw it. */
export const after = {
  connected: ["ready", "closed"],
  ready: ["ready", "mail", "closed"],
  mail: ["ready", "rcpt", "closed"],
  rcpt: ["ready", "rcpt", "bdat", "closed"],
  bdat: ["ready", "bdat", "closed"],
  closed: [],
} as const satisfies Record<State, readonly State[]>;
