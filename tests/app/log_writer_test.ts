import assert from "node:assert/strict";
import { join } from "node:path";
import { StartFailure } from "../../src/app/exit_codes.ts";
import { LogForwarder } from "../../src/app/log_forwarder.ts";
import { LogWriter } from "../../src/app/log_writer.ts";
import type { LogEntry } from "../../src/observe/log_entry.ts";

function entry(event: string, level: LogEntry["level"] = "info"): LogEntry {
  return { time: 0, level, category: "test", event, fields: {} };
}

async function inFolder(work: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "sora-log-" });
  try {
    await work(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

function events(text: string): unknown[] {
  return text.trimEnd().split("\n").map((line) => JSON.parse(line).event);
}

Deno.test("LogWriter appends to its file and has written everything when it is disposed of", async () => {
  await inFolder(async (folder) => {
    const output = join(folder, "sora.log");
    await Deno.writeTextFile(output, `{"event":"before"}\n`);
    {
      await using writer = new LogWriter({ output, format: "json", level: "info" });
      for (let i = 0; i < 1_200; i++) writer.write(entry(`e${i}`));
    }
    const all = events(await Deno.readTextFile(output));
    assert.deepEqual(all, ["before", ...Array.from({ length: 1_200 }, (_, i) => `e${i}`)]);
  });
});

Deno.test("LogWriter.reopen() goes on in a new file after a rotation, and loses nothing", async () => {
  await inFolder(async (folder) => {
    const output = join(folder, "sora.log");
    {
      await using writer = new LogWriter({ output, format: "json", level: "info" });
      writer.write(entry("old"));
      await Deno.rename(output, `${output}.1`);
      writer.reopen();
      writer.write(entry("new"));
    }
    const moved = await Deno.readTextFile(`${output}.1`);
    const fresh = await Deno.readTextFile(output);
    assert.deepEqual(events(`${moved}${fresh}`.trim()), ["old", "new"]);
    assert.ok(fresh.includes("new"));
  });
});

Deno.test("LogWriter drops what does not fit in memory and says how much", async () => {
  await inFolder(async (folder) => {
    const output = join(folder, "sora.log");
    {
      await using writer = new LogWriter({ output, format: "json", level: "info" });
      for (let i = 0; i < 10_007; i++) writer.write(entry("e"));
    }
    const lines = (await Deno.readTextFile(output)).trimEnd().split("\n");
    assert.equal(lines.length, 10_001);
    const note = lines.map((line) => JSON.parse(line)).find(({ event }) => event !== "e");
    assert.deepEqual([note.event, note.lines], ["log-lines-dropped", 7]);
  });
});

Deno.test("LogWriter names the key when its file cannot be opened", () => {
  const output = "/nonexistent/folder/sora.log";
  assert.throws(
    () => new LogWriter({ output, format: "json", level: "info" }),
    (error) => error instanceof StartFailure && /^logging\.output: .*sora\.log/.test(error.message),
  );
});

Deno.test("LogForwarder sends batches, and an error at once", () => {
  const batches: string[][] = [];
  const forwarder = new LogForwarder((entries) => batches.push(entries.map(({ event }) => event)));
  forwarder.flush();
  forwarder.write(entry("a"));
  forwarder.write(entry("b"));
  assert.equal(batches.length, 0);
  forwarder.write(entry("c", "error"));
  assert.deepEqual(batches[0], ["a", "b", "c"]);
  for (let i = 0; i < 256; i++) forwarder.write(entry("d"));
  assert.equal(batches.length, 2);
  assert.equal(batches[1]?.length, 256);
  forwarder.write(entry("e"));
  forwarder.flush();
  assert.deepEqual(batches[2], ["e"]);
});
