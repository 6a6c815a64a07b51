import type { NewMessage } from "../../../store/messages.ts";
import type { ImapServices } from "../../services.ts";

/** Metrics of what was appended. */
export function countMessages(
  messages: readonly NewMessage[],
  { metrics }: Pick<ImapServices, "metrics">,
): void {
  for (const { facts: { sizeBytes } } of messages) {
    metrics.messageSizeBytes.observe({ protocol: "imap" }, sizeBytes);
  }
  const labels = { protocol: "imap", operation: "appended", status: "success" };
  metrics.messagesThroughputTotal.inc(labels, messages.length);
}
