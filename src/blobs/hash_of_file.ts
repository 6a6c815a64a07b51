import { createHash } from "node:crypto";
import type { Hash } from "../lib/ids.ts";
import { readFrom } from "./spooled.ts";

/** SHA-256 of the first `sizeBytes` octets of a file, a little of it in memory at a time. */
export async function hashOfFile(path: string, sizeBytes: number): Promise<Hash> {
  const digest = createHash("sha256");
  for await (const chunk of readFrom(path, 0, sizeBytes)) digest.update(chunk);
  return digest.digest("hex") as Hash;
}
