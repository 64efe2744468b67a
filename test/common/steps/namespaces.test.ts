/** Each namespace alone, all together and in every pair, compared through /proc/PID/ns inside and outside. */
import assert from 'node:assert/strict';
import { readlinkSync } from 'node:fs';
import { test } from 'node:test';
import { namespaces } from '../../../src/common/namespaces.js';
import { run, type User, users } from '../../gontainer.js';

const entries = namespaces.map(({ entry }) => entry);
const outside = Object.fromEntries(entries.map((entry) => [entry, readlinkSync(`/proc/self/ns/${entry}`)]));

/** The namespaces of a command run with these options. */
async function inside(options: readonly string[], user: User): Promise<Record<string, string>> {
  const script = entries.map((entry) => `readlink /proc/self/ns/${entry}`).join('; ');
  const { status, stdout, stderr } = await run(
    ['run', '--quiet', ...options, '--', '/bin/sh', '-c', script],
    { user },
  );
  assert.equal(status, 0, stderr);
  return Object.fromEntries(
    stdout
      .trim()
      .split('\n')
      .map((id, index) => [entries[index] as string, id]),
  );
}

/** Which namespaces are new inside. */
async function fresh(options: readonly string[], user: User): Promise<string[]> {
  const found = await inside(options, user);
  return entries.filter((entry) => found[entry] !== outside[entry]);
}

for (const user of users) {
  /** A user without privilege needs a user namespace for any other; root has the choice. */
  const base = user.uid === 0 ? [] : ['--uid'];

  for (const { flag, entry, name } of namespaces) {
    if (flag === 'mnt') continue; // It takes a folder: test/common/steps/root.test.ts.
    test(`${user.name}: of --${flag} alone the ${name} namespace is new, and no other that is not needed for it`, {
      skip: user.skip,
    }, async () => {
      const expected = [
        entry,
        ...(flag === 'pid' ? ['mnt'] : []),
        ...(flag !== 'uid' && base.length > 0 ? ['user'] : []),
      ];
      assert.deepEqual(
        await fresh([...new Set([...base, `--${flag}`])], user),
        entries.filter((known) => expected.includes(known)),
      );
    });
  }

  test(`${user.name}: --all makes all eight namespaces new`, { skip: user.skip }, async () => {
    assert.deepEqual(await fresh(['--all'], user), entries);
  });

  test(`${user.name}: every combination of flags makes those namespaces new and no others`, {
    skip: user.skip,
  }, async () => {
    const flags = namespaces
      .map(({ flag }) => flag)
      .filter((flag) => flag !== 'mnt' && !(flag === 'uid' && base.length > 0));
    const sets = Array.from({ length: 2 ** flags.length }, (_, bits) =>
      flags.filter((_flag, index) => (bits >> index) & 1),
    );
    for (const set of sets) {
      const options = [...base, ...set.map((flag) => `--${flag}`)];
      if (options.length === 0) continue;
      const expected = namespaces
        .filter(({ flag }) => options.includes(`--${flag}`) || (flag === 'mnt' && set.includes('pid')))
        .map(({ entry }) => entry);
      assert.deepEqual(await fresh(options, user), expected, options.join(' '));
    }
  });
}
