import type { DatabaseEndpoint } from "../../src/config/config.ts";
import type { S3Server } from "../support/s3_server.ts";

/**
 * The configuration of a fault test: the database at `endpoint`, bodies in an object store or, with null, on the
 * disk, and a cleaner that is at everybody's heels.
 */
export function restless(
  { hosts, port, user, password, name }: DatabaseEndpoint,
  stored: { readonly bucket: S3Server; readonly durability: string } | null,
): string {
  return `[database.write]
hosts = ${JSON.stringify(hosts)}
port = ${port}
user = "${user}"
password = "${password}"
name = "${name}"
[cleanup]
grace_period = "1s"
wake_interval = "1s"
${stored ? storedIn(stored.bucket, stored.durability) : ""}`;
}

/** WHY impatient: a test has no minutes. */
function storedIn(bucket: S3Server, durability: string): string {
  return `${bucket.section('timeout = "1s"\nbreaker_open = "1s"')}
[uploader]
durability = "${durability}"
retry_interval = "200ms"
`;
}
