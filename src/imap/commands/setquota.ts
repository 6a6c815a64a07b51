import { Refused } from "../../lib/refused.ts";
import type { QuotaLimits } from "../../store/quotas.ts";
import { command } from "../command.ts";
import type { Scanner } from "../wire/scanner.ts";
import { quotaRoot } from "./getquota.ts";
import { renderQuota, resources, STORAGE_UNIT_BYTES } from "./quota/quota_response.ts";

/**
 * SETQUOTA: RFC 9208 §4.1.3, for administrators. What is not named is no longer limited.
 *
 *     setquota = "SETQUOTA" SP quota-root-name SP "(" [resource-name SP resource-limit …] ")"
 */
export const setQuota = command("SETQUOTA", {
  states: ["authenticated", "selected"],
  capability: "QUOTASET",
  parse: (wire) => ({ root: wire.sp().astring(), limits: limitList(wire.sp()) }),
  async execute({ root, limits }, context) {
    const { session: { user }, services: { quotas, administrators }, reply } = context;
    if (!administrators.includes(user.address)) {
      throw new Refused({ kind: "not-permitted" });
    }
    const { account } = await quotaRoot(root, context);
    await quotas.setLimits(account, limits);
    reply.untagged(renderQuota(await quotas.of(account)));
  },
});

function limitList(wire: Scanner): QuotaLimits {
  const limits: { -readonly [K in keyof QuotaLimits]: QuotaLimits[K] } = {
    storageBytes: null,
    messages: null,
    mailboxes: null,
  };
  if (wire.maybe("()")) return limits;
  wire.list(() => {
    const word = wire.word();
    const [, key] = resources.find(([name]) => name === word) ?? wire.fail("resource-name");
    const unit = key === "storageBytes" ? STORAGE_UNIT_BYTES : 1;
    limits[key] = Math.min(wire.sp().number64() * unit, Number.MAX_SAFE_INTEGER);
  });
  return limits;
}
