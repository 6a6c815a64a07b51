import { type CapabilityConfig, isDisabled } from "./capability_config.ts";
import type { State } from "./session.ts";
import { WireError } from "./wire/wire_error.ts";

/** RFC 7888 §5: what a client may send without asking where only LITERAL- is offered. */
const SMALL_BYTES_MAX = 4096;

/** A session as far as it decides about literals. */
interface Where {
  readonly state: State;
  readonly config: CapabilityConfig;
}

/** RFC 7888 §5: one or the other, and strangers get the one that promises little. */
export function literalCapability({ state, config }: Where): "LITERAL+" | "LITERAL-" | null {
  const names = state === "greeted" ? ["LITERAL-"] as const : ["LITERAL+", "LITERAL-"] as const;
  return names.find((name) => !isDisabled(name, config)) ?? null;
}

/** Throws WireError for a literal that the client should have asked for. */
export function admitNonSync(
  { sizeBytes, nonSync }: { readonly sizeBytes: number; readonly nonSync: boolean },
  where: Where,
): void {
  if (!nonSync) return;
  switch (literalCapability(where)) {
    case "LITERAL+":
      return;
    case "LITERAL-":
      if (sizeBytes <= SMALL_BYTES_MAX) return;
      // RFC 7888 §5: "the tagged BAD response MUST contain the TOOBIG response code".
      throw WireError.because("Too large for a non-synchronizing literal", "TOOBIG");
    case null:
      throw WireError.because("Non-synchronizing literals are not offered");
  }
}
