/** --memory, --pids-limit, --cpus and their like. Everything that is wrong with them is said here. */
import { availableParallelism, totalmem } from 'node:os';
import type { GroupLimits } from '../../common/cgroup/limits.js';
import { planGroups } from '../../common/cgroup/plan.js';
import { defined } from '../../common/defined.js';
import { Failure, usageFailure } from '../../common/failure.js';
import { parseSize, readableSize } from '../../common/readable-size.js';
import type { LaunchSpec } from '../../common/spec.js';
import { withoutGroup } from '../advice/refused-group.js';
import type { Values } from '../command-line/subcommand.js';

type Options = Values['options'];

/** Bytes: with less no program can be executed. */
const leastMemory = 1024 ** 2;

/**
 * The limits, and the control groups that have them.
 * @param ownGroups whether the container has a cgroup namespace of its own
 * @throws Failure with status 2 for a value that cannot be meant, 125 where this machine cannot do it for this user
 */
export function groupLimits(options: Options, ownGroups: boolean): LaunchSpec['limits'] {
  const asked = askedLimits(options);
  if (Object.keys(asked).length === 0) return undefined;
  const plan = planGroups(asked, ownGroups);
  if ('why' in plan)
    throw new Failure(`these limits cannot be set: ${plan.why}`, { next: withoutGroup(plan) });
  return { asked, ...plan };
}

/** @throws Failure with status 2 for a value that cannot be meant */
export function askedLimits(options: Options): GroupLimits {
  const bytes = memory(options);
  return defined({
    memory: bytes,
    memorySwap: memorySwap(options, bytes),
    pids: pids(options),
    cpus: cpus(options),
    cpuWeight: weight(options, 'cpu-weight'),
    ioWeight: weight(options, 'io-weight'),
  });
}

function size(option: string, text: string): number {
  const bytes = parseSize(text);
  if (bytes === undefined || bytes === 0)
    throw usageFailure(`--${option}: “${text}” is not a size of more than 0`, `For example: --${option}=64m`);
  if (bytes > Number.MAX_SAFE_INTEGER)
    throw usageFailure(`--${option}=${text} is more than any machine has`, 'Ask for less, or leave it out.');
  return bytes;
}

function memory({ memory: given }: Options): number | undefined {
  if (given === undefined) return undefined;
  const bytes = size('memory', String(given));
  if (bytes < leastMemory)
    throw usageFailure(
      `--memory=${given} is less than a program needs to be executed, ${readableSize(leastMemory)}`,
      'For example: --memory=16m',
    );
  if (bytes > totalmem())
    throw usageFailure(
      `--memory=${given} is more than this machine has, ${readableSize(totalmem())}`,
      'Ask for less, or leave it out.',
    );
  return bytes;
}

/** As Docker has it: memory and swap together. */
function memorySwap(
  { memory: limit, 'memory-swap': given }: Options,
  memoryBytes: number | undefined,
): number | 'unlimited' | undefined {
  if (given === undefined) return undefined;
  if (memoryBytes === undefined)
    throw usageFailure('--memory-swap needs --memory: it is memory and swap together', 'Add --memory.');
  if (given === '-1' || given === 'unlimited') return 'unlimited';
  const bytes = size('memory-swap', String(given));
  if (bytes < memoryBytes)
    throw usageFailure(
      `--memory-swap=${given} is less than --memory=${limit}: it is memory and swap together`,
      `Ask for at least ${limit}.`,
    );
  return bytes;
}

/** The most that the kernel counts: PID_MAX_LIMIT. */
const mostProcesses = 4_194_304;

function pids({ 'pids-limit': given }: Options): number | undefined {
  if (given === undefined) return undefined;
  const count = Number(given);
  if (!Number.isInteger(count) || count < 1 || count > mostProcesses)
    throw usageFailure(
      `--pids-limit is 1 to ${mostProcesses}, not ${given}: processes and threads of the command`,
      'For example: --pids-limit=20',
    );
  return count;
}

function cpus({ cpus: given }: Options): number | undefined {
  if (given === undefined) return undefined;
  const [count, most] = [Number(given), availableParallelism()];
  if (!(count >= 0.01 && count <= most))
    throw usageFailure(
      `--cpus is 0.01 to ${most}, the processors of this machine, not ${given}`,
      'Half a processor: --cpus=0.5',
    );
  return count;
}

function weight(options: Options, name: 'cpu-weight' | 'io-weight'): number | undefined {
  const given = options[name];
  if (given === undefined) return undefined;
  const value = Number(given);
  if (!Number.isInteger(value) || value < 1 || value > 10_000)
    throw usageFailure(`--${name} is 1 to 10000, not ${given}: others have 100`);
  return value;
}
