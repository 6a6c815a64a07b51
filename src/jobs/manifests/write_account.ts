import { createHash } from "node:crypto";
import {
  MANIFEST_PREFIX,
  manifestKey,
  ownerPrefix,
  readManifestKey,
} from "../../blobs/manifest_key.ts";
import type { AccountContent, CheckedAccount } from "../../store/account_manifests.ts";
import type { ManifestWriterOptions } from "../manifest_writer.ts";
import { clearObjects } from "./clear_objects.ts";
import { MANIFEST_VERSION } from "./manifest_lines.ts";
import { zipLines } from "./zip_lines.ts";

/** Writes the manifest of an account where it says something else than the last one. Throws `unavailable`. */
export async function writeAccount(
  options: ManifestWriterOptions,
  account: CheckedAccount,
  epoch: string,
): Promise<void> {
  const { accounts, blobs, metrics } = options;
  const forget = (keys: readonly string[]) => accounts.forget(account.id, keys);
  await clearObjects(options, account.obsolete, forget);
  const supersedes = account.supersedes.filter((each) => each !== epoch);
  const content = contentOf(account, options.isEncrypted);
  const json = JSON.stringify([epoch, supersedes, content]);
  const digest = createHash("sha256").update(json).digest("hex");
  if (digest === account.digest) return;
  // WHY: what is there says more until then, and this would replace it.
  if (supersedes.length > 0 && !await accounts.isWhole(account.id)) return;
  const writtenMs = Math.max(account.nowMs, account.writtenMs + 1);
  const { lastMailboxId } = account;
  const head = { sora: "account", version: MANIFEST_VERSION, epoch, supersedes, lastMailboxId };
  const object = await zipLines(
    [JSON.stringify({ ...head, writtenMs, content })],
    options.spoolDir,
  );
  try {
    const key = manifestKey(content.address, { kind: "account", epoch, writtenMs }, object.hash);
    await accounts.announce(account.id, key);
    await blobs.put(key, object, { durability: "stored" });
    const isOurs = await accounts.commit(account, { key, digest, atMs: writtenMs });
    metrics.manifestsWrittenTotal.inc({ kind: "account" });
    metrics.manifestBytesTotal.inc(object.sizeBytes);
    if (!isOurs) return;
  } finally {
    await object.discard();
  }
  await clearObjects(options, await accounts.obsolete(account.id), forget);
  if (supersedes.length > 0) await removeSuperseded(options, content, supersedes);
}

/** WHY no hashes in the clear: whoever may read the bucket could try passwords at leisure. */
function contentOf({ content }: CheckedAccount, isEncrypted: boolean): AccountContent {
  const parsed = JSON.parse(content) as AccountContent;
  if (isEncrypted) return parsed;
  const addresses = parsed.addresses.map(([address, isPrimary]) =>
    [address, isPrimary, null] as const
  );
  return { ...parsed, addresses };
}

/** What earlier databases wrote of an account, all of which this one has written. */
async function removeSuperseded(
  { blobs, log }: ManifestWriterOptions,
  { address }: AccountContent,
  epochs: readonly string[],
): Promise<void> {
  for await (const page of blobs.list(MANIFEST_PREFIX + ownerPrefix(address))) {
    const names = page.map(({ key }) => readManifestKey(key)).filter((name) => name !== null);
    const old = names.filter(({ subject }) => epochs.includes(subject.epoch)).map(({ key }) => key);
    if (old.length === 0) continue;
    await blobs.deleteMany(old);
    log.info("manifests-superseded", { objects: old.length });
  }
}
