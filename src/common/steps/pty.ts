/** The step that opens a pseudo-terminal for the command: pty(7). */
import { fstatSync, statSync } from 'node:fs';
import { shellWord } from '../shell-word.js';
import type { Step } from '../step.js';
import type { CommandContext } from './command-context.js';
import { terminals } from './devpts.js';

/** Runs a shell command in a terminal of its own: script(1). */
export const inOwnTerminal = (command: string): string =>
  `script --quiet --return --command ${shellWord(command)} /dev/null`;

export const ptyStep: Step<CommandContext> = {
  id: 'pty',
  stage: 'child',
  title: () => 'open a terminal',
  why:
    'Whoever shares a terminal can type into it for the other (TIOCSTI). So the command gets a pseudo-terminal, which has ' +
    'two ends. The command holds one. The launcher, on the host, holds the other, the master, and passes on what is ' +
    'typed and what is written. Nobody in the container keeps a master.',
  man: 'pty(7), ptmx(4), ioctl_tty(2), pidfd_getfd(2)',
  shell: ({ command }) => inOwnTerminal(`exec ${command.map(shellWord).join(' ')}`),
  applies: ({ terminal }) => terminal === 'own',
  run: ({ terminal }) => terminal.open(),
  evidence: ({ terminal: { path } }) => ({
    '/dev/pts': terminals(),
    ...(path === '' ? {} : { owner: ownerOf(path) }),
    'standard streams of the child': [0, 1, 2].map(deviceOf),
  }),
  summary: (before, after) => {
    const [old, now] = [before['/dev/pts'], after['/dev/pts']] as string[][];
    return `/dev/pts/${now?.find((name) => name !== 'ptmx' && !old?.includes(name))}`;
  },
  shortfall: (before, after, { becomesUser, user }) => {
    if ((after['/dev/pts'] as string[]).length <= (before['/dev/pts'] as string[]).length)
      return 'there is no new terminal in /dev/pts';
    if (becomesUser && after.owner !== user.uid) return `the terminal belongs to user ${after.owner}`;
    // null(4): 1:3.
    const held = (after['standard streams of the child'] as string[]).find((device) => device !== '1:3');
    return held && 'the child still holds a standard stream of the caller';
  },
};

function ownerOf(path: string): number | undefined {
  return statSync(path, { throwIfNoEntry: false })?.uid;
}

/** `1:3` for a device, `none` for anything else: makedev(3), for numbers below 256. */
function deviceOf(descriptor: number): string {
  const found = fstatSync(descriptor);
  return found.isCharacterDevice() ? `${found.rdev >> 8}:${found.rdev & 255}` : 'none';
}
