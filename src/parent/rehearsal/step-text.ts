/** A step for people, before it is done: what, why, and the calls about to be made. */

import { shownValue } from '../../common/shown-text.js';
import type { RehearsedStep } from '../../common/step.js';
import { callText } from '../text/call.js';
import { wrapped } from '../text/columns.js';
import type { Paint } from '../text/paint.js';

const indent = '        ';

/** @param width characters in a line */
export function stepText(rehearsed: RehearsedStep, width: number, paint: Paint): string[] {
  const { number, of, title, stage, man, why, shell, calls } = shownValue(rehearsed) as RehearsedStep;
  return [
    `${paint('bold', `${`${number}/${of}`.padStart(6)}  ${title}`)}  ${paint('dim', `${stage}, ${man}`)}`,
    ...wrapped(why, width - indent.length).map((line) => `${indent}${line}`),
    `${indent}${paint('dim', '$')} ${shell}`,
    ...calls.flatMap(({ actor, call, args }) => {
      const [first = '', ...more] = broken(callText(call, args), width - indent.length - longest - 3);
      return [
        `${indent}${paint('dim', actor.padEnd(longest))} ${paint('cyan', call)}${first.slice(call.length)}`,
        ...more.map((line) => `${indent}${' '.repeat(longest)}   ${line}`),
      ];
    }),
  ];
}

/** Breaks a call into lines where it can be: after a blank, a comma or a bar. */
function broken(text: string, width: number): string[] {
  const lines = [''];
  for (const piece of text.split(/(?<=[ ,|])/)) {
    const last = lines.length - 1;
    if ((lines[last] as string).length + piece.trimEnd().length > width) lines.push(piece);
    else lines[last] += piece;
  }
  return lines;
}

/** The longest name of an actor that every launch has. */
const longest = 'command'.length;
