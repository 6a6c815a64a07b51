import { z } from "zod";
import { parseDuration } from "../duration.ts";
import { section, setting } from "../setting.ts";
import { duration } from "../setting_kinds.ts";
import { withoutEffect } from "./later.ts";

/** WHY: a client that was away for less is never told that nobody knows what it missed. */
const HISTORY_MS_MIN = 600_000;
/** Mailboxes with a retention of their own: what one statement compares names with. */
const RETENTIONS_MAX = 100;

/** `[cleanup]`. */
export const cleanupSection = section("What happens to old and to expunged messages.", {
  grace_period: duration(
    "14d",
    "How long an expunged message, a deleted mailbox or a deleted account can still be recovered.",
  ),
  wake_interval: duration("1h", "Pause between two rounds of the cleaner.", { min: 1000 }),
  max_age_restriction: setting(age().prefault(""), {
    kind: "duration",
    expected: 'a duration such as "365d", or "" for no limit',
    text: 'Messages that came into their mailbox so long ago are expunged; "" = never.',
    fallback: '""',
  }),
  retention: setting(retentions(), {
    kind: "table of durations",
    expected: 'mailboxes and durations such as { Trash = "30d", Junk = "14d" }',
    text: "The same for single mailboxes and what is below them, by name or special use: " +
      '{ Trash = "30d", "\\\\Junk" = "14d" }.',
    fallback: "{}",
  }),
  expunge_history: duration(
    "90d",
    "How long it is remembered what was expunged: for clients that come back, and for " +
      "`sora-admin mailbox at`.",
    { min: HISTORY_MS_MIN },
  ),
  orphan_interval: duration(
    "7d",
    "Between two looks at all stored objects for those that no message needs, as a crash leaves them; 0 = never.",
  ),
  fts_retention: withoutEffect("duration", "Of the Go implementation."),
  health_status_retention: withoutEffect("duration", "Of the Go implementation."),
  instance_liveness_threshold: withoutEffect("duration", "Of the Go implementation."),
});

/** Milliseconds; null for none. */
function age() {
  return z.union([z.string(), z.literal(0)]).transform((value, context) => {
    if (value === 0 || value.trim() === "" || value.trim() === "0") return null;
    const ms = parseDuration(value);
    if (ms !== undefined) return ms;
    context.issues.push({ code: "custom", message: "no duration", input: value });
    return z.NEVER;
  });
}

function retentions() {
  return z.record(z.string().min(1), age())
    .refine((table) => Object.keys(table).length <= RETENTIONS_MAX).prefault({});
}
