/** The LMTP server: RFC 2033. */
export { serveLmtp } from "./connection.ts";
export type { LmtpServices } from "./services.ts";
