import { VERSION } from "../../lib/version.ts";
import type { Command } from "../command.ts";

/** Prints the version. */
export const version: Command = {
  name: "version",
  summary: "print the version",
  options: {},
  example: "sora-admin version",
  async run() {
    return { text: `sora-admin ${VERSION}\n`, json: { version: VERSION, deno: Deno.version.deno } };
  },
};
