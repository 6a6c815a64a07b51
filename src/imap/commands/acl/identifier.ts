import { fromBinary, toBinary } from "../../../lib/bytes.ts";
import { saslprep } from "../../../lib/saslprep.ts";
import { renderAstring } from "../../wire/quote.ts";
import type { Scanner } from "../../wire/scanner.ts";
import { WireError } from "../../wire/wire_error.ts";

/** An identifier as the client wrote it, and prepared for looking it up. */
export interface Identifier {
  /** A binary string. */
  readonly written: string;
  /** Unicode. */
  readonly prepared: string;
}

/** RFC 4314 §3: what cannot be prepared is BAD. */
export function readIdentifier(wire: Scanner): Identifier {
  const written = wire.astring();
  const prepared = saslprep(decoded(written) ?? "");
  if (prepared === null || prepared === "") throw WireError.because("Not an identifier");
  return { written, prepared };
}

/** `identifier = astring`, RFC 4314 §7, from Unicode. */
export function renderIdentifier(identifier: string): string {
  return renderAstring(toBinary(encoder.encode(identifier)));
}

const encoder = new TextEncoder();
const decoder = new TextDecoder("utf-8", { fatal: true });

function decoded(text: string): string | null {
  try {
    return decoder.decode(fromBinary(text));
  } catch {
    return null;
  }
}
