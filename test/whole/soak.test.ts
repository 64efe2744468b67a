/**
 * Many launches, many containers at once, and one that runs long: none fails, and the host is afterwards as it was
 * before. `npm run test:soak` does it at full size, prints the figures and writes them to docs/reliability.json; here
 * it is a short form.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { namespaces } from '../../src/common/namespaces.js';
import {
  type Finished,
  finished,
  folder,
  lacking,
  node,
  project,
  rootfs,
  run,
  start,
  type User,
  unprivileged,
} from '../gontainer.js';
import { files, mounts, processesOf } from '../remains.js';
import { patience, until } from '../until.js';
import { growth, type HostFigures, mapped, settledFigures } from './host-figures.js';
import { childrenOf, ProcessWatch, zombiesOf } from './process-watch.js';

const full = process.env.GONTAINER_SOAK === 'full';
const sizes = full
  ? { launches: 1000, atATime: 8, alive: 100, idle: 30, rounds: 600, orphansInRound: 167, lookEvery: 2000 }
  : { launches: 100, atATime: 8, alive: 16, idle: 2, rounds: 5, orphansInRound: 400, lookEvery: 200 };

/** What a container may take, milliseconds. */
const longest = full ? 24 * 3_600_000 : 5 * patience;

/** Nobody else on the machine has this ID, so whatever it owns is ours. */
const user: User = process.getuid?.() === 0 ? { name: 'one user', uid: 54_322, gid: 54_322 } : unprivileged;
const temporary = folder(user);
const runtime = folder(user);
const env = { TMPDIR: temporary, XDG_RUNTIME_DIR: runtime };
const host = new Map<string, string>(
  namespaces.map(({ entry }) => [entry, readlinkSync(`/proc/self/ns/${entry}`)]),
);

const figures: Record<string, unknown> = {
  machine: {
    cores: cpus().length,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release().replace(/^(\d+\.\d+).*/, '$1'),
    node: spawnSync(node, ['--version'], { encoding: 'utf8' }).stdout.trim(),
  },
};
if (full)
  after(() => writeFileSync(join(project, 'docs/reliability.json'), `${JSON.stringify(figures, null, 2)}\n`));

/** Nothing is left of containers that have all ended. A process that was killed may take a moment to go. */
async function nothingRemains(): Promise<void> {
  const look = () => [
    // Run by an ordinary user, the tests themselves are among their processes.
    ...(process.getuid?.() === 0 ? processesOf(user.uid) : []),
    ...files(temporary),
    ...files(runtime).filter((path) => !path.endsWith('.ended')),
    // What is kept of containers that have ended is meant to stay, and bounded.
    ...files(runtime)
      .filter((path) => path.endsWith('.ended'))
      .slice(60),
    ...mounts().filter((line) => line.includes(temporary) || line.includes('gontainer-test-')),
  ];
  await until(
    () => `left: ${look().join(', ')}`,
    () => look().length === 0,
  );
}

/** Its namespaces, as a command inside lists them: `user -> user:[4026532837]`. */
const listed = (text: string): Map<string, string> =>
  new Map([...text.matchAll(/ (\w+) -> (\w+:\[\d+\])$/gm)].map(([, entry = '', id = '']) => [entry, id]));

/** The eight kinds, none of them the host's. */
function assertOwn(own: Map<string, string>): void {
  for (const [entry, outside] of host) {
    assert.match(own.get(entry) ?? 'missing', /:\[\d+\]$/, entry);
    assert.notEqual(own.get(entry), outside, entry);
  }
}

const words = (options: readonly string[], script: string) => [
  'run',
  '--quiet',
  '--all',
  ...options,
  '--',
  'sh',
  '-c',
  script,
];

/** Every second launch has a root file system of its own. */
const rootOptions = (path: string, number: number): string[] => (number % 2 === 0 ? ['--mnt', path] : []);

let costOfOne: HostFigures | undefined;

test(`${sizes.alive} containers alive at once do not meet, and nothing is left of them`, {
  skip: lacking('lsns'),
}, async (context) => {
  const path = await rootfs(user);
  const before = await settledFigures();
  const containers: { container: ChildProcess; end: Promise<Finished>; inside: Map<string, string> }[] = [];
  let number = 0;
  const worker = async (): Promise<void> => {
    while (number < sizes.alive) {
      const name = `box-${number}`;
      const options = [...rootOptions(path, number++), '--name', name, '--hostname', name];
      const container = start(words(options, 'ls -l /proc/self/ns; echo ready; read _; exit 3'), {
        user,
        env,
      });
      const end = finished(container, { within: longest });
      let text = '';
      while (!text.includes('ready\n'))
        text += (await once(container.stdout as NodeJS.ReadableStream, 'data'))[0];
      containers.push({ container, end, inside: listed(text) });
    }
  };
  await Promise.all(Array.from({ length: sizes.atATime }, worker));
  const during = await settledFigures();

  // From outside: who ps says they are has the namespaces that were seen inside, and no two share one.
  const { stdout } = await run(['ps', '--json'], { user, env });
  const shown = JSON.parse(stdout) as { name: string; state: string; pid: number; launcher: number }[];
  assert.equal(shown.filter(({ state }) => state === 'running').length, sizes.alive);
  const seen = new Set<string>();
  for (const { container, inside } of containers) {
    const { pid, name } =
      shown.find(({ launcher }) => launcher === container.pid) ?? assert.fail('not in ps');
    const outside = new Map(
      [...host.keys()].map((entry) => [entry, readlinkSync(`/proc/${pid}/ns/${entry}`)]),
    );
    assertOwn(outside);
    assert.deepEqual(outside, new Map([...inside].filter(([entry]) => host.has(entry))), name);
    for (const id of outside.values()) seen.add(id);
  }
  assert.equal(seen.size, sizes.alive * host.size);

  // By the command's own end, by a signal to it, and by SIGKILL to the launcher.
  await Promise.all(
    containers.map(async ({ container, end }, index) => {
      const name = shown.find(({ launcher }) => launcher === container.pid)?.name as string;
      if (index % 3 === 0) container.stdin?.end('\n');
      else if (index % 3 === 1) assert.equal((await run(['kill', name, 'KILL'], { user, env })).status, 0);
      else container.kill('SIGKILL');
      const { status, signal } = await end;
      assert.deepEqual(
        [status, signal],
        [
          [3, null],
          [137, null],
          [null, 'SIGKILL'],
        ][index % 3],
      );
    }),
  );
  // What a killed launcher wrote down is removed by whoever meets it.
  assert.deepEqual(JSON.parse((await run(['ps', '--json'], { user, env })).stdout), []);
  await nothingRemains();
  const afterwards = growth(before, await settledFigures());
  costOfOne = mapped((name) => Math.round(((during[name] - before[name]) * 10) / sizes.alive) / 10);
  figures.alive = { containers: sizes.alive, costOfOne, growthOfHost: afterwards };
  context.diagnostic(
    `${sizes.alive} alive at once, all ended; one of them takes ${JSON.stringify(costOfOne)}`,
  );
});

test(`${sizes.launches} launches, ${sizes.atATime} at a time, leave nothing`, {
  skip: lacking('lsns'),
}, async (context) => {
  const path = await rootfs(user);
  const idleFrom = await settledFigures();
  await later(sizes.idle * 1000);
  const before = await settledFigures();
  const idle = growth(idleFrom, before);
  const began = process.hrtime.bigint();
  let started = 0;
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    while (started < sizes.launches) {
      const number = started++;
      const status = number % 100;
      const options = [...rootOptions(path, number), '--hostname', `box${number}`];
      const script = `ls -l /proc/self/ns; cat /proc/sys/kernel/hostname; exit ${status}`;
      const end = await run(words(options, script), { user, env });
      try {
        assert.equal(end.status, status);
        assert.match(end.stdout, new RegExp(`\nbox${number}\n$`));
        assertOwn(listed(end.stdout));
      } catch (error) {
        failures.push(`${number}: ${(error as Error).message} ${JSON.stringify(end)}`);
      }
    }
  };
  await Promise.all(Array.from({ length: sizes.atATime }, worker));
  const seconds = Number(process.hrtime.bigint() - began) / 1e9;
  assert.deepEqual(failures, []);
  await nothingRemains();
  const change = growth(before, await settledFigures());
  figures.launches = {
    launches: started,
    atATime: sizes.atATime,
    failed: failures.length,
    seconds: Math.round(seconds),
    idleGrowthOfHost: idle,
    growthOfHost: change,
  };
  context.diagnostic(
    `${started} launches in ${seconds.toFixed(0)} s, ${failures.length} failed; the host: ${JSON.stringify(change)}, when idle ${JSON.stringify(idle)}`,
  );
  // Other programs use the host too; in the full size a leak stands out against them.
  if (!full || costOfOne === undefined) return;
  for (const name of ['memory', 'kernelMemory', 'files', 'namespaces'] as const) {
    // A leak is at least one of something for each launch: a hundredth of what a living container takes is none.
    const allowed = Math.abs(idle[name]) * 2 + (started * costOfOne[name]) / 100;
    assert.ok(change[name] <= allowed, `${name} grew by ${change[name]}, allowed are ${allowed}`);
  }
});

/**
 * Makes orphans, each of which writes one byte when it runs. The first of each round stays until it has a new parent,
 * and says which.
 */
const orphanMaker = `
  round=0
  while [ $round -lt ${sizes.rounds} ]; do
    sleep 1 & pace=$!
    ( read -r maker _ </proc/self/stat
      { while read -r _ _ _ parent _ </proc/self/stat; [ "$parent" = "$maker" ]; do sleep 0.1; done; echo "parent $parent"; } & )
    made=0
    while [ $made -lt ${sizes.orphansInRound} ]; do
      ( printf . & )
      made=$((made + 1))
    done >>/tmp/orphans
    wait $pace
    round=$((round + 1))
  done
  until [ "$(wc -c </tmp/orphans)" -ge ${sizes.rounds * sizes.orphansInRound} ]; do sleep 0.1; done
  wc -c </tmp/orphans
  echo ready
  read _`;

const orphans = sizes.rounds * sizes.orphansInRound;

test(`${orphans} orphans in one container are reaped`, async (context) => {
  const path = await rootfs(user);
  // The second one does nothing meanwhile: what its memory does is not the orphans' doing.
  const [busy, idle] = await Promise.all([runningOn(path, orphanMaker), runningOn(path, idleScript)]);
  const watches = [busy.container.pid as number, busy.child, idle.child].map((pid) => new ProcessWatch(pid));
  const [launcher, child, control] = watches as [ProcessWatch, ProcessWatch, ProcessWatch];
  const began = process.hrtime.bigint();
  while (!busy.said().includes('ready\n') && busy.container.exitCode === null) {
    for (const watch of watches) watch.look();
    await later(sizes.lookEvery);
  }
  const seconds = Math.round(Number(process.hrtime.bigint() - began) / 1e9);

  // Every orphan ran, those that were asked had the child as their new parent, and only the shell is left.
  const asked = (): string[] => busy.said().match(/^parent \d+$/gm) ?? [];
  await until(
    () => `${asked().length} orphans have a new parent`,
    () => asked().length >= sizes.rounds,
  );
  const parents = asked();
  assert.match(busy.said(), new RegExp(`^${orphans}$`, 'm'));
  assert.deepEqual([parents.length, ...new Set(parents)], [sizes.rounds, 'parent 1']);
  await until('there are zombies', () => zombiesOf(child.pid).length === 0);
  await until('more than the shell is left', () => childrenOf(child.pid).length === 1);

  for (const { container, end } of [busy, idle]) {
    container.stdin?.end('\n');
    assert.equal((await end).status, 0);
  }
  await nothingRemains();
  const memory = {
    child: child.course('memory'),
    launcher: launcher.course('memory'),
    idleChild: control.course('memory'),
  };
  figures.orphans = {
    orphans,
    seconds,
    zombiesLeft: 0,
    mostZombiesAtAnyLook: child.most('zombies'),
    looks: child.samples.length,
    memory,
    descriptors: { child: child.course('descriptors'), launcher: launcher.course('descriptors') },
  };
  context.diagnostic(JSON.stringify(figures.orphans));
  for (const watch of [launcher, child]) {
    const { secondQuarter, lastQuarter } = watch.course('descriptors');
    assert.equal(lastQuarter, secondQuarter);
  }
  // The heap of a Node that does something breathes; it takes the full size to tell that from growing.
  if (full)
    for (const { secondQuarter, lastQuarter } of Object.values(memory))
      assert.ok(lastQuarter < secondQuarter * 1.1);
});

const idleScript = 'echo ready; read _';

/** A container that runs, with a /tmp of its own. */
async function runningOn(path: string, script: string) {
  const scratch = folder(user);
  const pidFile = join(scratch, 'pid');
  const options = ['--mnt', path, '--tmpfs', '/tmp', '--pid-file', pidFile];
  const container = start(words(options, `echo begin; ${script}`), { user, env });
  const end = finished(container, { within: longest });
  let said = '';
  container.stdout?.on('data', (text) => {
    said += text;
  });
  await once(container.stdout as NodeJS.ReadableStream, 'data');
  return { container, end, child: Number(readFileSync(pidFile, 'utf8')), said: () => said };
}
