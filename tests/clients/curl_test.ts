import assert from "node:assert/strict";
import {
  ADDRESS,
  installed,
  OTHER,
  PASSWORD,
  run,
  startWithAccounts,
  tempDir,
} from "./programs.ts";

Deno.test({
  name: "swaks delivers to two recipients, curl reads, searches and stores",
  ignore: !(installed("swaks") && installed("curl")),
  fn: async () => {
    await using server = await startWithAccounts();
    const sent = await run("swaks", [
      ...["--protocol", "LMTP", "--server", `127.0.0.1:${server.lmtpPort}`],
      ...["--from", "bob@example.net", "--to", `${ADDRESS},${OTHER}`],
      ...["--header", "Subject: two at once", "--body", "to both of you"],
    ]);
    assert.equal(sent.match(/^<-\s+250 2\.\d\.0.*/gm)?.length ? true : false, true, sent);
    const curl = (user: string, path: string, ...more: string[]) =>
      run("curl", [
        ...["--silent", "--show-error", "--user", `${user}:${PASSWORD}`, ...more],
        `imap://127.0.0.1:${server.imapPort}/${path}`,
      ]);
    for (const user of [ADDRESS, OTHER]) {
      const read = await curl(user, "INBOX;MAILINDEX=1");
      assert.match(read, /^Subject: two at once\r?$/m);
      assert.match(read, /^to both of you\r?$/m);
      assert.match(await curl(user, "INBOX?SUBJECT%20two"), /^\* SEARCH 1\r?$/m);
    }
    await using folder = await tempDir();
    const file = `${folder.path}/message.eml`;
    await Deno.writeTextFile(file, "From: a@example.net\r\nSubject: by curl\r\n\r\nstored\r\n");
    await curl(ADDRESS, "Archive", "--upload-file", file);
    assert.match(await curl(ADDRESS, "Archive;UID=1"), /^stored\r?$/m);
    assert.match(await curl(ADDRESS, "", "--request", 'LIST "" *'), /"Archive"/);
  },
});
