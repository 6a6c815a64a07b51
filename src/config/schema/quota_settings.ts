import { z } from "zod";
import { section, setting } from "../setting.ts";
import { count, size, words } from "../setting_kinds.ts";

/** WHY: a list of warnings, not of every percent. */
const WARNINGS_MAX = 10;
const COUNT = { min: 0, max: Number.MAX_SAFE_INTEGER };

/** `[quota]`. */
export const quotaSection = section("How much an account may keep (RFC 9208).", {
  default_storage: size("0", "Storage of a new account; 0 = not limited."),
  default_messages: count(0, "Messages of a new account; 0 = not limited.", COUNT),
  default_mailboxes: count(0, "Mailboxes of a new account; 0 = not limited.", COUNT),
  warn_at: setting(z.array(z.int().min(1).max(100)).max(WARNINGS_MAX).prefault([80, 95]), {
    kind: "list of numbers",
    expected: "a list of percentages such as [80, 95]",
    text: "Percentages of storage or messages at which a user gets a warning by mail, once.",
    fallback: "[80, 95]",
  }),
  administrators: words("Addresses of users who may change quotas over IMAP (SETQUOTA).", {
    example: ["postmaster@example.com"],
  }),
});
