import assert from "node:assert/strict";
import { join } from "node:path";
import { deliver, dialLmtp } from "../support/lmtp_delivery.ts";
import { LineClient } from "../support/line_client.ts";
import { shapedMessage } from "../support/mail.ts";
import { startServer, type TestServer } from "../support/server.ts";

const ADDRESS = "clients@example.org";
const OTHER = "other@example.org";
const PASSWORD = "correct horse battery";
const MESSAGES = 2_000;
const CONNECTIONS = 8;

/** Real clients, one after the other, on one server; those that are not installed are skipped. */
Deno.test("real clients", async (t) => {
  await using server = await startServer();
  await server.createAccount(ADDRESS, PASSWORD);
  await server.createAccount(OTHER, PASSWORD);

  await t.step({
    name: "swaks delivers to two recipients, curl reads",
    ignore: !(installed("swaks") && installed("curl")),
    fn: async () => {
      const sent = await run("swaks", [
        ...["--protocol", "LMTP", "--server", `127.0.0.1:${server.lmtpPort}`],
        ...["--from", "bob@example.net", "--to", `${ADDRESS},${OTHER}`],
        ...["--header", "Subject: two at once", "--body", "to both of you"],
      ]);
      assert.equal(sent.match(/^<-\s+250 2\.\d\.0.*/gm)?.length ? true : false, true, sent);
      for (const user of [ADDRESS, OTHER]) {
        const read = await run("curl", [
          ...["--silent", "--show-error", "--user", `${user}:${PASSWORD}`],
          `imap://127.0.0.1:${server.imapPort}/INBOX;MAILINDEX=1`,
        ]);
        assert.match(read, /^Subject: two at once\r?$/m);
        assert.match(read, /^to both of you\r?$/m);
      }
    },
  });

  await t.step({
    name: `mbsync brings ${MESSAGES} messages down, flags and new mail up`,
    ignore: !installed("mbsync"),
    fn: () => mbsync(server),
  });

  await t.step({
    name: "mutt keeps what it sends in Sent",
    ignore: !installed("mutt"),
    fn: () => mutt(server),
  });

  await t.step({
    name: "fetchmail fetches, marks and expunges",
    ignore: !installed("fetchmail"),
    fn: () => fetchmail(server),
  });

  await t.step({
    name: "offlineimap syncs both ways",
    ignore: !installed("offlineimap"),
    fn: () => offlineimap(server),
  });

  await t.step({
    name: "Python's imaplib",
    ignore: !installed("python3"),
    fn: async () => {
      const output = await run("python3", [
        "-c",
        IMAPLIB,
        String(server.imapPort),
        ADDRESS,
        PASSWORD,
      ]);
      assert.equal(output.trim(), "done");
    },
  });
});

async function mbsync(server: TestServer): Promise<void> {
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
  const before = await count(server);
  assert.ok(before >= MESSAGES);
  assert.equal(files.length, before);

  // Locally: one message flagged, one deleted, one written; all must arrive at the server.
  const [flagged, deleted] = files;
  assert.ok(flagged && deleted);
  await Deno.rename(flagged, `${flagged.replace(/(:2,.*)?$/, "").replace("/new/", "/cur/")}:2,FS`);
  await Deno.remove(deleted);
  await Deno.writeTextFile(join(maildir, "INBOX", "new", "1.local.host"), shapedMessage(99_990));
  await run("mbsync", ["-c", rc, "all"]);
  assert.equal(await count(server), before);
  using client = await login(server);
  await client.imap("SELECT INBOX");
  assert.match((await client.imap("SEARCH FLAGGED SEEN"))[0] ?? "", /^\* SEARCH \d+$/);
  const found = await client.imap("SEARCH HEADER Message-ID shape-99990@example.net");
  assert.match(found[0] ?? "", /^\* SEARCH \d+$/);

  // A third run has nothing to do: both sides agree.
  const quiet = await run("mbsync", ["-c", rc, "-V", "all"]);
  assert.doesNotMatch(quiet, /(pushing|pulling) new|error/i);
  assert.equal((await listMaildir(join(maildir, "INBOX"))).length, before);
}

async function mutt(server: TestServer): Promise<void> {
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
}

async function fetchmail(server: TestServer): Promise<void> {
  await using folder = await tempDir();
  using client = await login(server, OTHER);
  const texts = [0, 1, 2].map((n) => shapedMessage(n));
  for (const text of texts) {
    const size = new TextEncoder().encode(text).length;
    assert.match((await client.imap(`APPEND Archive {${size}+}\r\n${text}`)).at(-1) ?? "", / OK /);
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
}

async function offlineimap(server: TestServer): Promise<void> {
  await using folder = await tempDir();
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
}

async function fill(server: TestServer): Promise<void> {
  let next = 0;
  await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
    using client = await dialLmtp(server.lmtpPort);
    while (next < MESSAGES) {
      const [reply] = await deliver(client, shapedMessage(next++), [ADDRESS]);
      assert.match(reply ?? "", /^250/);
    }
  }));
}

async function login(server: TestServer, address = ADDRESS): Promise<LineClient> {
  const client = await LineClient.dial(server.imapPort);
  await client.imapLine();
  assert.match((await client.imap(`LOGIN ${address} "${PASSWORD}"`)).at(-1) ?? "", / OK /);
  return client;
}

async function count(server: TestServer): Promise<number> {
  using client = await login(server);
  const [status] = await client.imap("STATUS INBOX (MESSAGES)");
  return Number(/MESSAGES (\d+)/.exec(status ?? "")?.[1]);
}

async function listMaildir(folder: string): Promise<string[]> {
  const files: string[] = [];
  for (const part of ["cur", "new"]) {
    for await (const entry of Deno.readDir(join(folder, part))) {
      files.push(join(folder, part, entry.name));
    }
  }
  return files.sort();
}

const IMAPLIB = `
import imaplib, sys, time
port, user, password = int(sys.argv[1]), sys.argv[2], sys.argv[3]
m = imaplib.IMAP4("127.0.0.1", port)
m.login(user, password)
def ok(reply):
    assert reply[0] == "OK", reply
    return reply[1]
ok(m.create("Work/Projects"))
ok(m.subscribe("Work/Projects"))
assert any(b"Work/Projects" in line for line in ok(m.list()))
message = b"From: a@example.net\\r\\nSubject: from imaplib\\r\\n\\r\\nbody\\r\\n"
ok(m.append("Work/Projects", "(\\\\Seen custom)", imaplib.Time2Internaldate(time.time()), message))
assert ok(m.select("Work/Projects")) == [b"1"]
assert ok(m.search(None, "SUBJECT", "imaplib")) == [b"1"]
data = ok(m.fetch("1", "(UID FLAGS INTERNALDATE RFC822.SIZE BODYSTRUCTURE BODY[])"))
assert data[0][1] == message, data
ok(m.store("1", "+FLAGS", "(\\\\Flagged)"))
ok(m.copy("1", "Archive"))
ok(m.rename("Work/Projects", "Work/Done"))
ok(m.select("Archive", readonly=True))
assert b"1" in ok(m.search(None, "FLAGGED"))[0]
ok(m.close())
ok(m.select("Work/Done"))
ok(m.uid("STORE", "1", "+FLAGS", "(\\\\Deleted)"))
ok(m.expunge())
ok(m.close())
ok(m.delete("Work/Done"))
m.logout()
print("done")
`;

async function run(
  command: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<string> {
  const { code, stdout, stderr } = await new Deno.Command(command, { args, env, stdin: "null" })
    .output();
  const text = new TextDecoder();
  const output = text.decode(stdout);
  if (code !== 0) {
    throw new Error(`${command} exited with ${code}\n${output}${text.decode(stderr)}`);
  }
  return output;
}

function installed(command: string): boolean {
  const path = Deno.env.get("PATH") ?? "";
  return path.split(":").some((folder) => {
    try {
      return Deno.statSync(join(folder, command)).isFile;
    } catch {
      return false;
    }
  });
}

async function tempDir(): Promise<{ path: string } & AsyncDisposable> {
  const path = await Deno.makeTempDir({ prefix: "sora-client-" });
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}
