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

/**
 * The accounts that a bucket has mail of, by address; `address`: that one alone. `damaged` hears of manifests
 * that cannot be read. Throws `unavailable` when the bucket cannot be.
 */
export async function bucketAccounts(
  blobs: Blobs,
  { address, damaged }: {
    readonly address: string | null;
    readonly damaged: (account: string, key: ObjectKey, why: string) => void;
  },
): Promise<BucketAccount[]> {
  const wanted = address === null ? "" : ownerPrefix(address);
  const manifests = new Map<string, ManifestName[]>();
  for await (const page of blobs.list(MANIFEST_PREFIX + wanted)) {
    for (const { key } of page) {
      const name = readManifestKey(key);
      if (name) manifests.set(name.owner, [...manifests.get(name.owner) ?? [], name]);
    }
  }
  const owners = await bodyOwners(blobs, wanted);
  const accounts: BucketAccount[] = [];
  for (const owner of new Set([...manifests.keys(), ...owners])) {
    const own = ownerAddress(owner);
    if (own === null) continue;
    accounts.push(await readEpochs(blobs, { owner, own, damaged }, manifests.get(owner) ?? []));
  }
  return withoutAliases(accounts).sort((a, b) => a.address < b.address ? -1 : 1);
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
    readonly damaged: (account: string, key: ObjectKey, why: string) => void;
  },
  names: readonly ManifestName[],
): Promise<BucketAccount> {
  const epochs: AccountEpoch[] = [];
  for (const [epoch, written] of Map.groupBy(names, ({ subject }) => subject.epoch)) {
    const accounts = written.flatMap(({ key, subject }) =>
      subject.kind === "account" ? [{ key, at: subject.writtenMs }] : []
    );
    const mailboxes = Map.groupBy(
      written.filter(({ subject }) => subject.kind !== "account"),
      ({ subject }) => subject.kind === "account" ? 0 : subject.mailboxId,
    );
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

/** WHY: bodies keep the name of the address that was the primary one when they came. */
function withoutAliases(accounts: readonly BucketAccount[]): BucketAccount[] {
  const aliasOf = new Map<string, string>();
  for (const { address, epochs } of accounts) {
    for (const [alias] of epochs[0]?.account?.content.addresses ?? []) {
      if (alias !== address) aliasOf.set(alias, address);
    }
  }
  const isAlias = ({ address, epochs }: BucketAccount) =>
    aliasOf.has(address) && epochs.every(({ account }) => account === null);
  return accounts.filter((account) => !isAlias(account)).map((account) => {
    const aliases = [...aliasOf].filter(([, primary]) => primary === account.address);
    const owners = aliases.map(([alias]) => ownerPrefix(alias));
    return { ...account, owners: [...account.owners, ...owners] };
  });
}
