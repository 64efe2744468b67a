/**
 * npm run test:machines [NAME…]: on each machine, as root and as an ordinary user, what the doctor says and whether each
 * kind of launch works; both have to agree. Where the doctor's fix is an option of what starts the machine, it is started
 * again with it, and everything has to work. The results are written into docs/machines.md.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { copyProgram } from './copy-program.js';
import { type Entrance, type Machine, machines, Unfetched } from './machines/kinds.js';

interface Finding {
  readonly id: string;
  readonly state: 'ok' | 'warning' | 'problem';
  readonly found: string;
  readonly fix?: string;
}

interface Launched {
  readonly status: number | null;
  readonly said: string;
  readonly boundProc: boolean;
}

interface Probed {
  readonly kernel: string;
  readonly libc: string;
  readonly processor: string;
  readonly doctor: readonly Finding[];
  readonly doctorSaid: string;
  readonly launches: Readonly<Record<string, Launched>>;
  readonly lessons?: { readonly status: number; readonly last: string };
}

const project = resolve(dirname(fileURLToPath(import.meta.url)), '..');
const page = join(project, 'docs/machines.md');
const users = { root: [], user: ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'] } as const;
type User = keyof typeof users;

/** Everything that is needed inside, in a folder that every user can read. */
function place(): string {
  const folder = mkdtempSync(join(tmpdir(), 'gontainer-machines-'));
  spawnSync('chmod', ['755', folder]);
  copyProgram(join(folder, 'product'));
  cpSync(process.execPath, join(folder, 'node'));
  cpSync(join(project, 'scripts/machines/probe.js'), join(folder, 'probe.js'));
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }\n');
  return folder;
}

/** @throws Error where the machine does not start */
function probed({ words }: Entrance, folder: string, options: readonly string[], user: User): Probed {
  const [file = '', ...rest] = [
    ...words(options),
    ...users[user],
    ...[join(folder, 'node'), join(folder, 'probe.js'), join(folder, 'product/dist/main.cjs')],
    ...(process.argv.includes('--quick') ? [] : ['--all']),
  ];
  const { stdout, stderr } = spawnSync(file, rest, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_EXTRA_CA_CERTS: '' },
    timeout: 600_000,
  });
  try {
    return JSON.parse(stdout.slice(stdout.indexOf('{')));
  } catch {
    throw new Error(`it does not start: ${(stderr || stdout).trim().replaceAll('\n', ' ').slice(0, 500)}`);
  }
}

const lineOf = (name: string): string =>
  ['launch', 'overlay', 'pty', 'subordinate-ids'].includes(name) ? name : `namespace-${name}`;

const works = ({ launches }: Probed, name: string): boolean => launches[name]?.status === 0;

/** What the doctor calls well and fails, or calls wrong and works; and what it could not say at all. */
function untruths(result: Probed): string[] {
  const states = new Map(result.doctor.map(({ id, state }) => [id, state]));
  if (states.size === 0) return [`the doctor printed no list: ${result.doctorSaid}`];
  const said = Object.keys(result.launches)
    .filter((name) => name !== 'detach')
    .filter((name) => (states.get(lineOf(name)) === 'ok') !== works(result, name))
    .map(
      (name) =>
        `the doctor calls ${lineOf(name)} ${states.get(lineOf(name))}, and the launch says: ${result.launches[name]?.said || 'nothing'}`,
    );
  const bound = result.launches.pid?.boundProc === true;
  if (works(result, 'pid') && (states.get('proc') === 'ok') === bound)
    said.push(
      `the doctor calls proc ${states.get('proc')}, and a new /proc was ${bound ? 'refused' : 'mounted'}`,
    );
  return said;
}

/** What came otherwise than the machine's data say. */
function unexpected(result: Probed, fails: readonly string[], coversProc: boolean): string[] {
  const wrong = Object.entries(result.launches)
    .filter(([name, { status }]) => (status !== 0) !== fails.includes(name))
    .map(
      ([name, { said }]) => `${name} ${fails.includes(name) ? 'works, and should fail' : `fails: ${said}`}`,
    );
  if (works(result, 'pid') && result.launches.pid?.boundProc !== coversProc)
    wrong.push(`/proc is ${coversProc ? 'not ' : ''}covered`);
  return wrong;
}

const optionsIn = ({ doctor }: Probed): string[] => [
  ...new Set(
    doctor
      .filter(({ id }) => id !== 'subordinate-ids')
      .flatMap(
        ({ fix = '' }) => fix.match(/--security-opt [a-z]+=unconfined|--system-call-filter=[@\w]+/g) ?? [],
      )
      .flatMap((option) => option.replace(' ', '=')),
  ),
];

interface Row {
  readonly cells: readonly string[];
  readonly faults: readonly string[];
}

const count = ({ launches }: Probed): string => {
  const all = Object.values(launches);
  return `${all.filter(({ status }) => status === 0).length} of ${all.length}`;
};

function tried(machine: Machine, entrance: Entrance, folder: string, user: User): Row {
  const began = Date.now();
  const first = probed(entrance, folder, [], user);
  const faults = [...untruths(first), ...unexpected(first, machine.fails[user], machine.coversProc)];
  const options = machine.fixedByOptions ? optionsIn(first) : [];
  let after = '';
  if (machine.fixedByOptions && options.length === 0)
    faults.push('the doctor names no option that would help');
  if (options.length > 0) {
    const second = probed(entrance, folder, options, user);
    const later = [...untruths(second), ...unexpected(second, ['subordinate-ids'], false)];
    faults.push(...later.map((fault) => `with ${options.join(' ')}: ${fault}`));
    after = `${count(second)}, with \`${options.map((option) => option.replace('opt=', 'opt ')).join(' ')}\``;
  }
  const lessons = first.lessons?.last ?? '';
  return {
    cells: [
      ...[machine.name, user, first.kernel, `${first.processor}, glibc ${first.libc}`, count(first)],
      ...[
        faults.length === 0 ? 'yes' : '**no**',
        after,
        lessons.replace(' lessons are', '').replace(' here', ''),
      ],
      ...[`${Math.round((Date.now() - began) / 1000)} s`, new Date().toISOString().slice(0, 10)],
    ],
    faults,
  };
}

/** Replaces the rows of the machines that were tried, and leaves the others. */
function written(rows: readonly (readonly string[])[]): void {
  const text = readFileSync(page, 'utf8');
  const [begin, end] = ['<!-- results -->\n', '<!-- end of the results -->'];
  const from = text.indexOf(begin) + begin.length;
  const table = text.slice(from, text.indexOf(end)).trim().split('\n');
  const tried = new Set(rows.map(([name]) => name));
  const kept = table.slice(2).filter((line) => !tried.has(line.split('|')[1]?.trim() ?? ''));
  const lines = [...kept, ...rows.map((cells) => `| ${cells.join(' | ')} |`)].sort();
  writeFileSync(
    page,
    `${text.slice(0, from)}${[...table.slice(0, 2), ...lines].join('\n')}\n${text.slice(text.indexOf(end))}`,
  );
}

const lacks = ({ needs }: Machine): string | undefined => {
  const missing = Object.keys(needs).find(
    (name) => spawnSync('sh', ['-c', `command -v ${name}`], { stdio: 'ignore' }).status !== 0,
  );
  return missing && `needs ${missing} (apt-get install ${needs[missing]})`;
};

async function main(): Promise<number> {
  const words = process.argv.slice(2);
  const names = words.filter((word) => !word.startsWith('--'));
  const unknown = names.find((name) => machines.every((machine) => machine.name !== name));
  if (unknown !== undefined) {
    console.error(`There is no machine ${unknown}: ${machines.map(({ name }) => name).join(', ')}`);
    return 2;
  }
  if (process.geteuid?.() !== 0) {
    console.log('skipped: containers are started as root');
    return 0;
  }
  const rows: Row[] = [];
  /** Whether one that should be there could not be made ready, or did not start. */
  let broken = false;
  for (const machine of machines.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const lacking = lacks(machine);
    if (lacking !== undefined) {
      console.log(`skipped ${machine.name}: ${lacking}`);
      continue;
    }
    const folder = place();
    let entrance: Entrance | undefined;
    try {
      entrance = await machine.prepare(folder);
      for (const user of Object.keys(users) as User[]) {
        const row = tried(machine, entrance, folder, user);
        rows.push(row);
        console.log(`${row.faults.length === 0 ? 'ok  ' : 'FAIL'} ${row.cells.filter(Boolean).join(' · ')}`);
        for (const fault of row.faults) console.log(`       ${fault}`);
      }
    } catch (error) {
      broken ||= !(error instanceof Unfetched);
      const word = error instanceof Unfetched ? 'skipped' : 'FAIL';
      console.log(`${word} ${machine.name}: ${(error as Error).message}`);
    } finally {
      await entrance?.leave?.();
      rmSync(folder, { recursive: true, force: true, maxRetries: 20 });
    }
  }
  if (words.includes('--docs')) written(rows.map(({ cells }) => cells));
  return broken || rows.some(({ faults }) => faults.length > 0) ? 1 : 0;
}

process.exitCode = await main();
