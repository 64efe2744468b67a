/** The library more than once at a time: in a Worker, in two copies, and for one name. */
import assert from 'node:assert/strict';
import { cpSync, existsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { test } from 'node:test';
import { finished, program, users } from '../gontainer.js';
import { consumer, shown, starts } from './consumer.js';

for (const user of users) {
  const options = { skip: user.skip };

  test(`${user.name}: a Worker launches and opens, and its containers end with it`, options, async () => {
    const code = `import { existsSync } from 'node:fs';
      import { Worker, isMainThread, parentPort } from 'node:worker_threads';
      import { launch, open } from 'gontainer';
      if (isMainThread) {
        const worker = new Worker(new URL(import.meta.url));
        worker.on('message', async (pids) => {
          console.log(pids.status, pids.output, pids.all.map((pid) => existsSync('/proc/' + pid)).join());
          await worker.terminate();
          const wait = () => pids.all.some((pid) => existsSync('/proc/' + pid)) ? setTimeout(wait, 20) : console.log('gone');
          wait();
        });
      } else {
        const { status } = await launch({ uid: true, stdio: 'ignore', command: ['sh', '-c', 'exit 7'] }).ended;
        const box = await open({ uid: true, pid: true });
        const output = String((await box.exec(['echo', 'inside'])).stdout).trim();
        const { pid } = await launch({ uid: true, pid: true, stdio: 'ignore', command: ['sleep', '1000'] }).started;
        parentPort.postMessage({ status, output, all: [box.pid, pid] });
        setInterval(() => {}, 1000);
      }`;
    assert.equal(await shown(code, user), '7 inside true,true\ngone');
  });

  test(`${user.name}: no descriptor of a Worker is left to be closed a second time`, options, async () => {
    const code = `import { Worker, isMainThread, parentPort } from 'node:worker_threads';
      import { open } from 'gontainer';
      if (isMainThread)
        new Worker(new URL(import.meta.url)).on('message', console.log).on('exit', (status) => console.log('exit', status));
      else {
        const box = await open({ uid: true, pid: true });
        const one = async () => (await box.exec(['cat'], { input: 'x' })).stdout;
        let all = '';
        for (let n = 0; n < 10; n += 1) all += (await Promise.all([one(), one()])).join('');
        await box.exec(['no-such-command']).catch(() => {});
        await box.close();
        parentPort.postMessage(all);
      }`;
    assert.equal(await shown(code, user), `${'x'.repeat(20)}\nexit 0`);
  });

  test(
    `${user.name}: two copies of the library in one program know nothing of each other`,
    options,
    async () => {
      const path = consumer(user);
      const copy = join(path, 'node_modules/second');
      const installed = resolve(dirname(program), '..');
      for (const name of ['dist', 'package.json', 'node_modules'])
        if (existsSync(join(installed, name)))
          cpSync(join(installed, name), join(copy, name), { recursive: true, verbatimSymlinks: false });
      const code = `import * as first from 'gontainer';
      import * as second from 'second';
      console.log(first.launch !== second.launch);
      const both = [first, second].map(({ launch }, n) => launch({ uid: true, stdio: 'ignore', command: ['sh', '-c', 'exit ' + (n + 3)] }).ended);
      console.log((await Promise.all(both)).map(({ status }) => status).join());
      for (const { launch, Failure } of [first, second])
        console.log(await launch({ uid: true, command: ['nosuch'] }).ended.catch((error) => error instanceof Failure && error.status));`;
      const { stdout, stderr } = await finished(starts(code, user, 'mjs', path));
      assert.equal(stdout, 'true\n3,4\n127\n127\n', stderr);
    },
  );

  test(
    `${user.name}: of two containers that want one name at once the second fails with its type`,
    options,
    async () => {
      const code = `import { Failure, launch, open } from 'gontainer';
      process.env.XDG_RUNTIME_DIR = process.cwd(); // Where the names of containers are written down.
      const name = 'twice';
      const wants = () => launch({ uid: true, pid: true, name, stdio: 'ignore', command: ['sleep', '1000'] });
      const both = [wants(), wants()];
      const outcomes = await Promise.all(both.map((one) => one.started.then(() => 'started', (error) => error)));
      const refused = outcomes.filter((outcome) => outcome instanceof Failure);
      console.log(outcomes.filter((outcome) => outcome === 'started').length, refused.map(({ status, message }) => [status, message.includes('the name ' + name + ' is taken')]).join());
      console.log(await open({ uid: true, pid: true, name }).catch((error) => error instanceof Failure && error.status));
      for (const one of both) one.kill('SIGKILL');
      await Promise.allSettled(both.map(({ ended }) => ended));
      console.log((await launch({ uid: true, name, stdio: 'ignore', command: ['true'] }).ended).status);`;
      assert.equal(await shown(code, user), '1 2,true\n2\n0');
    },
  );

  test(`${user.name}: an option of a later version is a failure that names it`, options, async () => {
    const code = `import { Failure, launch, open } from 'gontainer';
      const told = (error) => error instanceof Failure && error.status + ' ' + error.message;
      const outcome = (work) => Promise.resolve().then(work).then(() => 'taken', told);
      let thrown = 'nothing';
      try { launch({ uid: true, fromTheFuture: true }); } catch (error) { thrown = told(error); }
      console.log(thrown);
      console.log(await outcome(() => open({ uid: true, pid: true, fromTheFuture: 'x' })));
      const box = await open({ uid: true, pid: true });
      console.log(await outcome(() => box.exec(['true'], { fromTheFuture: 1 })));
      await box.close();`;
    const lines = (await shown(code, user)).split('\n');
    for (const line of lines) assert.match(line, /^2 .*fromTheFuture/);
    assert.equal(lines.length, 3);
  });
}
