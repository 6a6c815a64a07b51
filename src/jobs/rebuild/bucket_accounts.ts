import { type Blobs, isBodyKey, type ObjectKey } from "../../blobs/blobs.ts";
import {
  MANIFEST_PREFIX,
  type ManifestName,
  ownerAddress,
  ownerPrefix,
  readManifestKey,
} from "../../blobs/manifest_key.ts";
import {
  type AccountManifest,
  ManifestError,
  readAccountManifest,
} from "../manifests/read_manifest.ts";

/** What one database has written of an account. */
export interface AccountEpoch {
  readonly epoch: string;
  /** The newest that can be read; null: there is none. */
  readonly account: AccountManifest | null;
  readonly mailboxes: ReadonlyMap<number, readonly ManifestName[]>;
}

/** An account that a bucket has mail of. */
export interface BucketAccount {
  /** Primary address. */
  readonly address: string;
  /** The newest first; without those that later ones have taken over. */
  readonly epochs: readonly AccountEpoch[];
  /** Epochs that have been taken over: what they name is of no use. */
  readonly superseded: ReadonlySet<string>;
  /** What the keys of its bodies begin with. */
  readonly owners: readonly string[];
}

/** Who hears of manifests that cannot be read. */
type Damaged = (account: string, key: ObjectKey, why: string) => void;

/**
 * The accounts that a bucket has mail of, by address; `address`: that one alone. `damaged` hears of manifests
 * that cannot be read. Throws `unavailable` when the bucket cannot be.
 */
export async function bucketAccounts(
  blobs: Blobs,
  { address, damaged }: { readonly address: string | null; readonly damaged: Damaged },
): Promise<BucketAccount[]> {
  const wanted = address === null ? "" : ownerPrefix(address);
  const manifests = await manifestsOf(blobs, wanted);
  const owners = new Set([...manifests.keys(), ...await bodyOwners(blobs, wanted)]);
  const accounts: BucketAccount[] = [];
  for (const owner of owners) {
    const own = ownerAddress(owner);
    if (own === null) continue;
    const names = manifests.get(owner) ?? [];
    accounts.push(await readEpochs(blobs, { owner, own, damaged }, names));
  }
  const aliases = aliasesOf(accounts);
  const all: BucketAccount[] = [];
  for (const account of accounts) {
    if (aliases.has(account.address)) continue;
    const own = [...aliases].filter(([, primary]) => primary === account.address);
    all.push(
      own.length === 0 ? account : await withAliases(blobs, account, own.map(([alias]) => alias)),
    );
  }
  return all.sort((a, b) => a.address < b.address ? -1 : 1);
}

async function manifestsOf(
  blobs: Blobs,
  prefix: string,
): Promise<ReadonlyMap<string, readonly ManifestName[]>> {
  const names: ManifestName[] = [];
  for await (const page of blobs.list(MANIFEST_PREFIX + prefix)) {
    for (const { key } of page) {
      const name = readManifestKey(key);
      if (name) names.push(name);
    }
  }
  return Map.groupBy(names, ({ owner }) => owner);
}

/** Addresses of accounts that are not their primary ones, and not accounts themselves. */
function aliasesOf(accounts: readonly BucketAccount[]): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>();
  const isAccount = new Set(
    accounts.filter(({ epochs }) => epochs.some(({ account }) => account !== null))
      .map(({ address }) => address),
  );
  for (const { address, epochs } of accounts) {
    for (const [alias] of epochs[0]?.account?.content.addresses ?? []) {
      if (alias !== address && !isAccount.has(alias)) aliases.set(alias, address);
    }
  }
  return aliases;
}

/** WHY: bodies and manifests keep the name of the address that was the primary one when they were written. */
async function withAliases(
  blobs: Blobs,
  account: BucketAccount,
  aliases: readonly string[],
): Promise<BucketAccount> {
  const owners = aliases.map(ownerPrefix);
  const epochs = new Map(account.epochs.map((epoch) => [epoch.epoch, epoch]));
  for (const owner of owners) {
    const names = (await manifestsOf(blobs, owner)).get(owner) ?? [];
    for (const [epoch, written] of Map.groupBy(names, ({ subject }) => subject.epoch)) {
      const known = epochs.get(epoch);
      if (!known) continue;
      const mailboxes = new Map(known.mailboxes);
      for (const [id, more] of byMailbox(written)) {
        mailboxes.set(id, [...mailboxes.get(id) ?? [], ...more]);
      }
      epochs.set(epoch, { ...known, mailboxes });
    }
  }
  return { ...account, epochs: [...epochs.values()], owners: [...account.owners, ...owners] };
}

function byMailbox(names: readonly ManifestName[]): ReadonlyMap<number, readonly ManifestName[]> {
  return Map.groupBy(
    names.filter(({ subject }) => subject.kind !== "account"),
    ({ subject }) => subject.kind === "account" ? 0 : subject.mailboxId,
  );
}

async function bodyOwners(blobs: Blobs, prefix: string): Promise<Set<string>> {
  const owners = new Set<string>();
  for await (const page of blobs.list(prefix)) {
    for (const { key } of page) if (isBodyKey(key)) owners.add(key.slice(0, -64));
  }
  return owners;
}

async function readEpochs(
  blobs: Blobs,
  { owner, own, damaged }: {
    readonly owner: string;
    readonly own: string;
    readonly damaged: Damaged;
  },
  names: readonly ManifestName[],
): Promise<BucketAccount> {
  const epochs: AccountEpoch[] = [];
  for (const [epoch, written] of Map.groupBy(names, ({ subject }) => subject.epoch)) {
    const accounts = written.flatMap(({ key, subject }) =>
      subject.kind === "account" ? [{ key, at: subject.writtenMs }] : []
    );
    const mailboxes = byMailbox(written);
    let account: AccountManifest | null = null;
    for (const { key } of accounts.sort((a, b) => b.at - a.at)) {
      if (account) break;
      account = await readOne(blobs, key, (why) => damaged(own, key, why));
    }
    epochs.push({ epoch, account, mailboxes });
  }
  const superseded = new Set(epochs.flatMap(({ account }) => account?.supersedes ?? []));
  const age = ({ account }: AccountEpoch) => account?.writtenMs ?? 0;
  const left = epochs.filter(({ epoch }) => !superseded.has(epoch)).sort((a, b) => age(b) - age(a));
  return { address: own, epochs: left, superseded, owners: [owner] };
}

async function readOne(
  blobs: Blobs,
  key: ObjectKey,
  damaged: (why: string) => void,
): Promise<AccountManifest | null> {
  try {
    const object = await readObject(blobs, key);
    if (object) return await readAccountManifest(object);
    damaged("it is gone");
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error;
    damaged(error.message);
  }
  return null;
}

/** A manifest; null: it is gone. Throws `ManifestError` for one that is damaged, and `unavailable`. */
export async function readObject(blobs: Blobs, key: ObjectKey): Promise<Uint8Array | null> {
  try {
    return await blobs.get(key);
  } catch {
    // WHY: trouble of the storage itself shows here, too, and is thrown.
    await blobs.exists(key);
    return await blobs.get(key).catch((error) => {
      throw new ManifestError("Cannot read an object that is damaged", { cause: error });
    });
  }
}
