/** What goes through a header as it is: visible ASCII but "%", with single spaces inside. */
const PLAIN = /^[!-$&-~]+(?: [!-$&-~]+)*$/;

/** WHY: OpenStack Swift takes no longer values; it answers 500. */
const VALUE_MAX = 256;
/** Behind the names of the parts of a longer one, from the second on. */
const PART = /^(.+)--(\d+)$/;

type Metadata = Readonly<Record<string, string>>;

/**
 * Metadata as S3 can keep them: what is not plain in a value is percent-encoded as a whole, and what is
 * long is cut into parts.
 */
export function toS3Metadata(metadata: Metadata): Record<string, string> {
  const parts: [string, string][] = [];
  for (const [name, value] of Object.entries(metadata)) {
    if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) throw new Error(`Cannot name metadata ${name}`);
    const text = PLAIN.test(value) && (value.length <= VALUE_MAX || !value.includes(" "))
      ? value
      : encodeURIComponent(value.toWellFormed());
    parts.push([name, text.slice(0, VALUE_MAX)]);
    for (let part = 1; part * VALUE_MAX < text.length; part++) {
      parts.push([`${name}--${part}`, text.slice(part * VALUE_MAX, (part + 1) * VALUE_MAX)]);
    }
  }
  return Object.fromEntries(parts);
}

/** The other way round; what somebody else has written stays as it is where it cannot be decoded. */
export function fromS3Metadata(metadata: Metadata): Record<string, string> {
  const whole = Object.entries(metadata).filter(([name]) => !PART.test(name));
  return Object.fromEntries(whole.map(([name, first]) => {
    let text = first;
    for (let part = 1; `${name}--${part}` in metadata; part++) text += metadata[`${name}--${part}`];
    return [name, decoded(text)];
  }));
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
