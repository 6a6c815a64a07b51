import { command } from "../command.ts";

/** CAPABILITY: RFC 3501 §6.1.1. */
export const capability = command("CAPABILITY", {
  states: ["greeted", "authenticated", "selected"],
  parse: () => null,
  async execute(_args, { reply, capabilities }) {
    reply.untagged(`CAPABILITY ${capabilities()}`);
  },
});
