/** One end of a connection, for logs, limits and trace headers. */
export interface Endpoint {
  /** An IPv4 or IPv6 address in text form, never an IPv4-mapped one; "" when there is none. */
  readonly host: string;
  /** 0 … 65535; 0 when there is none. */
  readonly port: number;
}

/** No address: the end of an in-memory connection or of a unix socket. */
export const nowhere: Endpoint = { host: "", port: 0 };

/** A `Deno.Addr` as an endpoint; `::ffff:192.0.2.1` becomes `192.0.2.1`. */
export function endpointOf(address: Deno.Addr): Endpoint {
  if (address.transport !== "tcp" && address.transport !== "udp") return nowhere;
  return { host: unmapped(address.hostname), port: address.port };
}

/** RFC 4291 §2.5.5.2: what a dual-stack listener sees of an IPv4 peer, as the IPv4 address it is. */
export function unmapped(host: string): string {
  const mapped = /^::ffff:(\d{1,3}(?:\.\d{1,3}){3})$/i.exec(host);
  return mapped?.[1] ?? host;
}
