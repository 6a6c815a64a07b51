/** What goes through a header as it is: visible ASCII but "%", with single spaces inside. */
const PLAIN = /^[!-$&-~]+(?: [!-$&-~]+)*$/;

/** Metadata as S3 can keep them: what is not plain in a value is percent-encoded as a whole. */
export function toS3Metadata(
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  return mapped(metadata, (value, name) => {
    if (!/^[a-z0-9-]+$/.test(name)) throw new Error(`Cannot name metadata ${name}`);
    return PLAIN.test(value) ? value : encodeURIComponent(value.toWellFormed());
  });
}

/** The other way round; what somebody else has written stays as it is where it cannot be decoded. */
export function fromS3Metadata(
  metadata: Readonly<Record<string, string>>,
): Record<string, string> {
  return mapped(metadata, (value) => {
    try {
      return decodeURIComponent(value);
    } catch {
      return value;
    }
  });
}

function mapped(
  record: Readonly<Record<string, string>>,
  map: (value: string, name: string) => string,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(record).map(([name, value]) => [name, map(value, name)]),
  );
}
