/** exec() and spawn() with `watch`: which command asked what. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { watchSupport } from '../../src/common/kernel/listener.js';
import { users } from '../gontainer.js';
import { slowness } from '../until.js';
import { shown } from './consumer.js';

const imported = `import { ContainerEnded, Failure, KernelError, open } from 'gontainer';
  const options = { uid: true, pid: true, net: true, mnt: '/', readOnly: true };
  const failed = (promise) => promise.then((value) => { throw new Error('it worked: ' + JSON.stringify(value)); }, (error) => error);
  const named = (calls, text) => calls.filter(({ paths }) => paths?.some((path) => path.includes(text))).map(({ watched, known }) => watched + ' ' + known).join();\n`;

for (const user of users) {
  const skip = {
    skip: user.skip || (watchSupport().possible ? false : 'this kernel has no SECCOMP_RET_USER_NOTIF'),
  };

  test(
    `${user.name}: each command is told its own calls, those of its descendants too, and no others`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      // Of the last one the parent has ended, and it has left the session.
      const script = (n) => 'cat /etc/own' + n + '; setsid cat /etc/left' + n + '; { setsid sh -c "read go; cat /etc/lost' + n + '" <&3 & } 3<&0; read go; wait';
      const plain = box.exec(['sh', '-c', script('plain')], { input: 'go\\n' });
      const kinds = [true, 'files', 'files,network', 'ipc,files'];
      const all = await Promise.all(kinds.map((watch, n) => box.exec(['sh', '-c', script(n)], { watch, input: 'go\\ngo\\n' })));
      for (const [n, { watched, asked }] of all.entries()) {
        const others = watched.filter(({ paths }) => paths?.some((path) => /.(own|left|lost)/.test(path) && !path.endsWith(n)));
        console.log(named(watched, '/etc/own' + n), named(watched, '/etc/left' + n), named(watched, '/etc/lost' + n), others.length, asked === watched.length, [...new Set(watched.map(({ kind }) => kind))].sort().join());
      }
      const { watched, asked } = await plain;
      console.log(watched, asked, all.some((one) => named(one.watched, 'plain') !== ''));
      await box.close();`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        'openat asked openat asked openat asked 0 true files,identity,processes',
        ...Array(3).fill('openat asked openat asked openat asked 0 true files'),
        'undefined undefined false',
      ]);
    },
  );

  test(`${user.name}: the launcher's own node is told its first calls too`, skip, async () => {
    const code = `${imported}
      const box = await open(options);
      const { watched } = await box.exec([process.execPath, '-e', '0'], { watch: 'files' });
      console.log(named(watched, '/etc/ld.so.cache').split(',')[0]);
      await box.close();`;
    assert.equal(await shown(code, user), 'openat asked');
  });

  test(
    `${user.name}: what will be refused is foreseen, and what the launcher does is not the command's`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      const { status, watched } = await box.exec(['sh', '-c', 'echo x >/etc/new'], { watch: true, cwd: '/usr', user: '0:0', ulimit: ['nofile=64'] });
      console.log(status, watched.filter(({ refusal }) => refusal).map(({ watched, paths, refusal }) => [watched, paths, refusal.errno, refusal.because].join(' ')).join());
      console.log(watched.some(({ process, watched }) => process.name !== 'sh' || watched.startsWith('execve')));
      const command = box.spawn(['sh', '-c', 'read go; cat /etc/hostname'], { watch: 'files' });
      const seen = [];
      for await (const call of command.watched) {
        seen.push(call);
        if (!command.stdin.writableEnded) command.stdin.end('go\\n');
      }
      console.log(named(seen, '/etc/hostname').split(',')[0], (await command.ended).asked === seen.length);
      let again = 0;
      for await (const _ of command.watched) again += 1;
      console.log(again === seen.length);
      const terminal = box.spawn(['cat', '/etc/hostname'], { watch: 'files', pty: true });
      terminal.stdout.resume();
      console.log((await terminal.ended).asked > 0);
      await box.close();`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        '2 openat /etc/new EROFS /etc/new is on a read-only mount, /',
        'false',
        'openat asked true',
        'true',
        'true',
      ]);
    },
  );

  test(
    `${user.name}: what cannot be watched says so by its type, and the container goes on`,
    skip,
    async () => {
      const code = `${imported}
      const box = await open(options);
      const say = ({ name, status, data, message }) => console.log(name, status, data?.errno, message);
      say(await failed(box.exec(['true'], { watch: 'nonsense' })));
      say(await failed(box.exec(['true'], { watch: 5 })));
      say(await failed(box.exec(['true'], { onCall: () => 'continue' })));
      say(await failed(box.exec(['no-such-command'], { watch: true })));
      const privileged = await open({ ...options, allowNewPrivs: true });
      say(await failed(privileged.exec(['true'], { watch: true })));
      await privileged.close();
      const killed = await box.exec(['sh', '-c', 'while :; do cat /etc/hostname; done'], { watch: 'files', timeout: ${0.5 * slowness} });
      console.log(killed.reason, killed.watched.length > 0);
      const running = failed(box.exec(['sh', '-c', 'while :; do cat /etc/hostname; done'], { watch: 'files' }));
      console.log((await box.exec(['echo', 'on'], { watch: 'files' })).stdout.trim());
      await box.close();
      console.log((await running) instanceof ContainerEnded);`;
      assert.deepEqual((await shown(code, user)).split('\n'), [
        'Failure 2 undefined watch knows no “nonsense”',
        'Failure 2 undefined option watch of exec() cannot be 5',
        'Failure 2 undefined exec() has no option onCall',
        'Failure 127 ENOENT no-such-command: there is no such command in the container',
        'Failure 2 undefined watch needs that no program gets privileges (PR_SET_NO_NEW_PRIVS), and allowNewPrivs lets them',
        'timeout true',
        'on',
        'true',
      ]);
    },
  );
}
