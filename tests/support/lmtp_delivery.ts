import { LineClient } from "./line_client.ts";

/** Dot-stuffed, as DATA sends it, with the final dot: RFC 5321 §4.5.2. */
export function stuffed(message: string): string {
  const text = message.endsWith("\r\n") ? message : `${message}\r\n`;
  return `${text.replaceAll(/^\./gm, "..")}.\r\n`;
}

/** A greeted LMTP connection. */
export async function dialLmtp(port: number): Promise<LineClient> {
  const client = await LineClient.dial(port);
  try {
    await client.reply();
    await client.command("LHLO client.example.net");
    return client;
  } catch (error) {
    client.close();
    throw error;
  }
}

/** One transaction; answers the last line of the reply of each recipient. */
export async function deliver(
  client: LineClient,
  message: string,
  recipients: readonly string[],
): Promise<string[]> {
  await client.command("MAIL FROM:<sender@example.net>");
  for (const recipient of recipients) await client.command(`RCPT TO:<${recipient}>`);
  await client.command("DATA");
  await client.send(stuffed(message));
  const replies: string[] = [];
  for (const _ of recipients) replies.push((await client.reply()).at(-1) ?? "");
  return replies;
}
