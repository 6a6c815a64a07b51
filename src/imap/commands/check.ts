import { command } from "../command.ts";

/** CHECK: RFC 3501 §6.4.1. Every change is on disk before its reply, so it only looks, like NOOP. */
export const check = command("CHECK", {
  states: ["selected"],
  parse: () => null,
  async execute(_args, { session: { view } }) {
    view.recheck();
  },
});
