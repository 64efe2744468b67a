/** Samples of a life whose length nobody knows: when there are many, each two become one. */
import type { UsageSample } from '../../common/cgroup/usage-sample.js';
import { defined } from '../../common/defined.js';

/** There are always fewer than these. */
export const mostSamples = 256;

export class BoundedSamples {
  private samples: UsageSample[] = [];

  /**
   * Takes another one, later than those before.
   * @returns whether there are half as many now, and so as many to come until they are full again
   */
  add(sample: UsageSample): boolean {
    this.samples.push(sample);
    if (this.samples.length < mostSamples) return false;
    this.samples = this.samples.flatMap((later, index, all) =>
      index % 2 === 0 ? [] : [merged(all[index - 1] as UsageSample, later)],
    );
    return true;
  }

  all(): readonly UsageSample[] {
    return this.samples;
  }
}

/** The later one, but with the larger memory and number of processes: a short peak stays one. */
const merged = (earlier: UsageSample, later: UsageSample): UsageSample =>
  defined({
    ...later,
    memory: larger(earlier.memory, later.memory),
    processes: larger(earlier.processes, later.processes),
  });

const larger = (one: number | undefined, other: number | undefined): number | undefined =>
  one === undefined || other === undefined ? (one ?? other) : Math.max(one, other);
