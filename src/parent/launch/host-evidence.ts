/** What the child's steps leave as it was on the host, where only the parent can look. */
import { type MountTable, mountTable } from '../../common/mount-table.js';
import type { LaunchSpec } from '../../common/spec.js';
import { type Evidence, notShown, type StepResult } from '../../common/step.js';
import { childStepsOf } from '../../common/steps/index.js';

export class HostEvidence {
  private readonly before: ReadonlyMap<string, { title: string; look: () => Evidence; seen: Evidence }>;

  /** Looks before the child does anything. */
  constructor(spec: LaunchSpec) {
    // Nothing has changed them yet: one reading is enough for all steps.
    let table: MountTable | undefined;
    const mounts = (): MountTable => {
      table ??= mountTable();
      return table;
    };
    this.before = new Map(
      childStepsOf(spec).flatMap(({ id, title, onHost }) => {
        if (onHost === undefined) return [];
        const look = () => onHost(spec, mountTable);
        return [[id, { title: title(spec), look, seen: onHost(spec, mounts) }] as const];
      }),
    );
  }

  /**
   * The result of a step with what the host shows added to its evidence, before and after.
   * @throws Failure when that has changed
   */
  complete(result: StepResult): StepResult {
    const known = this.before.get(result.step);
    if (known === undefined) return result;
    const { title, seen, look } = known;
    const now = look();
    const changed = Object.keys(seen).find(
      (name) => JSON.stringify(seen[name]) !== JSON.stringify(now[name]),
    );
    if (changed !== undefined) throw notShown(result.step, title, `it changed the ${changed}`);
    return { ...result, before: { ...result.before, ...seen }, after: { ...result.after, ...now } };
  }
}
