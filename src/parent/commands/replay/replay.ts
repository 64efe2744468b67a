/** `gontainer replay`: a launch as its log tells it, shown as --step shows one. */

import { constants } from 'node:os';
import { isatty } from 'node:tty';
import { statusOfSignal } from '../../../common/failure.js';
import { windowSize } from '../../../common/kernel/terminal-modes.js';
import { print } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import type { RehearsedStep } from '../../../common/step.js';
import { otherSystem } from '../../other-systems.js';
import type { LaunchLog, Step } from '../../recorded/launch-log.js';
import { logText } from '../../recorded/log-text.js';
import { readLog } from '../../recorded/read-log.js';
import { stepDetails, stepGist, stepHeading, stepOutcome } from '../../rehearsal/step-text.js';
import { controllingTerminal, type Streams, WalkTerminal } from '../../terminal/walk-terminal.js';
import { indented } from '../../text/columns.js';
import { coloured, type Paint, painter } from '../../text/paint.js';
import { stepIndent } from '../../text/step-indent.js';

const standardOutput = 1;
/** Where standard output is not a terminal, lines are this long. */
const plainColumns = 100;
const prompt = 'Enter: go on · b: back · m: more · q: quit ';

/**
 * Plays the launch of a log: with keys at a terminal, else all of it at once.
 * @returns the exit status
 * @throws Failure with status 2 when the log cannot be read or is not a log
 */
export async function replay(file: string): Promise<number> {
  const recorded = new Recorded(readLog(logText(file), file));
  if (isatty(standardOutput)) await walk(recorded);
  else print(recorded.all(plainColumns, painter(false)).join('\n'));
  return 0;
}

/** The launch in lines. */
class Recorded {
  constructor(private readonly log: LaunchLog) {}

  get length(): number {
    return this.log.steps.length;
  }

  /** What a step is to do. */
  coming(index: number, columns: number, paint: Paint): string[] {
    const step = this.described(index);
    return ['', ...stepHeading(step, columns, paint), ...stepGist(step, columns, paint)];
  }

  /** All that is to be said of it beforehand, and the calls that were made. */
  details = (index: number, columns: number, paint: Paint): string[] =>
    stepDetails(this.described(index), columns, paint);

  /** What it did. */
  outcome(index: number, columns: number, paint: Paint): string[] {
    const { state, evidence, span, summary = '' } = this.step(index);
    if (state === 'done' && evidence !== undefined && span !== undefined)
      return stepOutcome({ ...evidence, us: span.to - span.from }, summary, columns, paint);
    const { failure } = this.log;
    const sentence =
      state === 'failed' && failure !== undefined
        ? [failure.message, ...(failure.next === undefined ? [] : [failure.next])].join('. ')
        : state === 'unfinished'
          ? 'The log ends in the middle of this step.'
          : 'This step was not reached.';
    const [first = '', ...more] = indented(shownText(sentence), columns, stepIndent);
    return [`${paint('red', '✗')}${first.slice(1)}`, ...more];
  }

  /** How the launch ended. */
  end(columns: number): string[] {
    const { ended, lacks } = this.log;
    const how =
      ended === undefined
        ? []
        : [
            ended.signal === undefined
              ? `The command ended with status ${ended.status}.`
              : `The command was killed by ${shownText(ended.signal)}.`,
          ];
    return ['', ...[...how, ...lacks].flatMap((sentence) => indented(sentence, columns, stepIndent))];
  }

  all(columns: number, paint: Paint): string[] {
    const steps = this.log.steps.flatMap((_, index) => [
      ...this.coming(index, columns, paint),
      ...this.outcome(index, columns, paint),
    ]);
    return [...steps, ...this.end(columns)];
  }

  private step(index: number): Step {
    return this.log.steps[index] as Step;
  }

  private described(index: number): RehearsedStep {
    const { id, evidence: _, span: _span, state: _state, summary: _summary, ...words } = this.step(index);
    const calls = this.log.calls.filter(({ step }) => step === id);
    return { ...words, step: id, of: this.length, calls, refusals: [] } as RehearsedStep;
  }
}

/** Node's own streams, as no command needs them; where standard input is a file, the controlling terminal. */
function streams(): Streams {
  const { stdin: input, stdout: output } = process;
  // Node hears of a change somewhat later than of a key; elsewhere it is the only one to ask.
  const columns = (): number | undefined =>
    otherSystem() === undefined ? windowSize(standardOutput)?.columns : output.columns;
  return { ...(input.isTTY ? { input, output } : controllingTerminal('gontainer replay')), columns };
}

async function walk(recorded: Recorded): Promise<void> {
  const terminal = new WalkTerminal(streams());
  const paint = painter(coloured({ isTTY: true }));
  const show = (lines: readonly string[]): void => terminal.write(lines.map((line) => `${line}\n`).join(''));
  const columns = (): number => terminal.textColumns;
  const interrupted = (): never => {
    terminal.release();
    process.exit(statusOfSignal(constants.signals.SIGINT));
  };
  process.on('SIGINT', interrupted);
  try {
    for (let index = 0; index < recorded.length; ) {
      show(recorded.coming(index, columns(), paint));
      let key = await terminal.ask(paint('inverse', prompt));
      for (; key === 'm'; key = await terminal.ask(paint('inverse', prompt)))
        show(recorded.details(index, columns(), paint));
      if (key === 'q') return;
      if (key === 'b') {
        index = Math.max(0, index - 1);
        continue;
      }
      show(recorded.outcome(index, columns(), paint));
      index += 1;
    }
    show(recorded.end(columns()));
  } finally {
    process.off('SIGINT', interrupted);
    terminal.release();
  }
}
