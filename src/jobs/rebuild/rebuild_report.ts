/** Something that was not restored as it was. */
export interface RebuildProblem {
  readonly account: string;
  /** null: it is about no single mailbox. */
  readonly mailbox: string | null;
  /** A UID or an object; null: the whole mailbox. */
  readonly message: string | null;
  readonly why: string;
}

/** What became of the messages of an account. */
export interface RebuildCounts {
  /** Restored, or with a dry run: would be. */
  restored: number;
  /** Of those, by what their bodies say of themselves, as no manifest names them. */
  placed: number;
  /** Of those, into the mailbox for what nobody knows a place for. */
  recovered: number;
  /** With another UID than they had. */
  renumbered: number;
  /** An earlier run restored them. */
  there: number;
  /** Bodies of messages that had been expunged: left alone. */
  expunged: number;
  /** Missing or damaged: each is a problem. */
  lost: number;
}

/** One account of a rebuild. */
export interface AccountReport extends Readonly<RebuildCounts> {
  readonly account: string;
  /** exists: it was there, with mail of its own, and is left alone; deleted: it had been deleted. */
  readonly result: "restored" | "exists" | "deleted";
  readonly mailboxes: number;
  /** Nobody can log in before an operator sets a password. */
  readonly needsPassword: boolean;
}

/** What a rebuild did. */
export interface RebuildReport {
  readonly accounts: readonly AccountReport[];
  readonly problems: readonly RebuildProblem[];
  /** Why it ended early; undefined: it did not. */
  readonly ended: unknown;
}

/** Nothing yet. */
export function noRebuildCounts(): RebuildCounts {
  return {
    restored: 0,
    placed: 0,
    recovered: 0,
    renumbered: 0,
    there: 0,
    expunged: 0,
    lost: 0,
  };
}
