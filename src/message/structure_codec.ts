import type { Envelope } from "./envelope.ts";
import type { Address } from "./mailbox_address.ts";
import type { Disposition, Parameter, Part } from "./part.ts";

/** A tree as compact JSON for the database: arrays without field names, no NUL. */
export function encodeStructure(root: Part): string {
  return JSON.stringify(pack(root));
}

/** The tree back from `encodeStructure`. Throws SyntaxError on anything else. */
export function decodeStructure(text: string): Part {
  const packed: unknown = JSON.parse(text);
  if (!Array.isArray(packed) || packed.length !== 16) {
    throw new SyntaxError("Cannot decode structure: not a packed part");
  }
  return unpack(packed as unknown as PackedPart);
}

type PackedAddress = readonly [
  name: string | null,
  route: string | null,
  mailbox: string | null,
  host: string | null,
];
type PackedList = readonly PackedAddress[];
/** `sender` and `replyTo` are 0 when they are `from`'s. */
type PackedEnvelope = readonly [
  date: string | null,
  subject: string | null,
  from: PackedList,
  sender: PackedList | 0,
  replyTo: PackedList | 0,
  to: PackedList,
  cc: PackedList,
  bcc: PackedList,
  inReplyTo: string | null,
  messageId: string | null,
];
type PackedPart = readonly [
  type: string,
  subtype: string,
  parameters: readonly Parameter[],
  id: string | null,
  description: string | null,
  encoding: string,
  md5: string | null,
  disposition: readonly [string, readonly Parameter[]] | null,
  language: readonly string[],
  location: string | null,
  headerStart: number,
  bodyStart: number,
  bodyEnd: number,
  lines: number,
  children: readonly PackedPart[],
  message: readonly [PackedEnvelope, PackedPart] | null,
];

function pack(part: Part): PackedPart {
  const { disposition, message } = part;
  return [
    part.type,
    part.subtype,
    part.parameters,
    part.id,
    part.description,
    part.encoding,
    part.md5,
    disposition && [disposition.type, disposition.parameters],
    part.language,
    part.location,
    part.headerStart,
    part.bodyStart,
    part.bodyEnd,
    part.lines,
    part.children.map(pack),
    message && [packEnvelope(message.envelope), pack(message.body)],
  ];
}

function unpack(packed: PackedPart): Part {
  const [type, subtype, parameters, id, description, encoding, md5, shown, language, location] =
    packed;
  const message = packed[15];
  const disposition: Disposition | null = shown && { type: shown[0], parameters: shown[1] };
  return {
    type,
    subtype,
    parameters,
    id,
    description,
    encoding,
    md5,
    disposition,
    language,
    location,
    headerStart: packed[10],
    bodyStart: packed[11],
    bodyEnd: packed[12],
    lines: packed[13],
    children: packed[14].map(unpack),
    message: message && { envelope: unpackEnvelope(message[0]), body: unpack(message[1]) },
  };
}

function packEnvelope(envelope: Envelope): PackedEnvelope {
  const { from, sender, replyTo } = envelope;
  return [
    envelope.date,
    envelope.subject,
    packList(from),
    sender === from ? 0 : packList(sender),
    replyTo === from ? 0 : packList(replyTo),
    packList(envelope.to),
    packList(envelope.cc),
    packList(envelope.bcc),
    envelope.inReplyTo,
    envelope.messageId,
  ];
}

function unpackEnvelope(packed: PackedEnvelope): Envelope {
  const from = unpackList(packed[2]);
  return {
    date: packed[0],
    subject: packed[1],
    from,
    sender: packed[3] === 0 ? from : unpackList(packed[3]),
    replyTo: packed[4] === 0 ? from : unpackList(packed[4]),
    to: unpackList(packed[5]),
    cc: unpackList(packed[6]),
    bcc: unpackList(packed[7]),
    inReplyTo: packed[8],
    messageId: packed[9],
  };
}

function packList(list: readonly Address[]): PackedList {
  return list.map(({ name, route, mailbox, host }) => [name, route, mailbox, host]);
}

function unpackList(list: PackedList): Address[] {
  return list.map(([name, route, mailbox, host]) => ({ name, route, mailbox, host }));
}
