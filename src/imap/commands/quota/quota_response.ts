import type { Quota, QuotaLimits } from "../../../store/quotas.ts";
import { renderAstring } from "../../wire/quote.ts";

/** RFC 9208 §5.1: STORAGE counts in units of 1024 octets. */
export const STORAGE_UNIT_BYTES = 1024;

/** The resources of RFC 9208 §5, and what they are called here. */
export const resources: readonly (readonly [name: string, key: keyof QuotaLimits])[] = [
  ["STORAGE", "storageBytes"],
  ["MESSAGE", "messages"],
  ["MAILBOX", "mailboxes"],
];

/**
 *     quota-response = "QUOTA" SP quota-root-name SP "(" [resource usage limit …] ")"
 *
 * RFC 9208 §4.2.1: a resource that is not named is not limited.
 */
export function renderQuota({ address, used, limits }: Quota): string {
  const list = resources.flatMap(([name, key]) => {
    const limit = limits[key];
    if (limit === null) return [];
    const unit = key === "storageBytes" ? STORAGE_UNIT_BYTES : 1;
    return [`${name} ${Math.ceil(used[key] / unit)} ${Math.floor(limit / unit)}`];
  });
  return `QUOTA ${renderAstring(address)} (${list.join(" ")})`;
}
