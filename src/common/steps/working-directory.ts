import { linkText } from '../byte-text.js';
import { directoryId } from '../evidence.js';
import { shellWord } from '../shell-word.js';
import type { LaunchSpec } from '../spec.js';
import type { Step } from '../step.js';

/** After chroot(2) alone the working directory is still the host's. */
const directory = ({ workingDirectory }: LaunchSpec): string => workingDirectory ?? '/';

export const workingDirectoryStep: Step = {
  id: 'working-directory',
  stage: 'child',
  title: () => 'change the working directory',
  why: 'The working directory is where relative paths start. The command inherits it.',
  man: 'chdir(2)',
  shell: (spec) => `cd ${shellWord(directory(spec))}`,
  applies: ({ root, workingDirectory }) => root?.method === 'chroot' || workingDirectory !== undefined,
  run: ({ spec, kernel }) => {
    kernel.call('chdir', { path: directory(spec) });
  },
  // The name alone does not tell: after chroot(2), that of the old root is / too.
  evidence: ({ spec }) => ({
    'working directory': linkText('/proc/self/cwd'),
    'is the directory': directoryId('.'),
    'directory at its path': directoryId(directory(spec)),
  }),
  summary: (before, after) => `${before['working directory']} → ${after['working directory']}`,
  shortfall: (_, after) =>
    after['is the directory'] === after['directory at its path']
      ? undefined
      : 'the working directory is another',
};
