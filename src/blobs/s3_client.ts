import type { S3Client } from "@aws-sdk/client-s3";
import type { S3Config } from "../config/config.ts";
import { S3Handler } from "./s3_handler.ts";

export type Sdk = typeof import("@aws-sdk/client-s3");

/** WHY: a machine that is there answers in less; the time is part of every attempt's. */
const CONNECT_MAX_MS = 5_000;
const silent = {
  trace: () => {},
  debug: () => {},
  info: () => {},
  warn: () => {},
  error: () => {},
};

/**
 * Loads the SDK (100 ms: only where a bucket is configured) and makes a client, which asks nothing
 * yet. Without keys in the configuration the SDK looks for credentials, and loads what it needs for
 * that, with the first request.
 */
export async function openS3Client(config: S3Config): Promise<{ sdk: Sdk; client: S3Client }> {
  const { accessKey: accessKeyId, secretKey: secretAccessKey } = config;
  const sdk = await import("@aws-sdk/client-s3");
  const client = new sdk.S3Client({
    endpoint: `${config.useSsl ? "https" : "http"}://${config.endpoint}`,
    region: config.region,
    ...(accessKeyId !== null && secretAccessKey !== null
      ? { credentials: { accessKeyId, secretAccessKey } }
      : {}),
    // WHY: other stores than AWS know neither bucket hosts nor the SDK's trailing checksums.
    forcePathStyle: true,
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // WHY: S3Requests tries again itself, which the SDK would not do for a body that is a stream.
    maxAttempts: 1,
    // WHY: a store that does not know of it costs a second for each large body.
    expectContinueHeader: false,
    logger: silent,
    requestHandler: await S3Handler.load({
      connectionTimeout: Math.min(config.timeoutMs, CONNECT_MAX_MS),
      logger: silent,
    }),
  });
  return { sdk, client };
}
