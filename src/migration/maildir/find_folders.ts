import { folderToMailbox, levelName } from "./folder_name.ts";

/** How folders lie in each other; both can be told apart, so that "auto" finds either. */
export type MaildirLayout = "auto" | "maildir++" | "fs";

/** A folder with messages. */
export interface MaildirFolder {
  readonly name: string;
  readonly path: string;
}

/** Levels that are looked at. */
const DEPTH_MAX = 32;
const PARTS: ReadonlySet<string> = new Set(["cur", "new", "tmp"]);

/**
 * The mailboxes below a Maildir, by name, INBOX first: ".A.B" (Maildir++) and "A/B" (Dovecot's layout
 * "fs"). Symbolic links are not followed: they may lead out of the user's own mail.
 */
export async function findFolders(root: string, layout: MaildirLayout): Promise<MaildirFolder[]> {
  const folders: MaildirFolder[] = [];
  const entries = await foldersIn(root);
  for (const entry of entries) {
    const path = `${root}/${entry}`;
    const isDotted = entry.startsWith(".");
    if (isDotted && layout !== "fs" && entry !== "." && (await isMaildir(path))) {
      folders.push({ name: folderToMailbox(entry), path });
    }
    if (!isDotted && layout !== "maildir++" && !PARTS.has(entry)) {
      await addTree({ name: levelName(entry), path }, folders, 1);
    }
  }
  folders.sort((a, b) => a.name < b.name ? -1 : 1);
  return entries.some((entry) => entry === "cur" || entry === "new")
    ? [{ name: "INBOX", path: root }, ...folders]
    : folders;
}

async function addTree(
  folder: MaildirFolder,
  folders: MaildirFolder[],
  depth: number,
): Promise<void> {
  const entries = await foldersIn(folder.path);
  if (entries.includes("cur")) folders.push(folder);
  if (depth >= DEPTH_MAX) return;
  for (const entry of entries) {
    if (PARTS.has(entry) || entry.startsWith(".")) continue;
    const child = { name: `${folder.name}/${levelName(entry)}`, path: `${folder.path}/${entry}` };
    await addTree(child, folders, depth + 1);
  }
}

async function isMaildir(path: string): Promise<boolean> {
  const entries = await foldersIn(path);
  return entries.includes("cur") || entries.includes("new");
}

/** WHY none where it cannot be read: opening it says so, for that mailbox alone. */
async function foldersIn(path: string): Promise<string[]> {
  const names: string[] = [];
  try {
    for await (const entry of Deno.readDir(path)) if (entry.isDirectory) names.push(entry.name);
  } catch (error) {
    if (error instanceof Deno.errors.PermissionDenied) return ["cur"];
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
  return names;
}
