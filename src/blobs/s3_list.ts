import { unavailable } from "../lib/refused.ts";
import type { Listed } from "./blobs.ts";
import type { S3Bucket } from "./s3_blobs.ts";

/** All objects of a bucket whose keys begin so, a thousand at a time, in their order behind `startAfter`. */
export async function* listS3Objects(
  { sdk, client, name, requests }: S3Bucket,
  prefix: string,
  startAfter?: string,
): AsyncGenerator<readonly Listed[]> {
  let after: string | undefined;
  do {
    const input = {
      Bucket: name,
      Prefix: prefix,
      // WHY: XML cannot carry every key that somebody may have given an object.
      EncodingType: "url" as const,
      ...(startAfter === undefined ? {} : { StartAfter: startAfter }),
      ...(after === undefined ? {} : { ContinuationToken: after }),
    };
    const page = await requests.ask({
      operation: "list",
      circuit: "get",
      key: prefix,
      send: ({ signal: abortSignal }) =>
        client.send(new sdk.ListObjectsV2Command(input), { abortSignal }),
    });
    if (page === null) throw unavailable("bodies", new Error("Cannot list objects: answer 404"));
    const decode = page.EncodingType === "url" ? decoded : (key: string) => key;
    yield (page.Contents ?? []).map(({ Key = "", Size = 0, LastModified = new Date(0) }) => ({
      key: decode(Key),
      sizeBytes: Size,
      modifiedAt: LastModified,
    }));
    const next = page.IsTruncated === true ? page.NextContinuationToken : undefined;
    if (next !== undefined && next === after) {
      throw unavailable("bodies", new Error("Cannot list objects: the same page again"));
    }
    after = next;
  } while (after !== undefined);
}

function decoded(key: string): string {
  try {
    return decodeURIComponent(key.replaceAll("+", " "));
  } catch {
    return key;
  }
}
