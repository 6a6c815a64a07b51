import { join } from "node:path";
import { freePort } from "./server.ts";

/** A Dovecot from the system's package, with accounts of one password, on loopback. */
export interface Dovecot extends AsyncDisposable {
  readonly imapPort: number;
  readonly version: string;
  /** With `tls`: its certificate for 127.0.0.1, signed by itself, in PEM; STARTTLS is to be had. */
  readonly certificate: string;
  /** Its Maildirs, one folder for each address. */
  readonly mail: string;
}

/** Who may log in for everybody, with the same password. */
export const MASTER = "master";

/** Null when Dovecot is not installed, or when we are not root, which it wants to be started by. */
export async function startDovecot(
  { addresses, password, format = "maildir", tls = false }: {
    readonly addresses: readonly string[];
    readonly password: string;
    /** How it keeps mail; mbox files are in the folder "mail" of each address. */
    readonly format?: "maildir" | "mbox";
    readonly tls?: boolean;
  },
): Promise<Dovecot | null> {
  const version = await dovecotVersion();
  if (version === null || Deno.uid() !== 0) return null;
  const folder = await Deno.makeTempDir({ prefix: "sora-dovecot-" });
  await Deno.chmod(folder, 0o755);
  const imapPort = freePort();
  const mail = join(folder, "mail");
  await Deno.mkdir(mail);
  await Deno.chown(mail, MAIL_ID, MAIL_ID);
  const users = addresses.map((address) => `${address}:{PLAIN}${password}::::::\n`).join("");
  await Deno.writeTextFile(join(folder, "users"), users);
  await Deno.writeTextFile(join(folder, "masters"), `${MASTER}:{PLAIN}${password}::::::\n`);
  const file = join(folder, "dovecot.conf");
  const ssl = tls ? await makeCertificate(folder) : "ssl = no\n";
  await Deno.writeTextFile(file, ssl + configuration(folder, imapPort, LOCATIONS[format]));
  const child = new Deno.Command("dovecot", {
    args: ["-F", "-c", file],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  }).spawn();
  await untilOpen(imapPort);
  return {
    imapPort,
    version,
    certificate: join(folder, "certificate"),
    mail,
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      await child.status;
      await Deno.remove(folder, { recursive: true });
    },
  };
}

/** WHY: Debian's "mail" user and group; Dovecot serves nobody's mail as root. */
const MAIL_ID = 8;

/** The settings for it. */
async function makeCertificate(folder: string): Promise<string> {
  const [certificate, key] = [join(folder, "certificate"), join(folder, "key")];
  const words = "req -x509 -nodes -days 2 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 " +
    "-subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1";
  const args = [...words.split(" "), "-keyout", key, "-out", certificate];
  const { success } = await new Deno.Command("openssl", { args, stderr: "null" }).output();
  if (!success) throw new Error("openssl made no certificate");
  return `ssl = yes\nssl_cert = <${certificate}\nssl_key = <${key}\n`;
}

const LOCATIONS = { maildir: "maildir:~", mbox: "mbox:~/mail:INBOX=~/inbox" };

/** Makes files that we wrote Dovecot's. */
export async function giveToDovecot(path: string): Promise<void> {
  await Deno.chown(path, MAIL_ID, MAIL_ID);
  if (!(await Deno.stat(path)).isDirectory) return;
  for await (const { name } of Deno.readDir(path)) await giveToDovecot(`${path}/${name}`);
}

/** What Debian's package has after installation, but for places, ports and Maildir. */
function configuration(folder: string, port: number, location: string): string {
  return `base_dir = ${join(folder, "run")}
state_dir = ${join(folder, "state")}
log_path = ${join(folder, "log")}
protocols = imap
disable_plaintext_auth = no
mail_location = ${location}
mail_uid = ${MAIL_ID}
mail_gid = ${MAIL_ID}
first_valid_uid = 1
first_valid_gid = 1
mail_max_userip_connections = 1000
listen = 127.0.0.1
namespace inbox {
  inbox = yes
  mailbox Archive {
    auto = subscribe
  }
  mailbox Drafts {
    auto = subscribe
  }
  mailbox Junk {
    auto = subscribe
  }
  mailbox Sent {
    auto = subscribe
  }
  mailbox Trash {
    auto = subscribe
  }
}
service imap-login {
  inet_listener imap {
    port = ${port}
  }
  inet_listener imaps {
    port = 0
  }
}
auth_mechanisms = plain
auth_master_user_separator = *
passdb {
  driver = passwd-file
  master = yes
  args = ${join(folder, "masters")}
}
passdb {
  driver = passwd-file
  args = ${join(folder, "users")}
}
userdb {
  driver = static
  args = uid=${MAIL_ID} gid=${MAIL_ID} home=${join(folder, "mail")}/%u
}
`;
}

async function dovecotVersion(): Promise<string | null> {
  try {
    const { stdout } = await new Deno.Command("dovecot", { args: ["--version"] }).output();
    return new TextDecoder().decode(stdout).trim();
  } catch {
    return null;
  }
}

async function untilOpen(port: number): Promise<void> {
  for (let tries = 0; tries < 200; tries++) {
    try {
      (await Deno.connect({ hostname: "127.0.0.1", port })).close();
      return;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
  throw new Error("dovecot did not start");
}
