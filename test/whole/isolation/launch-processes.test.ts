/**
 * The processes of a launch, looked at from its first moment by a neighbour: a container that was there before and sees
 * the host's processes. P and G are copies of the launcher until their execve(2), the command's process is one of the
 * child. In the new container itself nobody is there to look: the command is its first process that is not the
 * launcher's own.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { finished, folder, node, run, start, type User, users } from '../../gontainer.js';
import { patience } from '../../until.js';
import { asRoot } from './attempts.js';

/** Looks at each process of the launches with this host name, as fast as it can, and counts what it saw and could open. */
const onlooker = `
  const fs = require('node:fs');
  const [mark, done] = process.argv.slice(1);
  const read = (pid, name) => { try { return fs.readFileSync('/proc/' + pid + '/' + name, 'latin1'); } catch { return ''; } };
  const kindOf = (line) => line.includes(mark) ? 'run' : /main\\.cjs\\0child\\0$/.test(line) ? 'child' : 'other';
  const roles = { 'run other': 'launcher', 'run run': 'P or G', 'child run': 'child', 'child child run': 'command' };
  const parentOf = (pid) => /\\nPPid:\\t(\\d+)/.exec(read(pid, 'status'))?.[1];
  const roleOf = (pid, kind) => {
    const parent = parentOf(pid);
    if (parent === undefined) return undefined;
    const family = kind + ' ' + kindOf(read(parent, 'cmdline'));
    return roles[family === 'child child' ? family + ' ' + kindOf(read(parentOf(parent), 'cmdline')) : family] ?? '';
  };
  const found = { seen: {}, got: {} };
  const count = (where, what) => (where[what] = (where[what] ?? 0) + 1);
  const attempts = {
    environment: (pid) => fs.readFileSync('/proc/' + pid + '/environ'),
    descriptors: (pid) => fs.readlinkSync('/proc/' + pid + '/fd/0'),
    program: (pid) => fs.readlinkSync('/proc/' + pid + '/exe'),
    root: (pid) => fs.readdirSync('/proc/' + pid + '/root/'),
    memory: (pid) => fs.closeSync(fs.openSync('/proc/' + pid + '/mem', 'r+')),
  };
  const strangers = new Set(fs.readdirSync('/proc'));
  // A process that has just been made is a copy of somebody else, so what it is shows later.
  const others = {};
  fs.writeSync(1, 'ready\\n');
  let round = 0;
  while (++round % 8 !== 0 || !fs.existsSync(done)) {
    for (const pid of fs.readdirSync('/proc')) {
      if (strangers.has(pid) || !/^\\d+$/.test(pid)) continue;
      const kind = kindOf(read(pid, 'cmdline'));
      const role = roleOf(pid, kind);
      if (role === '' && kind === 'other' && (others[pid] = (others[pid] ?? 0) + 1) > 20) strangers.add(pid);
      if (!role) continue;
      if (count(found.seen, role) === 1) fs.writeSync(1, 'saw ' + role + '\\n');
      for (const [what, attempt] of Object.entries(attempts))
        try {
          attempt(pid);
          // What it has become meanwhile is looked at in its own turn.
          if (kindOf(read(pid, 'cmdline')) === kind) count(found.got, role + ': ' + what);
        } catch {}
    }
  }
  fs.writeSync(1, JSON.stringify(found) + '\\n');
`;

interface Found {
  readonly seen: Readonly<Record<string, number>>;
  readonly got: Readonly<Record<string, number>>;
}

/** The processes that a launch has before its command is executed. */
const rolesOf = (options: readonly string[]): string[] => [
  ...['launcher', 'P or G', 'child'],
  ...(options.includes('--as-pid-1') ? [] : ['command']),
];

/** Launches with these options, until each of the processes has been seen. */
async function looked(
  user: User,
  options: readonly string[],
  from: 'the host' | readonly string[],
): Promise<Found> {
  const [mark, done] = [`mark-${user.uid}-${process.pid}`, join(folder(user), 'done')];
  const script = [node, '-e', onlooker, mark, done];
  const neighbour =
    from === 'the host'
      ? spawn(script[0] as string, script.slice(1), {
          stdio: ['ignore', 'pipe', 'inherit'],
          ...(asRoot ? {} : { uid: user.uid, gid: user.gid }),
        })
      : start(['run', '--quiet', ...from, '--', ...script], { user });
  const end = finished(neighbour);
  await once(neighbour.stdout as NodeJS.ReadableStream, 'data');
  let said = '';
  neighbour.stdout?.on('data', (text) => {
    said += text;
  });
  const all = () => rolesOf(options).every((role) => said.includes(`saw ${role}\n`));
  for (let count = 0; count < 6 || (count < 200 && !all()); count += 1) {
    const words = ['run', '--quiet', '--uts', '--hostname', mark, ...options, '--', '/bin/true'];
    const { status, stderr } = await run(words, { user });
    assert.equal(status, 0, stderr);
  }
  writeFileSync(done, '');
  return JSON.parse((await end).stdout.trim().split('\n').at(-1) ?? '');
}

for (const user of users) {
  const { skip } = user;
  const base = user.uid === 0 ? [] : ['--uid'];
  const launches: readonly (readonly string[])[] = [
    [...base, '--pid'],
    [...base, '--ipc'],
    ['--uid', '--pid', '--as-pid-1'],
  ];
  for (const options of launches)
    test(`${user.name}: a neighbour opens nothing of the processes that launch ${options.join(' ')}`, {
      skip,
      timeout: 3 * patience,
    }, async (context) => {
      const held = await looked(user, options, [...base, '--uts']);
      const free = await looked(user, options, user.uid === 0 ? ['--uts', '--cap-keep', 'all'] : 'the host');
      context.diagnostic(JSON.stringify({ held, free }));
      // Root owns the user namespaces that it makes, and so is somebody there (user_namespaces(7)): it looks into what runs
      // in them, but not into the copies of the launcher.
      const owned = user.uid === 0 && options.includes('--uid') ? /^(child|command): / : /^$/;
      assert.deepEqual(
        Object.keys(held.got).filter((what) => !owned.test(what)),
        [],
      );
      for (const role of rolesOf(options)) assert.ok((held.seen[role] ?? 0) > 0, `${role} was not seen`);
      for (const what of ['launcher: environment', 'P or G: descriptors', 'child: program'])
        assert.ok((free.got[what] ?? 0) > 0, `${what} by who may`);
    });
}
