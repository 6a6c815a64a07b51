import { isDisabled } from "./capability_config.ts";
import type { Context } from "./command.ts";
import type { Session } from "./session.ts";
import { WireError } from "./wire/wire_error.ts";

/**
 * For everything that makes a client CONDSTORE-aware (RFC 7162 §3.1): FETCH MODSEQ, CHANGEDSINCE,
 * UNCHANGEDSINCE, SEARCH MODSEQ, STATUS HIGHESTMODSEQ, SELECT (CONDSTORE), ENABLE. Call it before the
 * command's own responses. From the first call on, FETCH responses about changed flags have MODSEQ,
 * and the client hears the HIGHESTMODSEQ of the mailbox that it has open. Throws WireError where the
 * configuration has taken CONDSTORE away.
 */
export function enableCondstore(
  context: Pick<Context, "enabled" | "reply" | "services"> & { readonly session: Session },
): void {
  const { enabled, session, reply, services } = context;
  if (enabled.condstore) return;
  if (isDisabled("CONDSTORE", services.config)) throw WireError.because("CONDSTORE is disabled");
  enabled.add("CONDSTORE");
  if (session.state !== "selected") return;
  reply.untagged(`OK [HIGHESTMODSEQ ${session.view.highestModseq}] Highest`);
}
