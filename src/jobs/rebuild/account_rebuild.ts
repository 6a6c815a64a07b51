import { isBodyKey, type ObjectKey } from "../../blobs/blobs.ts";
import type { BodyDescription } from "../../lib/body_description.ts";
import type { AccountId, Uid, UidValidity } from "../../lib/ids.ts";
import { Refused } from "../../lib/refused.ts";
import type { Mailbox } from "../../store/mailboxes.ts";
import type { AccountManifest } from "../manifests/read_manifest.ts";
import type { AccountEpoch, BucketAccount } from "./bucket_accounts.ts";
import type { WantedRights } from "./grant_rights.ts";
import { type KnownEpoch, type Leftover, leftoverMessage, placeLeftovers } from "./leftovers.ts";
import { makeAccount, removeUnlisted } from "./make_account.ts";
import { MailboxState } from "./mailbox_state.ts";
import { type AccountReport, noRebuildCounts } from "./rebuild_report.ts";
import type { RebuildServices } from "./rebuild_services.ts";
import { restoreMessages, type WantedMessage } from "./restore_messages.ts";

/** Where messages go that nobody knows a place for. */
const RECOVERED = "Recovered";

/** A mailbox as the bucket describes it. */
interface Described {
  readonly name: string;
  readonly domain: string | null;
  readonly uidValidity: number;
  readonly specialUse: string | null;
  readonly keywords: readonly string[];
}

/** Where messages go; null with a dry run. */
interface Place {
  readonly name: string;
  readonly mailbox: Mailbox | null;
  readonly keepsUids: boolean;
}

type Counted = "manifest" | "placed" | "recovered";

/** Makes one account and its mail anew; what an earlier run did stays. */
export class AccountRebuild {
  readonly rights: WantedRights[] = [];
  readonly #account: BucketAccount;
  readonly #services: RebuildServices;
  readonly #counts = noRebuildCounts();
  /** Bodies that no manifest has named yet. */
  readonly #bodies = new Set<ObjectKey>();
  readonly #known = new Map<string, KnownEpoch>();
  /** `<epoch>/<mailbox id>`. */
  readonly #places = new Map<string, Place>();
  readonly #names = new Set<string>();
  #result: AccountReport["result"] = "restored";
  #id: AccountId | null = null;
  #needsPassword = false;

  constructor(account: BucketAccount, services: RebuildServices) {
    this.#account = account;
    this.#services = services;
  }

  /** What was done so far. */
  get report(): AccountReport {
    const { address: account } = this.#account;
    const needsPassword = this.#needsPassword;
    const mailboxes = this.#names.size;
    return { account, result: this.#result, mailboxes, needsPassword, ...this.#counts };
  }

  /** Throws what ends the whole rebuild: a database or storage that is away. */
  async run(): Promise<void> {
    const { address, epochs, superseded } = this.#account;
    const { accounts, rebuilds, dryRun, blobs } = this.#services;
    const manifest = epochs.find(({ account }) => account !== null)?.account ?? null;
    const isThere = await accounts.find(address) !== null;
    if (isThere && !await rebuilds.isUnfinished(address)) return void (this.#result = "exists");
    if ((manifest?.content.deletedMs ?? null) !== null) return void (this.#result = "deleted");
    await this.#listBodies();
    if (!dryRun) await this.#make(manifest);
    else {this.#needsPassword = !manifest?.content.addresses.some(([, first, hash]) =>
        first && hash
      );}
    for (const epoch of epochs) await this.#restoreEpoch(epoch);
    const others = manifest?.content.addresses.map(([each]) => each) ?? [];
    const addresses = new Set([address, ...others]);
    const knowledge = { addresses, epochs: this.#known, superseded };
    await this.#restoreLeftovers(placeLeftovers(blobs, this.#bodies, knowledge));
    if (dryRun || this.#id === null) return;
    if (manifest) await this.#finish(this.#id, manifest);
    await rebuilds.finish(address, epochs.map(({ epoch }) => epoch));
  }

  async #make(manifest: AccountManifest | null): Promise<void> {
    const made = await makeAccount(this.#account.address, manifest, this.#services);
    this.#id = made.id;
    this.#needsPassword = made.needsPassword;
  }

  async #finish(id: AccountId, manifest: AccountManifest): Promise<void> {
    const { mailboxes, quotas } = this.#services;
    const { subscriptions, limits: [storageBytes, messages, most] } = manifest.content;
    for (const name of subscriptions) {
      try {
        await mailboxes.subscribe(id, name);
      } catch (error) {
        if (!(error instanceof Refused) || error.refusal.kind === "unavailable") throw error;
        this.#problem(name, null, "cannot be subscribed to");
      }
    }
    await removeUnlisted(id, this.#names, this.#services);
    await quotas.setLimits(id, { storageBytes, messages, mailboxes: most });
  }

  async #listBodies(): Promise<void> {
    const { blobs } = this.#services;
    for (const owner of this.#account.owners) {
      for await (const page of blobs.list(owner)) {
        for (const { key } of page) if (isBodyKey(key)) this.#bodies.add(key);
      }
    }
  }

  async #restoreEpoch({ epoch, account, mailboxes: written }: AccountEpoch): Promise<void> {
    const { blobs } = this.#services;
    const states = new Map<number, MailboxState | null>();
    this.#known.set(epoch, { mailboxes: states, lastMailboxId: account?.lastMailboxId ?? null });
    const listed = new Map(account?.content.mailboxes.map((each) => [each.id, each]));
    const read = async (id: number, name: string) => {
      const damaged = (why: string) => this.#problem(name, null, why);
      const state = await MailboxState.read(blobs, written.get(id) ?? [], damaged);
      states.set(id, state);
      return state;
    };
    // WHY by name: what is above others comes before them.
    const byName = [...listed.values()].sort((a, b) => a.name < b.name ? -1 : 1);
    for (const { id, name, ...described } of byName) {
      const state = await read(id, name);
      const keywords = state?.header.keywords ?? [];
      await this.#restoreMailbox(`${epoch}/${id}`, { ...described, name, keywords }, state);
    }
    // WHY: those of a mailbox that the account's manifest does not know yet count, others are deleted.
    for (const id of [...written.keys()].sort((a, b) => a - b)) {
      if (listed.has(id) || id <= (account?.lastMailboxId ?? 0)) continue;
      const state = await read(id, `mailbox ${id}`);
      if (!state) continue;
      const described = { ...state.header, specialUse: null };
      await this.#restoreMailbox(`${epoch}/${id}`, described, state);
    }
    for (const [mailboxId, address, domain, rights] of account?.content.acls ?? []) {
      const place = this.#places.get(`${epoch}/${mailboxId}`);
      const { address: owner } = this.#account;
      if (!place?.mailbox) continue;
      const { id: mailbox, name } = place.mailbox;
      this.rights.push({ owner, name, mailbox, address, domain, rights });
    }
  }

  async #restoreMailbox(
    id: string,
    described: Described,
    state: MailboxState | null,
  ): Promise<void> {
    const place = await this.#place(described);
    this.#places.set(id, place);
    if (!state) return;
    await this.#restore(place, this.#named(state), "manifest");
    if (place.mailbox && place.keepsUids) {
      await this.#services.imports.reserveUids(place.mailbox.id, state.header.uidNext as Uid);
    }
  }

  async *#named(state: MailboxState): AsyncGenerator<WantedMessage> {
    for await (const { uid, objectKey, ...line } of state.messages()) {
      const key = objectKey as ObjectKey;
      this.#bodies.delete(key);
      yield { ...line, uid: uid as Uid, key };
    }
  }

  /** Finds or makes a mailbox; what cannot be made is another one. */
  async #place(described: Described): Promise<Place> {
    const { name, domain, uidValidity } = described;
    this.#names.add(domain === null ? name : `/${domain}/${name}`);
    if (this.#id === null) return { name, mailbox: null, keepsUids: true };
    const { mailboxes, imports, rebuilds } = this.#services;
    const tree = { owner: this.#id, domain };
    const found = await rebuilds.find(tree, name);
    if (found && found.accountId !== this.#id) {
      return await this.#recovered(name, "another account has a mailbox of this name");
    }
    let mailbox: Mailbox;
    try {
      mailbox = found ?? await mailboxes.create(tree, name);
    } catch (error) {
      if (!(error instanceof Refused) || error.refusal.kind === "unavailable") throw error;
      return await this.#recovered(name, `it cannot be made: ${error.refusal.kind}`);
    }
    await rebuilds.shape(mailbox.id, described);
    const keepsUids = mailbox.uidValidity === uidValidity ||
      await imports.adoptUidValidity(mailbox, uidValidity as UidValidity);
    return { name, mailbox: await mailboxes.get(mailbox.id), keepsUids };
  }

  async #recovered(name: string, why: string): Promise<Place> {
    this.#problem(name, null, `${why}; its messages are in "${RECOVERED}"`);
    return await this.#recoveredPlace();
  }

  async #recoveredPlace(): Promise<Place> {
    this.#names.add(RECOVERED);
    if (this.#id === null) return { name: RECOVERED, mailbox: null, keepsUids: false };
    const { mailboxes, rebuilds } = this.#services;
    const mailbox = await rebuilds.find({ owner: this.#id, domain: null }, RECOVERED) ??
      await mailboxes.create(this.#id, RECOVERED);
    return { name: RECOVERED, mailbox, keepsUids: false };
  }

  async #restoreLeftovers(leftovers: AsyncIterable<Leftover>): Promise<void> {
    const placed = new Map<string, { first: BodyDescription; messages: WantedMessage[] }>();
    const recovered: WantedMessage[] = [];
    for await (const { key, modifiedAt, placement } of leftovers) {
      if (placement.kind === "expunged" && !this.#services.withExpunged) {
        this.#counts.expunged++;
        this.#services.progress(this.#account.address, 1);
        continue;
      }
      const uid = placement.kind === "mailbox" ? placement.uid as Uid : null;
      const message = leftoverMessage({ key, modifiedAt, placement }, uid);
      if (placement.kind !== "mailbox" || placement.description.mailbox === "") {
        recovered.push({ ...message, uid: null });
        continue;
      }
      const id = `${placement.epoch}/${placement.mailboxId}`;
      const same = placed.get(id);
      if (same) same.messages.push(message);
      else placed.set(id, { first: placement.description, messages: [message] });
    }
    for (const [id, { first, messages }] of placed) {
      const { mailbox: name, domain, uidValidity } = first;
      const place = this.#places.get(id) ??
        await this.#place({ name, domain, uidValidity, specialUse: null, keywords: [] });
      messages.sort((a, b) => (a.uid ?? 0) - (b.uid ?? 0));
      await this.#restore(place, messages, "placed");
    }
    if (recovered.length === 0) return;
    recovered.sort((a, b) => a.internalMs - b.internalMs);
    await this.#restore(await this.#recoveredPlace(), recovered, "recovered");
  }

  async #restore(
    { name, mailbox, keepsUids }: Place,
    messages: AsyncIterable<WantedMessage> | Iterable<WantedMessage>,
    by: Counted,
  ): Promise<void> {
    const { imports, mailboxes } = this.#services;
    if (!mailbox || this.#id === null) return await this.#count(messages, by);
    // WHY anew: messages may have come into it since it was looked for.
    const now = await mailboxes.get(mailbox.id) ?? mailbox;
    const known = await imports.known(mailbox.id);
    const target = { id: mailbox.id, accountId: this.#id, uidNext: now.uidNext, known, keepsUids };
    await restoreMessages(target, messages, {
      ...this.#services,
      told: (message, outcome) => {
        this.#services.progress(this.#account.address, 1);
        if (outcome === "there") this.#counts.there++;
        else if (typeof outcome === "object") this.#lost(name, message, outcome.lost);
        else this.#restored(by, outcome === "renumbered" && by !== "recovered");
      },
    });
    // WHY: what a user has had for years is not recent (RFC 3501 §2.3.2) to the next session.
    const after = await mailboxes.get(mailbox.id);
    if (after) mailboxes.claimRecent(after.id, after.uidNext);
  }

  /** With a dry run. */
  async #count(
    messages: AsyncIterable<WantedMessage> | Iterable<WantedMessage>,
    by: Counted,
  ): Promise<void> {
    for await (const _message of messages) {
      this.#services.progress(this.#account.address, 1);
      this.#restored(by, false);
    }
  }

  #restored(by: Counted, isRenumbered: boolean): void {
    this.#counts.restored++;
    if (by !== "manifest") this.#counts[by]++;
    if (isRenumbered) this.#counts.renumbered++;
  }

  #lost(mailbox: string, { uid, key }: WantedMessage, why: string): void {
    this.#counts.lost++;
    this.#problem(mailbox, uid === null ? key : `UID ${uid}`, why);
  }

  #problem(mailbox: string | null, message: string | null, why: string): void {
    this.#services.problem({ account: this.#account.address, mailbox, message, why });
  }
}
