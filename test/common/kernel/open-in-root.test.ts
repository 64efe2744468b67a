/** Finding a path as a process does that has another root: openat2(2), asked directly. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { openInRoot } from '../../../src/common/kernel/open-in-root.js';
import { endWithTest, folder, node } from '../../gontainer.js';

test('a path with “..” is found, too, while somebody renames other files', async () => {
  const place = folder();
  mkdirSync(join(place, 'root/a'), { recursive: true });
  const renames =
    'const fs = require("fs"); fs.mkdirSync("one"); console.log(""); for (;;) { fs.renameSync("one", "other"); fs.renameSync("other", "one"); }';
  const other = endWithTest(
    spawn(node, ['-e', renames], { cwd: place, stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  await once(other.stdout, 'data');
  const path = '/a/..'.repeat(200);
  const root = openSync(join(place, 'root'), 'r');
  try {
    for (let count = 0; count < 20_000; count += 1) {
      const found = openInRoot(root, path, true);
      assert.notEqual(found, undefined, `after ${count}`);
      closeSync(found as number);
    }
  } finally {
    closeSync(root);
    other.kill('SIGKILL');
  }
});
