import assert from "node:assert/strict";
import { sql } from "../../src/store/database.ts";
import { S3Server } from "../support/s3_server.ts";
import { ADDRESS, openMigration } from "./migration_fixture.ts";

const PLAIN = {
  encrypt: false,
  encryptAllowPlain: false,
  encryptionKeys: [],
  encryptionCurrent: null,
  manifestIntervalMs: 900_000,
};

Deno.test("import maildir with an object store leaves bodies to the uploader, and can read them", async () => {
  await using s3 = S3Server.start();
  await using fixture = await openMigration({ s3: { ...s3.config(), ...PLAIN } });
  const root = `${fixture.folder}/Maildir`;
  await Deno.mkdir(`${root}/cur`, { recursive: true });
  for (const n of [1, 2, 3]) {
    await Deno.writeTextFile(`${root}/cur/${n}.x:2,S`, `Subject: ${n}\n\n${n}\n`);
  }
  const { code, out } = await fixture.admin(`import maildir --email ${ADDRESS} --path`, root);
  assert.equal(code, 0, out);
  const recorded = await fixture.db.query<{ key: string; instance: string | null }>(sql`
    SELECT object_key AS key, instance_id AS instance FROM pending_uploads`);
  assert.equal(recorded.length, 3);
  const instance = await Deno.readTextFile(`${fixture.data}/instance-id`);
  for (const one of recorded) assert.equal(one.instance, instance.trim());

  const exported = `${fixture.folder}/out`;
  assert.equal((await fixture.admin(`export maildir --email ${ADDRESS} --path`, exported)).code, 0);
  const texts: string[] = [];
  for await (const { name } of Deno.readDir(`${exported}/cur`)) {
    texts.push(await Deno.readTextFile(`${exported}/cur/${name}`));
  }
  assert.deepEqual(texts.sort(), [1, 2, 3].map((n) => `Subject: ${n}\n\n${n}\n`));
});
