import { Refused } from "../../lib/refused.ts";
import { command, type Context } from "../command.ts";
import { renderAstring } from "../wire/quote.ts";
import { renderQuota } from "./quota/quota_response.ts";

/**
 * GETQUOTAROOT: RFC 9208 §4.1.2. The account that a mailbox counts for, or would if it were created.
 *
 *     getquotaroot = "GETQUOTAROOT" SP mailbox
 */
export const getQuotaRoot = command("GETQUOTAROOT", {
  states: ["authenticated", "selected"],
  capability: "QUOTA",
  parse: (wire) => wire.sp().mailbox(),
  async execute(mailbox, context) {
    const quota = await context.services.quotas.of(await ownerOf(mailbox, context));
    const { reply } = context;
    reply.untagged(`QUOTAROOT ${reply.mailbox(mailbox)} ${renderAstring(quota.address)}`);
    reply.untagged(renderQuota(quota));
  },
});

async function ownerOf(
  mailbox: string,
  { session: { user }, services: { access } }: Context<"authenticated" | "selected">,
) {
  try {
    return (await access.find(user, mailbox, ["r"])).accountId;
  } catch (error) {
    if (error instanceof Refused && error.refusal.kind === "no-such-mailbox") return user.accountId;
    throw error;
  }
}
