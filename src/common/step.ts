/**
 * A step of a launch. The list of all of them (steps/index.ts) is what is executed, rehearsed by --dry-run, paused on
 * by --step, written to the log, drawn in the report and taught in the lessons: there is no second description.
 */
import { defined } from './defined.js';
import { Failure } from './failure.js';
import type { Kernel } from './kernel/kernel.js';
import type { RehearsedCall } from './kernel/rehearsal.js';
import type { MountTable } from './mount-table.js';
import type { LaunchSpec } from './spec.js';

/** What was read from the kernel before or after a step: words and lists that mean something to a reader. */
export type Evidence = Readonly<Record<string, unknown>>;

/** What a step of either stage works with. */
export interface StepContext<Spec = LaunchSpec> {
  readonly spec: Spec;
  readonly kernel: Kernel;
}

export interface Step<Context extends StepContext<unknown> = StepContext> {
  readonly id: string;
  readonly stage: 'parent' | 'child';
  /** A short phrase: what is done. */
  readonly title: (spec: Context['spec']) => string;
  /** One or two sentences for a learner. */
  readonly why: string;
  readonly man: string;
  /** What one would type in a shell to do the same. */
  readonly shell: (spec: Context['spec']) => string;
  /** The shortest command that shows the idea, where `shell` has more to do. */
  readonly gist?: (spec: Context['spec']) => string;
  /** Whether it only prepares the next step, and so may share a line with it where the window is low. */
  readonly prepares?: true;
  /** Whether this launch has this step. */
  readonly applies: (spec: Context['spec']) => boolean;
  /** @throws KernelError, or Failure where something else stands in the way */
  readonly run: (context: Context) => void;
  /** Reads from the kernel what the step is to change. */
  readonly evidence: (context: Context) => Evidence;
  /** The one change in the evidence that shows what was done, in a few words: it stands beside the title, in one line. */
  readonly summary: (before: Evidence, after: Evidence, spec: Context['spec']) => string;
  /** What the kernel may refuse without that being the end of the launch. */
  readonly refusals?: (spec: Context['spec']) => readonly Refusal[];
  /** Errors of its calls that mean nothing is lacking, such as EEXIST of a folder that is to be there. */
  readonly expects?: readonly string[];
  /** Says what else it went on without, a sentence each. */
  readonly lacks?: (after: Evidence, spec: Context['spec']) => readonly string[];
  /** Reads from the kernel, in the parent, what the step is to leave as it was on the host; `mounts` are those of the host. */
  readonly onHost?: (spec: LaunchSpec, mounts: () => MountTable) => Evidence;
  /** Says what the evidence does not show although it should; undefined when all is as claimed. */
  readonly shortfall?: (before: Evidence, after: Evidence, spec: Context['spec']) => string | undefined;
}

/** A kernel call that may fail, and what a step does then. */
export interface Refusal {
  readonly call: string;
  /** Tells it from other calls of the same name in the step. */
  readonly args?: Readonly<Record<string, unknown>>;
  /** What is lacking then, and what there is instead: a sentence without its full stop. */
  readonly instead: string;
  /** What the step is called once it has done that. */
  readonly title?: string;
}

/** What a step is, in words. */
export interface StepDescription {
  readonly step: string;
  readonly stage: 'parent' | 'child';
  readonly title: string;
  readonly why: string;
  readonly man: string;
  readonly shell: string;
  readonly gist?: string;
}

/** What there is to say of a step once it is done. */
export interface StepResult {
  readonly step: string;
  readonly before: Evidence;
  readonly after: Evidence;
  /** Microseconds since the launch began, when its `run` began. */
  readonly at: number;
  /** Microseconds that its `run` took. */
  readonly us: number;
}

/** A finished step in the log, as docs/log.md describes it. */
export type StepRecord = StepDescription & StepResult & { readonly summary: string };

/** A step as --dry-run prints it and --step shows it: with the calls that it would make. */
export interface RehearsedStep extends StepDescription {
  readonly number: number;
  readonly of: number;
  /** In the order in which they would be made. */
  readonly calls: readonly Omit<RehearsedCall, 'step'>[];
  /** What the kernel may refuse, and what is done then. */
  readonly refusals: readonly Refusal[];
}

/** The part of a step that words are made of. */
export type Describable<Spec = LaunchSpec> = Pick<
  Step<StepContext<Spec>>,
  | 'id'
  | 'stage'
  | 'title'
  | 'why'
  | 'man'
  | 'shell'
  | 'gist'
  | 'prepares'
  | 'summary'
  | 'refusals'
  | 'expects'
  | 'lacks'
>;

export const described = <Spec>(
  { id, stage, title, why, man, shell, gist }: Describable<Spec>,
  spec: Spec,
): StepDescription =>
  defined({ step: id, stage, title: title(spec), why, man, shell: shell(spec), gist: gist?.(spec) });

/** A call that the kernel refused. */
export interface RefusedCall {
  readonly call: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly errno?: string;
}

/**
 * What the log says of a finished step.
 * @param refused the calls that failed in it, without ending it
 */
export function recordOf<Spec>(
  step: Describable<Spec>,
  spec: Spec,
  result: StepResult,
  refused: readonly RefusedCall[] = [],
): StepRecord {
  const words = described(step, spec);
  const title = refusalsAmong(step.refusals?.(spec) ?? [], refused).find((one) => one.title)?.title;
  const summary = step.summary(result.before, result.after, spec);
  return { ...words, title: title ?? words.title, summary, ...result };
}

/** A sentence for each thing that a step had to do without. */
export function shortcomings<Spec>(
  step: Describable<Spec>,
  spec: Spec,
  { after }: Pick<StepResult, 'after'>,
  refused: readonly RefusedCall[],
): string[] {
  const known = step.refusals?.(spec) ?? [];
  const sentences = refused
    // A call that a signal interrupted was made again (Recorder).
    .filter(({ errno = '' }) => errno !== 'EINTR' && !step.expects?.includes(errno))
    .map((call) => {
      const [refusal] = refusalsAmong(known, [call]);
      return `${refusal?.instead ?? `step ${step.id} went on without it`} (${call.call}: ${call.errno})`;
    });
  return [...new Set([...sentences, ...(step.lacks?.(after, spec) ?? [])])];
}

const refusalsAmong = (known: readonly Refusal[], refused: readonly RefusedCall[]): Refusal[] =>
  known.filter(({ call, args = {} }) =>
    refused.some(
      (made) =>
        made.call === call && Object.entries(args).every(([name, value]) => made.args[name] === value),
    ),
  );

/** What the two stages do around each step. */
export interface StepObserver<Context extends StepContext<unknown>> {
  /** Called before a step is done; --step waits here. */
  readonly before?: (step: Step<Context>, evidence: Evidence) => Promise<void> | void;
  readonly done: (result: StepResult) => void;
}

/**
 * Does one step: reads the evidence, runs it, reads the evidence again, and checks that it shows what was claimed.
 * @throws KernelError from the step; Failure when the evidence does not show the change
 */
export async function perform<Context extends StepContext<unknown>>(
  step: Step<Context>,
  context: Context,
  observer: StepObserver<Context>,
): Promise<void> {
  const { spec, kernel } = context;
  kernel.step = step.id;
  const before = step.evidence(context);
  if (observer.before !== undefined) await observer.before(step, before);
  const at = kernel.clock();
  step.run(context);
  // The clock has nanoseconds; a difference of fractions would have more digits than that.
  const us = Math.round((kernel.clock() - at) * 1000) / 1000;
  const after = step.evidence(context);
  const shortfall = step.shortfall?.(before, after, spec);
  if (shortfall !== undefined) throw notShown(step.id, step.title(spec), shortfall);
  observer.done({ step: step.id, before, after, at, us });
}

/** The failure of a step whose evidence does not show what it claims. */
export const notShown = (id: string, title: string, shortfall: string): Failure =>
  new Failure(`step ${id} (${title}): the kernel reported success, but ${shortfall}`, {
    next: 'This should not happen: please report it with the log (--log-file).',
  });
