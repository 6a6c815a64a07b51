import { toBinary } from "../lib/bytes.ts";

/** RFC 2152 UTF-7 as Unicode: `+` base64 of UTF-16BE, ended by `-` or any other octet. Total. */
export function decodeUtf7(bytes: Uint8Array): string {
  const text = toBinary(bytes);
  let decoded = "";
  let at = 0;
  for (;;) {
    const plus = text.indexOf("+", at);
    if (plus < 0) return decoded + text.slice(at);
    decoded += text.slice(at, plus);
    BASE64_RUN.lastIndex = plus + 1;
    const run = BASE64_RUN.exec(text)?.[0] ?? "";
    at = plus + 1 + run.length;
    const closed = text[at] === "-";
    if (closed) at++;
    if (run === "") decoded += "+"; // RFC 2152: "+-" is a plus sign
    else decoded += utf16(run);
  }
}

const BASE64_RUN = /[A-Za-z0-9+/]*/y;
const UTF16BE = new TextDecoder("utf-16be");

function utf16(base64: string): string {
  const octets = Uint8Array.from(
    atob(base64.slice(0, whole(base64.length))),
    (c) => c.charCodeAt(0),
  );
  return UTF16BE.decode(octets.subarray(0, octets.length & ~1));
}

/** How many base64 characters can be decoded: one left over carries no octet. */
function whole(length: number): number {
  return length % 4 === 1 ? length - 1 : length;
}
