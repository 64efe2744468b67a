/** Modes and owners are those of the archive, whatever the place gives to new files by itself. */
import assert from 'node:assert/strict';
import { chmodSync, chownSync, lstatSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { attributesOf, setAttribute } from '../../../src/common/kernel/file-attributes.js';
import { importBytes } from './importing.js';
import { archive, type Entry, file, folder } from './tar-builder.js';
import { identities, workspace } from './workspace.js';

const modes = [0o644, 0o666, 0o777, 0o444, 0o640, 0o600, 0o400, 0o000, 0o1755, 0o755];
const isRoot = process.getuid?.() === 0;

/** Each mode once as that of the first file, as it is the one that shows what the place does; folders before and after. */
const archives: readonly (readonly Entry[])[] = modes.map((_, first) => [
  folder('early', { mode: modes[first] ?? 0 }),
  ...[...modes.slice(first), ...modes.slice(0, first)].map((mode) =>
    file(`f${mode.toString(8)}`, 'x', { mode }),
  ),
  ...modes.map((mode) => folder(`d${mode.toString(8)}`, { mode })),
]);

/** acl(5) as the kernel stores it: version 2, then tag, permissions and ID of the owner, the group and all others. */
const defaultAcl = Buffer.from(
  '02000000' + '01000700ffffffff' + '04000500ffffffff' + '20000000ffffffff',
  'hex',
);

for (const owner of identities) {
  for (const umask of [0o000, 0o022, 0o077]) {
    test(`as ${owner.name}, with umask ${umask.toString(8)}, modes are those of the archive`, async (t) => {
      const before = process.umask(umask);
      t.after(() => process.umask(before));
      for (const entries of archives) await expectModes(workspace(t, owner), owner, entries);
    });
  }

  test(`as ${owner.name}, below a folder with a default access control list, modes are those of the archive`, async (t) => {
    for (const entries of archives) {
      const directory = workspace(t, owner);
      try {
        setAttribute(directory, 'system.posix_acl_default', defaultAcl);
      } catch {
        t.skip('the file system keeps no access control lists');
        return;
      }
      await expectModes(directory, owner, entries);
    }
  });
}

async function expectModes(
  directory: string,
  owner: (typeof identities)[number],
  entries: readonly Entry[],
): Promise<void> {
  await importBytes(owner, directory, archive(entries));
  for (const { name, type, mode = 0 } of entries) {
    const found = lstatSync(join(directory, 'root', String(name)));
    // Who is not root could not fill and remove other folders.
    const expected = type === '5' && owner.uid !== 0 ? mode | 0o700 : mode;
    assert.equal((found.mode & 0o7777).toString(8), expected.toString(8), String(name));
  }
}

test('as root, below folders that give their group to new files, owners are those of the archive', {
  skip: isRoot ? false : 'only root gives files away',
}, async (t) => {
  const [root] = identities;
  assert.ok(root);
  const directory = workspace(t, root);
  chownSync(directory, 0, 1234);
  chmodSync(directory, 0o2755);
  const entries = [
    file('first', 'x', { uid: 0, gid: 0 }),
    folder('shared', { mode: 0o2775, uid: 0, gid: 50 }),
    file('shared/roots', 'x', { uid: 0, gid: 0 }),
    file('shared/as-elsewhere', 'x', { uid: 0, gid: 1234 }),
    file('shared/somebodys', 'x', { uid: 7, gid: 8 }),
    folder('shared/below', { uid: 0, gid: 0 }),
    file('shared/below/roots', 'x', { uid: 0, gid: 0 }),
    file('last', 'x', { uid: 0, gid: 1234 }),
  ];
  await importBytes(root, directory, archive(entries));
  for (const { name, type, mode = 0o644, uid, gid } of entries) {
    const found = lstatSync(join(directory, 'root', String(name)));
    assert.deepEqual([found.uid, found.gid], [uid, gid], String(name));
    assert.equal((found.mode & 0o7777).toString(8), mode.toString(8), `${name} (${type})`);
  }
});

test('as root, what the archive says of / holds for the folder itself, but for an owner that must stay outside', {
  skip: isRoot ? false : 'only root gives files away',
}, async (t) => {
  const [root] = identities;
  assert.ok(root);
  const bytes = archive([
    folder('./', { mode: 0o751, uid: 7, gid: 8, modified: 1234, pax: { 'SCHILY.xattr.user.a': 'b' } }),
    file('a'),
  ]);
  for (const [keepPrivileges, expected] of [
    [false, [0o751, 7, 8]],
    [true, [0o700, 0, 0]],
  ] as const) {
    const directory = workspace(t, root);
    chmodSync(directory, 0o755);
    const { tally } = await importBytes(root, directory, bytes, { keepPrivileges });
    const { mode, uid, gid, mtimeMs } = lstatSync(join(directory, 'root'));
    assert.deepEqual([mode & 0o7777, uid, gid], expected);
    assert.equal(mtimeMs, 1_234_000);
    assert.equal(attributesOf(join(directory, 'root')).has('user.a'), tally.attributes === 0);
  }
});
