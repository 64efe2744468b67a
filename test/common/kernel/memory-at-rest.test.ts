/** What launcher and child do not need while the command runs is given back, and they work on without it. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { endWithTest, finished, node, start, users } from '../../gontainer.js';
import { until } from '../../until.js';

/** KiB of files that a process has in its memory: proc_pid_status(5). */
const residentFiles = (pid: number | undefined): number =>
  Number(/^RssFile:\s*(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);

const childOf = (parent: number | undefined): number =>
  Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim().split(' ')[0]);

/** The same of a Node that sleeps. */
async function ofBareNode(): Promise<number> {
  const bare = endWithTest(
    spawn(node, ['-e', 'console.log(1); process.stdin.on("data", () => {})'], { stdio: 'pipe' }),
  );
  await new Promise((ready) => bare.stdout.once('data', ready));
  return residentFiles(bare.pid);
}

for (const user of users) {
  test(`while the command runs, launcher and child keep less of node's file than a bare node, by ${user.name}`, {
    skip: user.skip,
  }, async (t) => {
    const bare = await ofBareNode();
    if (bare < 25_000)
      return t.skip('this node is in a library of its own, and gontainer gives back only its program');
    const words = [
      'run',
      '--quiet',
      '--uid',
      '--pid',
      '--',
      '/bin/sh',
      '-c',
      'echo ready; read word; echo $word',
    ];
    const container = start(words, { user });
    const end = finished(container);
    await new Promise((ready) => container.stdout?.once('data', ready));
    const both = [container.pid, childOf(container.pid)];
    const now = (): number[] => both.map(residentFiles);
    await until(
      () => `${now()} KiB are resident, of a bare node ${bare}`,
      () => now().every((resident) => resident < (2 / 3) * bare),
    );
    container.stdin?.end('on\n');
    const { status, stdout } = await end;
    assert.deepEqual({ status, stdout }, { status: 0, stdout: 'ready\non\n' });
  });
}
