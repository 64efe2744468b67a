/**
 * What a user of Docker types, and what it is called here. A flag is suggested only where the subcommand takes it:
 * another sentence answers elsewhere.
 */
import type { Subcommand } from './subcommand.js';

interface WordPhrase {
  readonly typed: readonly string[];
  /** The command line to use instead. */
  readonly use?: string;
  /** Said before it, or instead of it. */
  readonly explained?: string;
}

interface FlagPhrase {
  /** Without dashes. */
  readonly typed: readonly string[];
  /** The option to use instead, as far as the subcommand has it. */
  readonly option?: string;
  /** How that option is written. */
  readonly use?: string;
  /** The answer for a subcommand that does not have it. */
  readonly otherwise: string;
}

/** In place of a subcommand. */
export const wordPhrases: readonly WordPhrase[] = [
  { typed: ['exec', 'shell', 'attach', 'nsenter'], use: 'enter NAME -- COMMAND' },
  { typed: ['stop', 'rm', 'remove', 'delete'], use: 'kill NAME' },
  { typed: ['pause'], use: 'kill NAME STOP' },
  { typed: ['unpause'], use: 'kill NAME CONT' },
  { typed: ['start', 'create', 'restart', 'launch', 'unshare', 'sh', 'bash'], use: 'run --uid -- COMMAND' },
  { typed: ['list', 'ls', 'top'], use: 'ps' },
  { typed: ['inspect', 'lsns'], use: 'ns NAME' },
  { typed: ['log'], use: 'logs NAME' },
  { typed: ['info', 'check'], use: 'doctor' },
  { typed: ['pull'], use: 'rootfs pull IMAGE DIR' },
  { typed: ['import', 'load'], use: 'rootfs import SOURCE DIR' },
  { typed: ['images', 'image'], use: 'rootfs list' },
  { typed: ['rmi'], use: 'rootfs remove DIR' },
  { typed: ['export', 'save'], use: 'rootfs export DIR FILE' },
  { typed: ['prune', 'system'], use: 'rootfs prune' },
  {
    typed: ['commit', 'push', 'tag', 'history'],
    use: 'rootfs export DIR FILE',
    explained:
      'Images are unpacked and not made: a root file system is a directory, and an archive is made of it.',
  },
  {
    typed: ['build', 'buildx'],
    use: 'rootfs create DIR',
    explained:
      'Images are not built here, only unpacked; a small root file system is made from the host’s commands.',
  },
  {
    typed: ['container', 'docker', 'podman'],
    use: 'ps',
    explained: 'Subcommands have no word before them.',
  },
  {
    typed: ['network', 'port'],
    explained: 'Without --net the command uses the network of the host, with it none but its own loopback.',
  },
  {
    typed: ['volume', 'cp'],
    explained: 'Directories of the host are made visible by: gontainer run --bind SRC:DST',
  },
  {
    typed: ['compose', 'stack', 'swarm', 'service'],
    explained: 'Gontainer starts one container at a time: gontainer run',
  },
  {
    typed: ['login', 'logout', 'search'],
    explained: 'Public images need no login: gontainer rootfs pull IMAGE DIR',
  },
];

/** In place of an option. */
export const flagPhrases: readonly FlagPhrase[] = [
  {
    typed: ['it', 'ti', 'i', 't', 'interactive', 'tty'],
    otherwise: 'It is not needed: the command uses your terminal',
  },
  {
    typed: ['v', 'volume'],
    option: 'bind',
    use: '--bind SRC:DST',
    otherwise: 'What a container sees of the host is chosen at its start: gontainer run --bind SRC:DST',
  },
  {
    typed: ['e'],
    option: 'env',
    use: '--env NAME=VALUE',
    otherwise: 'Variables are set at the start of a command: gontainer run --env NAME=VALUE',
  },
  {
    typed: ['d'],
    option: 'detach',
    use: '--detach',
    otherwise: 'Only a new container can be left in the background: gontainer run --detach',
  },
  {
    typed: ['p', 'P', 'publish', 'publish-all', 'expose', 'link'],
    otherwise:
      'Ports are not published: without --net the command uses the network of the host, and listens on its ports',
  },
  {
    typed: ['rm'],
    otherwise: 'It is not needed: a container leaves nothing behind but its changes to --mnt DIR',
  },
  {
    typed: ['u'],
    option: 'user',
    use: '--user UID[:GID], with --mnt DIR',
    otherwise: 'The user is chosen at the start: gontainer run --mnt DIR --user UID',
  },
  {
    typed: ['w', 'cwd', 'chdir'],
    option: 'workdir',
    use: '--workdir DIR',
    otherwise: 'Change the directory in the command: -- sh -c "cd DIR && …"',
  },
  {
    typed: ['cap-add'],
    option: 'cap-keep',
    use: '--cap-keep, which names all that the command keeps',
    otherwise: 'Capabilities are chosen at the start: gontainer run --cap-keep CAP',
  },
  {
    typed: ['privileged'],
    option: 'cap-keep',
    use: '--cap-keep all',
    otherwise: 'Capabilities are chosen at the start: gontainer run --cap-keep all',
  },
  {
    typed: ['network', 'no-net'],
    otherwise:
      'gontainer run --net gives a network with nothing but loopback; without it the command uses that of the host',
  },
  {
    typed: ['m', 'memory'],
    option: 'memory',
    use: '--memory SIZE',
    otherwise: 'Limits are set at the start: gontainer run --memory SIZE',
  },
  {
    typed: ['c', 'cpu-shares', 'cpus', 'pids-limit'],
    option: 'cpu-weight',
    use: '--cpu-weight N',
    otherwise: 'Limits are set at the start: gontainer run --cpu-weight 50',
  },
  { typed: ['entrypoint'], otherwise: 'It is not needed here: name the command after --' },
  { typed: ['init'], otherwise: 'It is not needed: with --pid an init runs beside the command' },
  { typed: ['restart'], otherwise: 'A container that ends is not started again' },
  { typed: ['a'], option: 'ended', use: '--ended', otherwise: 'It is not needed' },
  { typed: ['f', 'force'], otherwise: 'It is not needed' },
  { typed: ['s', 'signal'], otherwise: 'The signal is the word after the name: gontainer kill NAME KILL' },
];

/** What to use instead of a word that is not a subcommand; undefined where that is not known. */
export function insteadOfWord(typed: string): string | undefined {
  const phrase = wordPhrases.find((candidate) => candidate.typed.includes(typed));
  if (phrase === undefined) return undefined;
  const { explained, use } = phrase;
  return [explained, use === undefined ? undefined : `Use: gontainer ${use}`].filter(Boolean).join(' ');
}

/**
 * What to use instead of an option that the subcommand does not have; undefined where that is not known.
 * @param typed without dashes; a value may follow a letter at once, as in `p8080:80`
 */
export function insteadOfFlag(typed: string, subcommand: Subcommand | undefined): string | undefined {
  const letter = /^([a-zA-Z])[^a-z-]/.exec(typed)?.[1];
  const phrase = flagPhrases.find((candidate) =>
    [typed, letter].some((name) => name && candidate.typed.includes(name)),
  );
  if (phrase === undefined) return undefined;
  const { option, use, otherwise } = phrase;
  const has = subcommand?.options.some(({ name }) => name === option) === true;
  return has && use !== undefined ? `Use ${use}.` : `${otherwise}.`;
}
