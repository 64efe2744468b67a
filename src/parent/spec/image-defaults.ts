/** What an image says of how it wants to be run, and what the command line leaves of it. */
import { defined } from '../../common/defined.js';
import { usageFailure } from '../../common/failure.js';
import { signalName } from '../../common/kernel/processes.js';
import type { ImageLine } from '../../common/spec.js';
import type { Values } from '../command-line/subcommand.js';
import { signalNumbered } from './signal-words.js';

/** How an image wants to be run, in the words of the OCI image specification, config.md. */
export interface ImageDefaults {
  readonly Env?: readonly string[];
  readonly Entrypoint?: readonly string[];
  readonly Cmd?: readonly string[];
  readonly User?: string;
  readonly WorkingDir?: string;
  readonly StopSignal?: string;
}

/** The image that a launch takes its root from. */
export interface ChosenImage {
  /** For example `library/alpine (1 layer), sha256:…`. */
  readonly from: string;
  readonly defaults: ImageDefaults;
}

interface FromImage {
  /** The values of the command line, with the image's where it says nothing. */
  readonly values: Values;
  /** NAME=VALUE: what --env and --env-file may override. */
  readonly environment: readonly string[];
  /** What was taken, for the log. */
  readonly lines: readonly ImageLine[];
}

/** Options that mean nothing without an image. */
const needImage = ['entrypoint', 'platform', 'pull'] as const;

/**
 * Fills in what the command line leaves to the image. As in Docker, a command takes the place of Cmd and stands behind
 * Entrypoint, and --entrypoint takes the place of both.
 * @throws Failure (status 2) for an option that needs an image, where there is none
 */
export function fromImage(values: Values, image: ChosenImage | undefined): FromImage {
  const { options, rest } = values;
  if (image === undefined) {
    const given = needImage.find((name) => options[name] !== undefined);
    if (given !== undefined) throw usageFailure(`--${given} needs --image`, 'Name one: --image=IMAGE.');
    return { values, environment: [], lines: [] };
  }
  const { from, defaults } = image;
  const chosen = options.entrypoint === undefined ? defaults : {};
  const entrypoint =
    options.entrypoint === undefined ? (defaults.Entrypoint ?? []) : [String(options.entrypoint)];
  const cmd = rest.length > 0 ? undefined : chosen.Cmd;
  const environment = usable(defaults.Env ?? [], options);
  const User = options.user === undefined ? defaults.User : undefined;
  const WorkingDir = options.workdir === undefined ? defaults.WorkingDir : undefined;
  const StopSignal = options['stop-signal'] === undefined ? defaults.StopSignal : undefined;
  const number = StopSignal === undefined ? undefined : signalNumbered(StopSignal);
  const signal = number ? signalName(number) : undefined;
  const taken: readonly (readonly [field: ImageLine['field'], what: string, value: string | undefined])[] = [
    ['Root', 'root', from],
    // Values may be secret.
    ['Env', 'environment', environment.map((text) => text.replace(/=.*$/s, '')).join(', ')],
    ['Entrypoint', 'entrypoint', chosen.Entrypoint?.join(' ')],
    ['Cmd', 'command', cmd?.join(' ')],
    ['User', 'user', User],
    ['WorkingDir', 'working directory', WorkingDir],
    [
      'StopSignal',
      'stop signal',
      StopSignal && (signal ?? `${StopSignal}, which is not known here: left out`),
    ],
  ];
  return {
    values: {
      ...values,
      options: {
        ...options,
        ...defined({ user: User, workdir: WorkingDir, 'stop-signal': signal }),
      },
      rest: [...entrypoint, ...(cmd ?? rest)],
    },
    environment,
    lines: taken.flatMap(([field, what, value]) =>
      value ? [{ field, text: `${what} from the image: ${value}` }] : [],
    ),
  };
}

/** The variables that are NAME=VALUE, may be given to execve(2), and are not given by --env. */
function usable(variables: readonly string[], { env }: Values['options']): string[] {
  const given = ((env as readonly string[] | undefined) ?? []).map((text) => text.replace(/=.*$/s, ''));
  return variables.filter((text) => {
    const [, name] = /^([^=\0]+)=[^\0]*$/.exec(text) ?? [];
    return name !== undefined && !given.includes(name);
  });
}
