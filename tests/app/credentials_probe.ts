import { objectKey } from "../../src/blobs/blobs.ts";
import { S3Blobs } from "../../src/blobs/s3_blobs.ts";
import type { S3Config } from "../../src/config/config.ts";
import { spooled } from "../blobs/contract.ts";

/** A worker in its sandbox that stores a body and reads it back; tells how that went. */
self.addEventListener("message", async (event: MessageEvent<S3Config>) => {
  using blobs = await S3Blobs.open(event.data);
  try {
    const found = await blobs.check();
    if (found.kind !== "ok") throw new Error(found.why);
    const message = await spooled("found");
    const key = objectKey("user@example.com", message.hash);
    await blobs.put(key, message);
    self.postMessage((await blobs.get(key))?.length === message.sizeBytes ? "ok" : "wrong");
  } catch (error) {
    self.postMessage(error instanceof Error ? `${error.message} ${error.cause ?? ""}` : "");
  }
});
