import { z } from "zod";
import { section } from "../setting.ts";
import { count, duration, flag, networks, oneOf, text } from "../setting_kinds.ts";
import { cleanupSection } from "./cleanup_settings.ts";
import { databaseSection } from "./database_settings.ts";
import { imapSettings } from "./imap_settings.ts";
import { laterSections } from "./later_sections.ts";
import { localCacheSection } from "./local_cache_settings.ts";
import { lmtpSettings } from "./lmtp_settings.ts";
import { metadataSection } from "./metadata_settings.ts";
import { metricsSettings } from "./metrics_settings.ts";
import { scrubSection } from "./scrub_settings.ts";
import { quotaSection } from "./quota_settings.ts";
import { sharedMailboxesSection } from "./shared_mailboxes_settings.ts";
import { s3Section } from "./s3_settings.ts";
import { uploaderSection } from "./uploader_settings.ts";

/** WHY: below 10 a hash is too cheap to guess, above 14 a login takes seconds. */
const BCRYPT_COST = { min: 10, max: 14 };
/** WHY: isolates share the CPUs; more than this only costs memory. */
const WORKERS_MAX = 256;
const SHUTDOWN_TIMEOUT_MS_MAX = 600_000;

/** The top level of the file, without its servers. */
export const rootSettings = {
  data_dir: text(
    "./sora-data",
    "Folder of everything Sora keeps on this machine; relative to the working folder.",
  ),
  bcrypt_cost: count(12, "Cost factor of new bcrypt hashes.", BCRYPT_COST),
  trusted_networks: networks(
    ["127.0.0.0/8", "::1/128", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16"],
    "Who may deliver mail over LMTP.",
  ),
  logging: section("Where and how Sora logs.", {
    output: text("stderr", '"stderr", "stdout" or the path of a file.'),
    format: oneOf(["console", "json"], "console", "Lines for people or for machines."),
    level: oneOf(["debug", "info", "warning", "error"], "info", "The least that is logged."),
  }),
  runtime: section("Processes and threads.", {
    workers: count(
      0,
      "Protocol workers; 0 = one for each CPU, but only one without [database].",
      { min: 0, max: WORKERS_MAX },
    ),
    shutdown_timeout: duration("30s", "How long sessions may take to end after SIGTERM.", {
      max: SHUTDOWN_TIMEOUT_MS_MAX,
    }),
  }),
  database: databaseSection,
  s3: s3Section,
  uploader: uploaderSection,
  local_cache: localCacheSection,
  cleanup: cleanupSection,
  metadata: metadataSection,
  shared_mailboxes: sharedMailboxesSection,
  quota: quotaSection,
  search: section("Searching in texts.", {
    index: flag(true, "Index the texts of messages; without it every search reads the messages."),
  }),
  scrub: scrubSection,
  ...laterSections,
};

/** The whole file but its servers, each of which is checked by its own schema. */
export const rootSchema = z.strictObject(rootSettings);

/** The servers of this version, by `type`; the type itself is checked before. */
export const serverSettingsByType = {
  imap: imapSettings,
  lmtp: lmtpSettings,
  metrics: metricsSettings,
};

/** One schema for each server type of this version. */
export const serverSchemas = {
  imap: z.strictObject({ ...imapSettings }),
  lmtp: z.strictObject({ ...lmtpSettings }),
  metrics: z.strictObject({ ...metricsSettings }),
};
