/** Placeholders, where several launches need the same at the same moment. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { endWithTest, finished, folder, node, project } from '../../gontainer.js';

for (const kind of ['file', 'directory'])
  test(`a ${kind} that others make and remove meanwhile is held, never mistaken for somebody's own`, async () => {
    const path = folder();
    const words = ['--import', 'tsx', join(project, 'test/parent/state/holds-placeholder.ts')];
    const holding = Array.from({ length: 4 }, () =>
      endWithTest(spawn(node, [...words, join(path, 'place'), kind, '1000'], { cwd: project })),
    );
    const ends = await Promise.all(holding.map((one) => finished(one)));
    assert.deepEqual(
      ends.map(({ stdout, stderr, status }) => [stdout, stderr, status]),
      ends.map(() => ['0', '', 0]),
    );
    assert.deepEqual(readdirSync(path), []);
  });
