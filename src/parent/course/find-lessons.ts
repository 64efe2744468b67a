/** The lessons lie beside the program: docs/lessons, in a checkout and in the installed package alike. */
import { readdirSync, readFileSync, realpathSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Failure, usageFailure } from '../../common/failure.js';
import { nearestName } from '../command-line/nearest-name.js';
import type { Lesson } from './lesson.js';
import { readLesson } from './read-lesson.js';

/**
 * Every lesson, in order.
 * @param script this program's own file
 * @throws Failure when they are missing, or one does not have the form of a lesson
 */
export async function findLessons(script: string): Promise<Lesson[]> {
  const { marked } = await import('marked');
  const folder = join(dirname(realpathSync(script)), '../docs/lessons');
  let names: string[];
  try {
    names = readdirSync(folder).filter((name) => /^\d+-.*\.md$/.test(name));
  } catch (cause) {
    throw new Failure(`the lessons are not in ${folder}`, {
      next: 'They are part of the package: install gontainer again.',
      cause,
    });
  }
  return names.sort().map((name) => {
    const file = join(folder, name);
    return readLesson(file, readFileSync(file, 'utf8'), marked.lexer);
  });
}

/**
 * The lesson of this name or number.
 * @throws Failure (status 2) naming the nearest
 */
export function lessonNamed(given: string, lessons: readonly Lesson[]): Lesson {
  const found = lessons.find(({ name, number }) => name === given || number === Number(given));
  if (found !== undefined) return found;
  const names = lessons.map(({ name }) => name);
  const nearest = nearestName(given, names, Math.max(2, given.length / 2));
  throw usageFailure(
    `there is no lesson “${given}”`,
    nearest === undefined ? 'See them all: gontainer lesson' : `Did you mean: gontainer lesson ${nearest}`,
  );
}
