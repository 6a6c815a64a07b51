import { resolve } from "node:path";
import { instanceIdOf } from "../../blobs/instance_id.ts";
import { type FailedUpload, type UploadStatus, UploadStore } from "../../store/uploads.ts";
import type { Command, OptionValues } from "../command.ts";
import { usage } from "../failure.ts";
import { withAccounts } from "../open_database.ts";
import type { Setup } from "../setup.ts";
import { moment, sizeCell, table } from "../table.ts";

const LIMIT_MAX = 100_000;
const LIMIT_DEFAULT = 100;

/** Shows what the object store does not have yet. */
export const uploaderStatus: Command = {
  name: "uploader status",
  summary: "show how many bodies the object store does not have yet",
  details: "By instance: whose staging folder has them, or the database for all.",
  options: {},
  example: "sora-admin uploader status --config config.toml",
  async run(request) {
    const { instances, instanceId } = await withAccounts(request, async (database, setup) => ({
      instances: await new UploadStore(database).status(setup.config.uploader.maxAttempts),
      instanceId: await ownInstance(setup),
    }));
    const total = {
      pending: sum(instances, ({ pending }) => pending),
      sizeBytes: sum(instances, ({ sizeBytes }) => sizeBytes),
      failed: sum(instances, ({ failed }) => failed),
    };
    return { text: describe(instances, instanceId), json: { instanceId, ...total, instances } };
  },
};

/** Lists uploads that do not succeed. */
export const uploaderFailed: Command = {
  name: "uploader failed",
  summary: "list uploads that do not succeed, with the reason",
  options: {
    "max-attempts": { value: "COUNT", text: "failures from which on; default: as configured" },
    limit: { value: "COUNT", text: `at most so many; default ${LIMIT_DEFAULT}` },
  },
  example: "sora-admin uploader failed --config config.toml --limit 10",
  async run(request) {
    const { options } = request;
    const limit = count(options, "limit") ?? LIMIT_DEFAULT;
    const attempts = count(options, "max-attempts");
    const failed = await withAccounts(
      request,
      (database, { config: { uploader } }) =>
        new UploadStore(database).failed(attempts ?? uploader.maxAttempts, limit),
    );
    return { text: list(failed), json: failed };
  },
};

/** Makes uploads due that have failed. */
export const uploaderRetry: Command = {
  name: "uploader retry",
  summary: "try uploads that have failed again now",
  details: "A running server does the work.",
  options: {
    key: { value: "OBJECT", text: "only this object, as uploader failed shows it; default: all" },
  },
  example: "sora-admin uploader retry --config config.toml",
  async run(request) {
    const key = request.options.text("key") ?? null;
    const retried = await withAccounts(request, (database) => new UploadStore(database).retry(key));
    return { text: `${retried} uploads are tried again\n`, json: { retried } };
  },
};

/** null: this machine has no data folder, or none that we may read. */
async function ownInstance({ config: { dataDir, uploader } }: Setup): Promise<string | null> {
  if (uploader.instanceId !== null) return uploader.instanceId;
  const path = resolve(dataDir);
  const isThere = await Deno.stat(`${path}/instance-id`).then(() => true, () => false);
  return isThere ? await instanceIdOf(path).catch(() => null) : null;
}

function describe(instances: readonly UploadStatus[], own: string | null): string {
  if (instances.length === 0) return "Everything is in the object store\n";
  return table(
    ["Instance", "Pending", "Size", "Only there", "Failed", "Running", "Oldest"],
    instances.map(({ instanceId, pending, sizeBytes, atRiskBytes, failed, running, oldest }) => [
      instanceId === null ? "(database)" : instanceId === own ? `${instanceId} (this)` : instanceId,
      String(pending),
      sizeCell(sizeBytes),
      sizeCell(atRiskBytes),
      String(failed),
      String(running),
      moment(oldest),
    ]),
  );
}

function list(failed: readonly FailedUpload[]): string {
  if (failed.length === 0) return "No upload has failed\n";
  return table(
    ["Object", "Account", "Size", "Where", "Attempts", "Since", "Next", "Reason"],
    failed.map((one) => [
      one.objectKey,
      String(one.accountId),
      sizeCell(one.sizeBytes),
      [one.instanceId, one.hasBody ? "database" : null].filter((each) => each !== null).join(", "),
      String(one.attempts),
      moment(one.createdAt),
      moment(one.nextAttemptAt),
      one.lastError ?? "",
    ]),
  );
}

function count(options: OptionValues, name: string): number | undefined {
  const text = options.text(name);
  if (text === undefined) return undefined;
  const value = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (value < 1 || value > LIMIT_MAX) {
    throw usage(`--${name}: expected a number from 1 to ${LIMIT_MAX}, got ${JSON.stringify(text)}`);
  }
  return value;
}

function sum<T>(list: readonly T[], of: (one: T) => number): number {
  return list.reduce((total, one) => total + of(one), 0);
}
