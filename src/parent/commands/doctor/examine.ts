import { defined } from '../../../common/defined.js';
import { Failure } from '../../../common/failure.js';
import { print } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import { coloured } from '../../text/paint.js';
import { type Check, checks, type Finding } from './checks.js';

const signs: Readonly<Record<Finding['state'], string>> = { ok: '✓', warning: '!', problem: '✗' };
const colours: Readonly<Record<Finding['state'], number>> = { ok: 32, warning: 33, problem: 31 };

/** Does every check and prints what was found. @returns 1 if there is a problem, else 0 */
export async function examine(format: 'json' | 'text'): Promise<number> {
  // Those that start a launch wait for its end, all of them at the same time.
  const findings = await Promise.all(
    checks.map(async ({ id, title, examine: look }) => ({ id, title, ...(await looked(look)) })),
  );
  const colour = coloured({ isTTY: format === 'text' });
  const sign = (state: Finding['state']): string =>
    colour ? `\x1b[${colours[state]}m${signs[state]}\x1b[0m` : signs[state];
  const lines = findings.flatMap(({ state, title, found, fix }) => [
    `${sign(state)} ${title}: ${shownText(found)}`,
    ...(fix === undefined ? [] : [`    ${shownText(fix)}`]),
  ]);
  print(format === 'json' ? JSON.stringify(findings, null, 2) : lines.join('\n'));
  return findings.some(({ state }) => state === 'problem') ? 1 : 0;
}

/** One check that cannot be made is a finding, and the others are made all the same. */
async function looked(look: Check['examine']): Promise<Finding> {
  try {
    return await look();
  } catch (error) {
    const next = error instanceof Failure ? error.next : undefined;
    return defined({ state: 'problem' as const, found: (error as Error).message, fix: next });
  }
}
