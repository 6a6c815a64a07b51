import { MemoryBlobs } from "../../src/blobs/memory_blobs.ts";
import { testBlobs } from "./contract.ts";

testBlobs("MemoryBlobs", async () => ({
  blobs: new MemoryBlobs(),
  [Symbol.asyncDispose]: async () => {},
}));
