import type { ImapServerConfig } from "../config/config.ts";

/** What a listener's configuration takes away from or adds to the capabilities. */
export type CapabilityConfig = Pick<
  ImapServerConfig,
  "disabledCaps" | "additionalCaps" | "messageLimit" | "appendLimitBytes"
>;

/** True when the configuration takes this capability away: it is neither announced nor served. */
export function isDisabled(name: string, { disabledCaps }: CapabilityConfig): boolean {
  return disabledCaps.some((disabled) => disabled.toUpperCase() === name.toUpperCase());
}
