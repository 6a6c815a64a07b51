import ipaddr from "ipaddr.js";
import type { Address } from "./config.ts";

/** RFC 1035 §2.3.4: no name is longer; an address neither. */
const HOST_MAX = 255;
const NAME =
  /^(?=.*[a-z_-])(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?$/i;
const IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/;
const FORM = /^(?:\[([^\[\]]*)\]|([^:\[\]]*)):(\d{1,5})$/;

/**
 * Where to listen: `:143` (every address), `127.0.0.1:143`, `[::1]:143`, `localhost:143`. A port 0
 * is "any free one". Undefined when it is none of these.
 */
export function parseListenAddress(text: string): Address | undefined {
  const trimmed = text.trim();
  if (trimmed.length > HOST_MAX + "[]:65535".length) return undefined;
  const [, bracketed, bare = "", digits = ""] = FORM.exec(trimmed) ?? [];
  const port = Number(digits);
  if (digits === "" || port > 65535) return undefined;
  if (bracketed !== undefined) {
    return ipaddr.IPv6.isValid(bracketed) ? { host: bracketed, port } : undefined;
  }
  if (bare === "" || bare === "*") return { host: "", port };
  return isHost(bare) ? { host: bare, port } : undefined;
}

/** `host:port` as parseListenAddress reads it back. */
export function formatListenAddress({ host, port }: Address): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}

/** True for a dotted IPv4 address, an IPv6 address without brackets, or a DNS name. */
export function isHost(text: string): boolean {
  if (text.length > HOST_MAX) return false;
  return IPV4.test(text) || NAME.test(text) || (text.includes(":") && ipaddr.IPv6.isValid(text));
}

/** True for one address or a network: `192.168.0.0/16`, `::1`, `fd00::/8`. */
export function isNetwork(text: string): boolean {
  const [address = "", bits, ...more] = text.split("/");
  if (more.length > 0 || (bits !== undefined && !/^\d{1,3}$/.test(bits))) return false;
  if (IPV4.test(address)) return bits === undefined || Number(bits) <= 32;
  if (!address.includes(":") || !ipaddr.IPv6.isValid(address)) return false;
  return bits === undefined || Number(bits) <= 128;
}
