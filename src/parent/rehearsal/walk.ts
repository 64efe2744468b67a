/** --step: goes through a launch with somebody. Every step is shown before it is done, and what it changed after. */
import { Failure } from '../../common/failure.js';
import { shownValue } from '../../common/shown-text.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { Evidence, RehearsedStep, StepResult } from '../../common/step.js';
import { execStep } from '../../common/steps/command.js';
import type { StepPauses } from '../launch/companions.js';
import type { ProcessHandOver } from '../launch/process-hand-over.js';
import type { Log } from '../log/log.js';
import { controllingTerminal, WalkTerminal } from '../terminal/walk-terminal.js';
import { stateLines } from '../text/evidence-lines.js';
import { coloured, type Paint, painter } from '../text/paint.js';
import { stepIndent } from '../text/step-indent.js';
import { entryLines, inspection, processesOf } from './inspect.js';
import { rehearse } from './rehearse.js';
import { stepDetails, stepGist, stepHeading, stepOutcome } from './step-text.js';

/** As after Ctrl-C: bash(1), 128 and the number of SIGINT. */
export const givenUpStatus = 130;

/** The longest that fits into the window is shown. */
const prompts = [
  'Enter: do it · m: more · c: run on · i: inspect · e: enter · q: quit · ?: help',
  'Enter: do it · m: more · c: run on · q: quit · ?: help',
  'Enter: do it · m: more · ?: help',
];
const help = [
  'Enter  does the step that is shown, and stops before the next',
  'm      shows more of it: the whole shell command, the kernel calls, and what the kernel says now',
  'c      does it and all that follow, without stopping',
  'i      inspects the container as it is now: processes, namespaces, ID maps, mounts',
  'e      prints commands to look at it, and to go in, from a second terminal',
  'q      gives up; what was built so far is taken down again',
  '?, h   prints this',
];

export class Walk implements StepPauses {
  private readonly terminal = new WalkTerminal(controllingTerminal('--step'));
  private readonly steps: ReadonlyMap<string, RehearsedStep>;
  private readonly paint: Paint;
  private stops = true;

  /**
   * @param script this program's own file
   * @throws Failure with status 2 when there is no terminal
   */
  constructor(
    private readonly spec: LaunchSpec,
    script: string,
  ) {
    this.steps = new Map(rehearse(spec, script).map((step) => [step.step, step]));
    this.paint = painter(coloured({ isTTY: true }));
  }

  /**
   * Shows a step and the evidence as it stands, and returns when it is to be done. A stop is logged, for whoever follows.
   * @param known process IDs and descriptors of the stage that does it, for the names in its rehearsal
   * @throws Failure when the launch is given up
   */
  async before(
    id: string,
    evidence: Evidence,
    handOver: ProcessHandOver,
    log: Log,
    known: Readonly<Record<string, number>> = handOver.known,
  ): Promise<void> {
    const rehearsed = this.steps.get(id);
    if (rehearsed === undefined) throw new Error(`no step ${id} was rehearsed`);
    const step = withKnown(rehearsed, known);
    if (this.stops) log.stop(step, evidence, step.stage === 'parent' ? process.pid : handOver.second);
    this.show([
      '',
      ...stepHeading(step, this.columns, this.paint),
      ...stepGist(step, this.columns, this.paint),
    ]);
    while (this.stops) {
      const key = await this.terminal.ask(this.paint('inverse', this.terminal.fitting(prompts)));
      if (key === '\r' || key === '\n') break;
      this.answer(key, step, evidence, handOver);
    }
    // From its execve(2) on the terminal is the command's.
    if (id === execStep.id) this.release();
  }

  /** Shows what the step has changed: in a line, and in the kernel's own words as far as there is room. */
  done({ us, before, after }: StepResult, summary: string): void {
    this.show(stepOutcome({ us, before, after }, summary, this.columns, this.paint));
  }

  /** Leaves the terminal as it was found; nothing is shown any more. */
  release(): void {
    this.terminal.release();
  }

  private answer(key: string, step: RehearsedStep, evidence: Evidence, handOver: ProcessHandOver): void {
    const { first, second } = handOver;
    switch (key) {
      case 'm':
        this.show([
          ...stepDetails(step, this.columns, this.paint),
          `${stepIndent}${this.paint('dim', 'the kernel says now:')}`,
          ...stateLines(shownFields(evidence), this.columns, this.paint),
        ]);
        break;
      case 'c':
        this.stops = false;
        break;
      case 'i':
        this.show(inspection(processesOf(first, second), this.paint).map((line) => `${stepIndent}${line}`));
        break;
      case 'e':
        this.show(entryLines(this.spec, first, second).map((line) => `${stepIndent}${line}`));
        break;
      case 'q':
        throw new Failure(`given up before step ${step.number}/${step.of}, and nothing is left of it`, {
          status: givenUpStatus,
        });
      default:
        this.show(help.map((line) => `${stepIndent}${line}`));
    }
  }

  private get columns(): number {
    return this.terminal.textColumns;
  }

  private show(lines: readonly string[]): void {
    this.terminal.write(lines.map((line) => `${line}\n`).join(''));
  }
}

const shownFields = (evidence: Evidence): Evidence => shownValue(evidence) as Evidence;

/** The calls with the process IDs and descriptors that are known by now in the place of their names. */
function withKnown(step: RehearsedStep, known: Readonly<Record<string, number>>): RehearsedStep {
  const calls = JSON.stringify(step.calls).replace(/"<([^<>]+)>"|<([^<>]+)>/g, (text, whole, part) =>
    String(known[whole ?? part] || text),
  );
  return { ...step, calls: JSON.parse(calls) };
}
