/**
 * Control groups for single commands of an open container: each below the group of the container, where that has limits, and
 * else below one that is made for the first of them. The kernel's second version wants no process in a group that hands out
 * controllers, so what is in the container's moves to one below it, where later commands are born as well.
 */
import { existsSync, rmdirSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { words } from '../../common/cgroup/hierarchies.js';
import type { ControlGroup, GroupLimits } from '../../common/cgroup/limits.js';
import { planGroups } from '../../common/cgroup/plan.js';
import { removeGroups } from '../../common/cgroup/remove-groups.js';
import { readUsage, type Usage } from '../../common/cgroup/usage.js';
import { Failure } from '../../common/failure.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { handOut, makeGroup, move } from '../../common/steps/control-group.js';
import { withoutGroup } from '../advice/refused-group.js';

/** Where commands without limits of their own go, and what starts them. */
const leafName = 'commands';

/** The groups of one command. */
export class CommandGroup {
  constructor(
    private readonly paths: readonly string[],
    private readonly kernel: Kernel,
  ) {}

  /** @throws KernelError */
  enter(pid: number): void {
    for (const path of this.paths) move(this.kernel, String(pid), path);
  }

  usage(): Usage {
    return readUsage(this.paths);
  }

  /** @returns whether it is gone: whoever is in it keeps it */
  remove(): boolean {
    for (const path of this.paths) {
      try {
        rmdirSync(path);
      } catch {
        // As said above.
      }
    }
    return !this.paths.some((path) => existsSync(path));
  }
}

export class CommandGroups {
  private readonly made: ControlGroup[] = [];
  /** Those of commands that have ended and left something behind, which keeps its limits. */
  private left: CommandGroup[] = [];

  /**
   * @param ofContainer its groups, where it has limits
   * @param register writes down groups before they are made, for whoever removes what a killed launcher leaves
   */
  constructor(
    private readonly ofContainer: readonly ControlGroup[],
    private readonly kernel: Kernel,
    private readonly register: (paths: readonly string[]) => void,
  ) {}

  /** @throws Failure where this machine cannot do it for this user; KernelError */
  make(limits: GroupLimits): CommandGroup {
    const plan = planGroups(limits, false);
    if ('why' in plan) throw refused(plan.why, withoutGroup(plan));
    // A container gets it at its start, and then commands have theirs in it.
    if (plan.scope !== undefined)
      throw refused(
        'systemd gives a control group to a container when it starts',
        'Give the container a limit too, such as memory: it has a group then, and commands have theirs in it.',
      );
    const groups = plan.groups.map((group) => this.below(group));
    for (const group of groups) makeGroup(this.kernel, group);
    return new CommandGroup(
      groups.map(({ path }) => path),
      this.kernel,
    );
  }

  /** A command has ended. */
  end(group: CommandGroup): void {
    this.left = [...this.left, group].filter((one) => !one.remove());
  }

  /** Those that are left, with whoever is in them. */
  remove(): void {
    removeGroups(this.made.map(({ path }) => path));
  }

  /** The group as it was planned, in its place below another. */
  private below(planned: ControlGroup): ControlGroup {
    const { version, controllers, files } = planned;
    const container = this.ofContainer.find((one) => isBeside(one, planned));
    const { path: above } = container ?? this.ownFor(planned);
    const group = { version, controllers, files, path: join(above, basename(planned.path)) };
    if (version === 1) return group;
    const lacking = controllers.filter((name) => !has(above, name));
    if (lacking.some((name) => !has(dirname(above), name)))
      throw refused(
        `the control group of the container does not hand out ${lacking.join(', ')}`,
        'Give the container such a limit too: it can hand on what it has.',
      );
    // No limit of the container takes them, so the group above its own has not handed them out yet.
    if (lacking.length > 0) handOut(this.kernel, dirname(above), lacking);
    const missing = controllers.filter(
      (name) => !words(join(above, 'cgroup.subtree_control')).includes(name),
    );
    const leaf = container === undefined ? {} : { leaf: join(above, leafName) };
    return { ...group, above: { path: above, controllers: missing, ...leaf } };
  }

  private ownFor(planned: ControlGroup): ControlGroup {
    const known = this.made.find(
      (one) =>
        isBeside(one, planned) &&
        (one.version === 1 || planned.controllers.every((name) => one.controllers.includes(name))),
    );
    if (known !== undefined) return known;
    const group = { ...planned, files: [] };
    this.made.push(group);
    this.register(this.made.map(({ path }) => path));
    makeGroup(this.kernel, group);
    return group;
  }
}

/** Whether two are in one hierarchy: of version 2 there is one. */
const isBeside = (one: ControlGroup, other: ControlGroup): boolean =>
  one.version === other.version && (one.version === 2 || dirname(one.path) === dirname(other.path));

const has = (path: string, controller: string): boolean =>
  words(join(path, 'cgroup.controllers')).includes(controller);

const refused = (why: string, next: string): Failure =>
  new Failure(`these limits of a command cannot be set: ${why}`, { next });
