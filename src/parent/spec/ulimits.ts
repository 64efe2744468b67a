/** --ulimit: the resource limits of the command. Everything that is wrong with them is said here. */
import { procText } from '../../common/evidence.js';
import { type Failure, usageFailure } from '../../common/failure.js';
import {
  isAbove,
  type Limit,
  limitWords,
  type ResourceLimit,
  type ResourceName,
  readLimits,
  resourceNames,
  resources,
} from '../../common/resource-limits.js';
import { suggestion } from '../command-line/nearest-name.js';
import { mayRaiseLimits } from './kept-capabilities.js';

/**
 * @param given the values of --ulimit
 * @param inUserNamespace whether the command's process has its capabilities in a user namespace alone
 * @throws Failure (status 2) for one that is not a limit, or that the kernel would not set
 */
export function ulimits(given: unknown, inUserNamespace: boolean): readonly ResourceLimit[] | undefined {
  const texts = (given as string[] | undefined) ?? [];
  if (texts.length === 0) return undefined;
  const limits = texts.map(parsed);
  const twice = limits.find(({ name }, index) => limits.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) throw usageFailure(`--ulimit gives two limits for ${twice.name}`);
  const own = readLimits('self');
  for (const limit of limits) {
    const hard = own?.[limit.name].hard ?? 'unlimited';
    if (isAbove(limit.hard, hard) && (inUserNamespace || !mayRaiseLimits())) throw tooHigh(limit, hard);
    if (limit.name === 'nofile') checkOpenFiles(limit);
  }
  // In the order of the table.
  return resourceNames.flatMap((name) => limits.filter((limit) => limit.name === name));
}

function parsed(text: string): ResourceLimit {
  const [, name = '', soft, hard = soft] = /^([^=]*)=([^:]*)(?::(.*))?$/s.exec(text) ?? [];
  const wrong = (what: string, next = 'For example: --ulimit nofile=1024:4096') =>
    usageFailure(`--ulimit “${text}” ${what}`, next);
  if (soft === undefined || hard === undefined) throw wrong('is not of the form NAME=SOFT or NAME=SOFT:HARD');
  if (!isResource(name))
    throw wrong(`does not name a limit`, suggestion(name, resourceNames, { otherwise: known }));
  const limit = { name, soft: value(soft), hard: value(hard) };
  if (limit.soft === undefined || limit.hard === undefined)
    throw wrong('has a value that is neither a number nor unlimited');
  if (isAbove(limit.soft, limit.hard)) throw wrong('has a soft limit that is above its hard limit');
  return limit as ResourceLimit;
}

const known = `Known are: ${resourceNames.join(', ')}.`;

const isResource = (name: string): name is ResourceName => Object.hasOwn(resources, name);

/** -1 is what Docker and prlimit(1) take for no limit. Bytes, seconds or a count, as getrlimit(2) has it. */
function value(text: string): Limit | undefined {
  if (text === 'unlimited' || text === '-1') return 'unlimited';
  return /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

const tooHigh = (limit: ResourceLimit, hard: Limit): Failure =>
  usageFailure(
    `--ulimit ${limit.name}=${limitWords(limit)} is above your hard limit, ${hard}, and raising it takes CAP_SYS_RESOURCE on the host`,
    `Ask for at most ${hard}.`,
  );

/** The kernel lets nobody raise this one beyond a sysctl: getrlimit(2), proc_sys_fs(5). */
function checkOpenFiles({ hard }: ResourceLimit): void {
  const most = Number(procText('/proc/sys/fs/nr_open'));
  if (isAbove(hard, most))
    throw usageFailure(
      `--ulimit nofile: ${hard} open files are more than this kernel allows, ${most}`,
      `Ask for at most ${most}, or raise the sysctl fs.nr_open.`,
    );
}
