/** `gontainer stats`: what containers with limits use, read from their control groups. */
import { readUsage } from '../../../common/cgroup/usage.js';
import { isTerminal } from '../../../common/kernel/processes.js';
import { print, write } from '../../../common/print.js';
import { shownJson } from '../../../common/shown-text.js';
import { findContainer, runningContainers } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { type UsageRow, usageTable } from './usage-table.js';

/** Milliseconds between two looks. */
const interval = 1_000;
/** The cursor goes to the upper left corner, and what is below it is cleared: console_codes(4). */
const fromTheTop = '\x1b[H\x1b[J';
const standardOutput = 1;

/**
 * Prints it once, or at a terminal again every second until it is interrupted or no such container runs any more.
 * @param word a container, or the beginning of its name; all of them without it
 * @throws Failure when there is none of that name
 */
export async function stats(word: string | undefined, json: boolean, once: boolean): Promise<number> {
  const looked = look(word === undefined ? runningContainers() : [findContainer(word)]);
  if (json) return print(shownJson(JSON.stringify(looked.map(asData), null, 2)));
  if (once || looked.length === 0 || !isTerminal(standardOutput)) return print(usageTable(looked));
  for (let rows = looked, before: readonly UsageRow[] = []; rows.length > 0; ) {
    write(`${fromTheTop}${usageTable(rows, before)}\n`);
    await new Promise((done) => setTimeout(done, interval));
    before = rows;
    const named = new Set(rows.map(({ name }) => name));
    rows = look(runningContainers().filter(({ name }) => word === undefined || named.has(name)));
  }
  return 0;
}

const look = (containers: readonly Container[]): UsageRow[] =>
  containers.map(({ name, started, groups = [] }) => ({
    name,
    started: Number(started),
    at: performance.now(),
    usage: readUsage(groups),
  }));

const asData = ({ name, usage }: UsageRow) => ({ name, ...usage });
