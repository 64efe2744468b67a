/** What the child's steps leave as it was outside, where only the parent can look. */
import type { LaunchSpec } from '../common/spec.js';
import { type Evidence, notShown, type StepRecord } from '../common/step.js';
import { childStepsOf } from '../common/steps/index.js';

export class Outside {
  private readonly before: ReadonlyMap<string, { look: () => Evidence; seen: Evidence }>;

  /** Looks before the child does anything. */
  constructor(spec: LaunchSpec) {
    this.before = new Map(
      childStepsOf(spec).flatMap(({ id, outside }) => {
        if (outside === undefined) return [];
        const look = () => outside(spec);
        return [[id, { look, seen: look() }] as const];
      }),
    );
  }

  /**
   * The record with what is outside added to its evidence, before and after.
   * @throws Failure when that has changed
   */
  complete(record: StepRecord): StepRecord {
    const known = this.before.get(record.step);
    if (known === undefined) return record;
    const { seen, look } = known;
    const now = look();
    const changed = Object.keys(seen).find(
      (name) => JSON.stringify(seen[name]) !== JSON.stringify(now[name]),
    );
    if (changed !== undefined) throw notShown(record.step, record.title, `it changed the ${changed}`);
    return { ...record, before: { ...record.before, ...seen }, after: { ...record.after, ...now } };
  }
}
