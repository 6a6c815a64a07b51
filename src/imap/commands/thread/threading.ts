import type { Uid } from "../../../lib/ids.ts";
import type { Steps } from "../../../lib/steps.ts";
import type { ThreadFacts } from "../../../store/read_thread_facts.ts";
import { byLatest } from "./by_latest.ts";
import { dateOrder } from "./date_order.ts";
import { mergeSubjects } from "./merge_subjects.ts";
import { orderedSubject } from "./ordered_subject.ts";
import { ReferenceLinks } from "./reference_links.ts";
import { arrange, type Threads } from "./threads.ts";

/** RFC 5256 §3, and REFS of draft-ietf-morg-inthread. */
export type ThreadAlgorithm = "ORDEREDSUBJECT" | "REFERENCES" | "REFS";

/** Numbers of a message here and in its thread. */
const MESSAGE_BYTES = 80;

/** Messages that are put together to threads, in the order of their numbers. */
export class Threading {
  readonly #algorithm: ThreadAlgorithm;
  readonly #links = new ReferenceLinks();
  readonly #dates: number[] = [];
  readonly #subjects: string[] = [];
  readonly #isReply: boolean[] = [];
  #subjectChars = 0;
  /** By position. */
  readonly uids: Uid[] = [];

  constructor(algorithm: ThreadAlgorithm) {
    this.#algorithm = algorithm;
  }

  /** About how much memory all this takes. */
  get sizeBytes(): number {
    return this.uids.length * MESSAGE_BYTES + this.#subjectChars + this.#links.sizeBytes;
  }

  /** The next messages, above those that were added before. */
  *add({ uids, dates, subjects, isReply, ids, references }: ThreadFacts): Steps<void> {
    for (const subject of subjects) this.#subjectChars += subject.length;
    for (const uid of uids) this.uids.push(uid);
    for (const date of dates) this.#dates.push(date);
    for (const subject of subjects) this.#subjects.push(subject);
    for (const each of isReply) this.#isReply.push(each);
    yield;
    yield* this.#links.add({ ids, references });
  }

  /** All of them, as the algorithm has it. */
  *threads(): Steps<Threads> {
    const order = yield* dateOrder(Float64Array.from(this.#dates));
    yield;
    switch (this.#algorithm) {
      case "ORDEREDSUBJECT":
        return yield* arrange(yield* orderedSubject(order, this.#subjects), order);
      case "REFERENCES": {
        const parents = yield* this.#links.parents();
        const subjects = { base: this.#subjects, isReply: this.#isReply };
        yield* mergeSubjects(parents, order, subjects);
        return yield* arrange(parents, order);
      }
      case "REFS":
        return yield* byLatest(yield* arrange(yield* this.#links.parents(), order), order);
    }
  }
}
