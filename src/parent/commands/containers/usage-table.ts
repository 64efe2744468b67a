/** The table of `gontainer stats`. */
import type { Usage } from '../../../common/cgroup/usage.js';
import { readableSize } from '../../../common/readable-size.js';
import { table } from '../../text/table.js';

/** What one look has found. */
export interface UsageRow {
  readonly name: string;
  /** When the container was started, milliseconds since 1970: another one may have its name by now. */
  readonly started: number;
  /** When it was looked at: milliseconds of a clock that only goes forward. */
  readonly at: number;
  readonly usage: Usage;
}

/** The columns, each with its cell for a row; `earlier` is the same container in the look before. */
const columns: Readonly<Record<string, (row: UsageRow, earlier: UsageRow | undefined) => string>> = {
  NAME: ({ name }) => name,
  MEMORY: ({ usage }) => size(usage.memory),
  PEAK: ({ usage }) => size(usage.memoryPeak),
  LIMIT: ({ usage }) => size(usage.memoryLimit),
  CPU: processorShare,
  'CPU TIME': ({ usage }) => seconds(usage.cpuTime),
  THROTTLED: ({ usage }) => seconds(usage.throttledTime),
  PROCESSES: ({ usage: { processes = '-', processesLimit } }) =>
    processesLimit === undefined ? `${processes}` : `${processes}/${processesLimit}`,
  REFUSED: ({ usage: { forksRefused = '-' } }) => `${forksRefused}`,
  PRESSURE: ({ usage: { memoryPressure, cpuPressure } }) =>
    [
      ...(memoryPressure === undefined ? [] : [`memory ${memoryPressure}%`]),
      ...(cpuPressure === undefined ? [] : [`cpu ${cpuPressure}%`]),
    ].join(', ') || '-',
};

/**
 * @param rows the containers of this look
 * @param before those of the look before, where there was one
 */
export function usageTable(rows: readonly UsageRow[], before: readonly UsageRow[] = []): string {
  if (rows.length === 0) return 'No containers are running.';
  const lines = rows.map((row) => {
    const earlier = before.find(({ name, started }) => name === row.name && started === row.started);
    return Object.values(columns).map((cell) => cell(row, earlier));
  });
  const without = rows.some(({ usage }) => Object.keys(usage).length === 0);
  return [
    table(Object.keys(columns), lines),
    ...(without ? ['Without a limit nothing is counted: docs/limits.md'] : []),
  ].join('\n');
}

/** Per cent of one processor, in the time since the look before. */
function processorShare({ at, usage }: UsageRow, earlier: UsageRow | undefined): string {
  if (usage.cpuTime === undefined || earlier?.usage.cpuTime === undefined) return '-';
  const milliseconds = (usage.cpuTime - earlier.usage.cpuTime) / 1000;
  return `${((milliseconds / (at - earlier.at)) * 100).toFixed(0)}%`;
}

const size = (bytes: number | undefined): string => (bytes === undefined ? '-' : readableSize(bytes));
const seconds = (microseconds: number | undefined): string =>
  microseconds === undefined ? '-' : `${(microseconds / 1e6).toFixed(1)} s`;
