import type { Hash, Uid } from "../lib/ids.ts";
import type { KnownMessage } from "../store/import_messages.ts";
import type { SourceMessage } from "./source.ts";

/**
 * What a mailbox had before an import, to tell what need not come again. Each message of it answers for
 * one of the source: a source that has a message twice brings it twice, and once only.
 */
export class KnownMessages {
  readonly #byUid = new Map<Uid, KnownMessage>();
  readonly #bySecond = new Map<number, Set<KnownMessage>>();

  constructor(messages: readonly KnownMessage[]) {
    for (const message of messages) {
      this.#byUid.set(message.uid, message);
      const same = this.#bySecond.get(message.internalSeconds);
      if (same) same.add(message);
      else this.#bySecond.set(message.internalSeconds, new Set([message]));
    }
  }

  /**
   * Where UIDs are kept: the message with this UID, if it is this one as far as date and size tell;
   * "another" also where only the content can tell, unless the date is trusted.
   */
  takeUid(
    message: SourceMessage,
    { trusts }: { readonly trusts: boolean },
  ): "taken" | "another" | "none" {
    const known = message.uid === null ? undefined : this.#byUid.get(message.uid);
    if (!known) return "none";
    // WHY both: mail that was delivered here may have got a UID that the source has used since.
    const isSameSize = message.sizeBytes === null ? trusts : known.sizeBytes === message.sizeBytes;
    if (!isSameSize || known.internalSeconds !== seconds(message)) return "another";
    this.#take(known);
    return "taken";
  }

  /** Takes one like it without a look at its content. */
  takeAlike(message: SourceMessage): boolean {
    const known = message.sizeBytes === null ? undefined : this.#alike(message);
    if (known) this.#take(known);
    return known !== undefined;
  }

  /** Takes one with this content and internal date, or with this content and its own UID. */
  takeContent(message: SourceMessage, hash: Hash): boolean {
    const sameSecond = [...this.#bySecond.get(seconds(message)) ?? []]
      .find((known) => known.hash === hash);
    const sameUid = message.uid === null ? undefined : this.#byUid.get(message.uid);
    const known = sameSecond ?? (sameUid?.hash === hash ? sameUid : undefined);
    if (known) this.#take(known);
    return known !== undefined;
  }

  #alike(message: SourceMessage): KnownMessage | undefined {
    const { sizeBytes } = message;
    return [...this.#bySecond.get(seconds(message)) ?? []]
      .find((known) => sizeBytes === null || known.sizeBytes === sizeBytes);
  }

  #take(known: KnownMessage): void {
    this.#byUid.delete(known.uid);
    this.#bySecond.get(known.internalSeconds)?.delete(known);
  }
}

/** WHY: IMAP and file systems of old know no less. */
function seconds({ internalDate }: SourceMessage): number {
  return Math.floor(internalDate.getTime() / 1000);
}
