import type { LmtpServerConfig } from "../../src/config/config.ts";

/** A server of the tests; what a test wants otherwise it says itself. */
export const testConfig: LmtpServerConfig = {
  type: "lmtp",
  name: "test",
  addr: { host: "127.0.0.1", port: 0 },
  maxConnections: 0,
  maxConnectionsPerIp: 0,
  commandTimeoutMs: 300_000,
  absoluteSessionTimeoutMs: 86_400_000,
  minBytesPerMinute: 1_000,
  durability: "spool",
  debug: false,
  maxMessageSizeBytes: 100_000,
  maxRecipients: 5,
  hostname: "mx.example.com",
  trustedNetworks: ["127.0.0.0/8"],
};
