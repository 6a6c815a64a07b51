import { section } from "../setting.ts";
import { count, size } from "../setting_kinds.ts";

/** RFC 5464 §4.1: what a server MUST accept at least. */
const ENTRY_BYTES_MIN = 1024;
const ENTRIES_MIN = 10;
/** WHY: a value is one literal of a command, and one line of an answer. */
const ENTRY_BYTES_MAX = 1024 ** 2;
const ENTRIES_MAX = 10_000;

/** `[metadata]`. */
export const metadataSection = section("Annotations of mailboxes and of the server (RFC 5464).", {
  max_entry_size: size("64kb", "Largest value of one entry.", {
    min: ENTRY_BYTES_MIN,
    max: ENTRY_BYTES_MAX,
    limits: "from 1kb to 1mb",
  }),
  max_entries_per_mailbox: count(
    100,
    "Entries of one mailbox: shared ones, and as many per user.",
    {
      min: ENTRIES_MIN,
      max: ENTRIES_MAX,
    },
  ),
  max_entries_per_server: count(50, "Entries of a user that belong to no mailbox.", {
    min: ENTRIES_MIN,
    max: ENTRIES_MAX,
  }),
  max_total_size: size("1mb", "All entries of one account together.", { min: ENTRY_BYTES_MIN }),
});
