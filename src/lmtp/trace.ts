import { encodeUtf8 } from "../lib/bytes.ts";
import { formatDate822 } from "../message/date.ts";
import type { Envelope } from "./session.ts";

/** What the trace header of one copy of a message is made of. */
export interface Trace {
  readonly envelope: Envelope;
  /** The forward-path of RCPT, as written. */
  readonly forwardPath: string;
  /** Primary address of the account. */
  readonly primary: string;
  readonly helo: string;
  /** The client's IP address. */
  readonly clientHost: string;
  readonly hostname: string;
  readonly sessionId: string;
  readonly receivedAt: Date;
}

/**
 * The fields that final delivery puts in front of a message: RFC 5321 §4.4.
 *
 *     Time-stamp-line = "Received:" From-domain By-domain Opt-info [CFWS] ";" FWS date-time
 *
 * Every part of it has been read by a grammar without control characters; `oneLine` is the second lock.
 */
export function traceHeader(trace: Trace): Uint8Array {
  const { envelope, clientHost, sessionId, receivedAt } = trace;
  // RFC 6531 §4.3: UTF8LMTP names what was used.
  const protocol = envelope.smtpUtf8 ? "UTF8LMTP" : "LMTP";
  return encodeUtf8([
    `Return-Path: <${oneLine(envelope.sender.text)}>`,
    `Delivered-To: ${oneLine(trace.primary)}`,
    `Received: from ${oneLine(trace.helo)} (${addressLiteral(oneLine(clientHost))})`,
    `\tby ${oneLine(trace.hostname)} with ${protocol} id ${oneLine(sessionId)}`,
    `\tfor <${oneLine(trace.forwardPath)}>; ${formatDate822(receivedAt)}`,
    "",
  ].join("\r\n"));
}

/** RFC 5321 §4.1.3. */
function addressLiteral(host: string): string {
  return host.includes(":") ? `[IPv6:${host}]` : `[${host || "unknown"}]`;
}

function oneLine(text: string): string {
  // deno-lint-ignore no-control-regex
  return text.replace(/[\x00-\x1f\x7f-\x9f\u2028\u2029]/g, "");
}
