/** One machine tried by one user: the probe, the doctor's fixes, the tests and the lessons; a row of the table. */
import { join } from 'node:path';
import type { Entrance, Machine, Obstacle, Ran, User } from './machine.js';
import {
  commandsIn,
  count,
  optionsIn,
  type Probed,
  unexpected,
  unsaid,
  untruths,
  wrongLessons,
} from './probed.js';

export interface Row {
  readonly cells: readonly string[];
  readonly faults: readonly string[];
  /** Of each thing that was set against launches: what it was, and what came of it. */
  readonly fixes: readonly (readonly string[])[];
}

/** How long the slowest of all may take: the tests on an emulated processor. */
const seconds = 7200;

const ordinary = ['setpriv', '--reuid=1000', '--regid=1000', '--clear-groups'] as const;

/** @param quick without the tests and the lessons */
export async function tried(machine: Machine, entrance: Entrance, user: User, quick: boolean): Promise<Row> {
  const began = Date.now();
  const first = await probed(entrance, [], user);
  const faults = [
    ...untruths(first),
    ...unexpected(first, machine.fails[user], machine.coversProc),
    ...unsaid(first, machine.says ?? {}),
  ];
  const { options, commands, after } = await fixed(machine, entrance, user, first);
  const fixes = [...options.map((option) => option.replace('opt=', 'opt ')), ...commands];
  if (after === undefined) {
    if (machine.fixedByOptions || machine.fixedByCommands[user].length > 0)
      faults.push('the doctor names nothing that would help');
  } else {
    const later = [...untruths(after), ...unexpected(after, machine.failsAfterwards[user], false)];
    faults.push(...later.map((fault) => `after ${fixes.join(' ')}: ${fault}`));
  }
  const tests = quick ? none : await suite(machine, entrance, options, user);
  const lessons = quick ? none : await learned(machine, entrance, options, user);
  // At the end, as some of it stays set: it would be against the tests and the lessons too.
  const overcome = await overcomeAll(machine, entrance, options, user);
  faults.push(...overcome.flatMap((each) => each.faults));
  return {
    cells: [
      ...[machine.name, user, first.kernel, `${first.processor}, glibc ${first.libc}`, count(first)],
      faults.length === 0 ? 'yes' : '**no**',
      after === undefined ? '' : `${count(after)}, with ${fixes.map((fix) => `\`${fix}\``).join(' ')}`,
      tests.said,
      lessons.said,
      `${Math.round((Date.now() - began) / 1000)} s`,
      new Date().toISOString().slice(0, 10),
    ],
    faults: [...faults, ...tests.faults, ...lessons.faults],
    fixes: overcome.map(({ cells }) => [machine.name, user, ...cells]),
  };
}

interface Overcome {
  readonly cells: readonly string[];
  readonly faults: readonly string[];
}

async function overcomeAll(
  { obstacles }: Machine,
  entrance: Entrance,
  options: readonly string[],
  user: User,
): Promise<Overcome[]> {
  const all: Overcome[] = [];
  for (const obstacle of obstacles[user]) all.push(await overcame(obstacle, entrance, options, user));
  return all;
}

/** The failing launch, the doctor's fix, and the launch. */
async function overcame(
  { set, launch, line, lasts = false }: Obstacle,
  entrance: Entrance,
  options: readonly string[],
  user: User,
): Promise<Overcome> {
  const asRoot = async (command: string): Promise<void> => {
    const { status, stderr } = await entrance.run(['sh', '-c', command], options, seconds);
    if (status !== 0) throw new Error(`${command} fails: ${stderr}`);
  };
  await asRoot(set);
  const before = await probed(entrance, options, user, [launch]);
  const faults = [
    ...untruths(before),
    ...(stateOf(before, line) === 'ok' ? [`the doctor calls ${line} ok`] : []),
  ];
  if (before.launches[launch]?.status === 0) faults.push(`${launch} works`);
  const commands = commandsIn(before, [line]);
  if (commands.length === 0 && !lasts) faults.push(`the doctor names no command for ${line}`);
  for (const command of commands) await asRoot(command);
  const after = lasts ? before : await probed(entrance, options, user, [launch]);
  const works = after.launches[launch]?.status === 0;
  if (!lasts && !works) faults.push(`${launch} still fails: ${after.launches[launch]?.said}`);
  if (!lasts && stateOf(after, line) !== 'ok')
    faults.push(`the doctor still calls ${line} ${stateOf(after, line)}`);
  const said = before.launches[launch]?.said.split('. ')[0] ?? '';
  return {
    cells: [set, said, commands.join('; ') || 'nothing, and says so', works ? 'works' : 'fails'],
    faults: faults.map((fault) => `with ${set}: ${fault}`),
  };
}

const stateOf = ({ doctor }: Probed, line: string) => doctor.find(({ id }) => id === line)?.state;

interface Fixed {
  readonly options: readonly string[];
  readonly commands: readonly string[];
  /** What is found once all of them are done; undefined where there are none. */
  readonly after: Probed | undefined;
}

/** Does what the doctor says. */
async function fixed(machine: Machine, entrance: Entrance, user: User, first: Probed): Promise<Fixed> {
  const options = machine.fixedByOptions ? optionsIn(first) : [];
  const commands = commandsIn(first, machine.fixedByCommands[user]);
  for (const command of commands) {
    const { status, stderr } = await entrance.run(['sh', '-c', command], options, seconds);
    if (status !== 0) throw new Error(`the doctor's fix fails: ${command}: ${stderr}`);
  }
  if (options.length + commands.length === 0) return { options, commands, after: undefined };
  // With other options it is another machine; after a command, what works is not tried again.
  const again = Object.keys(first.launches).filter((name) => first.launches[name]?.status !== 0);
  const after = await probed(entrance, options, user, options.length > 0 ? [] : again);
  return { options, commands, after: { ...after, launches: { ...first.launches, ...after.launches } } };
}

/** Runs Node inside, from a folder, as one of the users. */
function node(
  entrance: Entrance,
  options: readonly string[],
  user: User,
  words: readonly string[],
  folder = '/',
) {
  const { place, ordinary: own = ordinary } = entrance;
  const script = 'mkdir -p "$HOME" && cd "$0" && exec "$@"';
  // Nobody has a home in a container; the doctor and the tests are to see the same.
  const home = `HOME=/tmp/home-${user}`;
  const start = ['env', home, 'NO_COLOR=1', 'sh', '-c', script, folder, `${place}/node`, ...words];
  return entrance.run([...(user === 'root' ? [] : own), ...start], options, seconds);
}

/** @throws Error where the machine does not start */
async function probed(
  entrance: Entrance,
  options: readonly string[],
  user: User,
  only: readonly string[] = [],
): Promise<Probed> {
  const { place } = entrance;
  const words = [join(place, 'probe.js'), join(place, 'product/dist/main.cjs'), ...only];
  const { status, stdout, stderr } = await node(entrance, options, user, words);
  try {
    return JSON.parse(stdout.slice(stdout.indexOf('{')));
  } catch {
    const said = (stderr || stdout).trim().replaceAll('\n', ' ').slice(0, 500);
    throw new Error(`it does not start: status ${status}, ${said || 'and nothing is said'}`);
  }
}

interface Part {
  /** What the table says of it. */
  readonly said: string;
  readonly faults: readonly string[];
}

const none: Part = { said: '', faults: [] };

const lastLine = ({ stdout }: Ran): string => stdout.trim().split('\n').at(-1) ?? '';

async function suite(
  { tests }: Machine,
  entrance: Entrance,
  options: readonly string[],
  user: User,
): Promise<Part> {
  if (tests.length === 0) return none;
  const project = join(entrance.place, 'project');
  // By whole paths: npm's INIT_CWD, which some machines inherit, is a folder of the host.
  const files = tests.map((path) => join(project, path));
  const words = ['--import', 'tsx', 'scripts/test.ts', '--patience=4', ...files];
  const ran = await node(entrance, options, user, words, project);
  // A file, and below it the tests that failed, each with its error.
  const failed = ran.stdout.match(/^FAIL .*(\n {2}.*)*/gm) ?? [];
  return {
    said: lastLine(ran).replace(', 0 failed', ''),
    faults: ran.status === 0 ? [] : [...failed, `tests: ${lastLine(ran)} ${ran.stderr.slice(-500)}`],
  };
}

async function learned(
  { untrue = [] }: Machine,
  entrance: Entrance,
  options: readonly string[],
  user: User,
): Promise<Part> {
  const words = [join(entrance.place, 'product/dist/main.cjs'), 'lesson', '--all', '--auto'];
  const ran = await node(entrance, options, user, words);
  return {
    said: lastLine(ran).replace(' lessons are', '').replace(' here', ''),
    faults: wrongLessons(ran.stdout, untrue),
  };
}
