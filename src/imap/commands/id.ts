import { VERSION } from "../../lib/version.ts";
import { clientIdFields, clientIdFrom } from "../client_id.ts";
import { command } from "../command.ts";
import { renderString } from "../wire/quote.ts";
import type { Scanner } from "../wire/scanner.ts";

/** RFC 2971 §3.3: field names of at most 30 octets, values of at most 1024, at most 30 pairs. */
const PAIRS_MAX = 30;
const NAME_BYTES_MAX = 30;
const VALUE_BYTES_MAX = 1024;

/**
 * ID: RFC 2971 §3.1. The client's words are logged, kept with the session and trusted for nothing.
 *
 *     id_params_list = "(" *(string SP nstring) ")" / nil
 */
export const id = command("ID", {
  states: ["greeted", "authenticated", "selected"],
  capability: "ID",
  // QUIRK: some clients send a bare ID (seen at Migadu, 2025); it is taken as ID NIL.
  parse: (wire) => wire.maybe(" ") && !wire.maybe("NIL") ? parameters(wire) : [],
  async execute(theirs, { services: { config }, reply, log, identify }) {
    if (theirs.length > 0) {
      const clientId = clientIdFrom(theirs);
      identify(clientId);
      log.info("client-id", clientIdFields(clientId));
    }
    const ours: [string, string][] = [
      ["name", config.idName],
      ["version", config.idVersion || VERSION],
      ["vendor", config.idVendor],
      ["support-url", config.idSupportUrl],
    ];
    const shown = ours.filter(([, value]) => value !== "");
    const pairs = shown.map((pair) => pair.map(renderString).join(" "));
    reply.untagged(`ID ${pairs.length > 0 ? `(${pairs.join(" ")})` : "NIL"}`);
  },
});

type Pair = readonly [name: string, value: string | null];

function parameters(wire: Scanner): Pair[] {
  const pairs: Pair[] = [];
  wire.open();
  while (wire.peek() !== ")") {
    if (pairs.length === PAIRS_MAX) wire.fail(`at most ${PAIRS_MAX} pairs`);
    if (pairs.length > 0) wire.sp();
    const name = wire.string();
    const value = wire.sp().nstring();
    if (name.length > NAME_BYTES_MAX) wire.fail(`field names of at most ${NAME_BYTES_MAX} octets`);
    if ((value?.length ?? 0) > VALUE_BYTES_MAX) {
      wire.fail(`values of at most ${VALUE_BYTES_MAX} octets`);
    }
    pairs.push([name, value]);
  }
  wire.close();
  return pairs;
}
