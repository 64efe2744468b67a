/** 300 launches, 4 at a time: none fails and nothing is left. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { folder, program, rootfs, run, type User, unprivileged } from './gontainer.js';

const launches = 300;
const atATime = 4;

/** Nobody else on the machine has this ID, so whatever it owns is ours. */
const user: User = process.getuid?.() === 0 ? { name: 'one user', uid: 54_322, gid: 54_322 } : unprivileged;

test(`${launches} launches, ${atATime} at a time, as an unprivileged user`, async (context) => {
  const path = await rootfs(user);
  const temporary = folder(user);
  const processes = () =>
    spawnSync('pgrep', ['-u', String(user.uid), '-f', program], { encoding: 'utf8' }).stdout;
  let started = 0;
  const failures: string[] = [];
  const worker = async (): Promise<void> => {
    while (started < launches) {
      const number = started++;
      const status = number % 100;
      const words = [
        'run',
        '--quiet',
        '--all',
        '--mnt',
        path,
        '--hostname',
        `box${number}`,
        '--',
        'sh',
        '-c',
      ];
      const finished = await run([...words, `cat /proc/sys/kernel/hostname; exit ${status}`], {
        user: unprivileged,
      });
      if (finished.status !== status || finished.stdout !== `box${number}\n`)
        failures.push(JSON.stringify(finished));
    }
  };
  await Promise.all(Array.from({ length: atATime }, worker));
  context.diagnostic(`${started} launches, ${failures.length} failed`);
  assert.deepEqual(failures, []);
  assert.equal(processes(), '');
  assert.deepEqual(readdirSync(temporary), []);
  assert.doesNotMatch(readFileSync('/proc/self/mountinfo', 'utf8'), new RegExp(path));
});
