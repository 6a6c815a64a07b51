import assert from "node:assert/strict";
import { ADDRESS, openMigration } from "./migration_fixture.ts";

Deno.test("exports list bodies that are gone or damaged, and write the others", async () => {
  await using fixture = await openMigration();
  const root = `${fixture.folder}/Maildir`;
  await Deno.mkdir(`${root}/cur`, { recursive: true });
  const list: string[] = [];
  for (const n of [1, 2, 3, 4]) {
    await Deno.writeTextFile(`${root}/cur/${n}.x:2,`, `Subject: ${n}\n\n${n}\n`);
    list.push(`${n} :${n}.x\n`);
  }
  await Deno.writeTextFile(`${root}/dovecot-uidlist`, `3 V7 N5\n${list.join("")}`);
  await fixture.admin(`import maildir --email ${ADDRESS} --preserve-uids --path`, root);
  for (const path of await bodies(`${fixture.data}/bodies`)) {
    const text = await Deno.readTextFile(path);
    if (text.includes("Subject: 2")) await Deno.remove(path);
    if (text.includes("Subject: 3")) await Deno.writeTextFile(path, text.replace("3", "4"));
  }

  const maildir = `${fixture.folder}/out`;
  const mbox = `${fixture.folder}/mbox`;
  for (const [command, path] of [["maildir", maildir], ["mbox", mbox]] as const) {
    const { code, out } = await fixture.admin(
      `export ${command} --email ${ADDRESS} --json --path`,
      path,
    );
    assert.equal(code, 1);
    const { written, skipped, problems, ended } = JSON.parse(out);
    assert.deepEqual([written, skipped, ended], [2, 2, null]);
    assert.deepEqual(problems.map(({ message }: { message: string }) => message).sort(), [
      "UID 2",
      "UID 3",
    ]);
  }
  const uidList = await Deno.readTextFile(`${maildir}/dovecot-uidlist`);
  assert.match(uidList, /^3 V7 N5\n1 :\S+\n4 :\S+\n$/);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${maildir}/tmp`)), []);
  const text = await Deno.readTextFile(`${mbox}/INBOX.mbox`);
  assert.deepEqual(
    text.match(/^(?:From |Subject: |X-UID: ).*$/gm)?.map((line) => line.slice(0, 10)),
    [
      "From MAILE",
      "X-UID: 1",
      "Subject: 1",
      "From MAILE",
      "X-UID: 4",
      "Subject: 4",
    ],
  );
});

async function bodies(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const { name, isDirectory } of Deno.readDir(folder)) {
    if (isDirectory) paths.push(...await bodies(`${folder}/${name}`));
    else paths.push(`${folder}/${name}`);
  }
  return paths;
}
