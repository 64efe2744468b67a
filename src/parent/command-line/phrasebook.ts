/**
 * What a user of Docker types, and what it is called here. A flag is suggested only where the subcommand takes it:
 * another sentence answers elsewhere.
 */
import { namespaces } from '../../common/namespaces.js';
import type { Subcommand } from './subcommand.js';

interface WordPhrase {
  /** A word, or two of which the first is known. */
  readonly typed: readonly string[];
  /** The command line to use instead. */
  readonly use?: string;
  /** Said before it, or instead of it. */
  readonly explained?: string;
}

interface FlagPhrase {
  /** Without dashes. */
  readonly typed: readonly string[];
  /** The subcommands that this is about; all of them without it. */
  readonly of?: readonly string[];
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
  { typed: ['pull', 'image pull', 'rootfs fetch', 'rootfs download'], use: 'rootfs pull IMAGE DIR' },
  { typed: ['import', 'load', 'image import', 'image load', 'rootfs load'], use: 'rootfs import SOURCE DIR' },
  { typed: ['images', 'image', 'rootfs ls', 'rootfs images'], use: 'rootfs list' },
  { typed: ['rmi', 'image rm', 'rootfs rm', 'rootfs rmi', 'rootfs delete'], use: 'rootfs remove DIR' },
  { typed: ['export', 'save', 'image save', 'rootfs save'], use: 'rootfs export DIR FILE' },
  { typed: ['prune', 'system', 'image prune', 'rootfs clean'], use: 'rootfs prune' },
  {
    typed: ['commit', 'push', 'tag', 'history', 'image push', 'image tag', 'rootfs push', 'rootfs tag'],
    use: 'rootfs export DIR FILE',
    explained:
      'Images are unpacked and not made: a root file system is a directory, and an archive is made of it.',
  },
  {
    typed: ['build', 'buildx', 'builder', 'image build', 'rootfs build', 'rootfs make'],
    use: 'rootfs create DIR',
    explained:
      'Images are not built here, only unpacked; a small root file system is made from the host’s commands.',
  },
  {
    typed: ['container', 'docker', 'podman'],
    explained: 'Subcommands have no word before them: gontainer run, gontainer ps',
  },
  { typed: ['events'], use: 'present', explained: 'Launches are shown while they happen.' },
  {
    typed: ['rename', 'update'],
    explained:
      'Name and limits are chosen at the start of a container: gontainer run --name NAME --memory SIZE',
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
    typed: ['it', 'ti', 'i', 't', 'interactive', 'tty', 'attach', 'sig-proxy', 'detach-keys'],
    otherwise: 'It is not needed: the command uses your terminal',
  },
  {
    typed: ['v', 'volume', 'volumes-from'],
    option: 'bind',
    use: '--bind SRC:DST',
    otherwise: 'What a container sees of the host is chosen at its start: gontainer run --bind SRC:DST',
  },
  {
    typed: ['e', 'env', 'env-file'],
    option: 'env',
    use: '--env NAME=VALUE',
    otherwise: 'Variables are set at the start of a command: gontainer run --env NAME=VALUE',
  },
  {
    typed: ['d', 'detach'],
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
    typed: ['u', 'user'],
    option: 'user',
    use: '--user UID[:GID], with --mnt DIR',
    otherwise: 'The user is chosen at the start: gontainer run --mnt DIR --user UID',
  },
  {
    typed: ['w', 'workdir', 'cwd', 'chdir'],
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
    typed: ['ip', 'mac-address', 'dns', 'add-host', 'network-alias'],
    otherwise: 'Without --net the command uses the network of the host, its addresses and its names',
  },
  {
    typed: ['userns'],
    otherwise: 'gontainer run --uid gives a user namespace; without it the command stays in that of the host',
  },
  {
    typed: ['cgroupns'],
    otherwise:
      'gontainer run --cgroup gives a cgroup namespace; without it the command stays in that of the host',
  },
  {
    typed: ['device', 'gpus'],
    option: 'bind',
    use: '--bind SRC:DST, which shows a device too',
    otherwise: 'What a container sees of the host is chosen at its start: gontainer run --bind SRC:DST',
  },
  {
    typed: ['rootfs', 'root'],
    option: 'mnt',
    use: '--mnt DIR',
    otherwise: 'The root is chosen at the start: gontainer run --mnt DIR',
  },
  {
    typed: ['security-opt'],
    otherwise:
      'It is not needed: no program gains privileges unless it is started by gontainer run --allow-new-privs',
  },
  {
    typed: ['l', 'label'],
    otherwise: 'A container has a name and no labels: gontainer run --name NAME',
  },
  {
    typed: ['stop-timeout'],
    otherwise: 'It is always two seconds from SIGTERM to SIGKILL: gontainer run --timeout 10',
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
  { typed: ['a', 'all'], option: 'ended', use: '--ended', otherwise: 'It is not needed' },
  { typed: ['q'], option: 'quiet', use: '--quiet', otherwise: 'It is not needed' },
  {
    typed: ['q', 'l', 'n', 'format', 'filter', 'no-trunc', 'last'],
    of: ['ps', 'stats'],
    option: 'json',
    use: '--json',
    otherwise: 'It is not needed',
  },
  { typed: ['f', 'force'], otherwise: 'It is not needed' },
  {
    typed: ['f', 'follow'],
    of: ['logs'],
    otherwise: 'The log is a file, which tail -f follows: gontainer run --log-file FILE',
  },
  {
    typed: ['n', 'tail', 'since', 'until'],
    of: ['logs'],
    otherwise: 'All of it is printed: gontainer logs NAME | tail',
  },
  {
    typed: ['t', 'timestamps'],
    of: ['logs'],
    otherwise: 'It is not needed: the log has the time of each record',
  },
  {
    typed: ['o'],
    of: ['rootfs export'],
    otherwise: 'The file is the second word: gontainer rootfs export DIR FILE',
  },
  {
    typed: ['s', 'signal', 'KILL', 'TERM', 'INT', 'HUP', 'QUIT', 'STOP', 'CONT', 'USR1', 'USR2'],
    of: ['kill'],
    otherwise: 'The signal is the word after the name: gontainer kill NAME KILL',
  },
  { typed: ['s', 'signal'], otherwise: 'Signals are sent by: gontainer kill NAME KILL' },
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
  const has = (option: string | undefined) =>
    option !== undefined && subcommand?.options.some(({ name }) => name === option) === true;
  const phrases = flagPhrases.filter(
    ({ typed: names, of }) =>
      [typed, letter].some((name) => name && names.includes(name)) &&
      (of === undefined || (subcommand !== undefined && of.includes(subcommand.name))),
  );
  const phrase =
    phrases.find(({ option }) => has(option)) ?? phrases.find(({ of }) => of !== undefined) ?? phrases[0];
  if (phrase === undefined) return undefined;
  const { option, use, otherwise } = phrase;
  return has(option) && use !== undefined ? `Use ${use}.` : `${otherwise}.`;
}

/**
 * The same for letters behind one dash, as in `-dit`: an option that one of them stands for, or else what is said of the
 * first; undefined where one of them is not known.
 */
export function insteadOfLetters(letters: string, subcommand: Subcommand | undefined): string | undefined {
  if (!/^[a-z]{2,4}$/i.test(letters)) return undefined;
  const answers = [...letters].map((letter) => insteadOfFlag(letter, subcommand));
  if (answers.includes(undefined)) return undefined;
  return answers.find((answer) => answer?.startsWith('Use ')) ?? answers[0];
}

/** What to do instead of giving a flag this value, such as `--net=host`; undefined where that is not known. */
export function insteadOfValue(
  flag: string,
  value: string,
  subcommand: Subcommand | undefined,
): string | undefined {
  if (value === 'false') return 'Leave it out.';
  if (!isNamespace(flag)) return undefined;
  if (value === 'host') return 'Leave it out: without it the command stays in the namespace of the host.';
  if (value.startsWith('container:')) return 'Use: gontainer enter NAME -- COMMAND';
  if (['none', 'private', 'new'].includes(value)) return `Use --${flag}: it gives a namespace of its own.`;
  return flag === 'net' ? insteadOfFlag('network', subcommand) : undefined;
}

const isNamespace = (flag: string): boolean => namespaces.some((namespace) => namespace.flag === flag);
