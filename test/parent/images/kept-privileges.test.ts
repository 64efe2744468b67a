/** Set-user-ID bits and file capabilities are kept where nobody else can reach the file, and nowhere else. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { importBytes } from './importing.js';
import { archive, file, folder } from './tar-builder.js';
import { type Identity, identities, workspace } from './workspace.js';

/** cap_net_raw=ep, version 2 of vfs_cap_data: capabilities(7) and linux/capability.h. */
const netRaw = '\x01\x00\x00\x02\x00\x20\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00';
const bytes = archive([
  file('su', '#!', { mode: 0o6755 }),
  file('ping', '#!', { pax: { 'SCHILY.xattr.security.capability': netRaw } }),
  folder('tmp', { mode: 0o1777 }),
]);

const modeOf = (path: string): number => statSync(path).mode & 0o7777;

/** A folder of a mode, and in it one of 0755. */
function place(t: Parameters<typeof workspace>[0], owner: Identity, mode: number): string {
  const inner = join(workspace(t, owner), 'inner');
  mkdirSync(inner);
  chmodSync(inner, mode);
  if (process.getuid?.() === 0) chownSync(inner, owner.uid, owner.uid);
  return inner;
}

for (const owner of identities) {
  for (const [mode, keepPrivileges, kept, rootMode] of [
    [0o755, false, false, 0o755],
    [0o711, false, false, 0o755],
    [0o710, false, false, 0o755],
    [0o700, false, true, 0o755],
    [0o744, false, true, 0o755],
    [0o755, true, true, 0o700],
    [0o700, true, true, 0o755],
  ] as const) {
    const option = keepPrivileges ? ' and --keep-privileges' : '';
    test(`as ${owner.name}, below a folder of mode ${mode.toString(8)}${option}, set-user-ID bits are ${kept ? '' : 'not '}kept`, async (t) => {
      const directory = place(t, owner, mode);
      const made = await importBytes(owner, directory, bytes, { keepPrivileges });
      const root = join(directory, 'root');
      assert.equal(modeOf(join(root, 'su')), kept ? 0o6755 : 0o755);
      assert.equal(modeOf(join(root, 'tmp')), 0o1777);
      assert.equal(modeOf(root), rootMode);
      assert.equal(/set-user-ID/.test(made.tally.losses ?? ''), !kept);
      const listed = spawnSync('getcap', [join(root, 'ping')], { encoding: 'utf8' });
      if (listed.status === 0) assert.equal(/cap_net_raw/.test(listed.stdout), kept && owner.uid === 0);
      assert.equal(made.tally.attributes, kept && owner.uid === 0 ? 0 : 1);
    });
  }
}

test('a folder of mode 700 that belongs to another user shelters nothing', {
  skip: process.getuid?.() === 0 ? false : 'needs root',
}, async (t) => {
  const [root] = identities;
  assert.ok(root);
  const directory = place(t, root, 0o700);
  chownSync(directory, 1500, 1500);
  await importBytes(root, directory, bytes);
  assert.equal(modeOf(join(directory, 'root', 'su')), 0o755);
});
