import { main } from "./src/admin/main.ts";
import { systemTerminal } from "./src/admin/terminal.ts";

/** `sora-admin`: manages accounts, schema and configuration of a Sora mail store. */
Deno.exit(await main(Deno.args, systemTerminal()));
