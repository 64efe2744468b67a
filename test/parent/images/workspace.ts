/** What the tests of rootfs share: a folder of their own, and the command line run as one user or another. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { chmodSync, chownSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { defined } from '../../../src/common/defined.js';
import { endWithTest, notes, removeFolder } from '../../gontainer.js';
import { bundle } from './bundle.js';

export interface Identity {
  readonly name: string;
  readonly uid: number;
}

/** Root and some unprivileged user; whoever is not root can only be itself. */
export const identities: readonly Identity[] =
  process.getuid?.() === 0
    ? [
        { name: 'root', uid: 0 },
        { name: 'an unprivileged user', uid: 1500 },
      ]
    : [{ name: 'an unprivileged user', uid: process.getuid?.() ?? 0 }];

/** A new folder that belongs to `owner`, removed when the test ends. */
export function workspace(test: { after(done: () => void): void }, owner: Identity): string {
  const directory = mkdtempSync(join(tmpdir(), 'gontainer-rootfs-'));
  chmodSync(directory, 0o755);
  if (process.getuid?.() === 0) chownSync(directory, owner.uid, owner.uid);
  test.after(() => removeFolder(directory));
  return directory;
}

const entry = bundle(new URL('rootfs-alone.ts', import.meta.url));

function spawnOptions(owner: Identity, environment: NodeJS.ProcessEnv) {
  const identity = process.getuid?.() === 0 ? { uid: owner.uid, gid: owner.uid } : {};
  const env = { PATH: process.env.PATH, HOME: '/nonexistent', XDG_DATA_HOME: notes(owner) };
  return { ...identity, env: { ...env, ...environment } };
}

/** Runs `gontainer rootfs ...words` to its end as `owner`. */
export function runRootfs(
  owner: Identity,
  words: readonly string[],
  environment: NodeJS.ProcessEnv = {},
  input?: Buffer,
): SpawnSyncReturns<string> {
  return spawnSync(process.execPath, [entry, ...words], {
    ...spawnOptions(owner, environment),
    encoding: 'utf8',
    ...defined({ input }),
  });
}

/** Starts `gontainer rootfs ...words` as `owner`, with pipes. */
export function startRootfs(owner: Identity, words: readonly string[], environment: NodeJS.ProcessEnv = {}) {
  return endWithTest(spawn(process.execPath, [entry, ...words], spawnOptions(owner, environment)));
}
