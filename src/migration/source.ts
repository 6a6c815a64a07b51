import type { Uid, UidValidity } from "../lib/ids.ts";

/** Mail somewhere else: a Maildir, an mbox, another server. */
export interface Source extends AsyncDisposable {
  /** In the order in which they are to be imported. */
  mailboxes(): Promise<readonly SourceMailbox[]>;
  /** Names that are subscribed to. */
  subscriptions(): Promise<readonly string[]>;
  /** What is there besides, and is not imported: lines for the operator. */
  remarks(): Promise<readonly string[]>;
}

/** One mailbox of a source. */
export interface SourceMailbox {
  /** Unicode, levels separated by "/". */
  readonly name: string;
  /** About how many messages there are; null: nobody knows before it is opened. */
  count(): Promise<number | null>;
  /** Reads what is in it, without the messages themselves. */
  open(): Promise<OpenMailbox>;
}

/** A mailbox whose messages are known. */
export interface OpenMailbox extends AsyncDisposable {
  /** null: its UIDs mean nothing. */
  readonly uidValidity: UidValidity | null;
  /** Above all UIDs that were ever used; null: not known. */
  readonly uidNext: Uid | null;
  /** By UID; those without one behind them, oldest first. */
  readonly messages: readonly SourceMessage[];
  /** Says which messages will be read, in this order: a server can be asked for many at once. */
  expect(wanted: readonly SourceMessage[]): void;
  /**
   * A message with lines that end in CRLF or LF. Pieces are valid until the next is asked for.
   * Throws `Unreadable` for a message that cannot be had; other errors end the import.
   */
  read(message: SourceMessage): AsyncIterable<Uint8Array>;
}

/** What is known of a message before it is read. */
export interface SourceMessage {
  /** null: none yet. */
  readonly uid: Uid | null;
  /** Bits of FLAG. */
  readonly flags: number;
  readonly keywords: readonly string[];
  readonly internalDate: Date;
  /** With lines that end in CRLF; null: nobody knows without reading it. */
  readonly sizeBytes: number | null;
  /** By what an operator finds it: a file, a UID. */
  readonly label: string;
}

/** One message cannot be had; the others can. */
export class Unreadable extends Error {
  override readonly name = "Unreadable";
}

/** Nothing more can be had from the source now; an import ends here and can be run again. */
export class SourceLost extends Error {
  override readonly name = "SourceLost";
}
