import type { MailboxId } from "../../lib/ids.ts";
import type { RebuildServices } from "./rebuild_services.ts";

/** Rights that are given when all accounts are there. */
export interface WantedRights {
  readonly owner: string;
  readonly name: string;
  readonly mailbox: MailboxId;
  /** null: anyone in the domain. */
  readonly address: string | null;
  readonly domain: string | null;
  readonly rights: string;
}

/** Gives rights again; of somebody who is not here they are a problem. */
export async function grantRights(
  { owner, name, mailbox, address, domain, rights }: WantedRights,
  { accounts, acls, problem }: RebuildServices,
): Promise<void> {
  const holder = address === null ? null : await accounts.find(address);
  if (address !== null && !holder) {
    const why = `${address} had the rights ${rights}, and is not here`;
    return problem({ account: owner, mailbox: name, message: null, why });
  }
  if (address === null && domain === null) return;
  const account = holder?.id ?? null;
  await acls.set(mailbox, { account, domain: domain ?? "" }, () => rights);
}
