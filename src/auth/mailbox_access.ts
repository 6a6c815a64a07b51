import type { SharingConfig } from "../config/config.ts";
import type { AccountId } from "../lib/ids.ts";
import { Refused } from "../lib/refused.ts";
import type { AclStore, GrantedMailbox, Viewer } from "../store/acls.ts";
import { DELIMITER, mailboxKey, parentNames } from "../store/mailbox_name.ts";
import type { Mailbox, MailboxStore } from "../store/mailboxes.ts";
import { isSameTree, personalTree, type Tree } from "../store/tree.ts";
import type { User } from "./authenticator.ts";
import { domainOf, type NamespacePrefixes, Namespaces } from "./namespaces.ts";
import { ALL_RIGHTS, OWNER_RIGHTS, readRights, type Right, type Rights } from "./rights.ts";

/**
 * A mailbox as one user sees it: `name` is the user's name for it, and `unseen` counts what this user
 * has not seen.
 */
export interface AccessibleMailbox extends Mailbox {
  /** What the user may do with it: RFC 4314 §2.1. The owner of a personal one may do everything. */
  readonly rights: Rights;
  /** The user is not the owner: \Seen is the user's own, bytes and quota are the owner's. */
  readonly isForeign: boolean;
  /** Whose \Seen it is, for `MessageStore.viewedBy`: null the owner's, otherwise this user's. */
  readonly viewer: AccountId | null;
  /** Primary address of the account it belongs to: bodies are kept under it. */
  readonly owner: string;
  /** Its name inside of its tree. */
  readonly treeName: string;
}

/** What access is made from. */
export interface MailboxAccessOptions {
  readonly mailboxes: MailboxStore;
  readonly acls: AclStore;
  readonly sharing: SharingConfig;
}

/** RFC 4314 §4 MYRIGHTS: who has none of these must not learn that the mailbox exists. */
const KNOWING: readonly Right[] = ["l", "r", "i", "k", "x", "a"];

/** Finds mailboxes by the names that users know them by, and says what they may do with them. */
export class MailboxAccess {
  readonly #mailboxes: MailboxStore;
  readonly #acls: AclStore;
  readonly #sharing: SharingConfig;
  readonly #names: Namespaces;

  constructor({ mailboxes, acls, sharing }: MailboxAccessOptions) {
    this.#mailboxes = mailboxes;
    this.#acls = acls;
    this.#sharing = sharing;
    this.#names = new Namespaces(sharing);
  }

  /** RFC 2342: in front of which names which mailboxes are. */
  namespaces(): NamespacePrefixes {
    return this.#names.prefixes;
  }

  /**
   * The mailbox of this name, in any case. Throws `no-such-mailbox` when there is none, or none that
   * the user may know of, and `not-permitted` when it lacks one of the rights that are needed.
   */
  async find(
    user: User,
    name: string,
    needs: readonly Right[] = [],
  ): Promise<AccessibleMailbox> {
    const found = await this.#look(user, name);
    if (!found || !KNOWING.some((right) => found.rights.has(right))) return refuseMissing(name);
    if (needs.every((right) => found.rights.has(right))) return found;
    // RFC 4314 §6: without "l" the answer is that of a mailbox that does not exist.
    if (!found.rights.has("l")) return refuseMissing(name);
    throw new Refused({ kind: "not-permitted" });
  }

  /** The mailbox that the user knows by this name, or would with rights: for operators only. */
  async findForOperator(user: User, name: string): Promise<AccessibleMailbox> {
    return await this.#look(user, name) ?? refuseMissing(name);
  }

  /**
   * Every mailbox that the user may know of ("l"): first the user's own, by name, then those of
   * others and of the domain, by name. Parents come before children.
   */
  async list(user: User): Promise<AccessibleMailbox[]> {
    if (!this.#sharing.enabled) {
      return (await this.#mailboxes.list(user.accountId)).map((mailbox) =>
        ownMailbox(user, mailbox)
      );
    }
    const rows = await this.#acls.list(this.#viewer(user));
    const own: AccessibleMailbox[] = [];
    const others: (readonly [key: string, mailbox: AccessibleMailbox])[] = [];
    for (const row of rows) {
      const seen = this.#asSeenBy(user, row);
      if (!seen?.rights.has("l")) continue;
      if (seen.name === row.name) own.push(seen);
      else others.push([mailboxKey(seen.name), seen]);
    }
    others.sort(([a], [b]) => a < b ? -1 : 1);
    return [...own, ...others.map(([, mailbox]) => mailbox)];
  }

  /**
   * The same mailbox with the rights of now; null when the user has none left, or it was deleted.
   * Costs nothing for who cannot lose any.
   */
  async renew(user: User, mailbox: AccessibleMailbox): Promise<AccessibleMailbox | null> {
    if (!mailbox.isForeign && mailbox.domain === null) return mailbox;
    const row = await this.#acls.get(this.#viewer(user), mailbox.id);
    const seen = row && this.#asSeenBy(user, row);
    return seen && KNOWING.some((right) => seen.rights.has(right)) ? seen : null;
  }

  /**
   * Creates a mailbox and the parents it lacks; they have the rights of the innermost parent that
   * there is, which needs "k". Throws `not-permitted`, and what `MailboxStore.create` throws.
   */
  async create(
    user: User,
    name: string,
    { specialUse = null }: { readonly specialUse?: string | null } = {},
  ): Promise<AccessibleMailbox> {
    const target = await this.#target(user, name);
    const made = await this.#mailboxes.create(target.tree, target.name, {
      specialUse,
      ownerRights: this.#sharing.defaultRights,
    });
    if (target.prefix === "") return ownMailbox(user, made);
    const row = await this.#acls.get(this.#viewer(user), made.id);
    return row && this.#asSeenBy(user, row) || refuseMissing(name);
  }

  /**
   * Renames a mailbox with everything below it; needs "x", and "k" on the new parent. Between the
   * user's own mailboxes and the shared ones goes only what belongs to the user altogether. Throws
   * what `MailboxStore.rename` throws, too. Returns the new name; `isMailbox` is false for a level that
   * only stands for what is below it.
   */
  async rename(
    user: User,
    from: string,
    to: string,
  ): Promise<{ readonly name: string; readonly isMailbox: boolean }> {
    const source = await this.#source(user, from);
    const { treeName, isForeign } = source;
    const isPersonal = source.domain === null;
    if (isForeign && isPersonal && mailboxKey(treeName) === "inbox") {
      throw new Refused({ kind: "mailbox-protected", name: from });
    }
    const isTop = !isPersonal && !treeName.includes(DELIMITER);
    const target = await this.#target(user, to, { mayBeTop: isTop });
    const tree = treeOf(source, user);
    const stays = isSameTree(tree, target.tree);
    if (!stays && (isForeign || target.tree.owner !== user.accountId)) {
      throw new Refused({ kind: "not-permitted" });
    }
    const prefix = source.name.slice(0, source.name.length - treeName.length);
    const owner = { account: source.accountId, from: "", to: "" };
    const { name, isMailbox } = await this.#mailboxes.rename(tree, treeName, target.name, {
      into: target.tree,
      ...(source.id === undefined ? {} : { id: source.id }),
      ownerRights: this.#sharing.defaultRights,
      subscribers: [
        { account: user.accountId, from: prefix, to: target.prefix },
        ...(isForeign && isPersonal ? [owner] : []),
      ],
    });
    return { name: target.prefix + name, isMailbox };
  }

  /** Deletes a mailbox; needs "x". Throws what `MailboxStore.delete` throws, too. */
  async delete(user: User, name: string): Promise<void> {
    // WHY: one's own may be a level that is no mailbox, which the store tells from nothing at all.
    if (this.#names.locate(name).kind === "own") {
      return await this.#mailboxes.delete(user.accountId, name);
    }
    const mailbox = await this.find(user, name, ["x"]);
    await this.#mailboxes.delete(treeOf(mailbox, user), mailbox.treeName, { id: mailbox.id });
  }

  /** What is to be renamed. WHY without an id: the same as in `delete`. */
  async #source(user: User, name: string): Promise<RenameSource> {
    if (this.#names.locate(name).kind !== "own") return await this.find(user, name, ["x"]);
    return { accountId: user.accountId, domain: null, name, treeName: name, isForeign: false };
  }

  async #look(user: User, name: string): Promise<AccessibleMailbox | null> {
    const place = this.#names.locate(name);
    if (place.kind === "own") {
      return ownMailbox(user, await this.#mailboxes.find(user.accountId, name));
    }
    const viewer = this.#viewer(user);
    if (place.name === "" || place.kind === "user" && domainOf(place.owner) !== viewer.domain) {
      return null;
    }
    const where = place.kind === "user" ? { owner: place.owner } : { domain: viewer.domain };
    const [row] = await this.#acls.find(viewer, where, [place.name]);
    return row ? this.#asSeenBy(user, row) : null;
  }

  /**
   * Where a new name goes, if the user may create it there. `mayBeTop`: directly below the shared
   * namespace, too.
   */
  async #target(
    user: User,
    wanted: string,
    { mayBeTop = false }: { readonly mayBeTop?: boolean } = {},
  ): Promise<Target> {
    const place = this.#names.locate(wanted);
    if (place.kind === "own") {
      return { tree: personalTree(user.accountId), name: wanted, prefix: "" };
    }
    const name = place.name.endsWith(DELIMITER) ? place.name.slice(0, -1) : place.name;
    if (name === "") throw new Refused({ kind: "bad-mailbox-name", why: "a namespace" });
    const viewer = this.#viewer(user);
    const nearest = await this.#nearest(user, place, parentNames(name));
    const mayCreate = nearest
      ? nearest.rights.has("k")
      : place.kind === "shared" && (mayBeTop || this.#sharing.allowUserCreate);
    if (!mayCreate) throw new Refused({ kind: "not-permitted" });
    const tree = nearest && place.kind === "user"
      ? personalTree(nearest.accountId)
      : { owner: user.accountId, domain: viewer.domain };
    const owner = nearest?.owner ?? user.address;
    const prefix = this.#names.prefixFor(user, { name, domain: tree.domain, owner });
    if (prefix === null) throw new Refused({ kind: "not-permitted" });
    return { tree, name, prefix };
  }

  /** The innermost of these parents that exists. */
  async #nearest(
    user: User,
    place: Exclude<ReturnType<Namespaces["locate"]>, { readonly kind: "own" }>,
    parents: readonly string[],
  ): Promise<AccessibleMailbox | null> {
    const viewer = this.#viewer(user);
    if (place.kind === "user" && domainOf(place.owner) !== viewer.domain) return null;
    const where = place.kind === "user" ? { owner: place.owner } : { domain: viewer.domain };
    const rows = await this.#acls.find(viewer, where, parents);
    const nearest = rows.sort((a, b) => b.name.length - a.name.length)[0];
    return nearest ? this.#asSeenBy(user, nearest) : null;
  }

  /** A mailbox with the rights and the name that a user has for it; null: out of reach altogether. */
  #asSeenBy(user: User, row: GrantedMailbox): AccessibleMailbox | null {
    const { granted: _granted, isOwned, seen, ...mailbox } = row;
    const isForeign = row.accountId !== user.accountId;
    const owner = isForeign || row.owner !== "" ? row.owner : user.address;
    const domain = domainOf(user.address);
    const isNear = row.domain === null
      ? !isForeign || isOwned && domainOf(owner) === domain
      : row.domain === domain;
    const prefix = this.#names.prefixFor(user, { name: row.name, domain: row.domain, owner });
    if (!isNear || prefix === null) return null;
    return {
      ...mailbox,
      owner,
      name: prefix + row.name,
      treeName: row.name,
      unseen: isForeign ? row.messages - seen : row.unseen,
      // WHY: what is recent is so to the owner, and nobody else can take that away.
      recentUid: isForeign ? row.uidNext : row.recentUid,
      rights: rightsOf(row, { isForeign }),
      isForeign,
      viewer: isForeign ? user.accountId : null,
    };
  }

  #viewer(user: User): Viewer {
    const { allowAnyone } = this.#sharing;
    return { account: user.accountId, domain: domainOf(user.address), anyone: allowAnyone };
  }
}

interface RenameSource extends Pick<AccessibleMailbox, "accountId" | "domain" | "name"> {
  readonly id?: AccessibleMailbox["id"];
  readonly treeName: string;
  readonly isForeign: boolean;
}

interface Target {
  readonly tree: Tree;
  /** Inside of the tree. */
  readonly name: string;
  /** What stands in front of it when the user names it. */
  readonly prefix: string;
}

function rightsOf(
  { domain, granted }: GrantedMailbox,
  { isForeign }: { readonly isForeign: boolean },
): Rights {
  const rights = readRights(granted) ?? new Set();
  if (isForeign) return rights;
  return domain === null ? ALL_RIGHTS : rights.union(OWNER_RIGHTS);
}

function ownMailbox(user: User, mailbox: Mailbox): AccessibleMailbox {
  return {
    ...mailbox,
    owner: user.address,
    treeName: mailbox.name,
    rights: ALL_RIGHTS,
    isForeign: false,
    viewer: null,
  };
}

/** WHY the user: whoever takes part in a shared tree makes new parents in it. */
function treeOf({ domain, accountId }: Pick<Mailbox, "domain" | "accountId">, user: User): Tree {
  return { owner: domain === null ? accountId : user.accountId, domain };
}

function refuseMissing(name: string): never {
  throw new Refused({ kind: "no-such-mailbox", name });
}
