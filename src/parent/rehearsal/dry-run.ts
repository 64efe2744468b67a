/** --dry-run: the list of steps with everything that can be known beforehand. Nothing of it is done. */

import { helpWidth } from '../../common/help-text.js';
import { isTerminal } from '../../common/kernel/processes.js';
import { print } from '../../common/print.js';
import { shownJson } from '../../common/shown-text.js';
import { type LaunchSpec, unshares } from '../../common/spec.js';
import { forbiddenBy } from '../advice/obstacles.js';
import { indented } from '../text/columns.js';
import { coloured, painter } from '../text/paint.js';
import { rehearse } from './rehearse.js';
import { stepDetails, stepHeading } from './step-text.js';

/** Version of the JSON: a reader refuses a higher one (docs/walk.md). */
const format = 1;
const standardOutput = 1;

const notDone =
  'Nothing was done. Names in <…> are known only when it is: process IDs, and descriptors ([0] reads, [1] writes).';

/**
 * Prints the rehearsal on standard output.
 * @returns the exit status
 * @throws Failure where the launch could not be begun
 */
export async function dryRun(
  spec: LaunchSpec,
  script: string,
  form: 'text' | 'json' | 'shell',
): Promise<number> {
  const steps = rehearse(spec, script);
  // A host that forbids user namespaces does not forbid to read about them.
  const forbidden = unshares(spec, 'uid') ? forbiddenBy() : undefined;
  const paint = painter(coloured({ isTTY: isTerminal(standardOutput) }));
  switch (form) {
    case 'json':
      print(shownJson(JSON.stringify({ format, forbidden, steps }, null, 2)));
      break;
    case 'shell': {
      const { shellScript } = await import('./shell-script.js');
      print(shellScript(spec, steps));
      break;
    }
    case 'text': {
      const width = Math.max(40, helpWidth());
      print(
        [
          ...steps.flatMap((step) => [
            ...stepHeading(step, width, paint),
            ...stepDetails(step, width, paint),
            '',
          ]),
          ...indented(notDone, width, ''),
          ...(forbidden === undefined
            ? []
            : indented(`Here the launch would fail: ${forbidden}`, width, '').map((line) =>
                paint('red', line),
              )),
        ].join('\n'),
      );
    }
  }
  return 0;
}
