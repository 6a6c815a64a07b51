/** Something that was not imported or exported as it stands. */
export interface Problem {
  /** null: it is about no single mailbox. */
  readonly mailbox: string | null;
  /** A file or UID; null: the whole mailbox. */
  readonly message: string | null;
  readonly why: string;
}

/** What became of the messages of one mailbox, or of all. */
export interface Counts {
  /** In the source. */
  found: number;
  /** Stored, or with a dry run: would be. */
  imported: number;
  /** Of those, with another UID than they had, though UIDs are kept. */
  renumbered: number;
  /** The mailbox has them already. */
  there: number;
  /** Of those, with other flags than before. */
  updated: number;
  /** Imported or skipped before, and not in the mailbox now. */
  gone: number;
  /** Damaged or unreadable: each is a problem. */
  skipped: number;
  /** Of what was imported. */
  octets: number;
}

/** One mailbox of an import. */
export interface MailboxReport extends Readonly<Counts> {
  readonly mailbox: string;
  /** It was made for this. */
  readonly created: boolean;
  /** Its UIDVALIDITY and UIDs are those of the source. */
  readonly keepsUids: boolean;
}

/** What an import did. */
export interface ImportReport {
  readonly mailboxes: readonly MailboxReport[];
  /** Names that were added to the subscriptions. */
  readonly subscribed: number;
  readonly problems: readonly Problem[];
  /** What there is besides mail. */
  readonly remarks: readonly string[];
  /** Why it ended early; undefined: it did not. */
  readonly ended: unknown;
}

/** Nothing yet. */
export function noCounts(): Counts {
  return {
    found: 0,
    imported: 0,
    renumbered: 0,
    there: 0,
    updated: 0,
    gone: 0,
    skipped: 0,
    octets: 0,
  };
}

/** All mailboxes together. */
export function totals(mailboxes: readonly Readonly<Counts>[]): Counts {
  const sum = noCounts();
  for (const counts of mailboxes) {
    for (const key of Object.keys(sum) as (keyof Counts)[]) sum[key] += counts[key];
  }
  return sum;
}
