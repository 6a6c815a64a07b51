import type { Envelope } from "./envelope.ts";

/** One decoded parameter: a lower-case name and its Unicode value (free of NUL, CR and LF). */
export type Parameter = readonly [name: string, value: string];

/** RFC 2183: how a part wants to be shown. */
export interface Disposition {
  /** Lower case: `inline`, `attachment`, … */
  readonly type: string;
  readonly parameters: readonly Parameter[];
}

/**
 * One node of the MIME tree (RFC 2045, RFC 2046). Offsets are octets counted from the END of the
 * root header, so that trace fields put in front of a message change nothing in its tree.
 *
 * `type` is `multipart` only where a boundary was usable, and `message/rfc822` only together with
 * `message`: what exceeds a cap, or cannot be looked into, is `application/octet-stream`.
 */
export interface Part {
  /** Lower case. */
  readonly type: string;
  /** Lower case. */
  readonly subtype: string;
  /** Of Content-Type, decoded by RFC 2231; encoded words (RFC 2047) in them are left alone. */
  readonly parameters: readonly Parameter[];
  /** Content-ID, a binary string as it was written; likewise the next ones. */
  readonly id: string | null;
  readonly description: string | null;
  /** Content-Transfer-Encoding, lower case, `7bit` when absent. */
  readonly encoding: string;
  readonly md5: string | null;
  readonly disposition: Disposition | null;
  readonly language: readonly string[];
  readonly location: string | null;
  /** First octet of the part's header. The root's is 0: only `headerBytes` tells where it lies. */
  readonly headerStart: number;
  readonly bodyStart: number;
  /** Exclusive. The line end in front of a boundary belongs to the boundary. */
  readonly bodyEnd: number;
  /** Lines of the body; an unterminated last line counts. */
  readonly lines: number;
  /** Parts of a multipart; empty for a leaf. */
  readonly children: readonly Part[];
  /** What a message/rfc822 holds; null for everything else. */
  readonly message: EmbeddedMessage | null;
}

/** The message inside a message/rfc822 part. */
export interface EmbeddedMessage {
  readonly envelope: Envelope;
  readonly body: Part;
}
