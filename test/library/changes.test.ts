/** changes(): what was changed in a container's overlays, as a program gets it. */
import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { listedChanges } from '../../src/library/listed-changes.js';
import { folder, unprivileged, users } from '../gontainer.js';
import { shown } from './consumer.js';

const imported = `import { ContainerEnded, Failure, launch, open, sandbox } from 'gontainer';
  import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
  import { once } from 'node:events';
  const failed = (promise) => promise.then((value) => { throw new Error('it worked: ' + JSON.stringify(value)); }, (error) => error);
  const project = process.cwd() + '/project';
  mkdirSync(project);
  writeFileSync(project + '/old', 'old');
  writeFileSync(project + '/gone', 'old');
  const options = { ...sandbox({}), workdir: project };
  const overlay = project + ':' + project + ':overlay';
  const lines = ({ changes, unread }) => [...changes, ...unread].map(({ kind, path, type, why }) => [kind, path.slice(project.length), type, why].join(' ').trim()).join(', ');\n`;
const script = 'echo new >made; echo new >old; rm gone';
const listed = 'D /gone file, A /made file, C /old file';

test('a list of changes that breaks off is a failure with a sentence, whatever the status', async () => {
  const path = folder(unprivileged);
  const own = process.execPath;
  try {
    for (const end of ['exit 0', 'exit 1', 'exit 3', 'kill -9 $$']) {
      process.execPath = join(path, end);
      writeFileSync(process.execPath, `#!/bin/sh\necho '{"changes": ['; ${end}`, { mode: 0o755 });
      await assert.rejects(listedChanges({ state: 'started', pid: 1, namespaces: {} }), {
        name: 'Failure',
        message: 'the list of changes broke off',
        next: 'Ask again.',
      });
    }
  } finally {
    process.execPath = own;
  }
});

for (const user of users) {
  const options = { skip: user.skip };

  test(`${user.name}: an open container tells what its commands have changed so far`, options, async () => {
    const code = `${imported}
      const box = await open({ ...options, bind: [overlay] });
      console.log(lines(await box.changes()));
      await box.exec(['sh', '-c', '${script}']);
      console.log(lines(await box.changes()));
      await box.exec(['sh', '-c', 'rm made; echo -n old >old']);
      const [one, other] = await Promise.all([box.changes(), box.changes()]);
      console.log(lines(one) === lines(other), lines(one));
      await box.close();
      const error = await failed(box.changes());
      console.log(error instanceof ContainerEnded, readdirSync(project).join());`;
    assert.deepEqual((await shown(code, user)).split('\n'), [listed, 'true D /gone file', 'true gone,old']);
  });

  test(`${user.name}: a launch tells it after its end where it was asked to`, options, async () => {
    const code = `${imported}
      const container = launch({ ...options, bind: [overlay], changes: true, command: ['sh', '-c', '${script}'], stdio: 'ignore' });
      await container.ended;
      console.log(lines(await container.changes()));
      const withTerminal = launch({ ...options, pty: true, bind: [overlay], changes: true, command: ['sh', '-c', '${script}'], stdio: 'ignore' });
      console.log((await withTerminal.ended).status, lines(await withTerminal.changes()));
      const killed = launch({ ...options, bind: [overlay], changes: true, command: ['sh', '-c', '${script}; echo; exec sleep 1000'] });
      await once(killed.stdout, 'data');
      console.log(lines(await killed.changes()));
      killed.kill('SIGKILL');
      await killed.ended;
      console.log(lines(await killed.changes()));`;
    assert.deepEqual((await shown(code, user)).split('\n'), [listed, `0 ${listed}`, listed, listed]);
  });

  test(`${user.name}: where there is nothing to tell, that is a failure`, options, async () => {
    const code = `${imported}
      const say = (error) => console.log(error instanceof Failure, error.status, error.message);
      const container = launch({ ...options, bind: [overlay], command: ['true'], stdio: 'ignore' });
      await container.ended;
      say(await failed(container.changes()));
      const left = launch({ ...options, bind: [overlay], command: ['sleep', '1000'], stdio: 'ignore' });
      const { pid } = await left.started;
      process.kill(Number(/PPid:\\t(\\d+)/.exec(readFileSync('/proc/' + pid + '/status', 'utf8'))[1]), 'SIGKILL');
      await failed(left.ended);
      say(await failed(left.changes()));
      const plain = launch({ uid: true, changes: true, command: ['true'], stdio: 'ignore' });
      say(await failed(plain.ended));
      say(await failed(plain.changes()));
      const box = await open({ uid: true, pid: true, name: 'plain-box-' + process.pid });
      say(await failed(box.changes()));
      await box.close();`;
    const [after = '', lost = '', ...others] = (await shown(code, user)).split('\n');
    assert.equal(after, 'true 125 the container has ended, and what it changed in memory is gone with it');
    assert.equal(lost, 'true 137 gontainer was killed by SIGKILL, and everything in the container with it');
    const without = 'true 2 there is no overlay whose changes could be listed at the end';
    assert.deepEqual(others.slice(0, 2), [without, without]);
    assert.match(
      others[2] ?? '',
      /^true 125 the container has no overlay, so what it changes is changed on the host$/,
    );
  });
}
