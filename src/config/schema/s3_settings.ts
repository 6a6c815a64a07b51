import { optionalSection } from "../setting.ts";
import {
  duration,
  flag,
  requiredSecret,
  requiredText,
  secretFile,
  text,
} from "../setting_kinds.ts";
import { detail, refusedSwitch, switchWithoutEffect } from "./later.ts";

/** `[s3]`. */
const s3Settings = {
  endpoint: requiredText("Host of the object store, with a port if it needs one.", {
    example: "s3.us-east-1.amazonaws.com",
    expected: 'a host such as "s3.amazonaws.com" or "minio.example.com:9000"',
  }),
  region: text("us-east-1", "Region that requests are signed for."),
  bucket: requiredText("Bucket of the message bodies.", { example: "sora-messages" }),
  access_key: requiredSecret("Access key.", { env: "SORA_S3_ACCESS_KEY" }),
  access_key_file: secretFile("access_key"),
  secret_key: requiredSecret("Secret key.", { env: "SORA_S3_SECRET_KEY" }),
  secret_key_file: secretFile("secret_key"),
  use_ssl: flag(true, "Talk HTTPS to the object store."),
  timeout: duration("30s", "Longest request.", { min: 100 }),
  encrypt: refusedSwitch("true or false", "Encrypt bodies before they are stored.", {
    what: "Encryption of bodies",
    remedy: "set encrypt = false",
  }),
  encryption_key: detail("secret", "Key of encrypt: 64 hexadecimal digits."),
  encryption_key_file: detail("path", "A file that holds encryption_key."),
  debug: switchWithoutEffect("true or false", "Log every request."),
};

/** `[s3]`: where bodies are kept. */
export const s3Section = optionalSection(
  "S3-compatible object store for message bodies. Without this section bodies are files in `data_dir`.",
  s3Settings,
);
