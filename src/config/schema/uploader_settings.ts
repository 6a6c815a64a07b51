import { section, withoutDefault } from "../setting.ts";
import { count, duration, flag, oneOf, optionalText, size } from "../setting_kinds.ts";

/** Where a body may be when its message is acknowledged. */
const DURABILITIES = ["spool", "database", "stored"] as const;
/** WHY: each body of a batch may be in memory, and all of it is one transaction. */
const BATCH_MAX = 1000;
const CONCURRENCY_MAX = 256;
const ATTEMPTS_MAX = 1000;
/** WHY: a delivery that is under way has staged its body; it must not go before its message comes. */
const GRACE_MS_MIN = 10 * 60_000;

/** `durability` of a listener. */
export function durability() {
  return withoutDefault(
    oneOf(DURABILITIES, "spool", ""),
    "Where a body is when its message is acknowledged; without it, as [uploader] says.",
  );
}

/** `[uploader]`. */
export const uploaderSection = section("How bodies travel to the object store of [s3].", {
  path: optionalText("Staging folder; without it, `uploads` in `data_dir`.", {
    example: "/var/lib/sora/uploads",
  }),
  instance_id: optionalText(
    "Whose staging folder it is, never the same for two nodes; without it, made once and kept in `data_dir`.",
    { example: "mail-1" },
  ),
  durability: oneOf(
    DURABILITIES,
    "spool",
    "Where a body is when its message is acknowledged: on this node's disk, in the database (survives the node), or in the object store.",
  ),
  batch_size: count(20, "Bodies that are taken on together.", { min: 1, max: BATCH_MAX }),
  concurrency: count(20, "Bodies that are sent at once.", { min: 1, max: CONCURRENCY_MAX }),
  max_attempts: count(
    20,
    "Failures after which an upload is told of as failed; it is kept, and still tried now and then.",
    { min: 1, max: ATTEMPTS_MAX },
  ),
  retry_interval: duration("30s", "Pause before the second attempt; doubles up to ten minutes.", {
    min: 100,
  }),
  cleanup_grace_period: duration(
    "1h",
    "How long a staged body stays after its last message came; it is read from there meanwhile.",
    { min: GRACE_MS_MIN },
  ),
  max_staging_size: size(
    "0",
    "Octets of all staged bodies, above which mail is refused for the moment; 0 = no limit.",
  ),
  verify_after_upload: flag(true, "Ask for the size of every object after it was sent."),
});
