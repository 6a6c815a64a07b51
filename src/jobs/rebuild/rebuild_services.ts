import type { Blobs } from "../../blobs/blobs.ts";
import type { AccountStore } from "../../store/accounts.ts";
import type { AclStore } from "../../store/acls.ts";
import type { ImportStore } from "../../store/import_messages.ts";
import type { MailboxStore } from "../../store/mailboxes.ts";
import type { QuotaStore } from "../../store/quotas.ts";
import type { RebuildStore } from "../../store/rebuilds.ts";
import type { RebuildProblem } from "./rebuild_report.ts";

/** What a rebuild works with, and how. */
export interface RebuildServices {
  readonly accounts: AccountStore;
  readonly mailboxes: MailboxStore;
  readonly imports: ImportStore;
  readonly rebuilds: RebuildStore;
  readonly quotas: QuotaStore;
  readonly acls: AclStore;
  /** The object store itself: no cache and no staging folder in front of it. */
  readonly blobs: Blobs;
  /** Bodies that are read at a time. */
  readonly jobs: number;
  /** Changes nothing in the database. */
  readonly dryRun: boolean;
  /** Restores also what had been expunged, into the mailbox for what has no place. */
  readonly withExpunged: boolean;
  readonly problem: (problem: RebuildProblem) => void;
  /** Messages of an account that are dealt with. */
  readonly progress: (account: string, messages: number) => void;
}
