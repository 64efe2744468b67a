/** The folder in which a lesson's commands run, and `gontainer` and `node` on its PATH: this very program. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { shellWord } from '../../../common/shell-word.js';

export class Scratch {
  private readonly folder = mkdtempSync(join(tmpdir(), 'gontainer-lesson-'));
  /** Where the commands run. */
  readonly work = join(this.folder, 'work');
  /** Where `gontainer` and `node` are. */
  readonly programs = join(this.folder, 'programs');

  constructor(script: string) {
    mkdirSync(this.work);
    mkdirSync(this.programs);
    symlinkSync(process.execPath, join(this.programs, 'node'));
    const words = [process.execPath, ...process.execArgv, script].map(shellWord).join(' ');
    writeFileSync(join(this.programs, 'gontainer'), `#!/bin/sh\nexec ${words} "$@"\n`, { mode: 0o755 });
  }

  /**
   * Removes it, with all that the learner made in it.
   * @returns why it could not be removed
   */
  remove(): string | undefined {
    // Removing files below a mount point would remove those of what is mounted.
    const mounted = readFileSync('/proc/self/mountinfo', 'utf8').includes(` ${this.folder}/`);
    if (mounted)
      return `${this.folder} is left, as something is mounted in it: see findmnt -R ${this.folder}`;
    try {
      rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 });
      return undefined;
    } catch (error) {
      return `${this.folder} is left: ${(error as Error).message}`;
    }
  }
}
