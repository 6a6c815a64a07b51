import { RemoteHasher } from "../auth/hasher.ts";
import type { Log } from "../observe/log.ts";
import { workerUrl } from "./worker_entries.ts";

/** Pause before a hash worker is started again. */
const RESTART_MS = 1_000;
/** WHY: logins must not take all cores from those who are logged in. */
const WORKERS_MAX = 4;

export interface HashWorkersOptions {
  /** Cores of the machine. */
  readonly cores: number;
  /** The hash worker behind this user's port was replaced: it needs another port. */
  readonly onReplaced: (user: number) => void;
  readonly log: Log;
}

/** The isolates that compute password hashes. They may do nothing else: no files, no network. */
export class HashWorkers implements Disposable {
  readonly #options: HashWorkersOptions;
  readonly #workers: Worker[];
  /** Who has a port to which worker: 0 is the supervisor, 1 … the protocol workers. */
  readonly #users = new Map<number, number>();
  readonly #timers = new Set<ReturnType<typeof setTimeout>>();

  constructor(options: HashWorkersOptions) {
    this.#options = options;
    const count = Math.max(1, Math.min(WORKERS_MAX, Math.floor(options.cores / 2)));
    this.#workers = Array.from({ length: count }, (_, index) => this.#spawn(index));
  }

  /** A port to a hash worker for this user, who keeps to that worker. */
  connect(user: number): MessagePort {
    const index = user % this.#workers.length;
    this.#users.set(user, index);
    const { port1, port2 } = new MessageChannel();
    this.#workers[index]?.postMessage({ port: port2 }, [port2]);
    return port1;
  }

  /** One hash for the supervisor itself. */
  async hash(password: string, cost: number): Promise<string> {
    const port = this.connect(0);
    try {
      return await new RemoteHasher(port, { scheme: "bcrypt", cost }).hash(password);
    } finally {
      port.close();
      this.#users.delete(0);
    }
  }

  [Symbol.dispose](): void {
    for (const timer of this.#timers) clearTimeout(timer);
    for (const worker of this.#workers) worker.terminate();
  }

  #spawn(index: number): Worker {
    const worker = new Worker(workerUrl("hash"), {
      type: "module",
      name: `hash-${index + 1}`,
      deno: { permissions: "none" },
    });
    worker.addEventListener("error", (event) => {
      event.preventDefault();
      worker.terminate();
      this.#options.log.error("hash-worker-crashed", { error: event.message });
      const timer = setTimeout(() => {
        this.#timers.delete(timer);
        this.#replace(index);
      }, RESTART_MS);
      this.#timers.add(timer);
    });
    return worker;
  }

  #replace(index: number): void {
    this.#workers[index] = this.#spawn(index);
    for (const [user, at] of this.#users) if (at === index) this.#options.onReplaced(user);
  }
}
