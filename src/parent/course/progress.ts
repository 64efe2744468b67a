/** How far a learner has come: one small file in XDG_STATE_HOME/gontainer (XDG Base Directory Specification). */
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { homeFolder } from '../state/home-folder.js';

export interface LessonProgress {
  /** How many sections are done. */
  readonly sections: number;
  /** Whether the lesson was ever finished. */
  readonly done: boolean;
}

const none: LessonProgress = { sections: 0, done: false };

export class Progress {
  /** Undefined for a user without a home folder. */
  private readonly file: string | undefined;
  private readonly lessons: Record<string, LessonProgress>;

  constructor(environment: NodeJS.ProcessEnv = process.env) {
    // A relative path is to be ignored, says the specification.
    const given = environment.XDG_STATE_HOME ?? '';
    const home = homeFolder();
    const folder = isAbsolute(given) ? given : home && join(home, '.local/state');
    this.file = folder && join(folder, 'gontainer/lessons.json');
    this.lessons = this.read();
  }

  of(lesson: string): LessonProgress {
    return this.lessons[lesson] ?? none;
  }

  /** Remembers; returns why that was not possible. */
  set(lesson: string, progress: LessonProgress): string | undefined {
    this.lessons[lesson] = progress;
    if (this.file === undefined)
      return 'Your progress cannot be kept: you have no home folder. Set XDG_STATE_HOME.';
    try {
      mkdirSync(dirname(this.file), { recursive: true });
      const fresh = `${this.file}.${process.pid}`;
      writeFileSync(fresh, `${JSON.stringify(this.lessons, null, 2)}\n`);
      renameSync(fresh, this.file);
      return undefined;
    } catch (error) {
      return `Your progress cannot be kept: ${(error as Error).message}`;
    }
  }

  /** Forgets everything; returns the file that is no more, if there can be one. */
  reset(): string | undefined {
    if (this.file !== undefined) rmSync(this.file, { force: true });
    return this.file;
  }

  /** Without a file there is no progress, nor with one that this program did not write. */
  private read(): Record<string, LessonProgress> {
    try {
      const found: unknown = JSON.parse(readFileSync(this.file ?? '', 'utf8'));
      if (typeof found !== 'object' || found === null) return {};
      return Object.fromEntries(
        Object.entries(found).filter(
          ([, progress]) => Number.isInteger(progress?.sections) && typeof progress?.done === 'boolean',
        ),
      );
    } catch {
      return {};
    }
  }
}
