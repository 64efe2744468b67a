/** What one command of an open container may use: exec(argv, { memory, pidsLimit, cpus, ulimit }). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { planGroups } from '../../src/common/cgroup/plan.js';
import { root, unprivileged, users } from '../gontainer.js';
import { shown } from './consumer.js';

const plan = planGroups({ memory: 2 ** 26, pids: 20, cpus: 0.5 }, false);
/** Whoever runs the tests: the groups were planned for him. */
const self = process.getuid?.() === 0 ? root : unprivileged;
const noGroups = 'why' in plan ? `no control groups here: ${plan.why}` : false;
const onlyWithLimits =
  !('why' in plan) &&
  plan.scope !== undefined &&
  'systemd gives a group only to a container with limits of its own';

const imported = `import { Failure, KernelError, open } from 'gontainer';
  import { readdirSync, readFileSync } from 'node:fs';
  const failed = (promise) => promise.then((value) => { throw new Error('it worked: ' + JSON.stringify(value)); }, (error) => error);
  const options = { uid: true, pid: true };\n`;

for (const user of users) {
  const options = { skip: user.skip };

  test(
    `${user.name}: ulimit is for one command, and takes the place of the container's`,
    options,
    async () => {
      const code = `${imported}
      const show = async (box, limits) => console.log((await box.exec(['sh', '-c', 'ulimit -n; ulimit -Hn; ulimit -c; ulimit -t'], limits)).stdout.trim().split('\\n').join(' '));
      const box = await open({ ...options, ulimit: ['nofile=200:300', 'core=0'] });
      await show(box, {});
      await show(box, { ulimit: ['nofile=64:250', 'cpu=77'] });
      await show(box, { ulimit: ['cpu=5'] });
      await Promise.all([1, 2, 3, 4].map((n) => show(box, n % 2 ? {} : { ulimit: ['nofile=100'] })));
      const { signal, reason } = await box.exec(['sh', '-c', 'while :; do :; done'], { ulimit: ['cpu=1'] });
      console.log(signal, reason);
      await box.close();`;
      const lines = (await shown(code, user)).split('\n');
      assert.deepEqual(lines.slice(0, 3), ['200 300 0 unlimited', '64 250 0 77', '200 300 0 5']);
      assert.deepEqual(lines.slice(3, 7).sort(), [
        '100 100 0 unlimited',
        '100 100 0 unlimited',
        '200 300 0 unlimited',
        '200 300 0 unlimited',
      ]);
      assert.match(lines[7] ?? '', /^SIG(XCPU|KILL) signal$/);
    },
  );

  test(
    `${user.name}: a limit that there cannot be is a failure, and the container goes on`,
    options,
    async () => {
      const code = `${imported}
      const box = await open(options);
      for (const limits of [{ ulimit: ['nofiles=3'] }, { ulimit: 'nofile=3' }, { memory: 5 }, { memory: 'much' }, { memory: '1' }, { pidsLimit: 0 }, { pidsLimit: '3' }, { cpus: 10000 }, { cpus: Number.NaN }, { memorySwap: '1g' }, { cpuWeight: 0 }]) {
        const error = await failed(box.exec(['true'], limits));
        console.log(error instanceof Failure, error.status, /--/.test(error.message + error.next));
      }
      const nowhere = await failed(box.exec(['no-such-command'], { ulimit: ['nofile=99'] }));
      console.log(nowhere instanceof KernelError, nowhere.data.errno);
      console.log((await box.exec(['echo', 'on'])).stdout);
      await box.close();`;
      const lines = (await shown(code, user)).split('\n');
      assert.deepEqual(lines.slice(0, 11), Array(11).fill('true 2 false'));
      assert.deepEqual(lines.slice(11), ['true ENOENT', 'on']);
    },
  );
}

/**
 * Of the container: some of its own, below which those of its commands are, or none. In a group of version 2 that nobody has
 * used before, the first of them leaves a controller for its commands to switch on.
 */
const containers = ["{ memory: '256m', pidsLimit: 40 }", '{}'];

for (const own of containers) {
  const title = own === '{}' ? 'without limits' : 'with limits';

  test(`in a container ${title} each command has its own, and what hit one is told`, {
    skip: noGroups || (own === '{}' && onlyWithLimits),
  }, async () => {
    const code = `${imported}
      const box = await open({ ...options, ...${own} });
      const hog = 'a = []; for (;;) a.push(Buffer.alloc(1e6, 1))';
      const [full, bomb, plain] = await Promise.all([
        box.exec([process.execPath, '-e', hog], { memory: '48m' }),
        box.exec(['sh', '-c', 'trap "kill \\\\$all" EXIT; while :; do sleep 1000 & all="$all $!"; done'], { pidsLimit: 5 }),
        box.exec(['sh', '-c', 'for i in 1 2 3 4 5 6 7 8; do sleep 0.1 & done; wait; echo all']),
      ]);
      console.log(full.status, full.signal, full.reason, full.usage.memoryLimit, full.usage.oomKills > 0);
      console.log(bomb.usage.processesLimit, bomb.usage.forksRefused > 0, bomb.usage.processesPeak ?? 5);
      console.log(plain.stdout.trim(), plain.usage);
      const cpus = await box.exec(['true'], { cpus: 0.5, cpuWeight: 10 });
      console.log(cpus.status, cpus.usage.processes);
      const { stdout } = await box.exec(['cat', '/proc/self/cgroup'], { pidsLimit: 5 });
      console.log(JSON.stringify(stdout.split('\\n').filter((line) => /^\\d+:(.*,)?pids(,.*)?:|^0::.*gontainer/.test(line)).map((line) => line.replace(/.*:/, ''))));
      await box.close();`;
    const [full, bomb, plain, cpus, groups = ''] = (await shown(code, self)).split('\n');
    assert.equal(full, `137 SIGKILL memory ${48 * 2 ** 20} true`);
    assert.equal(bomb, '5 true 5');
    assert.equal(plain, 'all undefined');
    assert.match(cpus ?? '', /^0 \d+$/);
    const paths: string[] = JSON.parse(groups);
    assert.ok(paths.length > 0);
    for (const path of paths) {
      assert.match(path, /\/gontainer-[^/]+\/gontainer-[^/]+$/);
      for (const { path: mine } of 'why' in plan ? [] : plan.groups)
        assert.equal(existsSync(join(dirname(mine), path.split('/').at(-2) ?? '')), false, `${path} is left`);
    }
  });
}

test('where there is no group to be had, the command is not started', {
  skip:
    process.getuid?.() !== 0 || ('why' in plan ? false : plan.groups.some(({ version }) => version === 2))
      ? 'the user may have a group'
      : false,
}, async () => {
  const code = `${imported}
    const box = await open(options);
    const error = await failed(box.exec(['sh', '-c', 'echo started >&2'], { pidsLimit: 5 }));
    console.log(error instanceof Failure, error.status, error.message, error.next);
    console.log((await box.exec(['echo', 'on'])).stdout);
    await box.close();`;
  const [line = '', on] = (await shown(code, unprivileged)).split('\n');
  assert.match(line, /^true 125 these limits of a command cannot be set: .*“cgroup”/);
  assert.equal(on, 'on');
});

test('who is killed while it waits for its limits was killed, and no limit is blamed', {
  skip: noGroups || onlyWithLimits,
}, async () => {
  const code = `${imported}
    const box = await open(options);
    const killer = box.spawn(['sh', '-c', 'while :; do kill -9 -1; done'], { stdio: 'ignore' });
    await killer.started;
    const ends = new Set();
    for (let count = 0; count < 500; count += 1)
      ends.add(await box.exec(['true'], { memory: '64m' }).then(({ signal, status }) => signal ?? status, (error) => error.message));
    console.log([...ends].filter((end) => end !== 0).join());
    await box.close();`;
  assert.equal(await shown(code, self), 'SIGKILL');
});
