/** Tries what a protocol worker must not be able to do; answers which attempts were refused. */
import { connect } from "node:net";

export interface Attempts {
  readonly allowedFile: string;
  readonly outsideFile: string;
  readonly allowedPort: number;
  readonly otherPort: number;
  readonly socket: string;
}

/** Per attempt: "done", or the name of the error. */
export type Outcome = Record<string, string>;

self.addEventListener("message", async (event) => {
  const tries = attempts((event as MessageEvent<Attempts>).data);
  const outcome: Outcome = {};
  for (const [name, attempt] of Object.entries(tries)) {
    try {
      await attempt();
      outcome[name] = "done";
    } catch (error) {
      outcome[name] = error instanceof Error ? error.name : String(error);
    }
  }
  (self as unknown as { postMessage(data: unknown): void }).postMessage(outcome);
});

function attempts(given: Attempts): Record<string, () => unknown> {
  const { allowedFile, outsideFile, allowedPort, otherPort, socket } = given;
  const hostname = "127.0.0.1";
  return {
    writeInside: () => Deno.writeTextFile(allowedFile, "x"),
    readInside: () => Deno.readTextFile(allowedFile),
    removeInside: () => Deno.remove(allowedFile),
    listenHere: () => Deno.listen({ hostname, port: allowedPort }).close(),
    readOutside: () => Deno.readTextFile(outsideFile),
    readPasswd: () => Deno.readTextFile("/etc/passwd"),
    readUp: () => Deno.readTextFile(`${allowedFile}/../../../../../../../../../etc/passwd`),
    writeOutside: () => Deno.writeTextFile(`${outsideFile}.new`, "x"),
    removeOutside: () => Deno.remove(outsideFile),
    linkOut: () => Deno.symlink("/etc", `${allowedFile}.link`),
    hardLinkIn: () => Deno.link(outsideFile, `${allowedFile}.hard`),
    readProc: () => Deno.readTextFile("/proc/self/environ"),
    connectElsewhere: async () => (await Deno.connect({ hostname, port: otherPort })).close(),
    connectByNode: () => connected(connect(otherPort, hostname)),
    connectUnix: () => connected(connect(`${socket}.other`)),
    fetchElsewhere: () => fetch(`http://${hostname}:${otherPort}/`),
    resolve: () => Deno.resolveDns("example.org", "A"),
    listenElsewhere: () => Deno.listen({ hostname, port: otherPort + 1 }).close(),
    run: () => new Deno.Command("true").output(),
    kill: () => Deno.kill(1, "SIGCONT"),
    ffi: () => Deno.dlopen("libc.so.6", {}),
    environment: () => Deno.env.get("HOME"),
    wholeEnvironment: () => Deno.env.toObject(),
    setEnvironment: () => Deno.env.set("HOME", "/"),
    system: () => Deno.hostname(),
    users: () => Deno.uid(),
    importFile: () => import(`file://${outsideFile}.ts`),
    importRemote: () => import(`http://${hostname}:${otherPort}/x.ts`),
    moreThroughWorker: () =>
      new Worker("data:application/javascript,0", {
        type: "module",
        deno: { permissions: { run: true } },
      }),
  };
}

function connected(socket: ReturnType<typeof connect>): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once("connect", () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", reject);
  });
}
