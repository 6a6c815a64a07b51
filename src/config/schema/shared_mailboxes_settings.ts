import { section } from "../setting.ts";
import { flag, textLike } from "../setting_kinds.ts";

/** `[shared_mailboxes]`. */
export const sharedMailboxesSection = section(
  "Mailboxes that several users of one domain use (RFC 4314); see docs/sharing.md.",
  {
    enabled: flag(false, "Users may share mailboxes with others of their domain."),
    namespace_prefix: textLike("Shared/", "Below it, a domain's shared mailboxes stand.", {
      expected: 'one level and "/", such as "Shared/"',
      accept: isPrefix,
    }),
    user_prefix: textLike(
      "Users/",
      "Below it, and the owner's address, stand mailboxes that other users share; empty = nowhere.",
      {
        expected: 'one level and "/", such as "Users/", or ""',
        accept: (text) => text === "" || isPrefix(text),
      },
    ),
    allow_user_create: flag(false, "Users may create mailboxes directly below namespace_prefix."),
    default_rights: textLike(
      "lrswipkxtea",
      "What the creator of a shared mailbox may do with it; l and a in any case.",
      { expected: 'letters of "lrswipkxtea"', accept: (text) => /^[lrswipkxtea]*$/.test(text) },
    ),
    allow_anyone: flag(false, "Rights may be granted to anyone, that is all users of the domain."),
  },
);

/** One level that no mailbox of a user's own must have, and the delimiter. */
function isPrefix(text: string): boolean {
  return /^[^/]{1,100}\/$/.test(text) && !/[\p{Cc}*%]/u.test(text) &&
    text.toLowerCase() !== "inbox/" && !/^\.{1,2}\/$/.test(text);
}
