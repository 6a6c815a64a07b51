import type { z } from "zod";
import type { EncryptionConfig } from "./config.ts";
import type { Report } from "./report.ts";
import { DEFAULT_KEY_ID, EXAMPLE_KEYS } from "./schema/encryption_settings.ts";
import type { rootSchema } from "./schema/schema.ts";

/** The keys of `[s3]` that are about encryption. */
export function assembleEncryption(
  s3: NonNullable<z.output<typeof rootSchema>["s3"]>,
  report: Report,
): EncryptionConfig {
  const { encryption_key: key = "", encrypt, encrypt_allow_plain: encryptAllowPlain } = s3;
  const encryptionKeys = [
    ...(key === "" ? [] : [{ id: DEFAULT_KEY_ID, key }]),
    ...s3.encryption_keys.map(({ id, key }) => ({ id, key })),
  ];
  const ids = encryptionKeys.map(({ id }) => id);
  for (const [i, { id }] of s3.encryption_keys.entries()) {
    const before = ids.length - s3.encryption_keys.length + i;
    if (ids.indexOf(id) === before) continue;
    report.problem(["s3", "encryption_keys", i, "id"], `"${id}" is the id of another key`);
  }
  if (encrypt && encryptionKeys.some(({ key }) => EXAMPLE_KEYS.includes(key.toLowerCase()))) {
    report.warn(["s3", "encrypt"], "the key is that of the example, which everybody knows");
  }
  const current = s3.encryption_current ?? (ids.length === 1 ? ids[0] : undefined);
  const path = ["s3", "encryption_current"];
  if (encrypt && ids.length === 0) {
    report.problem(["s3", "encrypt"], "there is no key: give encryption_key");
  } else if (current === undefined && ids.length > 0) {
    report.problem(path, `is missing; expected the id of one of the keys (${ids.join(", ")})`);
  } else if (current !== undefined && !ids.includes(current)) {
    const known = ids.length === 0 ? "there are none" : `one of ${ids.join(", ")}`;
    report.problem(path, `there is no key "${current}" (${known})`);
  }
  return { encrypt, encryptAllowPlain, encryptionKeys, encryptionCurrent: current ?? null };
}
