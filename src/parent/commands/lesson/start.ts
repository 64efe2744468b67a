/** `gontainer lesson`: lists the lessons, walks a learner through one, prints one to read, or checks them. */
import { isatty } from 'node:tty';
import { usageFailure } from '../../../common/failure.js';
import { print } from '../../../common/print.js';
import type { Values } from '../../command-line/subcommand.js';
import { findLessons, lessonNamed } from '../../course/find-lessons.js';
import { Progress } from '../../course/progress.js';
import { coloured } from '../../text/paint.js';
import { adoptOrphans } from './descendants.js';
import { listed } from './lesson-list.js';
import { Renderer } from './render.js';

/**
 * @param script this program's own file
 * @returns the exit status
 */
export async function lesson({ options, positionals }: Values, script: string): Promise<number> {
  const name = positionals.NAME;
  if (options.reset) {
    if (name !== undefined || options.all || options.auto)
      throw usageFailure(
        '--reset forgets your progress in every lesson, and takes nothing else',
        'Try: gontainer lesson --reset',
      );
    print(`Forgotten: ${new Progress().reset() ?? 'there was nothing'}`);
    return 0;
  }
  if (options.all && name !== undefined)
    throw usageFailure(`--all means every lesson, and ${name} is one of them`, 'Leave out one of the two.');
  const lessons = await findLessons(script);
  if (options.auto && !options.all && name === undefined)
    throw usageFailure('--auto needs the name of a lesson, or --all', 'Try: gontainer lesson --all --auto');
  const chosen = name === undefined ? lessons : [lessonNamed(name, lessons)];
  if (name === undefined && !options.all) {
    print(listed(lessons, new Progress(), process.stdout.columns || 80));
    return 0;
  }
  if (options.read && options.auto)
    throw usageFailure('--auto runs a lesson, and --read only prints it', 'Leave out one of the two.');
  if (options.read || process.platform !== 'linux') {
    const { readThrough } = await import('./read-through.js');
    const renderer = new Renderer(coloured(process.stdout), () => process.stdout.columns);
    for (const one of chosen) print(`${readThrough(one, renderer)}\n`);
    return 0;
  }
  if (options.auto) {
    const { runAll } = await import('./auto.js');
    adoptOrphans();
    return runAll(chosen, script, print);
  }
  if (!isatty(0) || !isatty(1)) {
    throw usageFailure(
      'a lesson asks and waits for answers, so it needs a terminal',
      `Run it without one: gontainer lesson ${name ?? '--all'} --auto`,
    );
  }
  const { learn } = await import('./learn.js');
  adoptOrphans();
  return learn(chosen, lessons, script, new Progress());
}
