import { trimBlank } from "./blank.ts";
import { type Content, descriptionLength, readContent, undescribed } from "./content.ts";
import { type Envelope, readEnvelope, textLength, withoutTexts } from "./envelope.ts";
import type { Header } from "./header.ts";
import type { Part } from "./part.ts";

/** What else is known when a header block has ended. */
export interface BodyPlace {
  readonly bodyStart: number;
  /** Lines that ended before the body. */
  readonly firstLine: number;
  /** False: too deep to look inside. */
  readonly canOpen: boolean;
  /** Addresses that the envelope of an embedded message may hold. */
  readonly addressesMax: number;
  /** Characters of description that the part may have; without them it has none. */
  readonly descriptionMax: number;
}

/** A part while the parser is in it. Offsets are counted from the first octet of the message. */
export class PartBuilder {
  bodyStart = 0;
  firstLine = 0;
  /** Delimits the children of a multipart; null for everything else. */
  boundary: string | null = null;
  /** message/rfc822 whose content can be read as it stands. */
  isMessage = false;
  envelope: Envelope | null = null;
  /** Characters that BODYSTRUCTURE shows and nobody needs to find a part or to read it. */
  descriptionLength = 0;
  #bodyEnd = 0;
  #lines = 0;
  #content: Content | null = null;
  #embedded: PartBuilder | null = null;
  readonly #children: PartBuilder[] = [];

  /** `message`: its header is that of a message, not the MIME header of a multipart's child. */
  constructor(
    readonly kind: "message" | "child",
    readonly headerStart: number,
    readonly depth: number,
    readonly inDigest = false,
  ) {}

  /** Takes what the header says, and decides whether the parser looks inside. */
  describe(fields: Header, place: BodyPlace): void {
    this.bodyStart = place.bodyStart;
    this.firstLine = place.firstLine;
    this.#content = readContent(fields, this.inDigest);
    if (this.kind === "message" && this.depth > 1) {
      this.envelope = readEnvelope(fields, place.addressesMax);
    }
    this.#weigh(place.descriptionMax);
    const { type, subtype, parameters, encoding } = this.#content;
    if (type === "multipart") {
      const boundary = parameters.find(([name]) => name === "boundary")?.[1];
      if (!place.canOpen) this.makeOpaque();
      else if (boundary === undefined || trimBlank(boundary) === "") this.#makeText();
      else this.boundary = trimBlank(boundary);
    } else if (type === "message" && subtype === "rfc822") {
      // RFC 2046 §5.2.1 allows no other encodings; what has one cannot be looked into.
      if (place.canOpen && !ENCODED.has(encoding)) this.isMessage = true;
      else this.makeOpaque();
    }
  }

  #weigh(descriptionMax: number): void {
    if (!this.#content) return;
    const { envelope } = this;
    this.descriptionLength = descriptionLength(this.#content) +
      (envelope ? textLength(envelope) : 0);
    if (this.descriptionLength <= descriptionMax) return;
    this.descriptionLength = 0;
    this.#content = undescribed(this.#content);
    if (envelope) this.envelope = withoutTexts(envelope);
  }

  /** A new child of this multipart, whose header starts at `headerStart`. */
  child(headerStart: number): PartBuilder {
    const inDigest = this.#content?.subtype === "digest";
    const child = new PartBuilder("child", headerStart, this.depth + 1, inDigest);
    this.#children.push(child);
    return child;
  }

  /** The message inside this message/rfc822. */
  embed(): PartBuilder {
    this.#embedded = new PartBuilder("message", this.bodyStart, this.depth + 1);
    return this.#embedded;
  }

  /** The body ends at `bodyEnd`; `lastLine` lines have ended or been cut off by then. */
  close(bodyEnd: number, lastLine: number): void {
    this.#bodyEnd = bodyEnd;
    this.#lines = lastLine - this.firstLine;
  }

  /** RFC 3501 §9: body-type-basic must not be message/rfc822. The parameters (a name) stay. */
  makeOpaque(): void {
    this.isMessage = false;
    this.#retype("application", "octet-stream");
  }

  /** Without a boundary nothing can be found inside, but somebody can read it. */
  #makeText(): void {
    this.#retype("text", "plain");
  }

  #retype(type: string, subtype: string): void {
    if (this.#content) this.#content = { ...this.#content, type, subtype };
  }

  /** The finished part, offsets counted from `origin`. */
  build(origin: number): Part {
    if (!this.#content) throw new Error("A part is built after its header has ended");
    const embedded = this.#embedded;
    return {
      ...this.#content,
      headerStart: Math.max(0, this.headerStart - origin),
      bodyStart: this.bodyStart - origin,
      bodyEnd: this.#bodyEnd - origin,
      lines: this.#lines,
      children: this.#children.map((child) => child.build(origin)),
      message: embedded?.envelope
        ? { envelope: embedded.envelope, body: embedded.build(origin) }
        : null,
    };
  }
}

/** Encodings under which a message cannot be read as it stands. */
const ENCODED: ReadonlySet<string> = new Set([
  "base64",
  "quoted-printable",
  "x-uuencode",
  "x-uue",
  "uuencode",
  "x-gzip",
  "x-gzip64",
]);
