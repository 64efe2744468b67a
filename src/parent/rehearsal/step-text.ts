/** A step for people, before it is done. */
import { shownText, shownValue } from '../../common/shown-text.js';
import type { Evidence, RehearsedStep, StepResult } from '../../common/step.js';
import { callLines } from '../text/call.js';
import { indented } from '../text/columns.js';
import { changeLines } from '../text/evidence-lines.js';
import type { Paint } from '../text/paint.js';
import { shellLines } from '../text/shell-lines.js';
import { stepIndent } from '../text/step-indent.js';

/** What a reader has to know first: what is to be done, and why. */
export function stepHeading(rehearsed: RehearsedStep, columns: number, paint: Paint): string[] {
  const { number, of, title, why } = shownValue(rehearsed) as RehearsedStep;
  const place = `${number}/${of}`.padStart(stepIndent.length - 1);
  const [first = '', ...more] = indented(title, columns, stepIndent);
  return [
    `${paint('dim', place)} ${paint('bold', first.slice(stepIndent.length))}`,
    ...more.map((line) => paint('bold', line)),
    ...indented(why, columns, stepIndent),
  ];
}

/** The shortest command that does the same, or the idea of it. */
export function stepGist(rehearsed: RehearsedStep, columns: number, paint: Paint): string[] {
  const { shell, gist = shell } = shownValue(rehearsed) as RehearsedStep;
  return shellLines({ shell: gist }, columns, paint, 3);
}

/** All that can be known of it beforehand. */
export function stepDetails(rehearsed: RehearsedStep, columns: number, paint: Paint): string[] {
  const { stage, man, shell, gist, refusals } = shownValue(rehearsed) as RehearsedStep;
  return [
    ...shellLines({ shell, gist }, columns, paint, Number.POSITIVE_INFINITY),
    ...indented(`${stage}, ${man}`, columns, stepIndent).map((line) => paint('dim', line)),
    ...rehearsed.calls.flatMap((call) => callLines(call, columns, stepIndent, paint)),
    ...refusals.flatMap(({ call, instead }) =>
      indented(`If the kernel refuses ${call}(2): ${instead}.`, columns, stepIndent),
    ),
  ];
}

/** So many lines of what changed leave room for the step that follows, in a window of 24 lines. */
const mostChanges = 8;

/** What a step has changed: in a line, and in the kernel's own words as far as there is room. */
export function stepOutcome(
  { us, before, after }: Pick<StepResult, 'us' | 'before' | 'after'>,
  summary: string,
  columns: number,
  paint: Paint,
): string[] {
  const sentence = `${shownText(summary)}  (${Math.round(us)} µs)`;
  const [first = '', ...more] = indented(sentence, columns, stepIndent);
  const changes = changeLines(shownValue(before) as Evidence, shownValue(after) as Evidence, columns, paint);
  const shown = changes.slice(0, mostChanges);
  const left = changes.length - shown.length;
  return [
    `${paint('green', '✓')}${first.slice(1)}`,
    ...more,
    ...shown,
    ...(left > 0 ? [`${stepIndent}… and ${left} more lines`] : []),
  ];
}
