import { exitCodes } from "../../app/exit_codes.ts";
import { ImapSource } from "../../migration/imap/imap_source.ts";
import type { ImapServer } from "../../migration/imap/imap_connection.ts";
import type { Command, Request } from "../command.ts";
import { Failure, usage } from "../failure.ts";
import { importOptions, runImport } from "../import_run.ts";
import { emailOption } from "./account_view.ts";

const PORTS = { implicit: 993, starttls: 143, off: 143 } as const;

/** Imports an account of another IMAP server. */
export const importImap: Command = {
  name: "import imap",
  summary: "import the mailboxes of a user of another IMAP server",
  details:
    `UIDs and UIDVALIDITY are kept where a mailbox is empty here, so that clients need not load
their mail again; flags, keywords, dates and subscriptions come along. Nothing is changed on
the other server. Run the command again after an interruption, and for what came later:
nothing comes twice. With --master-user one login serves for all users: it is sent as SASL
PLAIN with --user as the authorization identity (or give --user user*master to Dovecot).`,
  options: {
    email: emailOption,
    host: { value: "HOST", required: true, text: "the other server" },
    port: { value: "PORT", text: "993, or 143 without implicit TLS" },
    tls: {
      value: "MODE",
      text: "how the connection is encrypted; implicit",
      choices: ["implicit", "starttls", "off"],
    },
    "tls-ca": { value: "FILE", text: "certificates to trust instead of the system's, in PEM" },
    "tls-skip-verify": { text: "take any certificate: whoever is in between can read all" },
    user: { value: "NAME", required: true, text: "the user there" },
    "master-user": { value: "NAME", text: "who logs in for the user" },
    password: {
      value: "PASSWORD",
      text: "the password there; other users of this machine may see it",
    },
    "password-file": { value: "FILE", text: "file with the password" },
    "password-stdin": { text: "read the password from the standard input" },
    ...importOptions,
  },
  example: "sora-admin import imap --config config.toml --email user@example.com " +
    "--host imap.old.example --user user --password-file secret",
  async run(request) {
    const server = await serverOf(request);
    await using source = new ImapSource(server);
    return await runImport(request, source, {
      preserveUids: true,
      incremental: true,
      nothing: `${server.user} has no mailboxes at ${server.host}`,
    });
  },
};

async function serverOf(request: Request): Promise<ImapServer> {
  const { options } = request;
  const wanted = options.text("tls");
  const tls = wanted === "starttls" || wanted === "off" ? wanted : "implicit";
  const port = options.text("port") ?? String(PORTS[tls]);
  if (!/^\d{1,5}$/.test(port) || Number(port) < 1 || Number(port) > 65_535) {
    throw usage(`--port: ${JSON.stringify(port)} is no port`);
  }
  const ca = options.text("tls-ca");
  return {
    host: options.required("host"),
    port: Number(port),
    tls,
    ca: ca === undefined ? null : await readText("--tls-ca", ca),
    verifies: !options.has("tls-skip-verify"),
    user: options.required("user"),
    master: options.text("master-user") ?? null,
    password: await passwordOf(request),
  };
}

const SOURCES = ["password", "password-file", "password-stdin"];

async function passwordOf({ options, terminal }: Request): Promise<string> {
  const given = SOURCES.filter((name) => options.has(name));
  if (given.length > 1) throw usage(`give only one of --${given.join(" and --")}`);
  const file = options.text("password-file");
  const text = options.text("password") ??
    (file === undefined ? undefined : await readText("--password-file", file)) ??
    (options.has("password-stdin") ? await terminal.readInput() : undefined);
  if (text !== undefined) return text.replace(/\r?\n$/, "");
  if (!terminal.isInteractive) {
    throw usage(
      "give --password, --password-file or --password-stdin (there is no terminal to ask)",
    );
  }
  const asked = await terminal.askPassword("Password there");
  if (asked === null) throw new Failure(exitCodes.failure, "given up");
  return asked;
}

async function readText(option: string, file: string): Promise<string> {
  try {
    return await Deno.readTextFile(file);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new Failure(exitCodes.failure, `${option}: cannot read ${file}: ${why}`);
  }
}
