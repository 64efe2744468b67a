/**
 * npm run test:machines [-- [--quick] [--docs] NAME…]: on each machine, as root and as an ordinary user, what the doctor
 * says and whether each kind of launch works; both have to agree. What the doctor names as a fix is done, and what failed
 * has to work. Then the machine's tests and the lessons are run; --quick leaves them out. With --docs the results are
 * written into docs/machines.md.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Unfetched } from './machines/debian.js';
import { machines } from './machines/kinds.js';
import type { Entrance, Machine } from './machines/machine.js';
import { place } from './machines/place.js';
import { written } from './machines/results.js';
import { type Row, tried } from './machines/tried.js';
import { readWords } from './read-words.js';

const lacks = ({ needs }: Machine): string | undefined => {
  const missing = Object.keys(needs).find(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status !== 0,
  );
  return missing && `needs ${missing} (apt-get install ${needs[missing]})`;
};

const { values: options, positionals: names } = readWords({
  allowPositionals: true,
  options: { quick: { type: 'boolean', default: false }, docs: { type: 'boolean', default: false } },
});

async function main(): Promise<number> {
  const unknown = names.find((name) => machines.every((machine) => machine.name !== name));
  if (unknown !== undefined) {
    console.error(`There is no machine ${unknown}: ${machines.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  if (process.geteuid?.() !== 0) {
    console.log('skipped: containers are started as root');
    return 0;
  }
  const chosen = machines.filter(({ name }) => names.length === 0 || names.includes(name));
  let anyFailed = false;
  for (const machine of chosen) {
    const { rows, failed } = await outcome(machine, options.quick);
    anyFailed ||= failed;
    // After each: all of them take hours, and whoever ends that keeps what is known.
    if (options.docs) {
      written(
        'results',
        rows.map(({ cells }) => cells),
      );
      written(
        'fixes',
        rows.flatMap(({ fixes }) => fixes),
      );
    }
  }
  return anyFailed ? 1 : 0;
}

/** Takes away what there is of the machine that is tried now: its processes, and its folder. */
let leave = async (): Promise<void> => {};
const ended = (status: number): void => void leave().finally(() => process.exit(status));
// User Mode Linux makes a session of its own, so a terminal's Ctrl-C does not reach it.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => ended(128 + constants.signals[signal]));
// A terminal that is closed, or a reader that has gone: nobody sees the rest.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => ended(1));

interface Outcome {
  readonly rows: readonly Row[];
  /** Whether something came otherwise than it should, or the machine could not be made ready, or did not start. */
  readonly failed: boolean;
}

/** Makes a machine ready, tries it as both users, prints what was found, and takes it away. */
async function outcome(machine: Machine, quick: boolean): Promise<Outcome> {
  const rows: Row[] = [];
  const lacking = lacks(machine);
  if (lacking !== undefined) {
    console.log(`skipped ${machine.name}: ${lacking}`);
    return { rows, failed: false };
  }
  const folder = mkdtempSync(join(tmpdir(), 'gontainer-machines-'));
  let entrance: Entrance | undefined;
  let leaving: Promise<void> | undefined;
  const left = async (): Promise<void> => {
    await entrance?.leave?.();
    rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
  };
  leave = () => (leaving ??= left());
  try {
    place(folder, machine.processor, !quick);
    entrance = await machine.prepare(folder);
    for (const user of ['root', 'user'] as const) {
      const row = await tried(machine, entrance, user, quick);
      rows.push(row);
      console.log(`${row.faults.length === 0 ? 'ok  ' : 'FAIL'} ${row.cells.filter(Boolean).join(' · ')}`);
      for (const fault of row.faults) console.log(`       ${fault}`);
    }
    return { rows, failed: rows.some(({ faults }) => faults.length > 0) };
  } catch (error) {
    const word = error instanceof Unfetched ? 'skipped' : 'FAIL';
    console.log(`${word} ${machine.name}: ${(error as Error).message}`);
    return { rows, failed: word === 'FAIL' };
  } finally {
    await leave();
  }
}

process.exitCode = await main();
