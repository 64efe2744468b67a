/** onCall: a program decides about each watched call, and whatever it does the command is answered and nothing waits for good. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { users } from '../gontainer.js';
import { isAlive } from '../remains.js';
import { until } from '../until.js';
import { shown, starts } from './consumer.js';

const imported = `import { Failure, launch, open } from 'gontainer';
  import { text } from 'node:stream/consumers';
  const options = { uid: true, pid: true };
  const isHostname = ({ watched, paths = [] }) => watched === 'openat' && paths.includes('/etc/hostname');\n`;

for (const user of users) {
  const skip = { skip: user.skip };

  test(
    `${user.name}: what the program refuses fails with its errno, and all else goes on`,
    skip,
    async () => {
      const code = `${imported}
      const onCall = async (call) =>
        isHostname(call) ? { errno: 'EACCES' } : call.watched === 'uname' ? { errno: 5 } : 'continue';
      const command = ['sh', '-c', 'cat /etc/hostname; cat /etc/passwd >/dev/null && echo read; uname -n'];
      const container = launch({ ...options, command, onCall });
      const [stdout, stderr] = await Promise.all([text(container.stdout), text(container.stderr)]);
      const decided = [], failed = [];
      for await (const { watched, known, decided: { by, errno } = {} } of container.watched) {
        decided.push(by);
        if (errno !== undefined) failed.push([watched, known, errno]);
      }
      const explained = (await container.explain()).map(({ watched }) => watched);
      const summary = [];
      for await (const { watch } of container.records) if (watch) summary.push(watch.refusals, ...watch.refused);
      console.log(JSON.stringify({ stdout, stderr, failed, explained, decided, summary }));`;
      const { stdout, stderr, failed, explained, decided, summary } = JSON.parse(await shown(code, user));
      assert.equal(stdout, 'read\n');
      assert.match(stderr, /hostname: Permission denied\nuname: .*Input\/output error\n$/);
      assert.deepEqual(failed, [
        ['openat', 'decided', 'EACCES'],
        ['uname', 'decided', 'EIO'],
      ]);
      assert.deepEqual(explained, ['openat', 'uname']);
      // The first is the execve(2) that starts the command.
      assert.deepEqual([...new Set(decided)], ['program']);
      assert.deepEqual(summary, [
        2,
        'openat /etc/hostname: EACCES, as the program decided',
        'uname: EIO, as the program decided',
      ]);
    },
  );

  test(
    `${user.name}: while one call waits the others go on, and each process keeps its order`,
    skip,
    async () => {
      const code = `${imported}
      let goOn;
      const asked = [];
      const onCall = (call) => {
        asked.push([call.pid, call.watched]);
        if (call.watched === 'uname') goOn('continue');
        return isHostname(call) ? new Promise((resolve) => { goOn = resolve; }) : 'continue';
      };
      const script = 'cat /etc/hostname >/dev/null & until [ -e /proc/$!/exe ]; do :; done; ls -d /; sleep 0.2; uname; wait; echo over';
      const container = launch({ ...options, command: ['sh', '-c', script], onCall });
      const stdout = await text(container.stdout);
      const told = [];
      for await (const { pid, watched } of container.watched) told.push([pid, watched]);
      const pids = [...new Set(told.map(([pid]) => pid))];
      const of = (calls) => pids.map((pid) => calls.filter(([by]) => by === pid).map(([, name]) => name).join());
      console.log(JSON.stringify({ stdout, processes: pids.length, told: of(told), asked: of(asked) }));`;
      const { stdout, processes, told, asked } = JSON.parse(await shown(code, user));
      assert.equal(stdout, '/\nLinux\nover\n');
      assert.ok(processes >= 4);
      assert.deepEqual(told, asked);
    },
  );

  test(
    `${user.name}: a function that fails has its call refused, the container killed, and its reason told`,
    skip,
    async () => {
      const code = `${imported}
      const failing = {
        throws: () => { throw new RangeError('mine'); },
        rejects: async () => { throw new RangeError('mine too'); },
        text: () => { throw 'no error'; },
        nothing: () => {},
        word: () => 'Continue',
        name: () => ({ errno: 'EFOO' }),
        inherited: () => ({ errno: 'toString' }),
        zero: () => ({ errno: 0 }),
        negative: () => ({ errno: -13 }),
        restart: () => ({ errno: 512 }),
        getter: () => ({ get errno() { throw new RangeError('of a getter'); } }),
      };
      // Neither of the two would end by itself.
      const command = ['sh', '-c', 'uname; sleep 1000'];
      for (const [name, onCall] of Object.entries(failing)) {
        const container = launch({ ...options, watch: 'identity', command, onCall });
        const reason = await container.ended.catch((error) => error);
        let refused = 0;
        for await (const { decided } of container.watched) if (decided?.errno === 'EPERM') refused += 1;
        console.log(name + ':', refused > 0, reason instanceof Failure && reason.status, String(reason));
      }`;
      assert.deepEqual((await shown(code, user)).replaceAll(/ to \w+/g, ' to CALL').split('\n'), [
        'throws: true false RangeError: mine',
        'rejects: true false RangeError: mine too',
        'text: true false no error',
        'nothing: true 2 Failure: what onCall answered to CALL is not a decision',
        'word: true 2 Failure: what onCall answered to CALL is not a decision',
        'name: true 2 Failure: onCall answered to CALL with “EFOO”, which is not an errno of the system',
        'inherited: true 2 Failure: onCall answered to CALL with “toString”, which is not an errno of the system',
        'zero: true 2 Failure: onCall answered to CALL with “0”, which is not an errno of the system',
        'negative: true 2 Failure: onCall answered to CALL with “-13”, which is not an errno of the system',
        'restart: true 2 Failure: onCall answered to CALL with “512”, which is not an errno of the system',
        'getter: true false RangeError: of a getter',
      ]);
    },
  );

  test(`${user.name}: nobody waits for a function that never answers`, skip, async () => {
    const code = `${imported}
      const never = () => new Promise(() => {});
      const waiting = (more, onCall = never) => launch({ ...options, command: ['uname'], watch: 'identity', onCall, ...more });
      const say = async (container) => console.log(JSON.stringify(await container.ended.catch(({ name }) => name)));
      await say(waiting({ timeout: 0.5 }));
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        const container = waiting({}, () => { container.kill(signal); return never(); });
        await say(container);
      }
      const ender = new AbortController();
      await say(waiting({ signal: ender.signal }, () => { ender.abort(); return never(); }));`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      '{"status":143,"signal":"SIGTERM","reason":"timeout"}',
      '{"status":143,"signal":"SIGTERM","reason":"signal"}',
      '{"status":137,"signal":"SIGKILL","reason":"killed"}',
      '"AbortError"',
    ]);
  });

  test(
    `${user.name}: an answer for a process that has ended is dropped, and the next are heard`,
    skip,
    async () => {
      const code = `${imported}
      import { writeFileSync } from 'node:fs';
      let late;
      const onCall = (call) => {
        if (call.watched === 'uname') late('continue');
        if (!isHostname(call)) return 'continue';
        writeFileSync('asked', '');
        return new Promise((resolve) => { late = resolve; });
      };
      const script = 'cat /etc/hostname & until [ -e asked ]; do sleep 0.1; done; kill -KILL $!; wait; uname; echo $?';
      const container = launch({ ...options, command: ['sh', '-c', script], onCall });
      console.log(JSON.stringify(await text(container.stdout)), (await container.ended).status);`;
      assert.equal(await shown(code, user), String.raw`"Linux\n0\n" 0`);
    },
  );

  test(
    `${user.name}: whether the command starts is decided too, and nobody waits for that`,
    skip,
    async () => {
      const code = `${imported}
      for (const more of [{}, { asPid1: true }]) {
        const starting = (onCall, others) => launch({ ...options, command: ['echo', 'ran'], watch: 'processes', onCall, ...more, ...others });
        const asked = [];
        const refused = starting(async ({ watched, paths }) => { asked.push(watched, ...paths); return { errno: 'EACCES' }; });
        const { message, status } = await refused.ended.catch((error) => error);
        console.log(asked.join(' '), '/', message, status, JSON.stringify(await text(refused.stdout)));
        const known = [];
        for await (const call of refused.watched) known.push(call.known, call.decided?.errno);
        console.log(known.join(' '));
        const never = () => new Promise(() => {});
        const ended = async (container) => {
          const { status, reason, message } = await container.ended.catch((error) => error);
          console.log(status, message ?? reason, JSON.stringify(await text(container.stdout)));
        };
        await ended(starting(never, { timeout: 0.2 }));
        for (const signal of ['SIGTERM', 'SIGKILL']) {
          const killed = starting(() => { killed.kill(signal); return never(); });
          await ended(killed);
        }
      }`;
      const lines = (await shown(code, user)).replaceAll(/\S*\/echo/g, 'echo').split('\n');
      const each = [
        'execve echo / the command was not started: EACCES, as the program decided 126 ""',
        'decided EACCES',
        '137 timeout ""',
        '143 given up because of SIGTERM, before the command was started ""',
        '143 given up because of SIGTERM, before the command was started ""',
      ];
      assert.deepEqual(lines, [...each, ...each]);
    },
  );

  test(`${user.name}: the end of the program that decides is the end of the container`, skip, async () => {
    const code = `${imported}
      const container = launch({ ...options, command: ['uname'], onCall: () => new Promise(() => {}) });
      console.log((await container.started).pid);`;
    const program = starts(code, user);
    const [line] = await new Promise<string[]>((done) =>
      program.stdout?.once('data', (bytes) => done(String(bytes).split('\n'))),
    );
    assert.ok(isAlive(Number(line)));
    program.kill('SIGKILL');
    await until('the container lives on', () => !isAlive(Number(line)));
  });
}

test('what onCall does not go with is refused, before anything is started', async () => {
  const code = `${imported}
    const say = ({ name, status, message }) => console.log(name, status, message);
    for (const onCall of ['continue', {}, null])
      try { launch({ ...options, command: ['true'], onCall }); } catch (error) { say(error); }
    await open({ ...options, onCall: () => 'continue' }).catch(say);
    await launch({ ...options, command: ['true'], allowNewPrivs: true, onCall: () => 'continue' }).ended.catch(say);`;
  assert.deepEqual((await shown(code, users[1] as (typeof users)[1])).split('\n'), [
    'Failure 2 option onCall of launch() cannot be "continue"',
    'Failure 2 option onCall of launch() is not of its kind',
    'Failure 2 option onCall of launch() cannot be null',
    'Failure 2 open() has no option onCall',
    'Failure 2 watch needs that no program gets privileges (PR_SET_NO_NEW_PRIVS), and allowNewPrivs lets them',
  ]);
});
