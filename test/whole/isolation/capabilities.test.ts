/** Which capabilities the command has. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { root, run, users } from '../../gontainer.js';
import { asRoot } from './attempts.js';

test('root without a user namespace keeps thirteen capabilities, and what is asked for', {
  skip: asRoot,
}, async () => {
  const inside = async (options: readonly string[]) => {
    const { stdout, stderr } = await run(
      ['run', '--quiet', '--pid', ...options, '--', 'grep', '-E', '^Cap', '/proc/self/status'],
      { user: root },
    );
    assert.notEqual(stdout, '', stderr);
    return Object.fromEntries(
      stdout
        .trim()
        .split('\n')
        .map((line) => line.split(':\t')),
    ) as Record<string, string>;
  };
  const [none, thirteen] = ['0000000000000000', '00000000a00425fb'];
  assert.deepEqual(await inside(['--net']), {
    CapInh: none,
    CapPrm: thirteen,
    CapEff: thirteen,
    CapBnd: thirteen,
    CapAmb: none,
  });
  // Without a network namespace CAP_NET_RAW would reach the host's interfaces.
  assert.equal((await inside([])).CapEff, '00000000a00405fb');
  assert.deepEqual(new Set(Object.values(await inside(['--cap-drop', 'all']))), new Set([none]));
  const one = await inside(['--cap-drop', 'all', '--cap-keep', 'Cap_Net_Raw']);
  assert.deepEqual([one.CapEff, one.CapBnd], ['0000000000002000', '0000000000002000']);
  const fewer = await inside(['--cap-drop', 'chown,KILL']);
  assert.equal(fewer.CapEff, '00000000a00405da');
  const own = /^CapPrm:\t(\w+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1];
  assert.equal((await inside(['--cap-keep', 'all'])).CapEff, own);
});

for (const user of users) {
  test(`${user.name} has in a user namespace the capabilities that were asked for, also when not root there`, {
    skip: user.skip,
  }, async () => {
    const sets = async (options: readonly string[]) => {
      const words = ['run', '--quiet', '--uid', ...options, '--', 'grep', '-E', '^Cap', '/proc/self/status'];
      const { stdout, stderr } = await run(words, { user });
      assert.notEqual(stdout, '', stderr);
      return [...stdout.matchAll(/^Cap\w+:\t(\w+)$/gm)].map(([, set]) => BigInt(`0x${set}`));
    };
    const all = 2n ** BigInt(Number(readFileSync('/proc/sys/kernel/cap_last_cap', 'utf8')) + 1) - 1n;
    // The order of /proc/PID/status: inheritable, permitted, effective, bounding, ambient.
    const withoutAdmin = all & ~(1n << 21n);
    assert.deepEqual(await sets(['--cap-drop', 'sys_admin']), [
      ...[0n, withoutAdmin, withoutAdmin, withoutAdmin, 0n],
    ]);
    const ordinary = ['--uid-map', `1000:${user.uid}:1`, '--gid-map', `1000:${user.gid}:1`];
    assert.deepEqual(await sets([...ordinary, '--cap-drop', 'sys_admin']), [0n, 0n, 0n, withoutAdmin, 0n]);
    const kept = (1n << 13n) | (1n << 39n);
    assert.deepEqual(await sets([...ordinary, '--cap-keep', 'net_raw,bpf']), [kept, kept, kept, kept, kept]);
    assert.deepEqual(await sets([...ordinary, '--cap-keep', 'all']), [all, all, all, all, all]);
  });
}
