import type { Mailbox, MailboxStore } from "../store/mailboxes.ts";
import type { User } from "./authenticator.ts";
import { ALL_RIGHTS, type Right, type Rights } from "./rights.ts";

/** A mailbox as one user sees it. */
export interface AccessibleMailbox extends Mailbox {
  /** What the user may do with it: RFC 4314 §2.1. The owner may do everything. */
  readonly rights: Rights;
  /** The user is not the owner: \Seen is the user's own, bytes and quota are the owner's. */
  readonly isForeign: boolean;
}

/** Finds mailboxes by the names that users know them by, and says what they may do with them. */
export class MailboxAccess {
  readonly #mailboxes: MailboxStore;

  constructor({ mailboxes }: { readonly mailboxes: MailboxStore }) {
    this.#mailboxes = mailboxes;
  }

  /**
   * The mailbox of this name, in any case. Throws `no-such-mailbox` when there is none, or none that
   * the user may know of, and `not-permitted` when it lacks one of the rights that are needed.
   */
  async find(user: User, name: string, _needs: readonly Right[] = []): Promise<AccessibleMailbox> {
    const mailbox = await this.#mailboxes.find(user.accountId, name);
    return { ...mailbox, rights: ALL_RIGHTS, isForeign: false };
  }

  /** Every mailbox that the user may know of, by name, parents before children. */
  async list(user: User): Promise<AccessibleMailbox[]> {
    const mailboxes = await this.#mailboxes.list(user.accountId);
    return mailboxes.map((mailbox) => ({ ...mailbox, rights: ALL_RIGHTS, isForeign: false }));
  }
}
