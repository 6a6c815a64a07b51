import { Buffer } from "node:buffer";
import { wireError } from "../replies.ts";

/**
 * A reverse-path or forward-path: RFC 5321 §4.1.2 without its source route, RFC 6531 §3.3.
 *
 *     Path    = "<" [ A-d-l ":" ] Mailbox ">"
 *     Mailbox = Local-part "@" ( Domain / address-literal )
 */
export interface Path {
  /** As it was written, as text (UTF-8 decoded); "" is the null path. No control characters. */
  readonly text: string;
  /** The local part with its quotes resolved. */
  readonly local: string;
  /** Lower case; an address literal keeps its brackets; "" for the null path and `<postmaster>`. */
  readonly domain: string;
  readonly isAscii: boolean;
}

/** RFC 5321 §4.5.3.1.3 says 256; VERP and SRS senders go further, a header line does not (998). */
const PATH_BYTES_MAX = 512;

const nullPath: Path = { text: "", local: "", domain: "", isAscii: true };

/** RFC 5321 §4.1.2 A-d-l, tolerated and ignored: RFC 5321 §3.3, appendix C. */
const ROUTE = /^@[^\s<>:,"@]+(?:,@[^\s<>:,"@]+)*:/;
/** Dot-string, with dots where the RFC has none (first, last, doubled), as the wild has them. */
const ATOMS = "[A-Za-z0-9!#$%&'*+\\-/=?^_`{|}~.\\x80-\\xff]+";
/** Quoted-string: qtextSMTP / quoted-pairSMTP; no control character. */
const QUOTED = '"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e\\x80-\\xff]|\\\\[\\x20-\\x7e])*"';
const DOMAIN = "[A-Za-z0-9\\x80-\\xff](?:[A-Za-z0-9._\\x80-\\xff-]*[A-Za-z0-9_\\x80-\\xff])?\\.?";
const LITERAL = "\\[[\\x21-\\x5a\\x5e-\\x7e]+\\]";
const MAILBOX = new RegExp(`^(${ATOMS}|${QUOTED})@(${DOMAIN}|${LITERAL})$`);

/** Reads what is between the angle brackets. Throws the WireError that `status` gives a name to. */
export function readPath(binary: string, status: { readonly enhanced: string }): Path {
  const fail = (why: string) => wireError(501, status.enhanced, why);
  if (binary === "") return nullPath;
  if (binary.length > PATH_BYTES_MAX) throw fail("Address is too long");
  const written = binary.replace(ROUTE, "");
  const found = MAILBOX.exec(written);
  // RFC 5321 §4.5.1: the one address that needs no domain.
  const [, local, domain] = found ?? (/^postmaster$/i.test(written) ? ["", written, ""] : []);
  if (local === undefined || domain === undefined) throw fail("Cannot read the address");
  const isAscii = !/[\x80-\xff]/.test(written);
  return {
    text: decode(written) ?? badUtf8(fail),
    local: unquote(decode(local) ?? ""),
    domain: (decode(domain) ?? "").toLowerCase().replace(/\.$/, ""),
    isAscii,
  };
}

function badUtf8(fail: (why: string) => Error): never {
  throw fail("Address is not UTF-8");
}

const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function decode(binary: string): string | null {
  try {
    const text = utf8.decode(Buffer.from(binary, "latin1"));
    // WHY: C1 controls and line separators have no place in an address, and none in a header.
    return /[\u0080-\u009f\u2028\u2029]/.test(text) ? null : text;
  } catch {
    return null;
  }
}

function unquote(local: string): string {
  return local.startsWith('"') ? local.slice(1, -1).replaceAll(/\\(.)/gs, "$1") : local;
}
