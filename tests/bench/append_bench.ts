import { LineClient } from "../support/line_client.ts";
import { plainMessage } from "../support/mail.ts";
import type { TestServer } from "../support/server.ts";
import type { Figure } from "./report.ts";

const MESSAGES = 600;
const SIZE_BYTES = 10_000;

/** APPENDs with LITERAL+ over one connection, each awaited before the next. */
export async function appendBench(
  server: TestServer,
  user: { readonly address: string; readonly password: string },
): Promise<Figure[]> {
  using client = await LineClient.dial(server.imapPort);
  await client.imapLine();
  await client.imap(`LOGIN ${user.address} "${user.password}"`);
  const from = performance.now();
  for (let n = 0; n < MESSAGES; n++) {
    const message = plainMessage(n, SIZE_BYTES);
    const [reply] = await client.imap(`APPEND Archive {${message.length}+}\r\n${message}`);
    if (!reply?.includes(" OK ")) throw new Error(`APPEND answered ${reply}`);
  }
  const seconds = (performance.now() - from) / 1000;
  return [{
    name: `APPEND, one connection, ${SIZE_BYTES} octets, LITERAL+`,
    value: MESSAGES / seconds,
    unit: "messages/s",
    target: [">=", 150],
  }];
}
