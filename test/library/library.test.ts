/** The library, as another program has it: the examples of its page, and what goes wrong. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { lacking, project, unprivileged, users } from '../gontainer.js';
import { until } from '../until.js';
import { consumer, shown, starts } from './consumer.js';

const imported = `import { Failure, KernelError, launch } from 'gontainer';\n`;
const page = readFileSync(join(project, 'docs/library.md'), 'utf8');
const examples = [...page.matchAll(/^```js\n([\s\S]*?)^```/gm)].map(([, code = '']) => code);

test('the command gets what spawn() of the same program gives to unshare(1)', {
  skip: lacking('unshare', 'prlimit'),
}, async () => {
  const source = `${imported}
    import { execFileSync, spawnSync } from 'node:child_process';
    // Node makes the two equal at its start, and somebody may change that.
    execFileSync('prlimit', ['--pid', process.pid, '--nofile=777:4000']);
    process.on('SIGUSR2', () => {});
    const script = 'ulimit -Sn; ulimit -Hn; umask; grep -E "Sig(Ign|Blk)" /proc/self/status; env | sort | grep -v ^PS1';
    const command = ['sh', '-c', script];
    const { stdout } = spawnSync('unshare', ['--user', '--map-root-user', ...command], { encoding: 'utf8' });
    const container = launch({ uid: true, command, stdio: ['ignore', 'pipe', 'inherit'] });
    let ours = '';
    for await (const part of container.stdout) ours += part;
    console.log(JSON.stringify([ours, stdout]));`;
  const [ours, theirs] = JSON.parse(await shown(source, unprivileged));
  assert.match(theirs, /^777\n4000\n/);
  assert.equal(ours, theirs);
});

for (const user of users) {
  const options = { skip: user.skip };

  test(`${user.name}: the examples of docs/library.md do what they say`, options, async () => {
    const outputs = [];
    for (const code of examples) outputs.push(await shown(code, user));
    const [first = '', second = '', refused, third, decided = '', fourth, files, asked, listed, ...last] =
      outputs;
    const [fifth, sixth = ''] = last;
    assert.equal(first, "0\n{ status: 0, signal: undefined, reason: 'exit' }");
    assert.match(second, /^1\/6 leave two namespaces: unshare --user --uts\n(.|\n)*\nbox$/);
    assert.equal(refused, 'openat /etc/new: EROFS, /etc/new is on a read-only mount, /');
    assert.equal(third, 'Hello container\nAbortError');
    assert.equal(fourth, '0 hello 9');
    assert.equal(files, '64');
    assert.equal(asked, 'openat /etc/new /etc/new is on a read-only mount, /\ntrue');
    assert.equal(listed, 'A /made file\nC /notes file\n0');
    assert.equal(fifth, 'execve ENOENT\n127 Check the spelling, or give its full path.');
    assert.match(sixth, /^gontainer run --uid .*\n.*Read-only file system\n2$/);
    assert.match(decided, /^uname asks uname$/m);
    // In as many pieces as error(3) writes.
    assert.match(decided, /^uname:[\s\S]*Input\/output error$/m);
    assert.equal(examples.length, 11);
  });

  test(`${user.name}: require gives what import gives`, options, async () => {
    const code = `const { launch } = require('gontainer');
      launch({ uid: true, command: ['sh', '-c', 'exit 7'] }).ended.then(console.log);`;
    assert.equal(await shown(code, user, 'cjs'), "{ status: 7, signal: undefined, reason: 'exit' }");
  });

  test(`${user.name}: a program is told what the command asks, and why it failed`, options, async () => {
    const code = `${imported}
      const command = ['sh', '-c', 'uname -n; echo x >/etc/new'];
      const container = launch({ uid: true, readOnly: true, watch: true, command, stdio: 'ignore' });
      const explained = await container.explain();
      const names = [];
      for await (const { watched, answer } of container.watched) names.push(watched + ' ' + answer.namespace);
      const content = launch({ uid: true, watch: 'files', command: ['true'], stdio: 'ignore' });
      console.log(JSON.stringify({ explained, names, nothing: await content.explain() }));`;
    const { explained, names, nothing } = JSON.parse(await shown(code, user));
    assert.ok(names.includes('uname uts'));
    assert.deepEqual(
      explained.map(({ watched, paths, refusal }: Record<string, { errno?: string }>) => [
        watched,
        paths,
        refusal?.errno,
      ]),
      [['openat', ['/etc/new'], 'EROFS']],
    );
    assert.deepEqual(nothing, []);
  });

  test(
    `${user.name}: a program is told who the container is, what it did, and the signal that ended it`,
    options,
    async () => {
      const code = `${imported}
      const container = launch({ uid: true, pid: true, command: ['sh', '-c', 'readlink /proc/self/ns/user; kill -9 $$'] });
      const { pid, namespaces } = await container.started;
      const inside = (await container.stdout.setEncoding('utf8').toArray()).join('').trim();
      const ended = await container.ended;
      const calls = [], again = [];
      for await (const { call } of container.calls) calls.push(call);
      for await (const record of container.records) again.push(record);
      console.log(JSON.stringify({ pid, same: namespaces.user === inside, ended, calls, records: again.length }));`;
      const { pid, same, ended, calls, records } = JSON.parse(await shown(code, user));
      assert.ok(pid > 1 && same);
      assert.deepEqual(ended, { status: 137, signal: 'SIGKILL', reason: 'signal' });
      assert.ok(['unshare', 'clone', 'mount', 'execve'].every((call) => calls.includes(call)));
      assert.ok(records > calls.length);
    },
  );

  test(`${user.name}: every failure has its type, its sentence and a next action`, options, async () => {
    const code = `${imported}
      import { mkdirSync, writeFileSync } from 'node:fs';
      const cases = [
        [{ uid: true, command: ['nosuch'] }, 127, /no such command/, KernelError, 'execve ENOENT'],
        [{ uid: true, pid: true, asPid1: true, command: ['nosuch'] }, 127, /no such command/, KernelError, 'execve ENOENT'],
        [{ uid: true, mnt: '/', tmpfs: ['/usr/games'], command: ['nosuch'] }, 127, /no such command/, KernelError, 'execve ENOENT'],
        [{ uid: true, command: ['/etc/passwd'] }, 126, /not executable/, KernelError, 'execve EACCES'],
        [{ uid: true, command: ['./garbage'] }, 126, /ENOEXEC/, KernelError, 'execve ENOEXEC'],
        [{ uid: true, command: ['true'], env: { LONG: 'x'.repeat(200_000) } }, 126, /list too long/, KernelError, 'execve E2BIG'],
        [{ uid: true, hostname: 'x' }, 2, /^hostname needs uts/],
        [{ mnt: '/nowhere--read-only' }, 2, /^mnt=.nowhere--read-only does not exist/],
        [{ uid: true, logFile: '/nowhere/log' }, 2, /cannot be written/],
        [{ uid: true, pidFile: '/nowhere/pid' }, 125, /pidFile/],
        [{ uid: true, workdir: '/proc/1/nowhere', command: ['/bin/true'] }, 125, /chdir.* failed with (ENOENT|EACCES)/, KernelError],
      ];
      writeFileSync('garbage', 'no program', { mode: 0o755 });
      mkdirSync('locked', { mode: 0 });
      for (const [options, status, sentence, type = Failure, call] of cases) {
        const container = launch({ stdio: 'inherit', ...options });
        const error = await container.ended.then((ended) => new Error('it ran: ' + JSON.stringify(ended)), (error) => error);
        if (!(error instanceof type) || error.status !== status || !sentence.test(error.message)) console.log(options, error);
        if (call !== undefined && [error.data?.call, error.data?.errno].join(' ') !== call) console.log(options, error.data);
        const isRefused = ['ENOEXEC', 'E2BIG'].includes(error.data?.errno);
        if (await container.started.catch((same) => same) !== error && !isRefused) console.log('started', options);
        for await (const { level } of container.records) if (level > 50) console.log(level);
      }
      const once = [[{ dryRun: true }], [{ statusFd: 1 }], [{ uid: {} }], [{ nonsense: true }, /no option nonsense/], [{ 'read-only': true }, /called readOnly here/], [{ cwd: '/nowhere' }, /cwd is not a directory: .nowhere/],
        [{ cwd: '/etc/passwd' }, /cwd is not a directory: .etc/], [{ cwd: '/etc/passwd/x' }, /cwd is not a directory/], [{ cwd: 5 }, /cwd of launch.. cannot be 5/], [{ cwd: 'a\\0b' }, /takes a path/],
        ...(process.getuid() === 0 ? [] : [[{ cwd: 'locked' }, /cwd cannot be entered, permission denied/], [{ cwd: 'locked/in' }, /cwd cannot be entered/]]),
        [undefined, /takes an object/], [() => {}, /not a function/], [{ overflow: 'no' }, /It takes “end” or “truncate”/], [{ command: 'ls -l' }, /list of strings/], [{ command: ['a\\0'] }], [{ hostname: 'a\\0' }], [{ uid: 'yes' }, /true or false/], [{ mnt: true }], [{ env: null }], [{ env: { A: 5 } }, /object of strings/],
        [{ signal: 5 }, /AbortSignal/], [{ pty: true, window: { columns: 5 } }, /columns, rows/], [{ stdio: ['pipe'] }], [{ stdio: 'ipc' }], [{ window: { columns: 80, rows: 24 } }, /none without pty/], [{ stdio: ['ignore', 999, 'ignore'] }, /not open/]];
      for (const [options, sentence = /./] of once) {
        try { launch(options); console.log('taken', options); }
        catch (error) { if (!(error instanceof Failure) || error.status !== 2 || !sentence.test(error.message + error.next)) console.log(options, error); }
      }
      try { launch({ command: ['true', 'x'.repeat(200_000)] }); console.log('started'); }
      catch (error) { if (error.data?.errno !== 'E2BIG' || !error.next) console.log(error); }
      try { launch({ uid: true, signal: AbortSignal.abort() }); console.log('started'); }
      catch (error) { if (error.name !== 'AbortError') console.log(error); }`;
    assert.equal(await shown(code, user), '');
  });

  test(`${user.name}: an abort ends also what does not listen, and nothing is left`, options, async () => {
    const code = `${imported}
      import { existsSync } from 'node:fs';
      const ender = new AbortController();
      const container = launch({ uid: true, pidFile: './pid', command: ['sh', '-c', 'trap "" TERM; echo; while :; do sleep 1; done'], signal: ender.signal });
      const { pid } = await container.started;
      await new Promise((ready) => container.stdout.once('data', ready));
      ender.abort(new Error('enough'));
      console.log(container.outcome, await container.ended.catch((error) => error.message), existsSync('/proc/' + pid), existsSync('./pid'), JSON.stringify(container.outcome));
      const mild = new AbortController();
      const other = launch({ uid: true, command: ['sh', '-c', 'trap "exit 7" TERM; echo so far; read more'], signal: mild.signal });
      other.stdout.once('data', () => mild.abort());
      console.log(String(await other.stdout.setEncoding('utf8').toArray()).trim(), await other.ended.catch(({ name }) => name), JSON.stringify(other.outcome));`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      'undefined enough false false {"status":137,"signal":"SIGKILL","reason":"abort"}',
      'so far AbortError {"status":7,"reason":"abort"}',
    ]);
  });

  test(`${user.name}: kill works before the container has started and afterwards`, options, async () => {
    const code = `${imported}
      const sleep = { uid: true, pid: true, stdio: 'ignore', command: ['sleep', '1000'] };
      for (const signal of ['SIGTERM', 'SIGKILL']) {
        const container = launch(sleep);
        await container.started;
        container.kill(signal);
        console.log(JSON.stringify(await container.ended));
        const early = launch(sleep);
        early.kill(signal);
        await early.ended.then(() => console.log('ran'), (error) => console.log(error instanceof Failure));
      }`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      '{"status":143,"signal":"SIGTERM","reason":"signal"}',
      'true',
      '{"status":137,"signal":"SIGKILL","reason":"killed"}',
      'true',
    ]);
  });

  test(`${user.name}: a reader that stops ends a command that writes for ever`, options, async () => {
    const code = `${imported}
      const command = ['sh', '-c', 'while :; do echo line; done'];
      const left = launch({ uid: true, command });
      for await (const _ of left.stdout) break;
      const destroyed = launch({ uid: true, command });
      destroyed.stdout.once('data', () => destroyed.stdout.destroy());
      for (const { ended } of [left, destroyed]) console.log((await ended).signal);`;
    assert.equal(await shown(code, user), 'SIGPIPE\nSIGPIPE');
  });

  test(
    `${user.name}: a command that reads nothing, or never ran, does not end a program that writes to it`,
    options,
    async () => {
      const code = `${imported}
      const text = 'x'.repeat(2_000_000);
      for (const command of [['true'], ['nosuch']]) {
        const container = launch({ uid: true, command });
        container.stdin.end(text);
        console.log(await container.ended.then(({ status }) => status, ({ status }) => status));
      }`;
      assert.equal(await shown(code, user), '0\n127');
    },
  );

  test(
    `${user.name}: an object is the whole environment, a list adds to it, and no value is on a command line`,
    options,
    async () => {
      const code = `${imported}
      import { readFileSync } from 'node:fs';
      process.env.NODE_OPTIONS = '--no-such-option';
      process.env.OWN = 'its own';
      const shows = async (env, command) => {
        const container = launch({ uid: true, env, command });
        const { pid } = await container.started;
        const lines = (await container.stdout.setEncoding('utf8').toArray()).join('').trim().split('\\n').sort();
        await container.ended;
        return lines;
      };
      console.log(JSON.stringify(await shows({ PATH: process.env.PATH, SECRET: 'a b\\nc=d', LEFT: undefined }, ['env'])));
      const added = await shows(['OWN', 'SECRET=s3cret', 'NONE'], ['env']);
      console.log(added.filter((line) => /^(OWN|SECRET|NONE|NODE_OPTIONS)=/.test(line)).join(' '));
      const container = launch({ uid: true, env: ['SECRET=s3' + 'cret'], command: ['sh', '-c', 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\\\0" "\\\\n" | grep -c "SECRET=s3[c]ret"'] });
      console.log((await container.stdout.setEncoding('utf8').toArray()).join('').trim());
      for (const env of [{ 'A=B': 'c' }, { '': 'c' }, ['=c'], { A: 'b\\0' }]) try { launch({ uid: true, env }); console.log('taken'); } catch ({ status, message }) { if (status !== 2) console.log(message); }`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        JSON.stringify([`PATH=${process.env.PATH}`, 'SECRET=a b', 'c=d'].sort()),
        'NODE_OPTIONS=--no-such-option OWN=its own SECRET=s3cret',
        '0',
      ]);
    },
  );

  test(`${user.name}: the reason tells a timeout, too much output and a kill apart`, options, async () => {
    const code = `${imported}
      const much = ['sh', '-c', 'while :; do echo 0123456789; done'];
      const read = async (container) => (await container.stdout.toArray()).reduce((sum, { length }) => sum + length, 0);
      const late = launch({ uid: true, timeout: 0.2, stdio: 'ignore', command: ['sleep', '1000'] });
      console.log((await late.ended).reason);
      const capped = launch({ uid: true, maxOutput: 1000, command: much });
      console.log(await read(capped), (await capped.ended).reason);
      const cut = launch({ uid: true, maxOutput: 1000, overflow: 'truncate', command: ['sh', '-c', 'seq 10000; exit 3'] });
      const exactly = launch({ uid: true, maxOutput: 6, command: ['echo', '12345'] });
      for (const container of [cut, exactly]) console.log(await read(container), JSON.stringify(await container.ended));`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      'timeout',
      '1000 output',
      '1000 {"status":3,"reason":"exit"}',
      '6 {"status":0,"reason":"exit"}',
    ]);
  });

  test(
    `${user.name}: a terminal of its own has the size that it is given, and then another`,
    options,
    async () => {
      const code = `${imported}
      const command = ['sh', '-c', 'stty size; trap "stty size; exit" WINCH; echo ready; while :; do sleep 0.1; done'];
      const container = launch({ uid: true, pty: true, window: { columns: 100, rows: 30 }, command });
      let shown = '';
      container.stdout.setEncoding('utf8').on('data', (text) => {
        shown += text;
        if (text.includes('ready')) container.resize(132, 50);
      });
      await container.ended;
      console.log(JSON.stringify(shown.split('\\r\\n')));
      const usual = launch({ uid: true, pty: true, command: ['stty', 'size'] });
      console.log((await usual.stdout.setEncoding('utf8').toArray()).join('').trim());
      const typed = launch({ uid: true, pty: true, command: ['sh', '-c', 'read line; echo "got $line"'] });
      typed.stdin.end('this\\n');
      console.log((await typed.stdout.setEncoding('utf8').toArray()).join('').trim().replaceAll('\\r\\n', ', '));
      const plain = launch({ uid: true, command: ['true'] });
      for (const wrong of [() => plain.resize(80, 24), () => usual.resize(0, 24), () => usual.resize(80, 1.5)])
        try { wrong(); console.log('taken'); } catch ({ status }) { console.log(status); }`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        JSON.stringify(['30 100', 'ready', '50 132', '']),
        '24 80',
        'this, got this',
        ...['2', '2', '2'],
      ]);
    },
  );

  test(`${user.name}: the container ends with the program, by SIGKILL too`, options, async () => {
    const code = `${imported}
      const container = launch({ uid: true, command: ['sleep', '1000'] });
      console.log((await container.started).pid);
      setInterval(() => {}, 1000);`;
    const host = starts(code, user);
    const pid = Number(await new Promise((read) => host.stdout.once('data', read)));
    const alive = () =>
      spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
    assert.notEqual(alive(), '');
    host.kill('SIGKILL');
    await until('it is still alive', () => /^(Z.*)?$/.test(alive()));
  });

  test(`${user.name}: containers at the same time know nothing of each other`, options, async () => {
    const code = `${imported}
      const ended = await Promise.all([...Array(6).keys()].map((n) => launch({ uid: true, command: ['sh', '-c', 'exit ' + n] }).ended));
      console.log(ended.map(({ status }) => status).join());`;
    assert.equal(await shown(code, user), '0,1,2,3,4,5');
  });
}

test('the types are those of the tables and the schema they are made from', () => {
  const words = ['--import', 'tsx', 'scripts/library-types.ts', '--check'];
  const { status, stderr } = spawnSync(process.execPath, words, { cwd: project, encoding: 'utf8' });
  assert.equal(status, 0, stderr);
});

test('the types accept what is right, in ES modules and CommonJS, and refuse what is wrong', () => {
  const path = consumer(unprivileged);
  symlinkSync(join(project, 'node_modules/@types'), join(path, 'node_modules/@types'));
  const right = `import { ContainerEnded, Failure, KernelError, launch, open, type Box, type CallRecord, type Ended, type ExecResult, sandbox } from 'gontainer';
    async function main() {
      const container = launch({ uid: true, uidMap: ['0:0:1'], hostname: undefined, command: ['id'] });
      container.stdout.on('data', () => {});
      const quiet = launch({ all: true, stdio: ['ignore', 'pipe', 2], timeout: 5, signal: AbortSignal.timeout(9) });
      const fenced = await open({ ...sandbox({ write: ['.'] }), env: [] });
      await fenced.close();
      const none: null = quiet.stdin;
      for await (const { step, why, before } of quiet.steps) console.log(step, why, before.user, none);
      for await (const call of quiet.calls) { const { us }: CallRecord = call; console.log(us); }
      for await (const record of quiet.records) if ('ended' in record) console.log(record.ended.status);
      const { status, signal }: Ended = await quiet.ended;
      quiet.kill('SIGTERM');
      try { console.log(status, signal); } catch (error) {
        if (error instanceof KernelError) console.log(error.data.errno);
        if (error instanceof Failure) console.log(error.next);
      }
      const box: Box = await open({ uid: true, pid: true, mnt: '/', readOnly: true, env: ['A=b'] });
      const { stdout, reason }: ExecResult = await box.exec(['id'], { cwd: '/', timeout: 0.5, user: '0:0', input: 'x' });
      const { stderr } = await box.exec(['id'], { encoding: 'buffer', maxOutput: 9 });
      console.log(stdout.trim(), stderr.readUInt8(0), reason === 'abort');
      const cat = box.spawn(['cat'], { stdio: ['pipe', 'pipe', 'ignore'] });
      cat.stdin.end('x');
      const nothing: null = cat.stderr;
      console.log(cat.stdout.read(), nothing, (await cat.started).pid, (await cat.ended).signal);
      const shell = box.spawn(['sh'], { pty: true, window: { columns: 80, rows: 24 } });
      shell.resize(100, 30);
      await box.close().catch((error) => error instanceof ContainerEnded);
      await box[Symbol.asyncDispose]();
    }
    void main();`;
  const wrong = [
    'launch({ uid: 1 });',
    'launch({ dryRun: true });',
    "launch({ logLevel: 'loud' });",
    "launch({ stdio: 'ignore' }).stdout.on('data', () => {});",
    "launch({ uid: true }).kill('SIGSTOP');",
    'open({ uid: true });',
    'open({ pid: true, asPid1: true });',
    "open({ pid: true }).then((box) => box.exec('id'));",
    "open({ pid: true }).then((box) => box.exec(['id'], { stdio: 'pipe' }));",
    "open({ pid: true }).then((box) => box.spawn(['id'], { stdio: 'ignore' }).stdout.read());",
  ];
  writeFileSync(join(path, 'right.mts'), right);
  writeFileSync(join(path, 'right.cts'), right);
  const refused = wrong.map((line) => `// @ts-expect-error\n${line}`).join('\n');
  writeFileSync(join(path, 'wrong.mts'), `import { launch, open } from 'gontainer';\n${refused}\n`);
  const files = ['right.mts', 'right.cts', 'wrong.mts'].map((name) => join(path, name));
  const settings = ['--noEmit', '--strict', '--exactOptionalPropertyTypes', '--types', 'node'];
  // As Node resolves a package, in both of its kinds of files, and as bundlers do.
  const resolutions = [
    ['--module', 'nodenext'],
    ['--module', 'esnext', '--moduleResolution', 'bundler'],
  ];
  // The newest TypeScript, and the one that most have: of @arethetypeswrong/core.
  const compilers = [
    'node_modules/typescript',
    'node_modules/@arethetypeswrong/core/node_modules/typescript',
  ];
  for (const [compiler, resolution] of compilers.flatMap((one) =>
    resolutions.map((other) => [one, other] as const),
  )) {
    const words = [
      join(project, compiler, 'bin/tsc'),
      ...settings,
      ...resolution,
      '--typeRoots',
      join(path, 'node_modules/@types'),
      ...files,
    ];
    const { status, stdout } = spawnSync(process.execPath, words, { cwd: path, encoding: 'utf8' });
    assert.deepEqual([stdout, status], ['', 0], [compiler, ...resolution].join(' '));
  }
});
