/** What a log says of the use of memory, processes and processor time. */
import { hitLimits } from '../../common/cgroup/limit-words.js';
import type { UsageSample } from '../../common/cgroup/usage-sample.js';
import { defined } from '../../common/defined.js';
import { asFields, type Fields, isFields } from './fields.js';
import type { UsedOverTime } from './launch-log.js';

/** More of them than a launch writes would draw nothing that can be seen. */
const mostSamples = 4_096;

/** Undefined where it says nothing. */
export function usedOf(launch: Fields, records: readonly Fields[]): UsedOverTime | undefined {
  const recorded = records.find(({ samples }) => Array.isArray(samples))?.samples as unknown[] | undefined;
  const samples = inOrder((recorded ?? []).slice(0, mostSamples).filter(isFields).map(sampleOf));
  if (samples.length === 0) return undefined;
  const asked = asFields(asFields(launch.limits).asked);
  const usage = asFields(asFields(records.find(({ ended }) => isFields(ended))?.ended).usage);
  return {
    samples,
    limits: defined({
      memory: count(asked.memory),
      processes: count(asked.pids),
      cpus: share(asked.cpus),
    }),
    hits: hitLimits(
      defined({
        oomKills: count(usage.oomKills),
        memoryLimit: count(usage.memoryLimit),
        forksRefused: count(usage.forksRefused),
        processesLimit: count(usage.processesLimit),
      }),
    ),
  };
}

const sampleOf = ({ at, memory, processes, cpuTime }: Fields): UsageSample =>
  defined({
    at: count(at) ?? 0,
    memory: count(memory),
    processes: count(processes),
    cpuTime: count(cpuTime),
  });

/** Without those that would go back in time. */
function inOrder(samples: readonly UsageSample[]): UsageSample[] {
  const kept: UsageSample[] = [];
  for (const sample of samples) if (sample.at > (kept.at(-1)?.at ?? -1)) kept.push(sample);
  return kept;
}

/** Bytes, microseconds, processes: whole numbers, and of a size that can be drawn. */
const count = (value: unknown): number | undefined =>
  Number.isSafeInteger(value) && Number(value) >= 0 ? Number(value) : undefined;

/** Processors may be parts of one. */
const share = (value: unknown): number | undefined =>
  typeof value === 'number' && value >= 0 && value <= Number.MAX_SAFE_INTEGER ? value : undefined;
