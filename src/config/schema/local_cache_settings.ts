import { z } from "zod";
import { section, setting } from "../setting.ts";
import { count, duration, flag, optionalText, size } from "../setting_kinds.ts";
import { detail, withoutEffect } from "./later.ts";

/** WHY: a whole body is in memory when it is checked. */
const OBJECT_BYTES_MAX = 64 * 1024 ** 2;
/** WHY: what is fetched for one login is fetched whether somebody reads it or not. */
const WARMUP_MESSAGES_MAX = 1000;
const WARMUP_MAILBOXES_MAX = 100;

/** `[local_cache]`. */
export const localCacheSection = section("Bodies of the object store kept on this machine.", {
  enabled: flag(true, "Keep bodies; without [s3] there is nothing to be kept."),
  path: optionalText("Folder of the cache; without it, `cache` in `data_dir`.", {
    example: "/var/cache/sora",
  }),
  capacity: size("1gb", "Octets of all bodies; the least recently read go first.", {
    min: 1024 ** 2,
    limits: "at least 1mb",
  }),
  max_object_size: size("5mb", "Largest body that is kept.", {
    max: OBJECT_BYTES_MAX,
    limits: "at most 64mb",
  }),
  purge_interval: duration("12h", "Between two looks at everything that is there.", {
    min: 60_000,
  }),
  orphan_cleanup_age: duration("30d", "Bodies that nobody has read for so long are removed.", {
    min: 60_000,
  }),
  enable_warmup: flag(true, "Fetch the newest messages when a user has logged in."),
  warmup_message_count: count(50, "Messages of each mailbox that are fetched.", {
    min: 0,
    max: WARMUP_MESSAGES_MAX,
  }),
  warmup_mailboxes: setting(
    z.array(z.string().trim().min(1)).max(WARMUP_MAILBOXES_MAX).prefault(["INBOX"]),
    {
      kind: "list of texts",
      expected: 'a list of mailboxes such as ["INBOX"]',
      text: "Mailboxes of the user whose newest messages are fetched.",
      fallback: '["INBOX"]',
    },
  ),
  warmup_interval: duration("24h", "Logins within this time after a warm-up bring no other.", {
    min: 1000,
  }),
  metrics_interval: withoutEffect("duration", "Of the Go implementation."),
  metrics_retention: withoutEffect("duration", "Of the Go implementation."),
  warmup_async: detail(
    "true or false",
    "Of the Go implementation: warm-ups are in the background.",
  ),
  warmup_timeout: detail("duration", "Of the Go implementation."),
});
