/** The doctor on this machine, and on one made hostile inside a user namespace. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  folder,
  lacking,
  node,
  program,
  run,
  unprivileged,
  users,
  withoutSubordinateIds,
} from '../../../gontainer.js';

interface Found {
  readonly id: string;
  readonly title: string;
  readonly state: string;
  readonly found: string;
  readonly fix?: string;
}

const found = (stdout: string): Map<string, Found> =>
  new Map((JSON.parse(stdout) as Found[]).map((finding) => [finding.id, finding]));

for (const user of users) {
  test(`${user.name}: what works is said to work`, { skip: user.skip }, async () => {
    const launched =
      (await run(['run', '--quiet', '--uid', '--pid', '--uts', '--', 'true'], { user })).status === 0;
    const { status, stdout } = await run(['doctor'], { user });
    assert.equal(found(stdout).get('launch')?.state, launched ? 'ok' : 'problem');
    assert.equal(status, launched ? 0 : 1);
  });
}

/** Words before the program's own, which make a host on which something is wrong. */
type Host = readonly string[];

/** Root of a user namespace and of a mount namespace, in which something was changed first. */
const after = (change: string): Host => ['unshare', '-Urm', 'sh', '-ec', `${change}; exec "$@"`, 'sh'];

function on(host: Host, words: readonly string[]) {
  const [file = '', ...rest] = [...host, node, program, ...words];
  return spawnSync(file, rest, {
    encoding: 'utf8',
    cwd: '/',
    ...(process.getuid?.() === 0 ? { uid: unprivileged.uid, gid: unprivileged.gid } : {}),
  });
}

const examined = (host: Host): { status: number | null; findings: Map<string, Found> } => {
  const { status, stdout, stderr } = on(host, ['doctor']);
  assert.equal(stderr, '');
  return { status, findings: found(stdout) };
};

const zero = (sysctl: string): string => `echo 0 >/proc/sys/${sysctl}`;

/**
 * As inside a container whose seccomp filter refuses unshare(2). bpf(4): load the number of the call; is it this one?
 * then SECCOMP_RET_ERRNO with EPERM, else SECCOMP_RET_ALLOW.
 */
function filtered(more: readonly string[] = []): Host {
  const unshare = process.arch === 'arm64' ? 97 : 272;
  const program = [
    [0x20, 0, 0, 0],
    [0x15, 0, 1, unshare],
    [0x06, 0, 0, 0x00050001],
    [0x06, 0, 0, 0x7fff0000],
  ] as const;
  const bytes = Buffer.alloc(program.length * 8);
  program.forEach(([code, whenTrue, whenFalse, k], index) => {
    bytes.writeUInt16LE(code, index * 8);
    bytes.writeUInt8(whenTrue, index * 8 + 2);
    bytes.writeUInt8(whenFalse, index * 8 + 3);
    bytes.writeUInt32LE(k, index * 8 + 4);
  });
  const file = written('filter', bytes);
  const bwrap = ['bwrap', '--dev-bind', '/', '/', ...more, '--seccomp', '9'];
  return ['sh', '-c', `exec "$@" 9<${file}`, 'sh', ...bwrap, '--'];
}

const place = folder(unprivileged);
function written(name: string, content: string | Buffer): string {
  const file = join(place, name);
  writeFileSync(file, content);
  return file;
}

test('user namespaces that are switched off are a problem, with the sysctl that switches them on', {
  skip: lacking('unshare'),
}, () => {
  const { status, findings } = examined(after(zero('user/max_user_namespaces')));
  assert.equal(status, 1);
  for (const id of ['switches', 'namespace-uid', 'launch']) {
    assert.equal(findings.get(id)?.state, 'problem', id);
    assert.match(String(findings.get(id)?.fix), /sysctl user\.max_user_namespaces=/, id);
  }
  assert.match(String(findings.get('limits')?.found), /user\.max_user_namespaces is 0/);
  assert.match(String(findings.get('nesting')?.found), /^0 levels/);
});

test('one kind of namespace that is switched off is a warning, and the others are in order', {
  skip: lacking('unshare'),
}, () => {
  const { status, findings } = examined(after(zero('user/max_net_namespaces')));
  assert.equal(status, 0);
  assert.equal(findings.get('namespace-net')?.state, 'warning');
  assert.match(String(findings.get('namespace-net')?.fix), /sysctl user\.max_net_namespaces=/);
  assert.match(String(findings.get('limits')?.found), /^user\.max_net_namespaces is 0$/);
  assert.equal(findings.get('namespace-ipc')?.state, 'ok');
});

test('how deep user namespaces can be nested is tried', { skip: lacking('unshare') }, () => {
  const { findings } = examined(after('echo 3 >/proc/sys/user/max_user_namespaces'));
  assert.equal(findings.get('nesting')?.state, 'warning');
  assert.match(String(findings.get('nesting')?.found), /^3 levels/);
  // One level is taken by unshare(1) itself.
  const [here, inside] = [after('true'), [...after('true'), ...after('true')]].map((host) =>
    Number.parseInt(String(examined(host).findings.get('nesting')?.found), 10),
  );
  assert.equal(inside, Number(here) - 1);
});

/** Hosts on which a launch fails, and the doctor's line that is about it. */
const hosts: Readonly<Record<string, { host: () => Host; words?: string[]; line: string; needs: string[] }>> =
  {
    'no user namespaces': {
      host: () => after(zero('user/max_user_namespaces')),
      line: 'switches',
      needs: ['unshare'],
    },
    'no UTS namespaces': {
      host: () => after(zero('user/max_uts_namespaces')),
      line: 'namespace-uts',
      needs: ['unshare'],
    },
    'one user namespace too many': {
      host: () => {
        const levels = Number.parseInt(String(examined(['env']).findings.get('nesting')?.found), 10);
        return Array.from({ length: levels }, () => ['unshare', '-Ur']).flat();
      },
      line: 'nesting',
      needs: ['unshare'],
    },
    'a covered /proc': {
      host: () => after('mount -t tmpfs none /proc/fs'),
      line: 'launch',
      needs: ['unshare'],
    },
    'a seccomp filter': { host: () => filtered(), line: 'seccomp', needs: ['bwrap'] },
    "AppArmor's restriction": {
      host: () => {
        const file = written('restricted', '1\n');
        const sysctl = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
        return filtered(['--tmpfs', '/proc/sys/kernel', '--ro-bind', file, sysctl]);
      },
      line: 'switches',
      needs: ['bwrap'],
    },
    'no subordinate IDs': {
      host: withoutSubordinateIds,
      words: ['--map-auto'],
      line: 'subordinate-ids',
      needs: ['bwrap', 'newuidmap'],
    },
    'no newuidmap': {
      host: () => {
        const file = written('subuid', `${unprivileged.uid}:100000:65536\n`);
        const lists = ['/etc/subuid', '/etc/subgid'].flatMap((list) => ['--ro-bind', file, list]);
        return ['bwrap', '--dev-bind', '/', '/', ...lists, '--', 'env', 'PATH=/nowhere'];
      },
      words: ['--map-auto'],
      line: 'subordinate-ids',
      needs: ['bwrap', 'newuidmap'],
    },
  };

for (const [title, { host, words = [], line, needs }] of Object.entries(hosts)) {
  test(`on a host with ${title} the failed launch points to the doctor’s line`, {
    skip: lacking(...needs),
  }, () => {
    const chosen = host();
    const { status, stderr } = on(chosen, [
      'run',
      '--quiet',
      '--uid',
      '--uts',
      '--pid',
      ...words,
      '--',
      '/bin/true',
    ]);
    assert.equal(status, 125, stderr);
    const [, title] = /^gontainer: .* \(gontainer doctor: “(.+)”\)$/.exec(stderr.trim()) ?? [];
    const finding = examined(chosen).findings.get(line);
    assert.equal(title, finding?.title, stderr);
    assert.notEqual(finding?.state, 'ok');
    assert.notEqual(finding?.fix ?? '', '');
  });
}

test('a kernel before 5.11 is a problem, and a launch that needs more says so', {
  skip: lacking('strace'),
}, async () => {
  // Without -f: the calls of this process alone are refused, as that kernel refuses CLOSE_RANGE_CLOEXEC.
  const under = ['strace', '-qq', '-o', '/dev/null', '-e', 'inject=close_range:error=EINVAL'];
  const { stdout } = await run(['doctor'], { under });
  const kernel = found(stdout).get('kernel');
  assert.equal(kernel?.state, 'problem');
  assert.match(String(kernel?.fix), /^Use Linux 5\.11 or later/);
  const { status, stderr } = await run(['run', '--uid', '--quiet', '--detach', '--', 'true'], { under });
  assert.equal(status, 125, stderr);
  assert.match(
    stderr,
    /^gontainer: close_range\(.*\) failed with EINVAL \(invalid argument\)\. This takes Linux 5\.11 or later \(gontainer doctor: “kernel”\)/,
  );
});
