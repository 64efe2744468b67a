/** The launcher's side of a container's control groups: who is put in, what was used, and their end. */
import { removeGroups } from '../../common/cgroup/remove-groups.js';
import { readUsage, type Usage } from '../../common/cgroup/usage.js';
import type { UsageSample } from '../../common/cgroup/usage-sample.js';
import { Failure, nextAfterKill } from '../../common/failure.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import type { LaunchSpec } from '../../common/spec.js';
import { enterGroupStep, groupPaths, move } from '../../common/steps/control-group.js';
import { UsageCurve } from './usage-curve.js';

export class ContainerGroup {
  /** All of them, for whoever removes what a killed launcher leaves. */
  readonly paths: readonly string[];
  private readonly limited: readonly string[];
  private curve: UsageCurve | undefined;

  constructor(
    limits: NonNullable<LaunchSpec['limits']>,
    private readonly kernel: Kernel,
  ) {
    this.paths = groupPaths({ limits });
    this.limited = limits.groups.map(({ path }) => path);
  }

  /**
   * Puts a process into the groups, with its threads.
   * @param pid as it is numbered here; undefined where it is there no more
   * @param step the step that it belongs to
   * @throws Failure when it had ended before; KernelError
   */
  enter(pid: number | undefined, step = enterGroupStep.id): void {
    if (pid === undefined)
      throw new Failure(`step ${step}: the process for the command was killed`, {
        next: nextAfterKill(),
      });
    this.kernel.step = step;
    for (const path of this.limited) move(this.kernel, String(pid), path);
  }

  /** The command is about to run: from here on what is used is sampled. */
  follow(): void {
    this.curve = new UsageCurve(this.limited, () => this.kernel.clock());
  }

  /** What was used over time, up to now; undefined where nobody followed it. */
  usedOverTime(): readonly UsageSample[] | undefined {
    return this.curve?.end();
  }

  /** At the end of the command: what is used after it is nobody's. */
  usage(): Usage {
    this.curve?.end();
    return readUsage(this.limited);
  }

  /** Ends whoever is still in them. */
  remove(): void {
    removeGroups(this.paths);
  }
}
