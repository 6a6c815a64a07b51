import assert from "node:assert/strict";
import { fileURLToPath } from "node:url";
import { ADDRESS, PASSWORD, run, startWithAccounts } from "./programs.ts";

Deno.test("ImapFlow: folders, messages, flags, moves", async () => {
  await using server = await startWithAccounts();
  const program = fileURLToPath(new URL("imapflow_client.ts", import.meta.url));
  const args = ["run", "-A", program, String(server.imapPort), ADDRESS, PASSWORD];
  assert.equal((await run(Deno.execPath(), args)).trim(), "done");
});
