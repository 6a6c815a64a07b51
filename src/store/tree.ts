import type { AccountId } from "../lib/ids.ts";
import { mailboxKey } from "./mailbox_name.ts";
import { type Sql, sql } from "./sql.ts";

/**
 * Where names are unique and parents are looked for: the mailboxes of one account, or those that a
 * domain shares.
 */
export interface Tree {
  /** Whose tree it is; in a shared one, whom new mailboxes will belong to. */
  readonly owner: AccountId;
  /** Of a shared tree; null: the owner's own. */
  readonly domain: string | null;
}

/** An account's own mailboxes. */
export function personalTree(tree: AccountId | Tree): Tree {
  return typeof tree === "number" ? { owner: tree, domain: null } : tree;
}

/** What `name_key` holds for a name in this tree; keys of what is below it begin with it and "/". */
export function treeKey({ domain }: Pick<Tree, "domain">, name: string): string {
  return domain === null ? mailboxKey(name) : `/${domain}/${mailboxKey(name)}`;
}

/** Condition on `mailboxes`, together with one on `name_key`: it belongs to this tree. */
export function inTree({ owner, domain }: Tree): Sql {
  return domain === null ? sql`account_id = ${owner}` : sql`domain = ${domain}`;
}

/** Under which account `uid_validities` has the names of a tree. */
export function validityAccount({ owner, domain }: Tree): number {
  return domain === null ? owner : 0;
}

/** The same tree, whoever new mailboxes would belong to. */
export function isSameTree(a: Tree, b: Tree): boolean {
  return a.domain === b.domain && (a.domain !== null || a.owner === b.owner);
}
