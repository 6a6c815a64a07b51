import { command } from "../command.ts";

/** Extensions that change what a client is sent, upper case: an extension's issue adds its name. */
const enableable: ReadonlySet<string> = new Set();

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
  async execute(names, { enabled, reply }) {
    const added = names.filter((name) => enableable.has(name) && enabled.add(name));
    reply.untagged(["ENABLED", ...added].join(" "));
  },
});
