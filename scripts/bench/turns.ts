/** Programs take turns, so that whatever else the machine does disturbs all of them alike. */
import { readFileSync } from 'node:fs';
import type { Case } from './cases.js';
import { run, type Usage } from './process.js';
import { type Measured, measured, type Summary, summary } from './statistics.js';

export interface Result extends Measured {
  readonly id: string;
  readonly title: string;
  readonly floor?: number;
  readonly target?: number;
  /** From the execve(2) of the child to that of the command, by the log's own times. */
  readonly child?: Summary;
  /** The sum of the times of all calls in the log that do not wait for another process. */
  readonly calls?: Summary;
}

/** Runs every case once in each round; the first round is for the caches and does not count. */
export function takeTurns(cases: readonly Case[], rounds: number): Result[] {
  const usages = new Map<Case, Usage[]>(cases.map((one) => [one, []]));
  const logs = new Map<Case, LogTimes[]>(cases.map((one) => [one, []]));
  for (let round = 0; round <= rounds; round += 1) {
    for (const one of cases) {
      const usage = run(one.program);
      if (round === 0) continue;
      usages.get(one)?.push(usage);
      if (one.log !== undefined) logs.get(one)?.push(logTimes(one.log));
    }
  }
  return cases.map((one) => {
    const { id, title, floor, target } = one;
    const times = logs.get(one) ?? [];
    return {
      ...{
        id,
        title,
        ...(floor === undefined ? {} : { floor }),
        ...(target === undefined ? {} : { target }),
      },
      ...measured(usages.get(one) ?? []),
      ...(times.length === 0
        ? {}
        : {
            child: summary(times.map(({ child }) => child)),
            calls: summary(times.map(({ calls }) => calls)),
          }),
    };
  });
}

interface LogTimes {
  /** Milliseconds. */
  readonly child: number;
  readonly calls: number;
}

interface CallRecord {
  readonly call?: string;
  readonly actor?: string;
  readonly at: number;
  readonly us?: number;
}

/** Calls that wait for another process: their time is that process's. */
const waiting = ['read', 'waitpid', 'poll'];

function logTimes(file: string): LogTimes {
  const records = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as CallRecord);
  const execve = (by: string): number =>
    records.find(({ call, actor }) => call === 'execve' && actor === by)?.at ?? Number.NaN;
  const calls = records
    .filter(({ call }) => call !== undefined && !waiting.includes(call))
    .reduce((sum, { us }) => sum + (us ?? 0), 0);
  return { child: (execve('command') - execve('G')) / 1000, calls: calls / 1000 };
}
