/**
 * Entry point of the hash worker: slow password hashes away from every event loop. It is given a
 * MessagePort for each protocol worker (`postMessage({ port }, [port])`) and serves
 * `HashProcedures` on it, one password at a time.
 */
import { Rpc } from "../lib/rpc.ts";
import type { HashProcedures } from "./hasher.ts";
import { hashPassword, verifyPassword } from "./passwords.ts";

const procedures: HashProcedures = { verify: verifyPassword, hash: hashPassword };

self.addEventListener("message", (event) => {
  const { port } = (event as MessageEvent<{ readonly port: unknown }>).data;
  if (!(port instanceof MessagePort)) throw new Error("Cannot serve: the message has no port");
  new Rpc<HashProcedures, Record<never, never>>(port, procedures);
  port.start();
});
