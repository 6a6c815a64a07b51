import type { AccountId } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import { mailboxKey } from "../../store/mailbox_name.ts";
import type { AccountManifest } from "../manifests/read_manifest.ts";
import type { RebuildServices } from "./rebuild_services.ts";

/** WHY: no scheme that any password is compared with. */
const UNUSABLE_PASSWORD = "{UNUSABLE}";

/** An account that is being rebuilt. */
export interface MadeAccount {
  readonly id: AccountId;
  readonly needsPassword: boolean;
}

/**
 * Makes an account as its manifest says, without its mail; one that an earlier run has made stays. Throws
 * `account-exists` and `unsupported`.
 */
export async function makeAccount(
  address: string,
  manifest: AccountManifest | null,
  services: RebuildServices,
): Promise<MadeAccount> {
  const { accounts, rebuilds } = services;
  const addresses = manifest?.content.addresses ?? [];
  const hashes = new Map(addresses.map(([each, , hash]) => [each, hash ?? UNUSABLE_PASSWORD]));
  const hashOf = (each: string) => hashes.get(each) ?? UNUSABLE_PASSWORD;
  const found = await accounts.find(address);
  if (!found) await rebuilds.begin(address);
  const account = found ?? await accounts.create({ address, passwordHash: hashOf(address) });
  const known = new Set(account.credentials.map((credential) => credential.address));
  for (const [other] of addresses) {
    if (known.has(other)) continue;
    try {
      await accounts.addCredential(address, { address: other, passwordHash: hashOf(other) });
    } catch (error) {
      if (!(error instanceof Refused) || error.refusal.kind !== "account-exists") throw error;
      const why = `the address ${other} belongs to another account`;
      services.problem({ account: address, mailbox: null, message: null, why });
    }
  }
  if (manifest) await rebuilds.setCreated(account.id, manifest.content.createdMs);
  if (manifest) {
    const { mailboxes, subscriptions } = manifest.content;
    const personal = mailboxes.filter(({ domain }) => domain === null).map(({ name }) => name);
    await removeUnlisted(account.id, personal, services);
    const subscribed = new Set(subscriptions.map(mailboxKey));
    for (const name of await services.mailboxes.subscriptions(account.id)) {
      if (!subscribed.has(mailboxKey(name))) await services.mailboxes.unsubscribe(account.id, name);
    }
  }
  return { id: account.id, needsPassword: hashOf(address) === UNUSABLE_PASSWORD };
}

/**
 * Mailboxes that the account did not have: such as every account begins with, and parents that were made for
 * those below them.
 */
export async function removeUnlisted(
  account: AccountId,
  kept: Iterable<string>,
  { mailboxes }: Pick<RebuildServices, "mailboxes">,
): Promise<void> {
  const keys = new Set([...kept].map(mailboxKey)).add("inbox");
  for (const { name, uidNext } of await mailboxes.list(account)) {
    if (!keys.has(mailboxKey(name)) && uidNext === 1) await mailboxes.delete(account, name);
  }
}
