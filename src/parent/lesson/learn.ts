/** Walks a learner through lessons at a terminal. */
import { statusOfSignal } from '../../common/failure.js';
import { signalNumber } from '../../common/kernel/processes.js';
import { coloured } from '../banner.js';
import { Keyboard } from './keyboard.js';
import type { Lesson } from './lesson.js';
import type { Progress } from './progress.js';
import { Renderer } from './render.js';
import { obstacle } from './requirements.js';
import { Session } from './session.js';
import { Walk } from './walk.js';

/**
 * One lesson after the other, until the learner leaves.
 * @param script this program's own file
 * @returns the exit status
 */
export async function learn(lessons: readonly Lesson[], script: string, progress: Progress): Promise<number> {
  const renderer = await Renderer.create(coloured(process.stdout), process.stdout.columns);
  const keyboard = new Keyboard();
  // Ctrl-C at a prompt leaves the lesson (keyboard.ts); while a command runs it is for the command alone.
  process.on('SIGINT', () => {});
  for (const [index, lesson] of lessons.entries()) {
    const reason = obstacle(lesson, script);
    if (reason !== undefined) {
      say(`Lesson ${lesson.number}, ${lesson.title}, cannot run on this machine: ${reason}`);
      if (lessons.length === 1) return 1;
      continue;
    }
    const session = new Session(script, true);
    const end = async (): Promise<void> => {
      const left = await session.end(lesson.cleanup);
      if (left !== undefined) say(left);
    };
    for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
      process.removeAllListeners(signal);
      process.once(signal, () => {
        void end().finally(() => process.exit(statusOfSignal(signalNumber(signal))));
      });
    }
    try {
      const walk = new Walk(lesson, session, keyboard, renderer, progress);
      if (!(await walk.toTheEnd(lessons[index + 1]))) return 0;
    } finally {
      await end();
    }
  }
  return 0;
}

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};
