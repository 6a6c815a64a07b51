import type { Problem } from "./report.ts";

/** One mailbox of an export. */
export interface ExportedMailbox {
  readonly mailbox: string;
  readonly messages: number;
  /** Of those: written now. */
  readonly written: number;
  /** Written by an earlier export. */
  readonly there: number;
  readonly skipped: number;
  /** Of bodies that were written. */
  readonly octets: number;
}

/** What an export did. */
export interface ExportReport {
  readonly mailboxes: readonly ExportedMailbox[];
  readonly problems: readonly Problem[];
  readonly remarks: readonly string[];
  /** Why it ended early; undefined: it did not. */
  readonly ended: unknown;
}
