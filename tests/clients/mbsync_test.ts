import assert from "node:assert/strict";
import { join } from "node:path";
import { shapedMessage } from "../support/mail.ts";
import {
  ADDRESS,
  countMessages,
  fill,
  installed,
  listMaildir,
  login,
  MESSAGES,
  PASSWORD,
  run,
  startWithAccounts,
  tempDir,
} from "./programs.ts";

Deno.test({
  name: "mbsync brings many messages down, flags and new mail up",
  ignore: !installed("mbsync"),
  fn: async () => {
    await using server = await startWithAccounts();
    await fill(server);
    await using folder = await tempDir();
    const maildir = join(folder.path, "mail");
    await Deno.mkdir(maildir);
    const rc = join(folder.path, "mbsyncrc");
    await Deno.writeTextFile(
      rc,
      `IMAPStore far
Host 127.0.0.1
Port ${server.imapPort}
User ${ADDRESS}
Pass "${PASSWORD}"
SSLType None
AuthMechs LOGIN

MaildirStore near
Path ${maildir}/
Inbox ${maildir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
CopyArrivalDate yes
`,
    );
    await run("mbsync", ["-c", rc, "all"]);
    const files = await listMaildir(join(maildir, "INBOX"));
    const before = await countMessages(server);
    assert.ok(before >= MESSAGES);
    assert.equal(files.length, before);

    // Locally: one message flagged, one deleted, one written; all must arrive at the server.
    const [flagged, deleted] = files;
    assert.ok(flagged && deleted);
    await Deno.rename(
      flagged,
      `${flagged.replace(/(:2,.*)?$/, "").replace("/new/", "/cur/")}:2,FS`,
    );
    await Deno.remove(deleted);
    await Deno.writeTextFile(join(maildir, "INBOX", "new", "1.local.host"), shapedMessage(99_990));
    await run("mbsync", ["-c", rc, "all"]);
    assert.equal(await countMessages(server), before);
    using client = await login(server);
    await client.imap("SELECT INBOX");
    assert.match((await client.imap("SEARCH FLAGGED SEEN"))[0] ?? "", /^\* SEARCH \d+$/);
    const found = await client.imap("SEARCH HEADER Message-ID shape-99990@example.net");
    assert.match(found[0] ?? "", /^\* SEARCH \d+$/);

    // A third run has nothing to do: both sides agree.
    const quiet = await run("mbsync", ["-c", rc, "-V", "all"]);
    assert.doesNotMatch(quiet, /(pushing|pulling) new|error/i);
    assert.equal((await listMaildir(join(maildir, "INBOX"))).length, before);
  },
});
