import { command } from "../command.ts";
import { enableCondstore } from "../enable_condstore.ts";

/**
 * Extensions that change what a client is sent. One can be enabled only while it is announced, so
 * that what the configuration takes away stays away.
 */
const enableable: ReadonlySet<string> = new Set([
  "CONDSTORE", // RFC 7162 §3.1
  "QRESYNC", // RFC 7162 §3.2.3
  "UIDONLY", // RFC 9586 §3.1
  "IMAP4REV2", // RFC 9051 §6.3.1
  "UTF8=ACCEPT", // RFC 6855 §3
]);

/**
 * ENABLE: RFC 5161 §3.1. Unknown names are ignored; the reply names what was enabled now.
 *
 *     "ENABLE" 1*(SP capability)
 */
export const enable = command("ENABLE", {
  states: ["authenticated", "selected"],
  capability: "ENABLE",
  parse(wire) {
    const names = [wire.sp().word()];
    while (wire.maybe(" ")) names.push(wire.word());
    return names;
  },
  async execute(names, context) {
    const { enabled, reply } = context;
    const announced = new Map(
      context.capabilities().split(" ").map((name) => [name.toUpperCase(), name]),
    );
    const isNew = (name: string) =>
      enableable.has(name) && announced.has(name) && !enabled.has(name);
    const added = new Set(names.filter(isNew));
    // WHY: the first of all CONDSTORE enabling commands tells the HIGHESTMODSEQ of the open mailbox.
    if (added.has("CONDSTORE") || added.has("QRESYNC")) enableCondstore(context);
    for (const name of added) enabled.add(name);
    reply.untagged(["ENABLED", ...[...added].map((name) => announced.get(name))].join(" "));
  },
});
