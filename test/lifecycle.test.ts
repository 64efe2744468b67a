/** What lives and dies with what: the parent, the child, the command, and everything the command started. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { setTimeout as later } from 'node:timers/promises';
import { finished, start, type User, users } from './gontainer.js';

/** The processes whose command line holds a word that only this test uses. */
const alive = (mark: string): number[] =>
  readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .filter((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(mark);
      } catch {
        return false;
      }
    })
    .map(Number);

async function gone(mark: string): Promise<number[]> {
  for (let look = 0; look < 50 && alive(mark).length > 0; look += 1) await later(100);
  return alive(mark);
}

/** A shell with an orphan that left its session, ready when it says so. */
const script = (mark: string, rest: string) =>
  `(setsid sleep ${mark} & ) ; sleep ${mark} & echo ready; ${rest}`;

let number = 1000;

async function running(options: readonly string[], user: User, rest: string) {
  number += 1;
  const mark = `77${process.pid}${number}`;
  const container = start(['run', '--quiet', ...options, '--', '/bin/sh', '-c', script(mark, rest)], {
    user,
  });
  const end = finished(container);
  await new Promise((ready) => container.stdout?.once('data', ready));
  assert.ok(alive(mark).length >= 3, 'the shell and what it started are there');
  return { container, end, mark };
}

const childOf = (parent: number): number =>
  Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);

for (const user of users) {
  for (const options of [
    ['--uid', '--pid'],
    ['--uid', '--uts'],
  ]) {
    const kind = `${user.name}, ${options.join(' ')}`;

    test(`${kind}: the rest ends with the command`, { skip: user.skip }, async () => {
      const { container, end, mark } = await running(options, user, 'read _; exit 7');
      container.stdin?.end('\n');
      assert.equal((await end).status, 7);
      assert.deepEqual(await gone(mark), []);
    });

    test(`${kind}: nothing outlives a killed parent`, { skip: user.skip }, async () => {
      const { container, end, mark } = await running(options, user, 'wait');
      process.kill(container.pid as number, 'SIGKILL');
      assert.deepEqual(await gone(mark), []);
      assert.equal((await end).signal, 'SIGKILL');
    });

    test(`${kind}: a killed child is reported, and nothing outlives it`, { skip: user.skip }, async () => {
      const { container, end, mark } = await running(options, user, 'wait');
      process.kill(childOf(container.pid as number), 'SIGKILL');
      const { status, stderr } = await end;
      assert.equal(status, 137);
      assert.match(stderr, /the child was killed by SIGKILL/);
      assert.deepEqual(await gone(mark), []);
    });
  }
}
