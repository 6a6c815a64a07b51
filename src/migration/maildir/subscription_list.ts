import { escapeLevel, folderToMailbox, levelName } from "./folder_name.ts";

const VERSION_2 = "V\t2";

/**
 * `subscriptions`: in version 2 a line for each name with tabs between its levels; before that (and in
 * Courier's `courierimapsubscribed`) with the separator of the storage.
 */
export function parseSubscriptions(text: string): string[] {
  const lines = text.split("\n").map((line) => line.replace(/\r$/, ""));
  const isTabbed = lines[0]?.startsWith(VERSION_2) === true;
  const names = (isTabbed ? lines.slice(1) : lines).filter((line) => line !== "")
    .map((line) => isTabbed ? line.split("\t").map(levelName).join("/") : plainName(line));
  return [...new Set(names)];
}

/** Version 2. */
export function renderSubscriptions(names: readonly string[]): string {
  const lines = names.map((name) => name.split("/").map(escapeLevel).join("\t"));
  return [VERSION_2, "", ...lines, ""].join("\n");
}

/** QUIRK: Courier writes "INBOX.Sent" for what is ".Sent" on the disk. */
function plainName(line: string): string {
  if (line.includes("/")) return line.split("/").map(levelName).join("/");
  return folderToMailbox(line.replace(/^INBOX\.(?=.)/, ""));
}
