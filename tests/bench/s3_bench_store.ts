import { S3Server } from "../support/s3_server.ts";

/** An object store in an isolate of its own, so that its work does not hold the client's. */
self.postMessage(S3Server.start().config());
