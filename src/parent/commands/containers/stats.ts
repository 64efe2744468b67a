/** `gontainer stats`: what containers with limits use, read from their control groups. */
import { readUsage, type Usage } from '../../../common/cgroup/usage.js';
import { isTerminal } from '../../../common/kernel/processes.js';
import { print, write } from '../../../common/print.js';
import { readableSize } from '../../../common/readable-size.js';
import { shownJson } from '../../../common/shown-text.js';
import { findContainer, runningContainers } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { table } from '../../text/table.js';

/** Milliseconds between two looks. */
const interval = 1_000;
/** The cursor goes to the upper left corner, and what is below it is cleared: console_codes(4). */
const fromTheTop = '\x1b[H\x1b[J';
const standardOutput = 1;

interface Row {
  readonly name: string;
  readonly usage: Usage;
}

/**
 * Prints it once, or at a terminal again every second until it is interrupted or no such container runs any more.
 * @param word a container, or the beginning of its name; all of them without it
 * @throws Failure when there is none of that name
 */
export async function stats(word: string | undefined, json: boolean, once: boolean): Promise<number> {
  const looked = look(word === undefined ? runningContainers() : [findContainer(word)]);
  if (json) return print(shownJson(JSON.stringify(looked.map(asData), null, 2)));
  if (once || !isTerminal(standardOutput)) return print(shown(looked));
  for (let rows = looked, before: readonly Row[] = []; rows.length > 0; ) {
    write(`${fromTheTop}${shown(rows, before)}\n`);
    await new Promise((done) => setTimeout(done, interval));
    before = rows;
    const named = new Set(rows.map(({ name }) => name));
    rows = look(runningContainers().filter(({ name }) => word === undefined || named.has(name)));
  }
  return 0;
}

const look = (containers: readonly Container[]): Row[] =>
  containers.map(({ name, groups = [] }) => ({ name, usage: readUsage(groups) }));

const asData = ({ name, usage }: Row) => ({ name, ...usage });

function shown(rows: readonly Row[], before: readonly Row[] = []): string {
  if (rows.length === 0) return 'No containers are running.';
  const headings = [
    'NAME',
    'MEMORY',
    'PEAK',
    'LIMIT',
    'CPU',
    'CPU TIME',
    'THROTTLED',
    'PROCESSES',
    'REFUSED',
    'PRESSURE',
  ];
  const lines = rows.map(({ name, usage }) => {
    const earlier = before.find((row) => row.name === name)?.usage.cpuTime;
    const { processes, processesLimit, memoryPressure, cpuPressure } = usage;
    return [
      name,
      size(usage.memory),
      size(usage.memoryPeak),
      size(usage.memoryLimit),
      earlier === undefined || usage.cpuTime === undefined
        ? '-'
        : `${((usage.cpuTime - earlier) / interval / 10).toFixed(0)}%`,
      seconds(usage.cpuTime),
      seconds(usage.throttledTime),
      processes === undefined
        ? '-'
        : `${processes}${processesLimit === undefined ? '' : `/${processesLimit}`}`,
      String(usage.forksRefused ?? '-'),
      memoryPressure === undefined ? '-' : `memory ${memoryPressure}%, cpu ${cpuPressure ?? 0}%`,
    ];
  });
  const without = rows.some(({ usage }) => Object.keys(usage).length === 0);
  return [
    table(headings, lines),
    ...(without ? ['Without a limit nothing is counted: docs/limits.md'] : []),
  ].join('\n');
}

const size = (bytes: number | undefined): string => (bytes === undefined ? '-' : readableSize(bytes));
const seconds = (microseconds: number | undefined): string =>
  microseconds === undefined ? '-' : `${(microseconds / 1e6).toFixed(1)} s`;
