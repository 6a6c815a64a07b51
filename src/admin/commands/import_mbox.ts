import { MboxSource } from "../../migration/mbox/mbox_source.ts";
import type { Command } from "../command.ts";
import { importOptions, runImport } from "../import_run.ts";
import { emailOption } from "./account_view.ts";

/** Imports mbox files. */
export const importMbox: Command = {
  name: "import mbox",
  summary: "import an mbox file, or a folder of them",
  details:
    `A file becomes the mailbox of its name without ".mbox"; in a folder, so does each file that
begins with "From ". Flags are read from Status, X-Status, X-Keywords (Dovecot, mutt) and
X-Mozilla-Status (Thunderbird), dates from the "From " lines. Nothing comes twice.`,
  options: {
    email: emailOption,
    path: { value: "FILE", required: true, text: "the file or folder" },
    mailbox: { value: "NAME", text: "what a file becomes, instead of its own name" },
    "preserve-uids": { text: "keep the UIDs of X-IMAPbase and X-UID" },
    quoting: {
      value: "KIND",
      text: 'how lines with "From " were quoted; mboxrd',
      choices: ["mboxrd", "mboxo", "none"],
    },
    ...importOptions,
  },
  example: "sora-admin import mbox --config config.toml --email user@example.com " +
    "--path old-mail.mbox --mailbox Archive/Old",
  async run(request) {
    const { options } = request;
    const path = options.required("path");
    const quoting = options.text("quoting");
    await using source = new MboxSource(path, {
      mailbox: options.text("mailbox"),
      quoting: quoting === "mboxo" || quoting === "none" ? quoting : "mboxrd",
    });
    return await runImport(request, source, {
      preserveUids: options.has("preserve-uids"),
      incremental: false,
      nothing: `${path} is no mbox: it does not begin with "From "`,
    });
  },
};
