import { Buffer } from "node:buffer";

/** A key of message bodies, as configured. */
export interface BodyKey {
  /** Its name in the header of what it encrypts: 1 … 24 letters, digits, ".", "_" and "-". */
  readonly id: string;
  /** 32 octets. */
  readonly secret: Uint8Array;
}

/** What a key list is made of: `S3Config` has it. */
export interface BodyKeySettings {
  readonly encrypt: boolean;
  readonly encryptionKeys: readonly { readonly id: string; readonly key: string }[];
  /** The id of one of them; null without any. */
  readonly encryptionCurrent: string | null;
}

/** The keys of message bodies: one that encrypts, and all that decrypt. */
export class BodyKeys {
  /** What new bodies are encrypted with; null: they are stored as they are. */
  readonly current: BodyKey | null;
  /** In the order of the configuration. */
  readonly all: readonly BodyKey[];

  /** @throws {Error} where a key is not 64 hexadecimal digits, or the current one is missing */
  constructor({ encrypt, encryptionKeys, encryptionCurrent }: BodyKeySettings) {
    this.all = encryptionKeys.map(({ id, key }) => ({ id, secret: Buffer.from(key, "hex") }));
    this.current = encrypt ? this.find(encryptionCurrent ?? "") : null;
    if (encrypt && !this.current) throw new Error("Cannot encrypt without a current key");
    if (this.all.some(({ secret }) => secret.length !== KEY_BYTES)) {
      throw new Error("Cannot use a key that is not 64 hexadecimal digits");
    }
  }

  find(id: string): BodyKey | null {
    return this.all.find((key) => key.id === id) ?? null;
  }
}

/** AES-256. */
const KEY_BYTES = 32;
