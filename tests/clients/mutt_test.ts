import assert from "node:assert/strict";
import { join } from "node:path";
import { installed, login, OTHER, PASSWORD, run, startWithAccounts, tempDir } from "./programs.ts";

Deno.test({
  name: "mutt keeps what it sends in Sent",
  ignore: !installed("mutt"),
  fn: async () => {
    await using server = await startWithAccounts();
    await using folder = await tempDir();
    const rc = join(folder.path, "muttrc");
    await Deno.writeTextFile(
      rc,
      `set folder="imap://127.0.0.1:${server.imapPort}/"
set spoolfile="+INBOX"
set record="+Sent"
set imap_user="${OTHER}"
set imap_pass="${PASSWORD}"
set imap_authenticators="login"
set ssl_starttls=no
set ssl_force_tls=no
set sendmail="/bin/true"
set from="${OTHER}"
set tmpdir="${folder.path}"
set copy=yes
`,
    );
    await run("mutt", ["-F", rc, "-s", "sent by mutt", "bob@example.net"]);
    using client = await login(server, OTHER);
    await client.imap("EXAMINE Sent");
    const [found] = await client.imap('SEARCH SEEN SUBJECT "sent by mutt"');
    assert.equal(found, "* SEARCH 1");
  },
});
