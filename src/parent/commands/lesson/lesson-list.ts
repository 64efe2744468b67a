import type { Lesson } from '../../course/lesson.js';
import type { Progress } from '../../course/progress.js';
import { missingCommand } from './requirements.js';

/** The lessons with how far the learner is, and what to type next. */
export function listed(lessons: readonly Lesson[], progress: Progress): string {
  const longest = Math.max(...lessons.map(({ name }) => name.length));
  const lines = lessons.map((lesson) => {
    const { number, name, title, minutes } = lesson;
    const lacks = missingCommand(lesson);
    return `${state(lesson, progress)} ${String(number).padStart(2)}  ${name.padEnd(longest)}  ${title}  (${minutes} min)${
      lacks === undefined ? '' : `\n        not here: ${lacks}`
    }`;
  });
  const next = lessons.find(({ name }) => !progress.of(name).done) ?? lessons[0];
  return `${lines.join('\n')}\n\n✓ done  ◐ begun.  ${next === undefined ? '' : `Next: gontainer lesson ${next.name}`}`;
}

function state({ name }: Lesson, progress: Progress): string {
  const { sections, done } = progress.of(name);
  if (done) return '✓';
  return sections > 0 ? '◐' : ' ';
}
