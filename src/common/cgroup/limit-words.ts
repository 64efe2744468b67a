/** Limits and what came of them, in words. */
import { counted } from '../counted.js';
import { readableSize } from '../readable-size.js';
import type { GroupLimits } from './limits.js';
import type { Usage } from './usage.js';

/** `memory 64 MiB, 20 processes, 0.5 processors`. */
export function limitWords(limits: GroupLimits): string {
  const { memory, memorySwap, pids, cpus, cpuWeight, ioWeight } = limits;
  return [
    ...(memory === undefined ? [] : [`memory ${sizeWords(memory)}`]),
    ...(memorySwap === undefined
      ? []
      : [`with swap ${memorySwap === 'unlimited' ? memorySwap : sizeWords(memorySwap)}`]),
    ...(pids === undefined ? [] : [counted(pids, 'process')]),
    ...(cpus === undefined ? [] : [counted(cpus, 'processor')]),
    ...(cpuWeight === undefined ? [] : [`processor weight ${cpuWeight}`]),
    ...(ioWeight === undefined ? [] : [`disk weight ${ioWeight}`]),
  ].join(', ');
}

/** `64 MiB` and not `64.0 MiB`: limits are mostly round. */
const sizeWords = (bytes: number): string => readableSize(bytes).replace('.0 ', ' ');

/** A sentence for each limit that killed or refused something. */
export function hitLimits({ oomKills = 0, memoryLimit, forksRefused = 0, processesLimit }: Usage): string[] {
  return [
    ...(oomKills === 0 ? [] : [`killed: ${shortOf(memoryLimit)} (${counted(oomKills, 'process')})`]),
    ...(forksRefused === 0
      ? []
      : [
          `fork refused ${counted(forksRefused, 'time')}${processesLimit === undefined ? '' : `: ${counted(processesLimit, 'process')}`}`,
        ]),
  ];
}

/** Whether memory that reached its limit was the end of a command. */
export const hitMemory = (signal: string | undefined, usage: Usage | undefined): boolean =>
  signal === 'SIGKILL' && usage?.memoryLimit !== undefined && Boolean(usage.oomKills);

/** The kernel counts in each group whom it has killed there, whoever else used up the memory. */
const shortOf = (memoryLimit: number | undefined): string =>
  memoryLimit === undefined
    ? 'memory was short on this machine or in a control group above'
    : `memory reached its limit of ${sizeWords(memoryLimit)}`;
