/** A step for people, before it is done. */
import { shownValue } from '../../common/shown-text.js';
import type { RehearsedStep } from '../../common/step.js';
import { callLines } from '../text/call.js';
import { indented } from '../text/columns.js';
import type { Paint } from '../text/paint.js';
import { shellLines } from '../text/shell-lines.js';
import { stepIndent } from '../text/step-line.js';

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
