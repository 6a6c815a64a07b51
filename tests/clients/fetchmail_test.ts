import assert from "node:assert/strict";
import { join } from "node:path";
import { shapedMessage } from "../support/mail.ts";
import { installed, login, OTHER, PASSWORD, run, startWithAccounts, tempDir } from "./programs.ts";

Deno.test({
  name: "fetchmail fetches, marks and expunges",
  ignore: !installed("fetchmail"),
  fn: async () => {
    await using server = await startWithAccounts();
    await using folder = await tempDir();
    using client = await login(server, OTHER);
    const texts = [0, 1, 2].map((n) => shapedMessage(n));
    for (const text of texts) {
      const size = new TextEncoder().encode(text).length;
      assert.match(
        (await client.imap(`APPEND Archive {${size}+}\r\n${text}`)).at(-1) ?? "",
        / OK /,
      );
    }
    const rc = join(folder.path, "fetchmailrc");
    const out = join(folder.path, "out");
    await Deno.writeTextFile(
      rc,
      `set no bouncemail
poll 127.0.0.1 protocol IMAP port ${server.imapPort} user "${OTHER}" password "${PASSWORD}" sslproto ''
  folder Archive fetchall nokeep mda "cat >> ${out}"
`,
      { mode: 0o600 },
    );
    await run("fetchmail", ["-f", rc, "--nosyslog", "-i", join(folder.path, "ids")], {
      FETCHMAILHOME: folder.path,
    });
    assert.equal((await Deno.readTextFile(out)).match(/^Message-ID: <shape-/gm)?.length, 3);
    const [status] = await client.imap("STATUS Archive (MESSAGES)");
    assert.equal(status, '* STATUS "Archive" (MESSAGES 0)');
  },
});
