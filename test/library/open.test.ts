/** open(): one container, and any number of commands in it. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { lacking, node, program, unprivileged, users } from '../gontainer.js';
import { slowness, until } from '../until.js';
import { shown, starts } from './consumer.js';

const imported = `import { ContainerEnded, Failure, KernelError, launch, open } from 'gontainer';
  import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
  const options = { uid: true, pid: true, net: true, uts: true, ipc: true };
  const failed = (promise) => promise.then((value) => { throw new Error('it worked: ' + JSON.stringify(value)); }, (error) => error);
  const text = async (stream) => (await stream.setEncoding('utf8').toArray()).join('');\n`;

const isGone = (pid: number): boolean => {
  const stat = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).stdout.trim();
  return /^(Z.*)?$/.test(stat);
};

for (const user of users) {
  const skip = { skip: user.skip };

  test(
    `${user.name}: commands run in turn, each with its own output, input, directory and variables`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open({ ...options, env: { PATH: process.env.PATH, OF: 'box' }, cwd: '/usr' });
      const out = async (...all) => { const { status, signal, reason, stdout, stderr } = await box.exec(...all); console.log(status, signal, reason, JSON.stringify(stdout), JSON.stringify(stderr)); };
      await out(['sh', '-c', 'echo out; echo err >&2; exit 3']);
      await out(['cat'], { input: 'what it reads' });
      await out(['wc', '-c'], { input: Buffer.alloc(300_000) });
      await out(['sh', '-c', 'read a || echo nothing to read']);
      await out(['pwd']);
      await out(['pwd'], { cwd: '/tmp' });
      await out(['./true'], { cwd: 'bin' });
      await out(['sh', '-c', 'echo $OF $MORE'], { env: ['MORE=of it'] });
      await out(['env'], { env: { ONLY: 'this', PATH: process.env.PATH } });
      await out(['id', '-u'], { user: 0 });
      await out(['sh', '-c', 'kill -9 $$']);
      await out(['/bin/sh', '-c', 'echo "$0" "$@"', 'a b', '', 'ü', 'c\\nd']);
      console.log((await box.exec(['printf', '\\\\377'], { encoding: 'buffer' })).stdout);`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        String.raw`3 undefined exit "out\n" "err\n"`,
        '0 undefined exit "what it reads" ""',
        String.raw`0 undefined exit "300000\n" ""`,
        String.raw`0 undefined exit "nothing to read\n" ""`,
        String.raw`0 undefined exit "/usr\n" ""`,
        String.raw`0 undefined exit "/tmp\n" ""`,
        '0 undefined exit "" ""',
        String.raw`0 undefined exit "box of it\n" ""`,
        `0 undefined exit ${JSON.stringify(`ONLY=this\nPATH=${process.env.PATH}\n`)} ""`,
        String.raw`0 undefined exit "0\n" ""`,
        '137 SIGKILL signal "" ""',
        String.raw`0 undefined exit "a b  ü c\nd\n" ""`,
        '<Buffer ff>',
      ]);
    },
  );

  test(`${user.name}: commands run at the same time, and none is the init`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const all = await Promise.all([...Array(100).keys()].map((n) => box.exec(['sh', '-c', 'echo $$ ' + n + '; readlink /proc/self/ns/pid /proc/self/ns/user; exit ' + n])));
      const pids = new Set(all.map(({ stdout }) => stdout.split(' ')[0]));
      const own = box.namespaces.pid + '\\n' + box.namespaces.user + '\\n';
      console.log(all.every(({ stdout, status }, n) => status === n && stdout.endsWith(' ' + n + '\\n' + own)), pids.size, pids.has('1'));`;
    assert.equal(await shown(code, user), 'true 100 false');
  });

  test(`${user.name}: a command gets what the command of a launch gets, and nothing else`, skip, async () => {
    const script =
      'ls -l /proc/self/fd | grep -c .; grep -vE "^(Name|Pid|NSpid|Tgid|Ngid|NStgid|NSpgid|NSsid|PPid|Vm|Rss|Hugetlb|.*ctxt|Cpus|Mems|SigQ|x86|untag|Threads|State)" /proc/self/status; cat /proc/self/limits; env | sort; umask; id; cat /proc/self/cgroup';
    for (const extra of [
      '{}',
      "{ capDrop: ['kill', 'chown'] }",
      "{ ulimit: ['nofile=100:200', 'core=0'] }",
    ]) {
      const code = `${imported}
        const given = { ...options, ...${extra} };
        const command = ['sh', '-c', ${JSON.stringify(script)}];
        const launched = launch({ ...given, newSession: true, command, stdio: ['ignore', 'pipe', 'inherit'] });
        const theirs = await text(launched.stdout);
        const box = await open(given);
        const { stdout } = await box.exec(command);
        const [one, other] = [theirs, stdout].map((all) => all.split('\\n').filter((line) => !line.startsWith('PS1=')));
        console.log(one.length > 50 && one.length === other.length, one.filter((line, n) => line !== other[n]), other.filter((line, n) => line !== one[n]));`;
      assert.equal(await shown(code, user), 'true [] []', extra);
    }
  });

  test(
    `${user.name}: a command that cannot be started says why, by its type and in one sentence`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      const say = (error, type = KernelError) => console.log(error instanceof type, error.status, error.data?.call, error.data?.errno, error.message, !!error.next);
      say(await failed(box.exec(['no-such-command'])));
      say(await failed(box.exec(['/no/such/command'])));
      say(await failed(box.exec(['/etc/passwd'])));
      say(await failed(box.exec(['true'], { cwd: '/no/such/directory' })));
      say(await failed(box.exec(['true'], { cwd: '/etc/passwd' })));
      say(await failed(box.exec(['true'], { user: 'nobody-of-that-name' })), Failure);
      say(await failed(box.exec(['true'], { later: true })), Failure);
      say(await failed(box.exec(['true'], { timeout: -1 })), Failure);
      say(await failed(box.exec(['true'], { user: 4242 })), Failure);
      say(await failed(box.exec(['true'], { user: '' })), Failure);
      say(await failed(box.exec(['a\\0b'])), Failure);
      say(await failed(box.exec('ls -l')), Failure);
      say(await failed(box.exec([])), Failure);
      say(await failed(box.exec(['true', 'x'.repeat(200_000)])));
      const aborted = await failed(box.exec(['true'], { signal: AbortSignal.abort(new Error('no more')) }));
      console.log(aborted.message);
      const failing = box.spawn(['no-such-command']);
      failing.stdin.end(Buffer.alloc(2_000_000));
      console.log((await text(failing.stdout)).length, (await failed(failing.started)) === (await failed(failing.ended)));
      console.log((await box.exec(['echo', 'it goes on'])).stdout.trim());`;
      const lines = (await shown(code, user)).split('\n');
      const expected = [
        /^true 127 execve ENOENT no-such-command: there is no such command in the container true$/,
        /^true 127 execve ENOENT \/no\/such\/command: there is no such command in the container true$/,
        /^true 126 execve EACCES .*"\/etc\/passwd".*permission denied\) true$/,
        /^true 125 chdir ENOENT the command cannot start in \/no\/such\/directory: .* true$/,
        /^true 125 chdir ENOTDIR the command cannot start in \/etc\/passwd: .* true$/,
        /^true 2 undefined undefined user: there is no user “nobody-of-that-name”.* true$/,
        /^true 2 undefined undefined exec\(\) has no option later/,
        /^true 2 undefined undefined timeout is more than 0/,
        /^true 2 undefined undefined user: user 4242 of the container is mapped to no user of the host true$/,
        /^true 2 undefined undefined option user of exec\(\) cannot be "" true$/,
        /^true 2 undefined undefined argv of exec\(\) is not of its kind true$/,
        /^true 2 undefined undefined argv of exec\(\) cannot be "ls -l" true$/,
        /^true 2 undefined undefined a command has at least one word/,
        /^true 126 execve E2BIG /,
        /^no more$/,
        /^0 true$/,
        /^it goes on$/,
      ];
      assert.equal(lines.length, expected.length, lines.join('\n'));
      for (const [index, pattern] of expected.entries()) assert.match(lines[index] ?? '', pattern);
    },
  );

  test(
    `${user.name}: a timeout, an abort, too much output and a kill are told apart, and what was written is kept`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      const say = ({ status, signal, reason, stdout }) => console.log(status, signal, reason, stdout.length < 20 ? JSON.stringify(stdout) : stdout.length);
      say(await box.exec(['sh', '-c', 'echo so far; sleep 1000'], { timeout: ${0.5 * slowness} }));
      // What it has started and left behind keeps the pipe open.
      say(await box.exec(['sh', '-c', 'trap "" TERM; echo so far; sleep 1000 & wait'], { timeout: ${0.3 * slowness} }));
      say(await box.exec(['sh', '-c', 'setsid sleep 1000 & echo left behind'], { timeout: ${slowness} }));
      const ender = new AbortController();
      const command = box.exec(['sh', '-c', 'echo so far; sleep 1000'], { signal: ender.signal });
      setTimeout(() => ender.abort(), ${500 * slowness});
      say(await command);
      say(await box.exec(['sh', '-c', 'while :; do echo line; done'], { maxOutput: 1000 }));
      say(await box.exec(['sh', '-c', 'seq 1 10000; exit 3'], { maxOutput: 1000, overflow: 'truncate' }));
      const killed = box.spawn(['sleep', '1000'], { stdio: 'ignore' });
      killed.kill('SIGKILL');
      const ended = box.spawn(['sleep', '1000'], { stdio: 'ignore' });
      await ended.started;
      ended.kill();
      for (const one of [killed, ended]) { const { status, signal, reason } = await one.ended; console.log(status, signal, reason); }`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        String.raw`143 SIGTERM timeout "so far\n"`,
        String.raw`137 SIGKILL timeout "so far\n"`,
        String.raw`0 undefined timeout "left behind\n"`,
        String.raw`143 SIGTERM abort "so far\n"`,
        '137 SIGKILL output 1000',
        '3 undefined exit 1000',
        '137 SIGKILL killed',
        '143 SIGTERM signal',
      ]);
    },
  );

  test(`${user.name}: a command's streams can be used as it runs`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const talking = box.spawn(['sh', '-c', 'while read line; do echo "got $line"; done; echo end >&2']);
      talking.stdin.write('one\\n');
      for await (const part of talking.stdout.setEncoding('utf8')) {
        console.log(part.trim());
        if (part.includes('one')) talking.stdin.end('two\\n');
      }
      console.log((await text(talking.stderr)).trim(), (await talking.ended).status);
      const endless = box.spawn(['sh', '-c', 'while :; do echo line; done']);
      for await (const _ of endless.stdout) break;
      console.log((await endless.ended).signal);
      const deaf = box.spawn(['true']);
      deaf.stdin.end(Buffer.alloc(2_000_000));
      console.log((await deaf.ended).status, deaf.stdout !== null);
      const silent = box.spawn(['sh', '-c', 'echo x; echo y >&2'], { stdio: ['ignore', 'ignore', 'pipe'] });
      console.log(silent.stdin, silent.stdout, (await text(silent.stderr)).trim());
      const big = box.spawn(['head', '-c', '3000000', '/dev/zero'], { stdio: ['ignore', 'pipe', 'ignore'] });
      console.log((await big.stdout.toArray()).reduce((sum, { length }) => sum + length, 0));
      console.log((await box.exec(['sh', '-c', 'echo named > /dev/stdout'])).stdout.trim());`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      'got one',
      'got two',
      'end 0',
      'SIGPIPE',
      '0 true',
      'null null y',
      '3000000',
      'named',
    ]);
  });

  test(`${user.name}: a command may run as another user of the container`, skip, async () => {
    const given = user.uid === 0 ? "{ pid: true, mnt: '/' }" : 'options';
    const code = `${imported}
      const box = await open(${given});
      const show = async (given) => (await box.exec(['sh', '-c', 'echo $(id -u) $(id -g) $(id -G); grep CapEff /proc/self/status; echo x > /dev/stdout'], given)).stdout.trim().split(/\\s+/).join(' ');
      console.log(await show({}));
      console.log(await show({ user: '0:0' }));
      console.log(await show({ user: '12345:54321' }).catch(({ status, message }) => status + ' ' + message));
      console.log(await show({}));`;
    const lines = (await shown(code, user)).split('\n');
    if (user.uid === 0) {
      assert.match(lines[1] ?? '', /^0 0 0.* CapEff: 0000000[0-9a-f]+ x$/);
      assert.match(lines[2] ?? '', /^12345 54321 54321 CapEff: 0000000000000000 x$/);
    } else {
      assert.match(lines[1] ?? '', /^0 0 0.* CapEff: .* x$/);
      assert.match(lines[2] ?? '', /^2 user: user 12345 of the container is mapped to no user of the host/);
    }
    assert.equal(lines[0], lines[3]);
  });

  test(
    `${user.name}: with a container everything in it ends, and commands say so by their type`,
    skip,
    async () => {
      const code = `${imported}
      const ways = {
        close: (box) => { box.close(); },
        dispose: (box) => { box[Symbol.asyncDispose](); },
        init: (box) => process.kill(box.pid, 'SIGKILL'),
        launcher: (box) => process.kill(Number(/PPid:\\t(\\d+)/.exec(readFileSync('/proc/' + box.pid + '/status', 'utf8'))[1]), 'SIGKILL'),
        term: (box) => process.kill(Number(/PPid:\\t(\\d+)/.exec(readFileSync('/proc/' + box.pid + '/status', 'utf8'))[1]), 'SIGTERM'),
      };
      for (const [name, end] of Object.entries(ways)) {
        const box = await open(options);
        const running = box.spawn(['sleep', '1000'], { stdio: 'ignore' });
        const { pid } = await running.started;
        const captured = failed(box.exec(['sh', '-c', 'sleep 1000 & wait']));
        end(box);
        const errors = await Promise.all([failed(running.ended), captured]);
        errors.push(await failed(box.exec(['true'])));
        const ended = await box.ended.then(({ status }) => status, ({ status }) => status);
        await box.close();
        console.log(name, errors.every((error) => error instanceof ContainerEnded && error instanceof Failure), ended);
        for (const left of [pid, box.pid]) while (existsSync('/proc/' + left) && !readFileSync('/proc/' + left + '/stat', 'utf8').includes(') Z')) await new Promise((later) => setTimeout(later, 20));
      }
      const ender = new AbortController();
      const box = await open({ ...options, signal: ender.signal });
      const running = failed(box.exec(['sleep', '1000']));
      ender.abort(new Error('enough'));
      console.log((await running) instanceof ContainerEnded, await box.ended.catch(({ message }) => message));
      for (const wrong of [{ uid: true }, { ...options, asPid1: true }, { ...options, pty: true }, { ...options, mnt: '/no/such/root' }])
        console.log(await open(wrong).catch(({ status, message }) => status + ' ' + message.slice(0, 40)));`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        'close true 0',
        'dispose true 0',
        'init true 137',
        'launcher true 137',
        'term true 143',
        'true enough',
        '2 open() needs pid: without a PID namespac',
        '2 open() has no option asPid1',
        '2 open() has no option pty',
        '2 mnt=/no/such/root does not exist, or is',
      ]);
    },
  );

  test(`${user.name}: a program that ends without closing takes its container along`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const { pid } = await box.spawn(['sleep', '1000'], { stdio: 'ignore' }).started;
      console.log(box.pid, pid);`;
    for (const end of ["process.kill(process.pid, 'SIGKILL')", 'process.exit(0)']) {
      const host = starts(`${code}\n${end};`, user);
      const line = await new Promise<string>((read) =>
        host.stdout.once('data', (bytes) => read(String(bytes))),
      );
      for (const pid of line.trim().split(' ').map(Number))
        await until(`${pid} is still there`, () => isGone(pid));
    }
    // One that waits for nothing ends by itself.
    const idle = `${imported}
      const box = await open(options);
      console.log((await box.exec(['echo', 'done'])).stdout.trim());`;
    assert.equal(await shown(idle, user), 'done');
  });

  test(`${user.name}: a program that waits for the end of its container lives as long`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const ended = failed(box.ended);
      await box.exec(['true']);
      // Nothing else keeps the program: a timer like this one does not.
      setTimeout(() => process.kill(box.pid, 'SIGKILL'), 300).unref();
      console.log((await ended).status);
      const closed = await open(options);
      const late = closed.spawn(['sh', '-c', 'exec sleep 1000'], { stdio: 'ignore' });
      const over = failed(late.ended);
      await late.started;
      await closed.close();
      console.log((await over) instanceof ContainerEnded);`;
    assert.equal(await shown(code, user), '137\ntrue');
  });

  test(`${user.name}: each command is in the log twice, and the launch as any other`, skip, async () => {
    const code = `${imported}
      const box = await open({ ...options, logFile: './log' });
      await box.exec(['sh', '-c', 'exit 3'], { cwd: '/tmp' });
      await box.exec(['sh', '-c', 'kill -15 $$']);
      await failed(box.exec(['no-such-command']));
      const steps = [];
      const reading = (async () => { for await (const { step } of box.steps) steps.push(step); })();
      await box.close();
      await reading;
      const records = readFileSync('./log', 'utf8').trim().split('\\n').map((line) => JSON.parse(line));
      for (const { exec, execEnded, ended, level } of records) if (exec ?? execEnded ?? ended) console.log(level, JSON.stringify(exec ?? execEnded ?? ended));
      console.log(steps.includes('unshare'), steps.at(-1), records.filter(({ actor }) => actor === 'F').map(({ call }) => call).includes('setns'));`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      '20 {"number":1,"command":["sh","-c","exit 3"],"directory":"/tmp"}',
      '20 {"number":1,"status":3}',
      '20 {"number":2,"command":["sh","-c","kill -15 $$"]}',
      '20 {"number":2,"status":143,"signal":"SIGTERM"}',
      '20 {"status":0}',
      'true serve true',
    ]);
  });

  test(`${user.name}: a program is found in any folder of PATH, as execvp(3) finds it`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const far = [...Array(40).keys()].map((n) => '/nowhere/' + n).join(':');
      console.log((await box.exec(['echo', 'far'], { env: ['PATH=' + far + ':/usr/bin:/bin'] })).stdout.trim());
      console.log((await failed(box.exec(['echo'], { env: ['PATH=' + far] }))).data.errno);
      console.log((await failed(box.exec(['passwd'], { env: ['PATH=/nowhere:/etc:/nowhere/else'] }))).data.errno);
      console.log((await box.exec(['true'], { env: ['PATH=:/nowhere'], cwd: '/usr/bin' })).status);`;
    assert.equal(await shown(code, user), 'far\nENOENT\nEACCES\n0');
  });

  test(
    `${user.name}: a command has a terminal of its own, of the size that it is given, and then another`,
    skip,
    async () => {
      const code = `${imported}
      for (const extra of [{}, { mnt: '/' }]) {
        const box = await open({ ...options, ...extra });
        const sized = box.spawn(['sh', '-c', 'stty size; tty; trap "stty size; exit 3" WINCH; echo ready; while :; do sleep 0.1; done'], { pty: true, window: { columns: 100, rows: 30 } });
        let shown = '';
        sized.stdout.setEncoding('utf8').on('data', (text) => {
          shown += text;
          if (text.includes('ready')) sized.resize(132, 50);
        });
        const closed = new Promise((done) => sized.stdout.once('close', done));
        console.log((await sized.ended).status, (await text(sized.stderr)).length);
        await closed;
        console.log(JSON.stringify(shown.replace(/\\/dev\\/pts\\/\\d+/, 'its terminal').split('\\r\\n')));
        const shell = box.spawn(['sh', '-c', 'read line; echo "got $line"; cat; echo end'], { pty: true });
        shell.stdin.write('one\\n');
        let heard = '';
        for await (const part of shell.stdout.setEncoding('utf8')) {
          if (!heard.includes('got one') && (heard + part).includes('got one')) shell.stdin.end('two');
          heard += part;
        }
        console.log(JSON.stringify(heard.split('\\r\\n')));
        const much = box.spawn(['sh', '-c', 'seq 1 20000'], { pty: true });
        console.log((await text(much.stdout)).split('\\r\\n').length);
        const interrupted = box.spawn(['sh', '-c', 'echo ready; exec sleep 1000'], { pty: true });
        interrupted.stdout.once('data', () => interrupted.stdin.write('\\x03'));
        console.log((await interrupted.ended).signal);
        const left = box.spawn(['sh', '-c', 'while :; do echo line; done'], { pty: true });
        for await (const _ of left.stdout) break;
        console.log((await left.ended).signal);
        const wrong = box.spawn(['no-such-command'], { pty: true });
        console.log((await failed(wrong.ended)).data.errno, (await text(wrong.stdout)).length);
        const plain = box.spawn(['true']);
        for (const misuse of [() => plain.resize(80, 24), () => box.spawn(['true'], { pty: true, window: { columns: 0, rows: 24 } }), () => box.spawn(['true'], { stdio: 'inherit' })])
          try { misuse(); console.log('taken'); } catch ({ status }) { console.log(status); }
        await box.close();
      }`;
      const once = [
        '3 0',
        JSON.stringify(['30 100', 'its terminal', 'ready', '50 132', '']),
        JSON.stringify(['one', 'got one', 'twotwoend', '']),
        '20001',
        'SIGINT',
        'SIGHUP',
        'ENOENT 0',
        ...['2', '2', '2'],
      ];
      assert.deepEqual((await shown(code, user)).split('\n'), [...once, ...once]);
    },
  );

  test(
    `${user.name}: what one command gets never reaches another, however late the program is`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      const busy = (milliseconds) => { for (const until = Date.now() + milliseconds; Date.now() < until;); };
      const heard = [];
      for (let round = 0; round < 10; round += 1) {
        const missing = box.exec(['/nonexistent'], { input: 'of another' }).catch(() => {});
        busy(15);
        const { stdout } = await box.exec(['cat'], { input: 'its own' });
        await missing;
        heard.push(stdout);
      }
      console.log(heard.every((text) => text === 'its own') || heard);`;
      assert.equal(await shown(code, user), 'true');
    },
  );

  test(
    `${user.name}: words that are too long are refused, and the next command is none the worse`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      const next = async () => (await box.exec(['echo', 'next'])).stdout.trim();
      const long = 'x'.repeat(100_000);
      console.log((await failed(box.exec(['true', ...Array(50).fill(long)]))).data.errno, await next());
      console.log((await failed(box.exec(['true', ...Array(3_000_000).fill('')]))).data.errno, await next());
      console.log((await failed(box.exec(['true'], { env: Array.from({ length: 50 }, (_, n) => 'V' + n + '=' + long) }))).data.errno, await next());
      console.log((await failed(box.exec(['true'], { cwd: '/'.repeat(5_000_000) }))).data.errno, await next());
      console.log((await box.exec(['sh', '-c', 'echo $#', 'sh', ...Array(1000).fill('x'.repeat(500))])).stdout.trim());`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        'E2BIG next',
        'E2BIG next',
        'E2BIG next',
        'ENAMETOOLONG next',
        '1000',
      ]);
    },
  );

  test(`${user.name}: more commands than there may be open files wait for their turn`, {
    skip: user.skip || lacking('prlimit'),
  }, async () => {
    const code = `${imported}
      import { execFileSync } from 'node:child_process';
      import { renameSync, writeFileSync } from 'node:fs';
      const go = process.cwd() + '/go';
      writeFileSync('ready', '');
      // A rename opens nothing. Those that run go on when one could not be.
      const letGo = () => existsSync(go) || renameSync('ready', go);
      execFileSync('prlimit', ['--pid', String(process.pid), '--nofile=256:256']);
      const box = await open(options);
      const all = await Promise.all(Array.from({ length: 600 }, (_, n) => box.exec(['echo', String(n)]).then(({ stdout }) => Number(stdout), ({ message }) => message)));
      console.log(all.every((found, n) => found === n) || all.find((found, n) => found !== n));
      // At the same time the program itself has their pipes open: what it may not open fails, and none comes out empty.
      const together = await Promise.all(Array.from({ length: 200 }, () => box.exec(['sh', '-c', 'until [ -e "$0" ]; do sleep 0.1; done; echo out', go]).then(({ stdout }) => stdout, ({ message }) => { letGo(); return message; })));
      console.log([...new Set(together)].sort());
      console.log((await box.exec(['echo', 'next'])).stdout.trim());`;
    assert.deepEqual((await shown(code, user)).split('\n'), [
      'true',
      '[',
      "  'out\\n',",
      "  'the pipes of the command cannot be opened: too many open files (EMFILE)'",
      ']',
      'next',
    ]);
  });

  test(
    `${user.name}: a program that is aborted by anything, or passes what cannot be, hears of it`,
    skip,
    async () => {
      const code = `${imported}
      for (const reason of [null, 'stop', new Error('why')]) {
        const controller = new AbortController();
        const box = await open({ ...options, signal: controller.signal });
        const command = box.spawn(['sleep', '1000'], { stdio: 'ignore' });
        await command.started;
        controller.abort(reason);
        const error = await failed(command.ended);
        console.log(error instanceof ContainerEnded, error.message, (await failed(box.ended)) === reason);
      }
      const box = await open(options);
      const wrong = [{ maxOutput: -1 }, { maxOutput: '9' }, { overflow: 'no' }, { encoding: 'none' }].map((more) => box.exec(['true'], more));
      for (const more of [{ maxOutput: Number.NaN }, { overflow: 'no' }])
        wrong.push((async () => launch({ uid: true, command: ['true'], ...more }).ended)());
      console.log((await Promise.all(wrong.map(failed))).map(({ status, message }) => status + ' ' + message).join('; '));
      const command = box.spawn(['sleep', '1000'], { stdio: 'ignore' });
      await command.started;
      for (const signal of ['TERM', 'SIGFOO']) try { command.kill(signal); console.log('sent'); } catch ({ status, message }) { console.log(status, message); }
      command.kill();
      console.log((await command.ended).signal);
      await box.close();`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        'true the container has ended true',
        'true the container has ended true',
        'true the container has ended: why true',
        [
          '2 option maxOutput of exec() cannot be -1',
          '2 option maxOutput of exec() cannot be "9"',
          '2 option overflow of exec() cannot be "no"',
          '2 option encoding of exec() cannot be "none"',
          '2 option maxOutput of launch() cannot be NaN',
          '2 option overflow of launch() cannot be "no"',
        ].join('; '),
        '2 “TERM” is not the name of a signal',
        '2 “SIGFOO” is not the name of a signal',
        'SIGTERM',
      ]);
    },
  );

  test(`${user.name}: hundreds of commands leave nothing behind in the launcher`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const launcher = Number(/PPid:\\t(\\d+)/.exec(readFileSync('/proc/' + box.pid + '/status', 'utf8'))[1]);
      const count = async () => {
        const own = readdirSync('/proc/self/fd').length;
        const children = readFileSync('/proc/' + launcher + '/task/' + launcher + '/children', 'utf8').trim().split(' ').length;
        return { own, launchers: readdirSync('/proc/' + launcher + '/fd').length, children };
      };
      const some = async (many, width) => { for (let n = 0; n < many; n += width) await Promise.all(Array.from({ length: width }, (_, index) => box.exec([index % 5 === 4 ? 'no-such-command' : 'true'], { cwd: '/' }).catch(() => {}))); };
      await some(40, 20);
      const before = await count();
      await some(400, 20);
      // What is closed at the other side is closed here a little later: also of the first forty.
      const more = async () => Object.entries(await count()).filter(([name, number]) => number > before[name]);
      for (let tries = 0; tries < 3000 && (await more()).length > 0; tries += 1) await new Promise((later) => setTimeout(later, 20));
      console.log((await more()).length === 0 || [before, await count()]);`;
    assert.equal(await shown(code, user), 'true');
  });
}

test('root inside stops and kills whatever it sees, and commands are started or say why they were not', async () => {
  const code = `${imported}
    const box = await open(options);
    // The shell itself, and the init, are spared.
    const attack = box.spawn(['sh', '-c', 'echo; while :; do for p in /proc/[0-9]*; do n=\${p#/proc/}; [ $n = $$ ] || [ $n = 1 ] || kill -STOP $n 2>/dev/null || :; done; done'], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((ready) => attack.stdout.once('data', ready));
    const results = await Promise.all(Array.from({ length: 10 }, () => box.exec(['true'], { timeout: 20 }).then(({ reason }) => reason, (error) => error instanceof Failure && /stopped before it could be executed/.test(error.message) ? 'stopped' : error)));
    attack.kill('SIGKILL');
    await attack.ended;
    const odd = results.filter((result) => !['exit', 'timeout', 'stopped'].includes(result));
    console.log(odd, (await box.exec(['echo', 'it goes on'])).stdout.trim());`;
  assert.equal(await shown(code, unprivileged), '[] it goes on');
});

test('a process inside finds nothing of the caller, though it looks at everything while commands start', async () => {
  // Written in a language that is fast enough to see a process between its clone(2) and its execve(2).
  const attacker = `
    const fs = require('node:fs');
    const own = new Set([String(process.pid)]);
    let seen = 0, read = 0;
    const found = [];
    const look = (path, how) => { try { const got = how(path); read += 1; if (String(got).includes('s3cret')) found.push(path); } catch {} };
    process.stdout.write('ready\\n');
    process.stdin.on('end', () => { console.log(JSON.stringify({ seen, found })); process.exit(); }).resume();
    const round = () => {
      for (const pid of fs.readdirSync('/proc').filter((name) => /^\\d+$/.test(name) && !own.has(name))) {
        seen += 1;
        let program;
        try { program = fs.readlinkSync('/proc/' + pid + '/exe'); } catch {}
        // A command that runs has its own variables, and this one has none of the caller's.
        look('/proc/' + pid + '/cmdline', (path) => fs.readFileSync(path));
        look('/proc/' + pid + '/environ', (path) => fs.readFileSync(path));
        for (const link of ['fd', 'map_files', 'task']) look('/proc/' + pid + '/' + link, (path) => fs.readdirSync(path).map((name) => { try { return fs.readlinkSync(path + '/' + name); } catch { return ''; } }));
        look('/proc/' + pid + '/mem', (path) => { const fd = fs.openSync(path, 'r'); fs.closeSync(fd); if (pid !== '1' && program === process.execPath) found.push(path + ' of the launcher’s copy'); return ''; });
      }
      setImmediate(round);
    };
    round();`;
  const code = `${imported}
    process.env.TOKEN = 's3cret';
    const box = await open({ ...options, env: { PATH: process.env.PATH } });
    const attack = box.spawn([process.execPath, '-e', ${JSON.stringify(attacker)}, 'its own argument']);
    await new Promise((ready) => attack.stdout.once('data', ready));
    for (let n = 0; n < 20; n += 1) await Promise.all(Array.from({ length: 10 }, () => box.exec(['true'])));
    attack.stdin.end();
    const { seen, found } = JSON.parse((await text(attack.stdout)).trim());
    console.log(seen > 200, found, (await attack.ended).status);`;
  const host = starts(code, unprivileged);
  let [out, err] = ['', ''];
  host.stdout.on('data', (bytes) => {
    out += bytes;
  });
  host.stderr.on('data', (bytes) => {
    err += bytes;
  });
  await new Promise((done) => host.on('close', done));
  assert.deepEqual([out.trim(), err], ['true [] 0', '']);
});

test('--control-fd needs a PID namespace and a descriptor, and takes no command', () => {
  const run = (words: readonly string[]) =>
    spawnSync(node, [program, 'run', '--quiet', ...words], { encoding: 'utf8' });
  const sentences = [
    [['--uid', '--control-fd=3'], /--control-fd needs --pid/],
    [['--uid', '--pid', '--control-fd=3', '--', 'true'], /none from the command line/],
    [['--uid', '--pid', '--as-pid-1', '--control-fd=3'], /--as-pid-1 is about a command/],
    [['--uid', '--pid', '--control-fd=77'], /--control-fd=77 is not an open file descriptor/],
  ] as const;
  for (const [words, sentence] of sentences) {
    const { status, stderr } = run(words);
    assert.equal(status, 2);
    assert.match(stderr, sentence);
  }
});
