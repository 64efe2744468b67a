/** What is said of a command that is there and cannot be executed. */
import assert from 'node:assert/strict';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { node, run, type User, users } from '../../gontainer.js';
import { bareRoot, noBusybox, own } from './root-file-systems.js';

const ownMachine = process.arch === 'arm64' ? 'aarch64' : 'x86-64';
const otherMachine =
  process.arch === 'arm64' ? { number: 62, name: 'x86-64' } : { number: 183, name: 'aarch64' };

/** A root file system with a file /bin/it of this content. */
function rootWith(content: Buffer | string, user: User): string {
  const path = bareRoot(user);
  const file = join(path, 'bin/it');
  writeFileSync(file, content);
  chmodSync(file, 0o755);
  own(path, user);
  return path;
}

/** The header of a program of this machine, changed. */
function header(change: (bytes: Buffer) => void): Buffer {
  const bytes = Buffer.from(readFileSync(node).subarray(0, 4096));
  change(bytes);
  return bytes;
}

for (const user of users) {
  test(`${user.name} is told why a program cannot be executed`, {
    skip: user.skip || noBusybox,
  }, async () => {
    const cases: [content: Buffer | string, says: RegExp][] = [
      [
        header((bytes) => bytes.writeUInt16LE(otherMachine.number, 18)),
        new RegExp(`/bin/it is built for ${otherMachine.name}, and this is ${ownMachine}`),
      ],
      [header((bytes) => bytes.writeUInt16LE(243, 18)), /is built for riscv64, and this is/],
      [
        'echo no first line\n',
        /\/bin\/it is neither a program nor a script that begins with #!.*sh \/bin\/it/s,
      ],
      ['', /\/bin\/it is empty/],
      ['#!/bin/nosuch -e\necho\n', /\/bin\/it is executed by \/bin\/nosuch, which does not exist/],
      [readFileSync(node), /\/bin\/it is executed by \/lib\S*, which does not exist/],
    ];
    for (const [content, says] of cases) {
      const words = ['run', '--quiet', '--uid', '--mnt', rootWith(content, user), '--', '/bin/it'];
      const { status, stderr } = await run(words, { user });
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /unknown error|\n.*\n/, stderr);
      assert.equal(status, 126, stderr);
    }
  });
}
