/** The versions of Linux in the table of calls are those of the manual page. */
import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { calls, type NewerCallNeed, newerCalls } from '../../../src/common/kernel/calls.js';

const pages = '/usr/share/man/man2';
const read = (name: string): string => gunzipSync(readFileSync(`${pages}/${name}.2.gz`)).toString();
const oldest = '2.6.12';
const newer: Readonly<Record<string, NewerCallNeed>> = newerCalls;

/** Compares versions number by number. */
const byVersion = (one: string, other: string): number => one.localeCompare(other, 'en', { numeric: true });

test('each call is there since the Linux that syscalls(2) names', {
  skip: existsSync(`${pages}/syscalls.2.gz`)
    ? false
    : 'the manual pages of system calls are not installed (manpages-dev)',
}, () => {
  // A row: \fBpidfd_open\fP(2), a tab, 5.3; some have a note, or a second version for the others of its processors.
  const versions = new Map(
    [...read('syscalls').matchAll(/^\\fB(\w+)\\fP\(2\)\t([\d.]*\d)/gm)].map(([, name, since]) => [
      name,
      since,
    ]),
  );
  // Of the C library: it fills memory, and asks the kernel for nothing.
  const asked = Object.keys(calls).filter((name) => name !== 'memset');
  for (const name of asked) {
    // The kernel has these by another name; what is not in the list yet says it on its own page.
    const since =
      versions.get({ _exit: 'exit', prlimit: 'prlimit64' }[name] ?? name) ??
      /first appeared in Linux ([\d.]+)\./.exec(read(name))?.[1];
    assert.ok(since !== undefined, `neither syscalls(2) nor ${name}(2) says when it came`);
    if (name in newer) assert.equal(newer[name]?.since, since, name);
    else assert.ok(byVersion(since, oldest) <= 0, `${name} came with Linux ${since}, and is no newer call`);
  }
});

test('a later use of a call came after the call', () => {
  for (const [name, { since, later }] of Object.entries(newer))
    assert.ok(later === undefined || byVersion(later.since, since) > 0, name);
});
