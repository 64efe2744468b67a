/** A step for people, before it is done: what, why, and the calls about to be made. */
import { callText } from './call-line.js';
import { type Paint, wrapped } from './log-pretty.js';
import type { RehearsedStep } from './rehearse.js';

const indent = '        ';

/** @param width characters in a line; a call is broken, not cut */
export function stepText(rehearsed: RehearsedStep, width: number, paint: Paint): string[] {
  const { number, of, title, stage, man, why, shell, calls } = rehearsed;
  return [
    `${paint('bold', `${`${number}/${of}`.padStart(6)}  ${title}`)}  ${paint('dim', `${stage}, ${man}`)}`,
    ...wrapped(why, width - indent.length).map((line) => `${indent}${line}`),
    `${indent}${paint('dim', '$')} ${shell}`,
    ...calls.map(
      ({ actor, call, args }) =>
        `${indent}${paint('dim', actor.padEnd(longest))} ${callText(call, args, (name) => paint('cyan', name))}`,
    ),
  ];
}

/** The longest name of an actor that every launch has. */
const longest = 'command'.length;
