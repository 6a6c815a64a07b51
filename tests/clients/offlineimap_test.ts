import assert from "node:assert/strict";
import { join } from "node:path";
import { shapedMessage } from "../support/mail.ts";
import {
  fill,
  installed,
  listMaildir,
  login,
  OTHER,
  PASSWORD,
  run,
  startWithAccounts,
  tempDir,
} from "./programs.ts";

Deno.test({
  name: "offlineimap syncs both ways",
  ignore: !installed("offlineimap"),
  fn: async () => {
    await using server = await startWithAccounts();
    await using folder = await tempDir();
    await fill(server, { address: OTHER, messages: 20 });
    using client = await login(server, OTHER);
    const rc = join(folder.path, "offlineimaprc");
    const maildir = join(folder.path, "mail");
    await Deno.writeTextFile(
      rc,
      `[general]
accounts = sora
metadata = ${join(folder.path, "meta")}
ui = quiet
[Account sora]
localrepository = near
remoterepository = far
[Repository near]
type = Maildir
localfolders = ${maildir}
[Repository far]
type = IMAP
remotehost = 127.0.0.1
remoteport = ${server.imapPort}
remoteuser = ${OTHER}
remotepass = ${PASSWORD}
ssl = no
starttls = no
auth_mechanisms = LOGIN
`,
    );
    const inbox = join(maildir, "INBOX");
    const sync = () => run("offlineimap", ["-c", rc, "-o"]);
    await client.imap("SELECT INBOX");
    const uids = async () => (await client.imap("UID SEARCH ALL"))[0]?.split(" ").slice(2) ?? [];
    const before = await uids();
    await sync();
    const [first, ...others] = await listMaildir(inbox);
    assert.ok(first);
    assert.equal(others.length, before.length - 1);
    await Deno.remove(first);
    await Deno.writeTextFile(join(inbox, "new", "1.local.host"), shapedMessage(77_770));
    await sync();
    await client.imap("NOOP");
    const after = await uids();
    assert.equal(after.length, before.length);
    assert.equal(after.filter((uid) => !before.includes(uid)).length, 1);
    assert.equal((await listMaildir(inbox)).length, before.length);
  },
});
