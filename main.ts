import { sora } from "./src/app/sora.ts";

/** The server. `sora --help` tells how to use it. */
if (import.meta.main) Deno.exit(await sora(Deno.args));
