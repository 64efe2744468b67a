/** The launch's side of the state folder: a container is written down while it lives. */

import { closeSync, constants, linkSync, openSync, unlinkSync, writeFileSync, writeSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { defined } from '../../common/defined.js';
import { type Failure, usageFailure } from '../../common/failure.js';
import type { HeldOverlay } from '../changes/layers.js';
import { draftIn } from './draft.js';
import { forgetEnded, keepEnded } from './ended.js';
import {
  type Beginning,
  type End,
  entryExtension,
  type Grouped,
  isContainerName,
  type Layered,
  type Made,
  outputExtension,
  type Placed,
  type Progress,
  viewpoint,
} from './entry.js';
import type { LeftMountPoints } from './left-mount-points.js';
import { removeStale } from './listing.js';
import { identify, ownIdentity, type ProcessIdentity } from './process-identity.js';
import { removeFile } from './remove-file.js';
import { madeStateFolder } from './state-folder.js';

/** What there is to write down of a launch. */
export interface RegisteredLaunch {
  readonly command: readonly string[];
  readonly asPid1: boolean;
  readonly root?: { readonly path: string };
  readonly stopSignal?: string;
  /** The values of the options --name, --log-file, --detach and --output. */
  readonly name: string | undefined;
  readonly log: string | undefined;
  readonly detached: boolean;
  readonly output: string | undefined;
}

export class Registration {
  /** The process that the last step left in the namespaces: who it is does not change. */
  private process: ProcessIdentity | undefined;
  /** The last step that is done and not written down yet: the child's steps come some at a time. */
  private latest: { readonly step: string; readonly pid: number } | undefined;

  private constructor(
    private readonly beginning: Beginning,
    private readonly path: string,
    private file: number | undefined,
  ) {}

  get name(): string {
    return this.beginning.name;
  }

  /** The file for the command's output, where the container was let go. */
  get output(): string | undefined {
    return this.beginning.output;
  }

  /**
   * Takes a name, before anything is started.
   * @param container what is launched; without a name one is made from the command
   * @param warn is told when the container cannot be written down: it is launched all the same
   * @throws Failure with status 2 when the name is taken, or is none
   */
  static take(container: RegisteredLaunch, warn: (sentence: string) => void): Registration | undefined {
    const { command, name: given } = container;
    if (given !== undefined && !isContainerName(given)) {
      throw usageFailure(
        `“${given}” is not a valid container name`,
        'A name has at most 63 letters, digits, “_”, “.” and “-”, begins with a letter or digit, and is not digits alone.',
      );
    }
    try {
      const folder = madeStateFolder();
      for (;;) {
        const name = given ?? madeUpName(command);
        const path = `${folder}/${name}${entryExtension}`;
        const content = beginning(folder, name, container);
        if (written(path, content)) {
          forgetEnded(folder, name);
          return new Registration(content, path, openSync(path, constants.O_WRONLY | constants.O_APPEND));
        }
        if (!removeStale(path) && given !== undefined) {
          throw usageFailure(
            `the name ${name} is taken: there is ${path}`,
            'See gontainer ps, and choose another --name.',
          );
        }
      }
    } catch (error) {
      if ((error as Failure).status === 2) throw error;
      warn(`this container is not in gontainer ps: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** A step is done, and this process is in the new namespaces. */
  done(step: string, pid: number): void {
    if (this.latest === undefined) process.nextTick(() => this.writeStep());
    this.latest = { step, pid };
  }

  /** Writes down how far the launch is, for a reader who is about to be told so. */
  writeStep(): void {
    if (this.latest === undefined) return;
    const { step, pid } = this.latest;
    this.latest = undefined;
    if (this.process?.pid !== pid) this.process = identify(pid);
    if (this.process !== undefined) this.add({ step, process: this.process });
  }

  /** The launch has made these mount points. */
  made(mountPoints: LeftMountPoints): void {
    this.add({ mountPoints });
  }

  /** The launch is about to make these placeholders, or to use them. */
  placed(placeholders: readonly string[]): void {
    this.add({ placeholders });
  }

  /** The launch is about to make these control groups. */
  grouped(groups: readonly string[]): void {
    this.add({ groups });
  }

  /** The command is about to run, and what it changes in these can be listed. */
  layered(overlays: readonly HeldOverlay[]): void {
    this.add({ overlays });
  }

  /** The command has ended: whoever waits for it has the file open, and whoever comes later finds what is kept of it. */
  ended(status: number): void {
    if (this.file !== undefined) keepEnded(this.path, { ...this.beginning, status });
    this.writeStep();
    this.add({ status });
  }

  /** Nothing of the container is left. */
  release(): void {
    if (this.file === undefined) return;
    closeSync(this.file);
    this.file = undefined;
    removeFile(this.path);
  }

  /** One write(2) at the end of the file: a reader sees the whole line, or knows by its missing end that it does not. */
  private add(line: Progress | Made | Placed | Grouped | Layered | End): void {
    if (this.file === undefined) return;
    try {
      writeSync(this.file, `${JSON.stringify(line)}\n`);
    } catch {
      // A full disk is no reason to end a container; it is then reported as not yet running.
    }
  }
}

function beginning(
  folder: string,
  name: string,
  {
    command,
    log,
    asPid1,
    root,
    stopSignal,
    detached,
    output = `${folder}/${name}${outputExtension}`,
  }: RegisteredLaunch,
): Beginning {
  const launcher = ownIdentity();
  if (launcher === undefined) throw new Error('/proc does not show this process');
  return {
    format: 1,
    name,
    command,
    started: Date.now(),
    launcher,
    seenFrom: viewpoint(),
    ...defined({
      log: log === undefined ? undefined : resolve(log),
      root: root?.path,
      stopSignal,
      asPid1: asPid1 || undefined,
      output: detached ? resolve(output) : undefined,
    }),
  };
}

/**
 * Writes a file that appears with all its content or not at all: link(2) fails where the name is taken.
 * @returns false in that case
 */
function written(path: string, content: Beginning): boolean {
  const draft = draftIn(dirname(path));
  writeFileSync(draft, `${JSON.stringify(content)}\n`, { mode: 0o600 });
  try {
    linkSync(draft, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  } finally {
    unlinkSync(draft);
  }
}

/** `sh-3fa2`: the program and four digits of chance. */
function madeUpName(command: readonly string[]): string {
  const program = basename(command[0] ?? '')
    .replace(/[^A-Za-z0-9_.-]/g, '')
    .replace(/^[^A-Za-z0-9]+/, '');
  const chance = Math.floor(Math.random() * 0x10000)
    .toString(16)
    .padStart(4, '0');
  return `${program.slice(0, 40) || 'container'}-${chance}`;
}
