/** The LMTP server: RFC 2033. */
export { busy, serveLmtp } from "./connection.ts";
export type { LmtpServices } from "./services.ts";
