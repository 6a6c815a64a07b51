import { S3Server } from "../support/s3_server.ts";

/** An object store in an isolate of its own, so that its work does not hold the client's. */
const server = S3Server.start();
self.postMessage({ config: server.config(), section: server.section() });
