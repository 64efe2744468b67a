/** Walks a learner through lessons at a terminal. */
import { print } from '../../../common/print.js';
import type { Lesson } from '../../course/lesson.js';
import type { Progress } from '../../course/progress.js';
import { coloured } from '../../text/paint.js';
import { endWith } from './ending-signals.js';
import { Keyboard, Leave } from './keyboard.js';
import { LessonRun } from './lesson-run.js';
import { Renderer } from './render.js';
import { obstacle } from './requirements.js';
import { Session } from './session.js';
import { meansLeave } from './words.js';

/** These end the lesson, and what it started. SIGQUIT is Ctrl-\ while a command has the terminal. */
const endingSignals = ['SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

/**
 * One lesson after the other, until the learner leaves.
 * @param chosen those to walk through, of all that there are
 * @param script this program's own file
 * @returns the exit status
 */
export async function learn(
  chosen: readonly Lesson[],
  lessons: readonly Lesson[],
  script: string,
  progress: Progress,
): Promise<number> {
  const renderer = new Renderer(coloured(process.stdout), () => process.stdout.columns);
  const keyboard = new Keyboard();
  const say = (text: string): void => {
    print(renderer.wrap(text, ''));
  };
  // Ctrl-C at a prompt leaves the lesson (keyboard.ts); while a command runs it is for the command alone.
  process.on('SIGINT', () => {});
  if (process.geteuid?.() === 0)
    say('You are root. The lessons are true for you too, but show more to an ordinary user.');
  for (const lesson of chosen) {
    const reason = obstacle(lesson, script);
    if (reason !== undefined) {
      print(`Lesson ${lesson.number}, ${lesson.title}, cannot run on this machine: ${reason}`);
      if (chosen.length === 1) return 1;
      continue;
    }
    const end = async (): Promise<void> => {
      const left = await run.end();
      if (left !== undefined) say(left);
    };
    // Before there is anything to be removed.
    endWith(endingSignals, end);
    const open = (): Session => new Session(script, true, () => keyboard.interrupt());
    const run = new LessonRun(lesson, open, keyboard, renderer, progress);
    try {
      const next = lessons.find(({ number }) => number > lesson.number);
      if (!(await run.toTheEnd(next))) return 0;
    } finally {
      await end();
    }
    if (lesson !== chosen.at(-1) && !(await goesOn(keyboard))) return 0;
  }
  return 0;
}

/** Between two lessons: Enter, or the learner has had enough for today. */
async function goesOn(keyboard: Keyboard): Promise<boolean> {
  try {
    return !meansLeave(await keyboard.ask('Enter: go on with it; quit ‣ '));
  } catch (error) {
    if (error instanceof Leave) return false;
    throw error;
  }
}
