import { decodeUtf7, encodeUtf7 } from "../../lib/modified_utf7.ts";

/**
 * Names of Dovecot's mailboxes on the disk: modified UTF-7 (or UTF-8, as its setting `UTF-8` says),
 * levels separated by "." in Maildir++, by "/" in the layout "fs". `\2e` stands for a dot and `\5c` for
 * a backslash in a level, as Dovecot's plugin "listescape" writes them.
 */
export function levelName(level: string): string {
  const unescaped = level.replace(
    /\\(2e|5c)/gi,
    (_, hex: string) => hex === "5c" || hex === "5C" ? "\\" : ".",
  );
  // QUIRK: a name that is no modified UTF-7 is what somebody typed.
  return decodeUtf7(unescaped) ?? unescaped;
}

/** The mailbox of a folder ".A.B" below a Maildir++; "." separates its levels. */
export function folderToMailbox(folder: string): string {
  return folder.replace(/^\./, "").split(".").map(levelName).join("/");
}

/** The folder of a mailbox below a Maildir++; "" for INBOX, which is the Maildir itself. */
export function mailboxToFolder(mailbox: string): string {
  if (mailbox === "INBOX") return "";
  return `.${mailbox.split("/").map(escapeLevel).join(".")}`;
}

/** A level as it stands on the disk. */
export function escapeLevel(level: string): string {
  // WHY in this order: encoded text has neither dots nor backslashes that are not the name's own.
  return encodeUtf7(level).replace(/[\\.]/g, (c) => c === "." ? "\\2e" : "\\5c");
}
