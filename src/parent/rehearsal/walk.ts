/** --step: goes through a launch with somebody. Every step is shown before it is done, and what it changed after. */
import { Failure } from '../../common/failure.js';
import { shownValue } from '../../common/shown-text.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { Evidence, RehearsedStep, StepResult } from '../../common/step.js';
import { execStep } from '../../common/steps/command.js';
import type { StepPauses } from '../launch/companions.js';
import type { ProcessHandOver } from '../launch/process-hand-over.js';
import type { Log } from '../log/log.js';
import { WalkTerminal } from '../terminal/walk-terminal.js';
import { wrapped } from '../text/columns.js';
import { changes } from '../text/evidence-changes.js';
import { coloured, type Paint, painter } from '../text/paint.js';
import { entryCommands, inspection, processesOf } from './inspect.js';
import { rehearse } from './rehearse.js';
import { stepText } from './step-text.js';

/** As after Ctrl-C: bash(1), 128 and the number of SIGINT. */
const givenUpStatus = 130;

const indent = '        ';
const prompt = '  Enter: do it · c: run on · i: inspect · e: enter · q: give up · ?: help ';
const help = [
  'Enter  does the step that is shown, and stops before the next',
  'c      does it and all that follow, without stopping',
  'i      inspects the container as it is now: processes, namespaces, ID maps, mounts',
  'e      prints commands to look at it, and to go in, from a second terminal',
  'q      gives up; what was built so far is taken down again',
  '?, h   prints this',
];

export class Walk implements StepPauses {
  private readonly terminal = new WalkTerminal();
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
   * Shows a step and the evidence as it stands, and returns when it shall be done. A stop is logged, for whoever follows.
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
      ...stepText(step, this.width, this.paint),
      `${indent}${this.paint('dim', 'as it is now')}`,
      ...this.evidenceLines(evidence),
    ]);
    while (this.stops) {
      const key = await this.terminal.ask(this.paint('inverse', prompt));
      if (key === '\r' || key === '\n') break;
      this.answer(key, step, handOver);
    }
    // From its execve(2) on the terminal is the command's.
    if (id === execStep.id) this.release();
  }

  /** Shows what the step has changed. */
  done({ us, before, after }: StepResult): void {
    this.show([
      `${indent}${this.paint('green', '✓')} done in ${Math.round(us)} µs`,
      ...changes(shownFields(before), shownFields(after), this.paint).map((line) => `${indent}  ${line}`),
    ]);
  }

  /** Leaves the terminal as it was found; nothing is shown any more. */
  release(): void {
    this.terminal.release();
  }

  private answer(key: string, { number, of }: RehearsedStep, { first, second }: ProcessHandOver): void {
    switch (key) {
      case 'c':
        this.stops = false;
        break;
      case 'i':
        this.show(inspection(processesOf(first, second), this.paint).map((line) => `${indent}${line}`));
        break;
      case 'e':
        this.show(this.entryLines(first, second).map((line) => `${indent}${line}`));
        break;
      case 'q':
        throw new Failure(`given up before step ${number}/${of}, and nothing is left of it`, {
          status: givenUpStatus,
        });
      default:
        this.show(help.map((line) => `${indent}${line}`));
    }
  }

  private entryLines(first: number, second: number): string[] {
    const target = processesOf(first, second).find(({ pid }) => pid === (second || first));
    return target === undefined
      ? ['There is nothing to enter yet: the first step makes the process that leaves.']
      : [
          'In a second terminal, as the same user:',
          ...entryCommands(this.spec, target).map((line) => `$ ${line}`),
        ];
  }

  private evidenceLines(evidence: Evidence): string[] {
    const shown = shownFields(evidence);
    return changes(shown, shown, this.paint).flatMap((line) =>
      wrapped(line, this.width - indent.length - 4).map(
        (part, index) => `${indent}  ${index === 0 ? '' : '  '}${part}`,
      ),
    );
  }

  private get width(): number {
    return Math.max(40, Math.min(110, this.terminal.columns - 1));
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
