/** The smallest launch in which a command has what it needs: as options, a command line, and a call of launch(). */
import { shellWord } from '../../../common/shell-word.js';
import { isBelow, isFolder, writtenFolders } from './folders.js';
import type { Needs } from './needs.js';

/** An option and its value; true for a flag. */
export type Choice = readonly [name: string, value: true | string | readonly string[]];

/** Folders in which others keep what is none of a command's business; those that it did not open are covered. */
const coverable = ['/home', '/root', '/srv', '/mnt', '/media', '/opt'];

/** What the learning was done in. */
export interface Place {
  readonly working: string;
  readonly home: string;
  /** Another root than the host's own tree. */
  readonly root?: string;
  readonly mapAuto: boolean;
}

export function smallestLaunch(needs: Needs, { working, home, root, mapAuto }: Place): Choice[] {
  const namespaces = ['uid', 'pid', 'uts', 'ipc', 'cgroup', ...(needs.needsNetwork ? [] : ['net'])];
  const choices: Choice[] = namespaces.map((name) => [name, true]);
  if (mapAuto) choices.push(['map-auto', true]);
  if (root !== undefined)
    return [...choices, ['mnt', root], [needs.written.size > 0 ? 'ephemeral' : 'read-only', true]];
  const { folders, scratch } = writtenFolders(needs.written, working, home);
  const used = [working, ...needs.programs, ...needs.read, ...needs.written];
  const covered = coverable.filter(
    (folder) => isFolder(folder) && !used.some((path) => isBelow(path, folder)),
  );
  const empty = [...scratch, ...covered];
  return [
    ...choices,
    ['read-only', true],
    ...some(
      'bind',
      folders.filter((folder) => !folder.includes(':')).map((folder) => `${folder}:${folder}`),
    ),
    ...some('mount', folders.filter((folder) => folder.includes(':')).map(describedBind)),
    ...some('tmpfs', empty),
  ];
}

const some = (name: string, values: readonly string[]): Choice[] =>
  values.length > 0 ? [[name, values]] : [];

/** As --mount takes it, a record of CSV: --bind takes no path with a colon. */
const describedBind = (folder: string): string =>
  ['type=bind', `source=${folder}`, `target=${folder}`]
    .map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field))
    .join(',');

/** `--uid`, `--bind`, `/a:/a`. */
export const choiceWords = (choices: readonly Choice[]): string[] =>
  choices.flatMap(([name, value]) =>
    value === true ? [`--${name}`] : [value].flat().map((one) => `--${name}=${one}`),
  );

export const commandLine = (choices: readonly Choice[], command: readonly string[]): string =>
  ['gontainer', 'run', ...[...choiceWords(choices), '--', ...command].map(shellWord)].join(' ');

/** As a program writes it: `launch({ uid: true, … })`. */
export function launchCall(choices: readonly Choice[], command: readonly string[]): string {
  const camel = (name: string): string => name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
  const members = choices.map(([name, value]) => `${camel(name)}: ${JSON.stringify(value)}`);
  return `launch({ ${[...members, `command: ${JSON.stringify(command)}`].join(', ')} })`;
}
