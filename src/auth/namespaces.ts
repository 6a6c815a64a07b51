import type { SharingConfig } from "../config/config.ts";
import { DELIMITER, mailboxKey } from "../store/mailbox_name.ts";
import type { User } from "./authenticator.ts";

/** What a name means to a user; `name` is the one inside of the tree, empty at its root. */
export type Place =
  | { readonly kind: "own"; readonly name: string }
  | { readonly kind: "shared"; readonly name: string }
  /** `owner`: what should be a primary address; empty at the root of the namespace. */
  | { readonly kind: "user"; readonly owner: string; readonly name: string };

/** RFC 2342 §5: the prefixes of the namespaces; null where there is none. */
export interface NamespacePrefixes {
  readonly personal: string;
  readonly users: string | null;
  readonly shared: string | null;
}

/** The names under which users know mailboxes: their own, other users', and those of their domain. */
export class Namespaces {
  readonly #shared: string | null;
  readonly #users: string | null;

  constructor({ enabled, namespacePrefix, userPrefix }: SharingConfig) {
    this.#shared = enabled ? namespacePrefix : null;
    this.#users = enabled && userPrefix !== "" ? userPrefix : null;
  }

  get prefixes(): NamespacePrefixes {
    return { personal: "", users: this.#users, shared: this.#shared };
  }

  /** Where the mailbox of this name would be. */
  locate(name: string): Place {
    const [first = "", second = "", ...rest] = name.split(DELIMITER);
    if (isPrefix(this.#shared, first)) {
      return { kind: "shared", name: name.slice(first.length + 1) };
    }
    if (isPrefix(this.#users, first)) {
      return { kind: "user", owner: addressOf(second), name: rest.join(DELIMITER) };
    }
    return { kind: "own", name };
  }

  /** What stands in front of a mailbox's own name when a user names it; null: it has no name. */
  prefixFor(
    user: User,
    { name, domain, owner }: {
      readonly name: string;
      readonly domain: string | null;
      /** Primary address. */
      readonly owner: string;
    },
  ): string | null {
    if (domain !== null) return this.#shared;
    if (owner === user.address && this.locate(name).kind === "own") return "";
    return this.#users === null ? null : `${this.#users}${levelOf(owner)}${DELIMITER}`;
  }
}

/** The domain of a user's primary address. */
export function domainOf(address: string): string {
  return address.slice(address.lastIndexOf("@") + 1);
}

function isPrefix(prefix: string | null, level: string): boolean {
  return prefix !== null && mailboxKey(level) === mailboxKey(prefix.slice(0, -1));
}

/** WHY: an address may contain the delimiter. */
function levelOf(address: string): string {
  return address.replaceAll("%", "%25").replaceAll(DELIMITER, "%2F");
}

function addressOf(level: string): string {
  return mailboxKey(level).replaceAll("%2f", DELIMITER).replaceAll("%25", "%");
}
