/**
 * Mailbox names on the wire: modified UTF-7, RFC 3501 §5.1.3. Strict both ways: each Unicode string
 * has one encoding, and only that one is read, so two spellings never name one mailbox.
 */
export function encodeUtf7(name: string): string {
  return name.replace(/[^\x20-\x7e]+|&/g, (run) => run === "&" ? "&-" : `&${toBase64(run)}-`);
}

/**
 * The name as Unicode, or null when the text is not the one right encoding of anything: octets
 * outside printable US-ASCII, an unterminated or needless shift, stray bits, a lone surrogate.
 */
export function decodeUtf7(text: string): string | null {
  if (!/^[\x20-\x7e]*$/.test(text)) return null;
  const name = text.replace(/&([^-]*)(-?)/g, (_all, run: string, end: string) => {
    if (end === "") return BROKEN;
    return run === "" ? "&" : fromBase64(run) ?? BROKEN;
  });
  // RFC 3501 §5.1.3: "&" shifts of printable characters and adjacent shifts MUST NOT be used.
  return encodeUtf7(name) === text && name.isWellFormed() ? name : null;
}

/** Never the decoding of anything strict: U+0000 would have been refused by isWellFormed's caller. */
const BROKEN = "\ud800";

function toBase64(run: string): string {
  const octets = new Uint8Array(run.length * 2);
  for (let i = 0; i < run.length; i++) {
    const unit = run.charCodeAt(i);
    octets[i * 2] = unit >> 8;
    octets[i * 2 + 1] = unit & 0xff;
  }
  // RFC 3501 §5.1.3: "," instead of "/", and no padding.
  return octets.toBase64({ omitPadding: true }).replaceAll("/", ",");
}

function fromBase64(run: string): string | null {
  if (!/^[A-Za-z0-9+,]+$/.test(run)) return null;
  let octets: Uint8Array;
  try {
    octets = Uint8Array.fromBase64(run.replaceAll(",", "/"), { lastChunkHandling: "loose" });
  } catch {
    return null; // WHY: the only failure left is an impossible length, which is the client's.
  }
  if (octets.length % 2 !== 0) return null;
  let text = "";
  for (let i = 0; i < octets.length; i += 2) {
    text += String.fromCharCode(((octets[i] ?? 0) << 8) | (octets[i + 1] ?? 0));
  }
  return text;
}
