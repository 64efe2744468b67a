import type { Lesson } from '../../course/lesson.js';
import type { Progress } from '../../course/progress.js';
import { wrapped } from '../../text/columns.js';
import { missingCommand } from './requirements.js';

/**
 * The lessons with how far the learner is, and what to type next.
 * @param columns of the terminal
 */
export function listed(lessons: readonly Lesson[], progress: Progress, columns: number): string {
  const longest = Math.max(...lessons.map(({ name }) => name.length));
  const lines = lessons.flatMap((lesson) => {
    const { number, name, title, minutes } = lesson;
    const lacks = missingCommand(lesson);
    const mark = `${state(lesson, progress)} ${String(number).padStart(2)}  ${name.padEnd(longest)}  `;
    const indent = ' '.repeat(mark.length);
    return [`${title} (${minutes} min)`, ...(lacks === undefined ? [] : [`not here: ${lacks}`])]
      .flatMap((text) => wrapped(text, Math.max(16, columns - mark.length)))
      .map((text, index) => (index === 0 ? mark : indent) + text);
  });
  const next = lessons.find(({ name }) => !progress.of(name).done) ?? lessons[0];
  return `${lines.join('\n')}\n\n✓ done  ◐ begun.  ${next === undefined ? '' : `Next: gontainer lesson ${next.name}`}`;
}

function state({ name }: Lesson, progress: Progress): string {
  const { sections, done } = progress.of(name);
  if (done) return '✓';
  return sections > 0 ? '◐' : ' ';
}
