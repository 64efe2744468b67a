/**
 * The launcher of `gontainer run --detach`: the same launch in a session of its own. It tells the process that started it
 * (detach.ts) when the command runs, or why it does not. After that it holds nothing of the caller's open.
 */
import { closeSync, fstatSync, openSync, rmSync, writeSync } from 'node:fs';
import { exitStatus, type Failure, usageFailure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { Recorder } from '../../../common/kernel/recorder.js';

/** The first word of its command line; the others are the caller's, as they are passed on (caller-text.ts). */
export const backgroundWord = 'detached';

/** What it says, one line of JSON. */
export type Report =
  | {
      readonly name: string;
      /** The container's first process. */
      readonly pid: number;
    }
  | {
      readonly failure: {
        readonly message: string;
        readonly status: number;
        readonly next: string | undefined;
        readonly stack: string | undefined;
      };
    };

/**
 * The numbers of two more descriptors: the caller's standard error, open until the command runs, and the pipe for the
 * report. Those that the caller opened itself keep their numbers.
 */
export function backgroundDescriptors(callers: readonly number[]): { standardError: number; report: number } {
  const [standardError, report] = [3, 4, 5, 6, 7].filter((fd) => !callers.includes(fd));
  return { standardError: standardError as number, report: report as number };
}

/** The options that name a descriptor which the caller opened. */
export const callersDescriptors = (options: Readonly<Record<string, unknown>>): number[] =>
  ['status-fd', 'log-fd', 'env-fd', 'changes-fd'].flatMap((name) =>
    options[name] === undefined ? [] : [Number(options[name])],
  );

export class Background {
  readonly standardError: number;
  private report: number | undefined;
  private output: { readonly path: string; readonly ours: boolean } | undefined;
  private runs = false;

  constructor(options: Readonly<Record<string, unknown>>) {
    const { standardError, report } = backgroundDescriptors(callersDescriptors(options));
    this.standardError = standardError;
    this.report = report;
  }

  /**
   * From here on what the command writes goes to this file, which is emptied.
   * @param ours whether it is the file beside the container's state, and not one that the caller named
   */
  writeTo(path: string, ours: boolean): void {
    let file: number;
    try {
      file = openSync(path, 'w', 0o600);
      closeSync(file);
      // Appending, so that the file can be cut while it is written to.
      file = openSync(path, 'a');
    } catch (error) {
      throw usageFailure(`--output=${path} cannot be written: ${errnoWords(error)}`);
    }
    this.output = { path, ours };
    const kernel = new Recorder('parent', 0n, () => {});
    for (const newfd of [1, 2]) kernel.call('dup2', { oldfd: file, newfd });
    closeSync(file);
  }

  /**
   * The command runs: the caller is told, and let go.
   * @throws where the caller is gone: then the container must not run either
   */
  started(name: string, pid: number): void {
    if (this.runs) return;
    this.tell({ name, pid });
    this.runs = true;
    closeSync(this.standardError);
  }

  /** @returns whether the caller was told, and so will say it */
  failed({ message, status = exitStatus.launcher, next, stack }: Failure): boolean {
    if (this.report === undefined) return false;
    try {
      this.tell({ failure: { message, status, next, stack } });
      return true;
    } catch {
      return false;
    }
  }

  /** The container is gone: an output of ours that says nothing is not kept. */
  release(failed: boolean): void {
    if (this.output?.ours && (!this.runs || (!failed && fstatSync(1).size === 0)))
      rmSync(this.output.path, { force: true });
  }

  private tell(report: Report): void {
    const descriptor = this.report as number;
    this.report = undefined;
    try {
      writeSync(descriptor, `${JSON.stringify(report)}\n`);
    } finally {
      closeSync(descriptor);
    }
  }
}
