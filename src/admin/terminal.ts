import { decodeUtf8, encodeUtf8 } from "../lib/bytes.ts";

/** The world around a command, so that tests can play it. */
export interface Terminal {
  /** Writes to the standard output. */
  out(text: string): void;
  /** Writes to the standard error output. */
  err(text: string): void;
  /** Everything that stands on the standard input. */
  readInput(): Promise<string>;
  /** A person sits at the standard input. */
  readonly isInteractive: boolean;
  /** A person looks at the standard error output. */
  readonly showsProgress: boolean;
  /** Asks for a password without showing it; null when the person gives up. */
  askPassword(label: string): Promise<string | null>;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Longest password that is read; longer input is no password. */
const INPUT_BYTES_MAX = 64 * 1024;

const ENTER = new Set([0x0a, 0x0d]);
const GIVE_UP = new Set([0x03, 0x04]);
const ERASE = new Set([0x08, 0x7f]);
const ERASE_ALL = 0x15;

/** The process's own terminal. */
export function systemTerminal(): Terminal {
  return {
    out: (text) => writeAll(Deno.stdout, text),
    err: (text) => writeAll(Deno.stderr, text),
    readInput: readStdin,
    isInteractive: Deno.stdin.isTerminal(),
    showsProgress: Deno.stderr.isTerminal(),
    askPassword,
    env: Deno.env.toObject(),
  };
}

function writeAll(stream: { writeSync(bytes: Uint8Array): number }, text: string): void {
  const bytes = encodeUtf8(text);
  for (let at = 0; at < bytes.length;) at += stream.writeSync(bytes.subarray(at));
}

async function readStdin(): Promise<string> {
  const bytes: number[] = [];
  const buffer = new Uint8Array(4096);
  for (;;) {
    const count = await Deno.stdin.read(buffer);
    if (count === null) return decodeUtf8(Uint8Array.from(bytes));
    bytes.push(...buffer.subarray(0, count));
    if (bytes.length > INPUT_BYTES_MAX) throw new Error("The standard input is too long");
  }
}

async function askPassword(label: string): Promise<string | null> {
  writeAll(Deno.stderr, `${label}: `);
  Deno.stdin.setRaw(true);
  try {
    return await readHidden(() => readKey());
  } finally {
    Deno.stdin.setRaw(false);
    writeAll(Deno.stderr, "\n");
  }
}

async function readKey(): Promise<Uint8Array | null> {
  const buffer = new Uint8Array(256);
  const count = await Deno.stdin.read(buffer);
  return count === null ? null : buffer.subarray(0, count);
}

/**
 * A line typed in raw mode, key by key: Backspace takes one character away, Ctrl-U all of them,
 * Ctrl-C and Ctrl-D give up (null).
 */
export async function readHidden(read: () => Promise<Uint8Array | null>): Promise<string | null> {
  let typed: number[] = [];
  while (typed.length <= INPUT_BYTES_MAX) {
    const keys = await read();
    if (keys === null) return null;
    for (const key of keys) {
      if (ENTER.has(key)) return decodeUtf8(Uint8Array.from(typed));
      if (GIVE_UP.has(key)) return null;
      if (key === ERASE_ALL) typed = [];
      else if (ERASE.has(key)) typed = withoutLast(typed);
      else typed.push(key);
    }
  }
  return null;
}

/** WHY: one key may have typed several octets of UTF-8; the continuations go with their first. */
function withoutLast(typed: readonly number[]): number[] {
  let end = typed.length - 1;
  while (end > 0 && ((typed[end] ?? 0) & 0xc0) === 0x80) end--;
  return typed.slice(0, Math.max(end, 0));
}
