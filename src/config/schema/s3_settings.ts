import { optionalSection } from "../setting.ts";
import {
  count,
  duration,
  flag,
  optionalSecret,
  requiredText,
  secretFile,
  text,
} from "../setting_kinds.ts";
import { encryptionSettings } from "./encryption_settings.ts";

const ACCESS_KEY =
  "Access key. Without keys the credentials come from where AWS's tools look for them: `AWS_*` " +
  "variables, `~/.aws`, a web identity token, the container or the machine.";

/** `[s3]`. */
const s3Settings = {
  endpoint: requiredText("Host of the object store, with a port if it needs one.", {
    example: "s3.us-east-1.amazonaws.com",
    expected: 'a host such as "s3.amazonaws.com" or "minio.example.com:9000"',
  }),
  region: text("us-east-1", "Region that requests are signed for."),
  bucket: requiredText("Bucket of the message bodies.", { example: "sora-messages" }),
  access_key: optionalSecret(ACCESS_KEY, { env: "SORA_S3_ACCESS_KEY" }),
  access_key_file: secretFile("access_key"),
  secret_key: optionalSecret("Secret key of `access_key`.", { env: "SORA_S3_SECRET_KEY" }),
  secret_key_file: secretFile("secret_key"),
  use_ssl: flag(true, "Talk HTTPS to the object store; `disable_tls` says the opposite."),
  timeout: duration(
    "30s",
    "How long the object store may be silent in a request, which is then tried again.",
    { min: 100 },
  ),
  hedge_after: duration(
    "500ms",
    "A read that has no answer by then is asked for a second time, and the first answer is taken. 0 = never.",
  ),
  breaker_failures: count(
    10,
    "Requests that may fail in a row before no more are made for `breaker_open`; reads, writes and deletions are counted apart.",
    { min: 1, max: 10_000 },
  ),
  breaker_open: duration(
    "5s",
    "How long no requests are made then, before one is tried.",
    { min: 100 },
  ),
  ...encryptionSettings,
  manifest_interval: duration(
    "15m",
    "How often what the database knows of a mailbox that has changed is written into the bucket, from which `sora-admin storage rebuild` makes the database anew. 0 = never.",
  ),
  debug: flag(false, 'Log every request, at level "debug".'),
};

/** `[s3]`: where bodies are kept. */
export const s3Section = optionalSection(
  "S3-compatible object store for message bodies. Without this section bodies are files in `data_dir`.",
  s3Settings,
);
