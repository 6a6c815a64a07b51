import { MaildirSource } from "../../migration/maildir/maildir_source.ts";
import type { Command } from "../command.ts";
import { importOptions, runImport } from "../import_run.ts";
import { emailOption } from "./account_view.ts";

/** Imports a Maildir, such as Dovecot's. */
export const importMaildir: Command = {
  name: "import maildir",
  aliases: ["import-maildir"],
  summary: "import a Maildir with its folders, flags, keywords and subscriptions",
  details: `Reads Maildir++ (".Sent.2024") and Dovecot's layout "fs" ("Sent/2024"), dovecot-uidlist,
dovecot-keywords and subscriptions. Dovecot may run meanwhile; run the command again for what
came later: nothing comes twice, and what was deleted here does not come back before it is
purged. With --preserve-uids a mailbox keeps UIDVALIDITY and UIDs where it is empty, so that
clients need not load their mail again. Damaged messages are listed and left out.`,
  options: {
    email: emailOption,
    path: { value: "DIR", required: true, text: "the Maildir, with cur/ and new/ of INBOX" },
    "preserve-uids": { text: "keep the UIDs of dovecot-uidlist" },
    incremental: { text: "trust size and date of what is there instead of comparing contents" },
    layout: {
      value: "LAYOUT",
      text: "how folders lie in each other; auto finds both",
      choices: ["auto", "maildir++", "fs"],
    },
    ...importOptions,
  },
  example: "sora-admin import maildir --config config.toml --email user@example.com " +
    "--path /var/vmail/example.com/user/Maildir --preserve-uids",
  async run(request) {
    const { options } = request;
    const path = options.required("path");
    const layout = options.text("layout");
    await using source = new MaildirSource(path, {
      layout: layout === "fs" || layout === "maildir++" ? layout : "auto",
    });
    return await runImport(request, source, {
      preserveUids: options.has("preserve-uids"),
      incremental: options.has("incremental"),
      nothing: `${path} is no Maildir: there is no folder cur or new in it or below`,
    });
  },
};
