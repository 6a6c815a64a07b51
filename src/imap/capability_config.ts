import type { ImapServerConfig } from "../config/config.ts";

/** What a listener's configuration takes away from or adds to the capabilities. */
export type CapabilityConfig = Pick<
  ImapServerConfig,
  "disabledCaps" | "additionalCaps" | "messageLimit" | "appendLimitBytes"
>;

/** What an extension cannot be used without, by its own RFC or because it is written into its syntax. */
const NEEDS: ReadonlyMap<string, readonly string[]> = new Map([
  ["CONTEXT=SEARCH", ["ESEARCH"]],
  ["CONTEXT=SORT", ["ESORT"]],
  ["ESORT", ["ESEARCH", "SORT"]],
  ["LIST-METADATA", ["LIST-EXTENDED", "METADATA"]],
  ["LIST-MYRIGHTS", ["LIST-EXTENDED", "ACL"]],
  ["LIST-STATUS", ["LIST-EXTENDED"]],
  ["MULTISEARCH", ["ESEARCH"]],
  ["PARTIAL", ["ESEARCH"]],
  ["QRESYNC", ["CONDSTORE", "ENABLE"]],
  ["QUOTA=RES-MAILBOX", ["QUOTA"]],
  ["QUOTA=RES-MESSAGE", ["QUOTA"]],
  ["QUOTA=RES-STORAGE", ["QUOTA"]],
  ["QUOTASET", ["QUOTA"]],
  ["SEARCHRES", ["ESEARCH"]],
  ["SORT=DISPLAY", ["SORT"]],
  ["UIDONLY", ["ENABLE"]],
  ["UTF8=ACCEPT", ["ENABLE"]],
]);

/**
 * True when the configuration takes this capability away, or one that it needs: it is neither
 * announced nor served.
 */
export function isDisabled(name: string, config: CapabilityConfig): boolean {
  const upper = name.toUpperCase();
  return config.disabledCaps.some((disabled) => disabled.toUpperCase() === upper) ||
    (NEEDS.get(upper)?.some((needed) => isDisabled(needed, config)) ?? false);
}
