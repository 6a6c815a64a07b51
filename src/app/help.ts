import { DEFAULT_DATA_DIR } from "./command_line.ts";

/** What `sora --help` prints. */
export const HELP = `sora: a mail store server (LMTP in, IMAP out)

Usage: sora [--data DIR] [--imap-port N] [--lmtp-port N]
       sora --config FILE [--data DIR] [--check-config]

Without --config, Sora runs on its own: a private PostgreSQL and message bodies
in one folder, IMAP on 127.0.0.1:1143, LMTP on 127.0.0.1:2424, and a demo account
that is printed at the first start.

  -c, --config FILE   read this configuration (TOML; see config.toml.example)
      --check-config  only check it, print every problem, and exit
      --data DIR      folder for everything Sora keeps; default ${DEFAULT_DATA_DIR},
                      or data_dir of the configuration
      --imap-port N   another port for IMAP; 0 = any free one (without --config)
      --lmtp-port N   another port for LMTP; 0 = any free one (without --config)
  -V, --version       print the version and exit
  -h, --help          print this and exit

Environment: SORA_PG=auto|system|bundled|DIR chooses the private PostgreSQL.

Signals: SIGTERM and SIGINT end sessions politely, then exit (again after a
         second: at once);
         SIGHUP reopens the log file and reads the log level again.

Exit codes:
   0  ended because it was told to
   1  something failed while running; the log says what
  64  the command line is wrong
  69  the database cannot be reached or used
  70  a bug: no worker could be started, or one hangs
  73  the data folder cannot be made, or another Sora holds it
  75  the address of a server is in use or cannot be had
  78  the configuration is wrong; every problem is named

Accounts and everything else are managed with sora-admin (sora-admin help).
`;
