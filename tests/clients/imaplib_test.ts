import assert from "node:assert/strict";
import { ADDRESS, installed, PASSWORD, run, startWithAccounts } from "./programs.ts";

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

Deno.test({
  name: "Python's imaplib: every method",
  ignore: !installed("python3"),
  fn: async () => {
    await using server = await startWithAccounts();
    const args = ["-c", IMAPLIB, String(server.imapPort), ADDRESS, PASSWORD];
    assert.equal((await run("python3", args)).trim(), "done");
  },
});
