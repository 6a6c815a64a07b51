import ipaddr from "ipaddr.js";

type Parsed = ReturnType<typeof ipaddr.process>;

/** A list of CIDR networks, compiled once: who is trusted, who may read the metrics. */
export class Networks {
  readonly #ranges: readonly [Parsed, number][];

  private constructor(ranges: readonly [Parsed, number][]) {
    this.#ranges = ranges;
  }

  /** From `10.0.0.0/8`, `::1/128` or single addresses. Throws an Error that names a bad entry. */
  static parse(cidrs: readonly string[]): Networks {
    return new Networks(cidrs.map(compile));
  }

  /** Whether this address lies in one of them; an IPv4-mapped one counts as IPv4; "" never does. */
  has(host: string): boolean {
    if (!ipaddr.isValid(host)) return false;
    const address = ipaddr.process(host);
    return this.#ranges.some(([network, bits]) =>
      network.kind() === address.kind() && address.match(network, bits)
    );
  }
}

function compile(cidr: string): [Parsed, number] {
  const [host = "", bits, ...rest] = cidr.split("/");
  if (!ipaddr.isValid(host) || rest.length > 0) throw new Error(`Cannot read network ${cidr}`);
  const address = ipaddr.parse(host);
  const width = address.kind() === "ipv4" ? 32 : 128;
  const prefix = bits === undefined ? width : /^\d{1,3}$/.test(bits) ? Number(bits) : Infinity;
  if (prefix > width) throw new Error(`Cannot read network ${cidr}`);
  // WHY: ::ffff:10.0.0.0/104 means 10.0.0.0/8, and that is how peers are compared.
  if (address instanceof ipaddr.IPv6 && address.isIPv4MappedAddress() && prefix >= 96) {
    return [address.toIPv4Address(), prefix - 96];
  }
  return [address, prefix];
}
