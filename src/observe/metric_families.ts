import { Counter, Gauge, Histogram, type Registry } from "prom-client";

/** Seconds; from one cheap command to one that waits for a slow disk. */
export const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** What `new Counter`, `new Gauge` and `new Histogram` share here. */
interface Family<Label extends string> {
  readonly name: string;
  readonly help: string;
  readonly labelNames: readonly Label[];
  readonly registers: Registry[];
}

/** Makes metric families, all under the prefix `sora_`, in one registry. */
export class MetricFamilies {
  constructor(readonly registry: Registry) {}

  counter<Label extends string>(name: string, help: string, labels: readonly Label[]) {
    return new Counter<Label>(this.#family(name, help, labels));
  }

  gauge<Label extends string>(name: string, help: string, labels: readonly Label[]) {
    return new Gauge<Label>(this.#family(name, help, labels));
  }

  histogram<Label extends string>(
    name: string,
    help: string,
    labels: readonly Label[],
    buckets: number[],
  ) {
    return new Histogram<Label>({ ...this.#family(name, help, labels), buckets });
  }

  #family<Label extends string>(
    name: string,
    help: string,
    labelNames: readonly Label[],
  ): Family<Label> {
    return { name: `sora_${name}`, help, labelNames, registers: [this.registry] };
  }
}
