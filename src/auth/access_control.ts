import type { SharingConfig } from "../config/config.ts";
import { parseAddress } from "../lib/address.ts";
import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import type { AccountStore } from "../store/accounts.ts";
import type { AclStore } from "../store/acls.ts";
import type { User } from "./authenticator.ts";
import type { AccessibleMailbox, MailboxAccess } from "./mailbox_access.ts";
import { domainOf } from "./namespaces.ts";
import { ALL_RIGHTS, OWNER_RIGHTS, readRights, rightLetters, type Rights } from "./rights.ts";

/** What access control is made from. */
export interface AccessControlOptions {
  readonly access: Pick<MailboxAccess, "find">;
  readonly acls: AclStore;
  readonly accounts: Pick<AccountStore, "credential">;
  readonly sharing: SharingConfig;
}

/** Who may do what with a mailbox. */
export interface Grant {
  /** A primary address, or `anyone`. */
  readonly identifier: string;
  readonly rights: Rights;
}

/** RFC 4314 §3.1: rights to be added, removed, or set in place of all others. */
export interface GrantChange {
  readonly mode: "add" | "remove" | "replace";
  readonly rights: Rights;
}

/** RFC 4314 §3.7: what an identifier always has, and what it can be given, each right by itself. */
export interface Grantable {
  readonly always: Rights;
  readonly possible: Rights;
}

/** All users of the mailbox's domain: RFC 4314 §2. */
export const ANYONE = "anyone";

const NONE: Rights = new Set();

/** Access control lists: RFC 4314 §3. Every method needs the right "a". */
export class AccessControl {
  readonly #options: AccessControlOptions;

  constructor(options: AccessControlOptions) {
    this.#options = options;
  }

  /** The owner first, then everybody else who has rights. */
  async grants(user: User, name: string): Promise<Grant[]> {
    const mailbox = await this.#administered(user, name);
    const entries = await this.#options.acls.entries(mailbox.id);
    const rights = (letters: string) => readRights(letters) ?? NONE;
    const own = entries.find(({ account }) => account === mailbox.accountId)?.rights ?? "";
    return [
      { identifier: mailbox.owner, rights: rights(own).union(alwaysOf(mailbox)) },
      ...entries.filter(({ account }) => account !== mailbox.accountId).map((entry) => ({
        identifier: entry.address ?? ANYONE,
        rights: rights(entry.rights),
      })),
    ];
  }

  /**
   * Changes what an identifier may do. Throws `no-such-account` for who is not an account of the
   * mailbox's domain, and `unsupported` for what cannot be granted, or taken from the owner.
   */
  async grant(
    user: User,
    name: string,
    { identifier, mode, rights }: GrantChange & { readonly identifier: string },
  ): Promise<void> {
    const mailbox = await this.#administered(user, name);
    const account = await this.#accountOf(identifier, mailbox);
    const always = alwaysOf(mailbox, account);
    const keeps = mode === "remove"
      ? always.isDisjointFrom(rights)
      : mode === "add" || always.isSubsetOf(rights);
    if (!keeps) throw new Refused({ kind: "unsupported", what: "taking rights from the owner" });
    if (always.size === ALL_RIGHTS.size) return;
    const grants = mode !== "remove" && rights.size > 0;
    if (grants && this.#possible(mailbox, account).size === 0) {
      throw new Refused({ kind: "unsupported", what: "granting rights here" });
    }
    await this.#options.acls.set(mailbox.id, grantee(mailbox, account), (letters) => {
      const before = readRights(letters) ?? NONE;
      if (mode === "add") return rightLetters(before.union(rights));
      return rightLetters(mode === "remove" ? before.difference(rights) : rights);
    });
  }

  /** Removes the entry of an identifier, if there is one; throws like `grant`. */
  async revoke(user: User, name: string, identifier: string): Promise<void> {
    const mailbox = await this.#administered(user, name);
    const account = await this.#accountOf(identifier, mailbox);
    if (account === mailbox.accountId) {
      throw new Refused({ kind: "unsupported", what: "taking rights from the owner" });
    }
    await this.#options.acls.set(mailbox.id, grantee(mailbox, account), () => "");
  }

  /** What an identifier can be granted; throws `no-such-account` like `grant`. */
  async grantable(user: User, name: string, identifier: string): Promise<Grantable> {
    const mailbox = await this.#administered(user, name);
    const account = await this.#accountOf(identifier, mailbox);
    const always = alwaysOf(mailbox, account);
    return { always, possible: this.#possible(mailbox, account).difference(always) };
  }

  #administered(user: User, name: string): Promise<AccessibleMailbox> {
    return this.#options.access.find(user, name, ["a"]);
  }

  /** null: anyone. */
  async #accountOf(identifier: string, mailbox: AccessibleMailbox): Promise<AccountId | null> {
    if (identifier.toLowerCase() === ANYONE) return null;
    // RFC 4314 §2: who has no negative rights need not support them.
    if (identifier.startsWith("-")) {
      throw new Refused({ kind: "unsupported", what: "negative rights" });
    }
    const address = parseAddress(identifier)?.base;
    const found = address ? await this.#options.accounts.credential(address) : null;
    if (!found || domainOf(found.primaryAddress) !== domainFor(mailbox)) {
      throw new Refused({ kind: "no-such-account" });
    }
    return found.accountId;
  }

  #possible({ domain }: AccessibleMailbox, account: AccountId | null): Rights {
    const { enabled, userPrefix, allowAnyone } = this.#options.sharing;
    const isReachable = enabled && (domain !== null || userPrefix !== "");
    return isReachable && (account !== null || allowAnyone) ? ALL_RIGHTS : NONE;
  }
}

/** What an account has whatever the list says; without one, the owner. */
function alwaysOf(
  { accountId, domain }: AccessibleMailbox,
  account: AccountId | null = accountId,
): Rights {
  if (account !== accountId) return NONE;
  return domain === null ? ALL_RIGHTS : OWNER_RIGHTS;
}

function grantee(
  mailbox: AccessibleMailbox,
  account: AccountId | null,
): { readonly account: AccountId | null; readonly domain: string } {
  return { account, domain: domainFor(mailbox) };
}

/** Whose users may be granted anything. */
function domainFor({ domain, owner }: AccessibleMailbox): string {
  return domain ?? domainOf(owner);
}
