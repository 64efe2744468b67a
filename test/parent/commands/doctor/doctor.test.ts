/** The doctor on this machine, and on one made hostile inside a user namespace. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, writeFileSync } from 'node:fs';
import { hostname, release } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { hierarchies } from '../../../../src/common/cgroup/hierarchies.js';
import { lines } from '../../../../src/parent/advice/doctor-lines.js';
import {
  folder,
  lacking,
  node,
  program,
  records,
  run,
  unprivileged,
  users,
  withoutSubordinateIds,
} from '../../../gontainer.js';
import { type Filter, filteredBy } from '../../../seccomp-filter.js';

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

const place = folder(unprivileged);
function written(name: string, content: string | Buffer): string {
  const file = join(place, name);
  writeFileSync(file, content);
  return file;
}

/** A filter in this place. */
const filtered = (filter: Filter = {}): Host => filteredBy(place, filter);

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

test('a filter that has nothing to do with a refusal is not blamed for it', {
  skip: lacking('unshare', 'bwrap'),
}, () => {
  // A limit says ENOSPC, AppArmor's switch EPERM, as the filters of containers do.
  const harmless = filtered({ call: 'sethostname' });
  for (const host of [[...harmless, ...after(zero('user/max_net_namespaces'))], restrictedByAppArmor()]) {
    const { state, found, fix } = examined(host).findings.get('seccomp') as Found;
    assert.equal(state, 'ok', fix);
    assert.match(
      found,
      /^a filter is active, as in a container, and something else refuses a new (network|user) namesp/,
    );
  }
});

/** A host whose switch is set for ordinary users; to see it here takes a filter, which refuses the same. */
function restrictedByAppArmor(): Host {
  const file = written('restricted', '1\n');
  const sysctl = '/proc/sys/kernel/apparmor_restrict_unprivileged_userns';
  return filtered({ more: ['--tmpfs', '/proc/sys/kernel', '--ro-bind', file, sysctl] });
}

const processorHierarchy = hierarchies().find(({ controllers }) => controllers.includes('cpu'));

test('a kind of limits that cannot be had is named, and the others are not called impossible', {
  skip:
    lacking('unshare') ||
    (process.getuid?.() !== 0 && 'needs root') ||
    (processorHierarchy === undefined && 'there is no hierarchy of its own for cpu'),
}, async () => {
  const under = [
    'unshare',
    '--mount',
    'sh',
    '-ec',
    `umount ${processorHierarchy?.mountPoint}; exec "$@"`,
    'sh',
  ];
  const { stdout } = await run(['doctor'], { under });
  const { state, found: said, fix } = found(stdout).get('cgroup') as Found;
  assert.equal(state, 'warning');
  assert.match(
    said,
    /; limits can be set, with memory, pids,.* but not --cpus: no control groups with the controller cpu are mounted/,
  );
  assert.match(String(fix), /^Containers work, without this limit\. /);
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

/** Words for bwrap(1) that give whoever runs it subordinate IDs. */
function subordinateIds(): string[] {
  const file = written('subuid', `${unprivileged.uid}:100000:65536\n`);
  return ['/etc/subuid', '/etc/subgid'].flatMap((list) => ['--ro-bind', file, list]);
}

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
    'a seccomp filter': { host: () => filtered(), line: 'seccomp', needs: ['bwrap'] },
    'a filter that hides a call': {
      host: () => filtered({ by: 'ENOSYS' }),
      line: 'seccomp',
      needs: ['bwrap'],
    },
    'a filter that refuses sethostname(2)': {
      host: () => filtered({ call: 'sethostname' }),
      line: 'namespace-uts',
      needs: ['bwrap'],
    },
    'a filter that refuses pidfd_getfd(2)': {
      host: () => filtered({ call: 'pidfd_getfd' }),
      words: ['--pty'],
      line: 'pty',
      needs: ['bwrap'],
    },
    no_new_privs: {
      host: () => [
        ...['bwrap', '--dev-bind', '/', '/', ...subordinateIds(), '--'],
        ...['setpriv', '--no-new-privs'],
      ],
      words: ['--map-auto'],
      line: 'subordinate-ids',
      needs: ['bwrap', 'newuidmap', 'setpriv'],
    },
    "AppArmor's restriction": {
      host: restrictedByAppArmor,
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
        return ['bwrap', '--dev-bind', '/', '/', ...subordinateIds(), '--', 'env', 'PATH=/nowhere'];
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
    const [, title] = /^gontainer: .* \(gontainer doctor: “(.+)”\)$/m.exec(stderr.trim()) ?? [];
    const finding = examined(chosen).findings.get(line);
    assert.equal(title, finding?.title, stderr);
    assert.notEqual(finding?.state, 'ok');
    assert.notEqual(finding?.fix ?? '', '');
  });
}

test('where a namespace cannot be made, the doctor as root mounts nothing and names nothing on the host', {
  skip: lacking('unshare'),
}, () => {
  // Root of these namespaces, whose mounts are shared as a host's are, and where all that is looked at is not.
  for (const limit of ['user', 'mnt', 'uts']) {
    const script = [
      `echo 0 > /proc/sys/user/max_${limit}_namespaces`,
      '"$0" "$1" doctor > /dev/null',
      // Built into the shell: the files of other commands may be covered.
      '[ -e /usr/bin ] && [ -e /proc/self/status ] && read name < /proc/sys/kernel/hostname && echo "$name"',
    ].join('; ');
    const words = ['-Urmu', '--propagation', 'shared', 'sh', '-c', script];
    const { stdout, stderr } = spawnSync('unshare', [...words, node, program], { encoding: 'utf8' });
    assert.equal(stdout, `${hostname()}\n`, `${limit}: ${stderr}`);
  }
});

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

test('where no call is missing the kernel’s line says nothing but the version', () => {
  const { findings } = examined([]);
  assert.deepEqual(
    { ...findings.get('kernel'), id: undefined, title: undefined },
    { state: 'ok', found: release(), id: undefined, title: undefined },
  );
});

for (const by of ['ENOSYS', 'SIGSYS'] as const) {
  test(`a call that a filter refuses by ${by} is missing, with what is lost: a warning`, {
    skip: lacking('bwrap'),
  }, () => {
    const { status, findings } = examined(filtered({ call: 'openat2', by }));
    assert.equal(status, 0);
    const { state, found, fix } = findings.get('kernel') as Found;
    assert.equal(state, 'warning');
    assert.match(found, / without openat2\(2\)$/);
    assert.match(
      String(fix),
      /^A seccomp filter keeps openat2\(2\) from this process, though Linux has it since 5\.6 .*seccomp=unconfined\. Without it a command of an open container gets no terminal/,
    );
  });
}

test('a call that every launch makes and the kernel lacks is a problem, and the launch says the same', {
  skip: lacking('bwrap'),
}, () => {
  const host = filtered({ call: 'pidfd_open', by: 'ENOSYS' });
  const { status, findings } = examined(host);
  assert.equal(status, 1);
  assert.equal(findings.get('kernel')?.state, 'problem');
  const { status: launched, stderr } = on(host, ['run', '--quiet', '--uid', '--', 'true']);
  assert.equal(launched, 125);
  assert.match(
    stderr,
    /pidfd_open\(.*\) failed with ENOSYS .*\. A seccomp filter keeps pidfd_open\(2\) from this process, though Linux has it since 5\.3 .* \(gontainer doctor: “kernel”\)/,
  );
});

test('where close_range(2) is missing the doctor writes to no descriptor of its own, and prints its whole list', {
  skip: lacking('bwrap'),
}, () => {
  const { status, findings } = examined(filtered({ call: 'close_range', by: 'ENOSYS' }));
  assert.equal(status, 1);
  assert.deepEqual([...findings.keys()], Object.keys(lines));
  assert.equal(findings.get('kernel')?.state, 'problem');
  assert.match(String(findings.get('namespace-uid')?.found), /close_range\(2\) fails with ENOSYS$/);
});

test('where the kernel is older than a call the launch and the doctor name the version that it takes', {
  skip: lacking('strace', 'setarch'),
}, async () => {
  // The kernel calls itself 2.6 then: personality(2), UNAME26.
  const under = [
    ...['setarch', '--uname-2.6', 'strace', '-f', '-qq', '-o', '/dev/null'],
    ...['-e', 'inject=pidfd_open,mount_setattr:error=ENOSYS'],
  ];
  const { status, stderr } = await run(['run', '--quiet', '--uid', '--', 'true'], { under });
  assert.equal(status, 125);
  assert.match(
    stderr,
    /pidfd_open\(.*\) failed with ENOSYS .*\. pidfd_open\(2\) takes Linux 5\.3 or later, and this is 2\.6\.\S+ \(gontainer doctor: “kernel”\)/,
  );
  const { stdout } = await run(['doctor'], { under });
  const kernel = found(stdout).get('kernel');
  assert.equal(kernel?.state, 'problem');
  assert.match(String(kernel?.found), /, without pidfd_open\(2\), mount_setattr\(2\)$/);
  assert.match(
    String(kernel?.fix),
    /^pidfd_open\(2\) takes Linux 5\.3 .*Without it no launch works\. mount_setattr\(2\) takes Linux 5\.12 /,
  );
});

test('a filter that kills who makes a call is named, by the doctor and by the launch', {
  skip: lacking('bwrap'),
}, () => {
  const host = filtered({ by: 'SIGSYS' });
  const { status, findings } = examined(host);
  assert.equal(status, 1);
  assert.match(String(findings.get('seccomp')?.found), /user namespace is refused: unshare\(2\) kills/);
  assert.match(String(findings.get('namespace-uid')?.found), /^unshare\(2\) kills .* \(SIGSYS\)$/);
  const { status: launched, stderr } = on(host, ['run', '--quiet', '--uid', '--', 'true']);
  assert.equal(launched, 125);
  assert.match(stderr, /\(P\) was killed by SIGSYS\. A seccomp filter, as in a container, kills/);
  assert.doesNotMatch(stderr, /memory was short/);
});

test('the fix for a container names every option that a launch lacks there', {
  skip: lacking('bwrap'),
}, () => {
  const { findings } = examined(filtered({ more: ['--tmpfs', '/proc/fs'] }));
  assert.match(
    String(findings.get('seccomp')?.fix),
    /--security-opt seccomp=unconfined --security-opt systempaths=unconfined$/,
  );
});

for (const words of [[], ['--mnt=/', '--read-only']]) {
  test(`where /proc is partly covered the host’s is shown and the log says so: ${words.join(' ') || 'no new root'}`, {
    skip: lacking('unshare'),
  }, () => {
    const host = after('mount -t tmpfs none /proc/fs');
    const { status: examinedWith, findings } = examined(host);
    assert.equal(examinedWith, 0);
    assert.equal(findings.get('launch')?.state, 'ok');
    assert.equal(findings.get('proc')?.state, 'warning');
    assert.match(String(findings.get('proc')?.fix), /systempaths=unconfined$/);
    const log = written('covered.ndjson', '');
    chmodSync(log, 0o666);
    const script = 'echo $$ $(readlink /proc/self) $(cat /proc/fs/* 2>/dev/null | wc -c)';
    const launched = on(host, [
      ...['run', '--quiet', '--uid', '--pid', '--uts', ...words, '--log-file', log],
      ...['--', 'sh', '-c', script],
    ]);
    assert.equal(launched.status, 0, launched.stderr);
    const [inside, inProc, hidden] = launched.stdout.split(' ').map(Number);
    assert.ok(Number(inside) < Number(inProc), launched.stdout);
    assert.equal(hidden, 0);
    const warned = records(log).filter(({ warning, step }) => warning === true && step === 'proc');
    assert.match(String(warned[0]?.msg), /^the kernel gives no new \/proc here/);
    const step = records(log).find((record) => record.step === 'proc' && 'summary' in record);
    assert.match(String(step?.msg), /^bind the host’s \/proc/);
    assert.match(String(step?.summary), /^shows the \d+ processes of the host$/);
  });
}
