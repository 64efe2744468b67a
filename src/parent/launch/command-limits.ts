/** What one command of an open container may use, as a program asks for it: checked as the options of a launch are. */
import type { CommandLimits, CommandRequest } from '../../common/control.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { limitProcess, type ResourceLimit } from '../../common/resource-limits.js';
import { type LaunchSpec, unshares } from '../../common/spec.js';
import { askedLimits } from '../spec/group-limits.js';
import { ulimits } from '../spec/ulimits.js';
import type { CommandGroup, CommandGroups } from './command-groups.js';

export class LimitedCommand {
  private group: CommandGroup | undefined;
  private readonly resources: readonly ResourceLimit[];
  private readonly asked: ReturnType<typeof askedLimits>;

  /** @throws Failure (status 2) for a limit that there cannot be */
  private constructor(
    limits: CommandLimits,
    spec: LaunchSpec,
    private readonly kernel: Kernel,
    private readonly groups: CommandGroups,
  ) {
    const chosen = ulimits(limits.ulimit, unshares(spec, 'uid')) ?? [];
    this.resources = [...withoutThose(chosen, ofContainer(spec)), ...chosen];
    this.asked = askedLimits({ ...limits });
  }

  static of(
    { limits }: CommandRequest,
    spec: LaunchSpec,
    kernel: Kernel,
    groups: CommandGroups,
  ): LimitedCommand | undefined {
    return limits && new LimitedCommand(limits, spec, kernel, groups);
  }

  /**
   * Limits the process that becomes the command.
   * @throws Failure where this machine cannot do it for this user; KernelError
   */
  readonly apply = (pid: number): void => {
    if (Object.keys(this.asked).length > 0) {
      this.group ??= this.groups.make(this.asked);
      this.group.enter(pid);
    }
    limitProcess(this.kernel, pid, this.resources);
  };

  /** What it used, where it has a group; and that is over. */
  end() {
    const usage = this.group?.usage();
    if (this.group !== undefined) this.groups.end(this.group);
    return usage;
  }
}

/** Those that every command of the container has, and what Node has changed. */
const ofContainer = ({ ulimits: given = [], inherited: { openFiles } }: LaunchSpec): ResourceLimit[] => [
  ...(openFiles === undefined ? [] : withoutThose(given, [{ name: 'nofile' as const, ...openFiles }])),
  ...given,
];

const withoutThose = (
  these: readonly ResourceLimit[],
  from: readonly ResourceLimit[],
): readonly ResourceLimit[] => from.filter(({ name }) => !these.some((one) => one.name === name));
