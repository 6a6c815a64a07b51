import { parseAddress } from "../../lib/address.ts";
import { Refused } from "../../lib/refused.ts";
import type { Quota } from "../../store/quotas.ts";
import { command, type Context } from "../command.ts";
import { renderQuota } from "./quota/quota_response.ts";

/**
 * GETQUOTA: RFC 9208 §4.1.1. A quota root is an account, named by its address: users see their own,
 * administrators all.
 *
 *     getquota = "GETQUOTA" SP quota-root-name
 */
export const getQuota = command("GETQUOTA", {
  states: ["authenticated", "selected"],
  capability: "QUOTA",
  also: ["QUOTA=RES-STORAGE", "QUOTA=RES-MESSAGE", "QUOTA=RES-MAILBOX"],
  parse: (wire) => wire.sp().astring(),
  async execute(root, context) {
    context.reply.untagged(renderQuota(await quotaRoot(root, context)));
  },
});

/** The account that a root means. Throws `not-permitted`, whether there is such an account or not. */
export async function quotaRoot(
  root: string,
  { session: { user }, services: { quotas, administrators } }: Context<
    "authenticated" | "selected"
  >,
): Promise<Quota> {
  const address = parseAddress(root)?.base;
  const isOwn = root === "" || address === user.address;
  if (isOwn) return await quotas.of(user.accountId);
  const isAdministrator = administrators.includes(user.address);
  const quota = isAdministrator && address !== undefined ? await quotas.find(address) : null;
  if (!quota) throw new Refused({ kind: "not-permitted" });
  return quota;
}
