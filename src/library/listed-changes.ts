/** What a container has changed, as `gontainer diff` lists it: a process of its own, as there may be much to look at. */
import { execFile } from 'node:child_process';
import type { ChangeList } from '../common/change-list.js';
import { Failure } from '../common/failure.js';
import { errnoWords, errorCode } from '../common/kernel/kernel-error.js';
import { launcherEnvironment } from './command-environment.js';
import { launcherFile } from './launcher-file.js';
import { inProgramWords } from './option-words.js';
import type { StartedChange } from './status.js';

/** Of those that it may end with, these come with a list: complete, or not. */
const listed: readonly unknown[] = [0, 1];

/**
 * @param started what the launcher told when the command started
 * @throws Failure where the container has ended
 */
export async function listedChanges(started: StartedChange): Promise<ChangeList> {
  const words = ['--', launcherFile(), 'diff', '--json', '--status=-'];
  const options = { env: launcherEnvironment(), maxBuffer: Number.POSITIVE_INFINITY };
  return new Promise((resolve, reject) => {
    const child = execFile(process.execPath, words, options, (error, stdout, stderr) => {
      const list = listed.includes(child.exitCode) ? parsed(stdout) : undefined;
      const said = inProgramWords(sentence(stderr));
      if (list !== undefined) resolve(list);
      else reject(said === '' ? brokenOff(error) : new Failure(said));
    });
    // One that ends before it reads says why.
    child.stdin?.on('error', () => {}).end(JSON.stringify(started));
  });
}

/** Undefined where it is none: what breaks off in the middle ends with a status of those, too. */
function parsed(text: string): ChangeList | undefined {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** It ended without a word. Where it could not be started at all, the error names why. */
function brokenOff(cause: Error | null): Failure {
  const why = errorCode(cause) === undefined ? '' : `: ${errnoWords(cause)}`;
  return new Failure(`the list of changes broke off${why}`, {
    next: 'Ask again.',
    cause: cause ?? undefined,
  });
}

/** What it says on standard error, without its own name. */
const sentence = (said: string): string => said.replace(/^gontainer: |\.?\n$/g, '');
