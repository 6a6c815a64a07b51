import { z } from "zod";
import { sections, setting } from "../setting.ts";
import { flag, optionalText, secretFile } from "../setting_kinds.ts";

/** Name of the key that `encryption_key` gives. */
export const DEFAULT_KEY_ID = "default";

/** WHY known: whoever has read the example has them. */
export const EXAMPLE_KEYS: readonly string[] = [
  "0123456789abcdef".repeat(4),
  "fedcba9876543210".repeat(4),
];
const KEY = "64 hexadecimal digits in quotes, as `openssl rand -hex 32` makes them";

/** Of `[s3]`: what the object store may see of bodies. */
export const encryptionSettings = {
  encrypt: flag(
    false,
    "Encrypt bodies before they are stored. Whoever loses the key loses the mail: keep it elsewhere, too (docs/encryption.md).",
  ),
  encryption_key: setting(hexKey(/^([0-9a-f]{64})?$/i).optional(), {
    kind: "secret",
    expected: KEY,
    text:
      `Key of \`encrypt\`: 64 hexadecimal digits (\`openssl rand -hex 32\`). Its id is "${DEFAULT_KEY_ID}".`,
    example: JSON.stringify(EXAMPLE_KEYS[0]),
    secret: { env: "SORA_S3_ENCRYPTION_KEY" },
  }),
  encryption_key_file: secretFile("encryption_key"),
  encryption_current: optionalText(
    "Id of the key that encrypts; must be given where there are several. The others only decrypt.",
    { example: "2027" },
  ),
  encrypt_allow_plain: flag(
    false,
    "Read bodies that were stored without encryption, too: until `sora-admin storage rekey` has encrypted them.",
  ),
  encryption_keys: z.array(z.strictObject({
    id: setting(z.string().regex(/^[\w.-]{1,24}$/), {
      kind: "text, required",
      expected: '1 to 24 letters, digits, ".", "_" or "-" in quotes',
      text: "Name of the key; objects carry it, so it must stay.",
      example: '"2027"',
    }),
    key: setting(hexKey(/^[0-9a-f]{64}$/i), {
      kind: "secret, required",
      expected: KEY,
      text: "64 hexadecimal digits.",
      example: JSON.stringify(EXAMPLE_KEYS[1]),
      secret: { env: null },
    }),
    key_file: secretFile("key"),
  })).prefault([]).register(sections, {
    text: "Keys beside `encryption_key`, so that it can be replaced: one encrypts, all decrypt.",
  }),
};

function hexKey(form: RegExp) {
  return z.string().regex(form);
}
