import { Refused } from "../../lib/refused.ts";
import { command } from "../command.ts";

/**
 * COMPRESS: RFC 4978 §3. After login only, so that no secret is compressed beside what a stranger
 * says.
 *
 *     compress = "COMPRESS" SP algorithm        algorithm = "DEFLATE"
 */
export const compress = command("COMPRESS", {
  states: ["authenticated", "selected"],
  capability: "COMPRESS=DEFLATE",
  parse: (wire) => wire.sp().expect("DEFLATE"),
  async execute(_args, { compression }) {
    if (compression.isActive) throw new Refused({ kind: "compression-active" });
    return { text: "DEFLATE active", afterwards: () => compression.start() };
  },
});
