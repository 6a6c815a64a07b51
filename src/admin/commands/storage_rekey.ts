import { exitCodes } from "../../app/exit_codes.ts";
import { KeyMismatch, retireKey, usedKeys } from "../../blobs/key_check.ts";
import { type ObjectStore, openObjectStore } from "../../blobs/open_object_store.ts";
import type { Config } from "../../config/config.ts";
import { rekey, type Rekeyed } from "../../jobs/rekey.ts";
import type { Answer, Command, OptionValues, Request } from "../command.ts";
import { Failure, usage } from "../failure.ts";
import { withAccounts } from "../open_database.ts";
import { printable } from "../printable.ts";
import { facts } from "../table.ts";

const JOBS_DEFAULT = 4;
const JOBS_MAX = 16;
/** Failures that people are shown. */
const SHOWN_MAX = 20;
/** Between two lines about how far it is. */
const PROGRESS_OBJECTS = 1_000;

/** Encrypts the bodies in the object store with the current key. */
export const storageRekey: Command = {
  name: "storage rekey",
  summary: "encrypt the bodies in the object store with the current key",
  details:
    `Bodies with another key of the list, of the Go implementation, and, with encrypt_allow_plain, those
without encryption are encrypted with the key that encryption_current names. Restart all servers
with that key first. The server may run meanwhile, and a run that was ended is gone on with by the
next one. With encrypt = false and --decrypt, bodies are stored without encryption again.`,
  options: {
    prefix: { value: "TEXT", text: 'only objects whose names begin so, such as "example.com/"' },
    jobs: { value: "N", text: `objects at once, 1 to ${JOBS_MAX}; ${JOBS_DEFAULT}` },
    "dry-run": { text: "only count what would be done" },
    decrypt: { text: "store bodies without encryption" },
  },
  example: "sora-admin storage rekey --config config.toml --dry-run",
  async run(request) {
    const { options } = request;
    const concurrency = jobsOf(options);
    const s3 = storeOf(request.setup().config, options);
    return await withAccounts(request, async (database) => {
      using store = await openObjectStore(s3);
      const { encrypted, objects } = store;
      if (!encrypted) throw new Failure(exitCodes.config, "[s3] has no key: give encryption_key");
      await check(store);
      const dryRun = options.has("dry-run");
      const prefix = options.text("prefix") ?? "";
      const current = s3.encrypt ? s3.encryptionCurrent : null;
      const onProgress = progress(request);
      const done = await rekey(
        { objects, encrypted, database, current, prefix, concurrency, dryRun, onProgress },
      );
      const isComplete = done.failed === 0 && prefix === "" && !dryRun;
      const retired = isComplete ? await retire(store, current) : [];
      return answer(done, { current, retired, dryRun });
    });
  },
};

function storeOf({ s3 }: Config, options: OptionValues): NonNullable<Config["s3"]> {
  if (!s3) throw new Failure(exitCodes.config, "there is no object store: [s3] is missing");
  if (options.has("decrypt") && s3.encrypt) throw usage("--decrypt needs encrypt = false in [s3]");
  if (!options.has("decrypt") && !s3.encrypt) {
    throw new Failure(exitCodes.config, "nothing is to be encrypted: set encrypt = true in [s3]");
  }
  return s3;
}

function jobsOf(options: OptionValues): number {
  const jobs = Number(options.text("jobs") ?? JOBS_DEFAULT);
  if (Number.isInteger(jobs) && jobs >= 1 && jobs <= JOBS_MAX) return jobs;
  throw usage(`storage rekey: --jobs takes a number from 1 to ${JOBS_MAX}`);
}

async function check(store: ObjectStore): Promise<void> {
  try {
    await store.checkKeys();
  } catch (error) {
    if (!(error instanceof KeyMismatch)) throw error;
    throw new Failure(exitCodes.config, error.message, { cause: error });
  }
}

/** The keys that nothing is encrypted with any more. */
async function retire({ objects }: ObjectStore, current: string | null): Promise<string[]> {
  const retired = (await usedKeys(objects)).filter((id) => id !== current);
  for (const id of retired) await retireKey(objects, id);
  return retired;
}

function progress({ terminal, options }: Request): (objects: number) => void {
  let done = 0;
  return (objects) => {
    const isDue = Math.floor((done + objects) / PROGRESS_OBJECTS) > done / PROGRESS_OBJECTS;
    done += objects;
    if (isDue && terminal.showsProgress && !options.has("json")) terminal.err(`${done} objects\n`);
  };
}

function answer(
  done: Rekeyed,
  { current, retired, dryRun }: {
    readonly current: string | null;
    readonly retired: readonly string[];
    readonly dryRun: boolean;
  },
): Answer {
  const had = Object.entries(done.before).sort().map(([id, count]) =>
    [id === "" ? "With no key of the list" : `With the key ${id}`, String(count)] as const
  );
  const text = facts([
    ["Current key", current ?? "none"],
    ["Objects", String(done.objects)],
    ...had,
    [dryRun ? "To be changed" : "Changed", String(done.changed)],
    ["Failed", String(done.failed)],
  ]);
  const failures = done.failures.slice(0, SHOWN_MAX)
    .map(({ key, why }) => `${printable(key)}: ${printable(why)}\n`);
  const free = retired.map((id) => `Nothing is encrypted with the key ${id} any more\n`);
  return {
    text: [text, ...failures, ...free].join(""),
    json: { current, dryRun, ...done, retired },
    exitCode: done.failed > 0 ? exitCodes.failure : exitCodes.ok,
  };
}
