/** Programs take turns, so that whatever else the machine does disturbs all of them alike. */
import { readFileSync } from 'node:fs';
import { defined } from '../../src/common/defined.js';
import type { Case } from './cases.js';
import { run, type Usage } from './process.js';
import { type Measured, measured, median, type Summary, summary } from './statistics.js';

export interface Result extends Measured {
  readonly id: string;
  readonly title: string;
  readonly floor?: number;
  readonly bare?: string;
  readonly target?: number;
  /** From the execve(2) of the child to that of the command, by the log's own times. */
  readonly child?: Summary;
  /** The parts of a launch, one after the other. */
  readonly phases?: readonly Phase[];
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
    const { id, title, floor, bare, target } = one;
    const times = logs.get(one) ?? [];
    return {
      id,
      title,
      ...defined({ floor, bare, target }),
      ...measured(usages.get(one) ?? []),
      ...(times.length === 0
        ? {}
        : {
            child: summary(times.map(({ child }) => child)),
            calls: summary(times.map(({ calls }) => calls)),
            phases: medianPhases(times.map(({ phases }) => phases)),
          }),
    };
  });
}

/** A part of a launch, in milliseconds since the log began. */
export interface Phase {
  readonly title: string;
  readonly stage: 'parent' | 'child';
  readonly from: number;
  readonly to: number;
}

interface LogTimes {
  readonly phases: readonly Phase[];
  /** Milliseconds. */
  readonly child: number;
  readonly calls: number;
}

interface CallRecord {
  readonly call?: string;
  readonly actor?: string;
  readonly ended?: unknown;
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
  const at = (which: (record: CallRecord) => boolean): number =>
    (records.find(which)?.at ?? Number.NaN) / 1000;
  const [cloned, second, command] = [
    at(({ call, actor }) => call === 'clone' && actor === 'parent'),
    execve('G') / 1000,
    execve('command') / 1000,
  ];
  const [first, made, ended] = [
    at(({ actor }) => actor === 'child'),
    at(({ call, actor }) => call === 'clone' && actor === 'child'),
    at((record) => record.ended !== undefined),
  ];
  const phases: Phase[] = [
    { title: 'prepares the call chain', stage: 'parent', from: 0, to: cloned },
    { title: 'namespaces and ID maps', stage: 'parent', from: cloned, to: second },
    { title: 'Node starts, and loads the child', stage: 'child', from: second, to: first },
    { title: 'sets up the root', stage: 'child', from: first, to: made },
    { title: 'makes the command', stage: 'child', from: made, to: command },
    { title: 'the command, and its end', stage: 'parent', from: command, to: ended },
  ];
  return { child: command - second, calls: calls / 1000, phases };
}

/** Each phase from the median of its beginnings to that of its ends. */
const medianPhases = (all: readonly (readonly Phase[])[]): Phase[] =>
  (all[0] ?? []).map((phase, index) => {
    const of = (end: 'from' | 'to'): number => median(all.map((phases) => phases[index]?.[end] ?? 0));
    return { ...phase, from: of('from'), to: of('to') };
  });
