/** A file whose later parts cannot be read. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { open, stat } from 'node:fs/promises';
import { test } from 'node:test';
import { bytesOf } from '../../../src/parent/images/archive/file-bytes.js';
import { endWithTest, node } from '../../gontainer.js';

test('what cannot be read is an error of the piece that is asked for, however late that is', async () => {
  // What a process has mapped is read a page at a time, and it is ESRCH when the process is gone: fs/proc/task_mmu.c.
  const script = 'process.stdout.write("ready"); setInterval(() => {}, 1e6)';
  const child = endWithTest(spawn(node, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] }));
  await once(child.stdout, 'data');
  const pieces = bytesOf(await open(`/proc/${child.pid}/smaps`));
  const first = await pieces.next();
  assert.ok(!first.done && first.value.length > 0);
  child.kill('SIGKILL');
  await once(child, 'exit');
  const readOn = async (): Promise<void> => {
    // Where a promise is rejected that nobody waits for, Node ends, and a test fails.
    for await (const _ of pieces) for (let turns = 0; turns < 50; turns += 1) await stat('/');
  };
  await assert.rejects(readOn, { code: 'ESRCH' });
});
