/**
 * What the kernel calls of the set-up take, in gontainer, unshare(1) and bubblewrap alike: all under strace(1), whose
 * own cost is then in all of them, counting only calls that Node itself does not make.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Program } from './process.js';
import { median } from './statistics.js';

const compared =
  'unshare mount umount2 mount_setattr pivot_root chroot sethostname capset setresuid setresgid ' +
  'mkdir mkdirat mknod mknodat symlink symlinkat';

/** Of one kind of call in one program: how many, and what one takes, in microseconds; the median of several runs. */
type Calls = Readonly<Record<string, { readonly count: number; readonly each: number }>>;

export interface ComparedCalls {
  readonly ours: Calls;
  readonly theirs: Readonly<Record<string, Calls>>;
}

/** Lets the programs take turns under strace. */
export function compareCalls(
  ours: Program,
  others: readonly { readonly id: string; readonly program: Program }[],
  rounds: number,
  scratch: string,
): ComparedCalls {
  const all = [{ id: 'ours', program: ours }, ...others];
  const runs = new Map<string, Calls[]>(all.map(({ id }) => [id, []]));
  for (let round = 0; round < rounds; round += 1)
    for (const { id, program } of all) runs.get(id)?.push(counted(program, scratch));
  const [own, ...rest] = all.map(({ id }) => [id, medians(runs.get(id) ?? [])] as const);
  return { ours: own?.[1] ?? {}, theirs: Object.fromEntries(rest) };
}

/**
 * For each other program: what our calls take, to what they would take at the other's times, for the kinds of call
 * that both make.
 */
export function ratios({ ours, theirs }: ComparedCalls): Record<string, number> {
  return Object.fromEntries(
    Object.entries(theirs).map(([id, calls]) => {
      const common = Object.keys(calls).filter((name) => ours[name] !== undefined);
      const sum = (from: Calls): number =>
        common.reduce((all, name) => all + (ours[name]?.count ?? 0) * (from[name]?.each ?? 0), 0);
      return [id, sum(ours) / sum(calls)];
    }),
  );
}

function counted({ words }: Program, scratch: string): Calls {
  const table = join(scratch, 'strace');
  const options = ['-f', '-c', '-w', '-U', 'name,calls,avg-time', '-o', table];
  const { status } = spawnSync(
    'strace',
    [...options, '-e', `trace=${compared.replaceAll(' ', ',')}`, ...words],
    {
      stdio: 'ignore',
      cwd: '/',
    },
  );
  if (status !== 0) throw new Error(`strace ${words.join(' ')} ended with status ${status}`);
  const rows = readFileSync(table, 'utf8').matchAll(/^(\w+)\s+(\d+)\s+(\d+)$/gm);
  return Object.fromEntries(
    [...rows].flatMap(([, name = '', count, each]) =>
      name === 'total' ? [] : [[name, { count: Number(count), each: Number(each) }]],
    ),
  );
}

function medians(runs: readonly Calls[]): Calls {
  const names = [...new Set(runs.flatMap((run) => Object.keys(run)))];
  return Object.fromEntries(
    names.map((name) => {
      const of = (field: 'count' | 'each'): number => median(runs.map((run) => run[name]?.[field] ?? 0));
      return [name, { count: of('count'), each: of('each') }];
    }),
  );
}
