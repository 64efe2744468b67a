/** From what a program asks for to what the process of a command needs. */
import { commandEnvironment, giveLess } from '../../common/command/command-program.js';
import type { CommandRequest } from '../../common/control.js';
import { exitStatus, Failure, usageFailure } from '../../common/failure.js';
import { shownArguments } from '../../common/kernel/calls.js';
import { KernelError, type KernelErrorData } from '../../common/kernel/kernel-error.js';
import { fit, isPath, mostPaths, type Words } from '../../common/kernel/program-words.js';
import { locateProgram } from '../../common/program.js';
import type { LaunchSpec } from '../../common/spec.js';
import { chosenUser } from '../spec/user.js';
import type { StartFailure } from './forker.js';
import { mostGroups } from './forker-chain.js';

/** What every command of a container gets unless it asks for something else. */
export class CommandDefaults {
  private readonly environment: Readonly<Record<string, string>>;
  /** The same list for all that add nothing, so that it is written once. */
  private readonly entries: readonly string[];

  constructor(private readonly spec: LaunchSpec) {
    this.environment = commandEnvironment(spec);
    this.entries = entriesOf(this.environment);
  }

  /**
   * Who the command runs as.
   * @throws Failure (status 2) for a user that there is not
   */
  userOf({ user: given }: CommandRequest): Pick<LaunchSpec, 'user' | 'becomesUser'> {
    const { spec } = this;
    if (given === undefined) return spec;
    const root = spec.root ?? hostRoot;
    const { user } = chosenUser(given, root, spec.maps, 'user');
    if ((user.groups?.length ?? 0) > mostGroups)
      throw usageFailure(`user ${given} is in more than ${mostGroups} groups`);
    return { user, becomesUser: true };
  }

  /** @throws KernelError where there are too many of them, or the directory's path is too long */
  wordsOf({ argv, directory, environment = [], wholeEnvironment }: CommandRequest): Words {
    const base = wholeEnvironment ? {} : this.environment;
    const whole =
      environment.length === 0 && !wholeEnvironment
        ? this.entries
        : entriesOf({ ...base, ...Object.fromEntries(environment.map(partsOf)) });
    const [program = ''] = argv;
    const words = {
      argv,
      environment: whole,
      directory: directory ?? '.',
      paths: candidates(program, searchPathOf(whole)),
    };
    if (!fit(argv) || !fit(whole)) throw tooLong('execve', { pathname: program }, 'E2BIG');
    if (!isPath(words.directory)) throw tooLong('chdir', { path: '…' }, 'ENAMETOOLONG');
    return words;
  }
}

/** What the kernel would say if it were asked. */
const tooLong = (call: string, args: Record<string, unknown>, errno: string): KernelError =>
  new KernelError({ step: 'exec', call, args, errno }, { next: giveLess });

/** Where the host's users are looked up: the container has the host's tree. */
const hostRoot = { path: '/', method: 'pivot_root', readOnly: false, mounts: [] } as const;

const entriesOf = (environment: Readonly<Record<string, string>>): string[] =>
  Object.entries(environment).map(([name, value]) => `${name}=${value}`);

function partsOf(entry: string): [name: string, value: string] {
  const at = entry.indexOf('=');
  if (at < 1) throw usageFailure(`env of exec() has an entry that is not of the form NAME=VALUE`);
  return [entry.slice(0, at), entry.slice(at + 1)];
}

/** What execvp(3) goes by where there is no PATH is the last. */
const searchPathOf = (environment: readonly string[]): string =>
  environment.find((entry) => entry.startsWith('PATH='))?.slice('PATH='.length) ?? '/bin:/usr/bin';

/** As execvp(3): a name without a slash in each folder of PATH, of which an empty one is the working directory. */
function candidates(program: string, searchPath: string): string[] {
  const all = program.includes('/')
    ? [program]
    : [...new Set(searchPath.split(':'))].map((folder) => `${folder || '.'}/${program}`);
  return program === '' ? [] : all.filter(isPath);
}

/** A place after those that were tried, where there are more than can be tried at a time. */
export const inTurns = (words: Words): { now: Words; later: Words | undefined } => ({
  now: { ...words, paths: words.paths.slice(0, mostPaths) },
  later: words.paths.length > mostPaths ? { ...words, paths: words.paths.slice(mostPaths) } : undefined,
});

/**
 * The failure of a command that was not started, in words.
 * @param root the container's, as a path of the host
 */
export function startFailure(
  reason: Exclude<StartFailure, Error>,
  request: CommandRequest,
  words: Words,
  root: string,
): Failure {
  const [program = ''] = request.argv;
  if (reason === 'stopped')
    return new Failure(`${program} was stopped before it could be executed, and was killed`, {
      next: 'Somebody in the container did that: nothing else stops a process on its way.',
    });
  const errno = isNowhere(reason, request, words, root) ? 'ENOENT' : reason.errno;
  const call = typeof reason.call === 'string' ? reason.call : reason.call.call;
  const made = (args: Record<string, unknown>): KernelErrorData => ({ step: 'exec', call, args, errno });
  if (call === 'chdir') {
    const data = made({ path: words.directory });
    return new KernelError(data, {
      message: `the command cannot start in ${words.directory}: ${new KernelError(data).message}`,
      next: 'Name a directory of the container with cwd.',
    });
  }
  if (call !== 'execve') {
    const args = typeof reason.call === 'string' ? {} : shownArguments(reason.call.call, reason.call.args);
    return new KernelError(made(args));
  }
  const names = words.environment.map((entry) => entry.slice(0, entry.indexOf('=')));
  const missing = ['ENOENT', 'ENOTDIR'].includes(errno);
  return new KernelError(made({ pathname: program, argv: request.argv, envp: names }), {
    status: missing ? exitStatus.notFound : exitStatus.notExecutable,
    ...(missing && { message: `${program}: there is no such command in the container` }),
    next: missing
      ? 'Check the spelling, or give its full path. If it is there, what executes it is missing: its #! line or dynamic loader names that.'
      : `${program} or the interpreter that it names (#! line, dynamic loader) cannot be executed in the container.`,
  });
}

/**
 * Of a folder of PATH that its user may not search, execvp(3) says EACCES also where the program is in none of them. A shell
 * says then that there is no such command.
 */
function isNowhere(
  { errno }: { readonly errno: string },
  { argv: [program = ''] }: CommandRequest,
  { environment }: Words,
  root: string,
): boolean {
  if (errno !== 'EACCES' || program.includes('/')) return false;
  try {
    locateProgram(program, searchPathOf(environment), root);
    return false;
  } catch (error) {
    return error instanceof Failure && error.status === exitStatus.notFound;
  }
}
