/** Programs that import the library, as their users have them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { endWithTest, finished, folder, node, program, type User } from '../gontainer.js';

/** A folder where `gontainer` can be imported from. */
export function consumer(user: User): string {
  const path = folder(user);
  mkdirSync(join(path, 'node_modules'));
  symlinkSync(resolve(dirname(program), '..'), join(path, 'node_modules/gontainer'));
  return path;
}

/** Starts a program of this user that imports the library. */
export function starts(source: string, user: User, extension = 'mjs', path = consumer(user)) {
  const file = join(path, `program.${extension}`);
  writeFileSync(file, source);
  const program = spawn(node, [file], {
    cwd: path,
    stdio: ['ignore', 'pipe', 'pipe'],
    ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
  });
  return endWithTest(program);
}

/** Runs one, and gives its standard output; it must say nothing on standard error. */
export async function shown(source: string, user: User, extension?: string): Promise<string> {
  const { status, stdout, stderr } = await finished(starts(source, user, extension));
  assert.deepEqual([stderr, status], ['', 0]);
  return stdout.trim();
}
