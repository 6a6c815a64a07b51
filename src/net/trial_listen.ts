/** An address that is held for a moment. */
export interface TrialSocket extends Disposable {
  /** The port, a real one also where a free one was asked for. */
  readonly port: number;
}

/**
 * Takes an address without sharing it, to see whether a server could listen there: with `reusePort`
 * the kernel lets two programs of one user share a port unnoticed.
 *
 * @param address `host` "" = every address; `port` 0 = a free one
 * @throws what `Deno.listen` throws: AddrInUse, AddrNotAvailable, PermissionDenied
 */
export function trialListen(
  { host, port }: { readonly host: string; readonly port: number },
): TrialSocket {
  const at = (hostname: string): TrialSocket => {
    const socket = Deno.listen({ hostname, port });
    return { port: socket.addr.port, [Symbol.dispose]: () => socket.close() };
  };
  if (host !== "") return at(host);
  try {
    return at("::");
  } catch (error) {
    // WHY: on a machine without IPv6 there is no "::"; a port in use is another matter.
    if (error instanceof Deno.errors.AddrInUse) throw error;
    return at("0.0.0.0");
  }
}
