/**
 * What the command inherits from its caller: everything that fork(2) and execve(2) keep, held against unshare(1) doing the
 * same from the same caller. docs/what-the-command-gets.md has a row for each, and says why where it differs.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { folder, lacking, node, program, project, unprivileged, users } from '../gontainer.js';

/** What a shell prints of itself, by the names of the page. */
const rows: Readonly<Record<string, string>> = {
  arguments: `printf '%s|' "$@" | od -An -tx1`,
  environment: `printenv ODD | od -An -tx1; echo "[\${EMPTY-unset}]"; printenv GONTAINER_CALLER`,
  'working directory': 'pwd',
  'root directory': 'ls -id /',
  umask: 'umask',
  'soft limit of open files': 'ulimit -Sn',
  'hard limit of open files': 'ulimit -Hn',
  'other resource limits': `grep -v 'open files' /proc/$$/limits`,
  'ignored signals': `grep SigIgn /proc/self/status`,
  'blocked signals': 'cat blocked',
  'nice value': 'nice',
  'scheduling policy': 'chrt -p $$ | sed "s/.*: //"',
  'CPU affinity': 'grep Cpus_allowed: /proc/self/status',
  'I/O priority': 'ionice -p $$',
  'memory nodes': 'grep Mems_allowed_list: /proc/self/status',
  'memory policy': `sed -n '1s/^[^ ]* \\([^ ]*\\).*/\\1/p' /proc/self/numa_maps`,
  oom_score_adj: 'cat /proc/self/oom_score_adj',
  personality: 'cat /proc/self/personality',
  'timer slack': 'cat /proc/$$/timerslack_ns',
  'core dump filter': 'cat /proc/self/coredump_filter',
  'transparent huge pages': 'grep THP_enabled /proc/self/status',
  'speculation controls': 'grep -i speculation /proc/self/status',
  'memory locks': 'grep VmLck /proc/$$/status',
  'supplementary groups': 'grep Groups: /proc/self/status',
  'control group': 'cat /proc/self/cgroup',
  'seccomp filter': 'grep Seccomp: /proc/self/status',
  securebits: 'setpriv --dump | grep -i securebits',
  capabilities: `grep -E 'Cap(Inh|Prm|Eff|Bnd|Amb)' /proc/self/status`,
  session: `[ "$(ps -o sid= -p $$)" -eq $$ ] && echo its own || echo shared`,
  'process group': `[ "$(ps -o pgid= -p $$)" -eq $$ ] && echo its own || echo shared`,
  'controlling terminal': 'ps -o tty= -p $$',
  'record locks': `perl -e 'open F, "+<", $ARGV[0]; my $l = pack "s s x4 q q i x4", 1; fcntl F, 5, $l;
    print unpack("s", $l) == 2 ? "free" : "held"' "$LOCKED"`,
  'O_NONBLOCK of the standard streams': `sed -n 's/^flags:.//p' /proc/$$/fdinfo/0`,
  'descriptors above 2': `test -e /proc/$$/fd/7 && echo 7`,
  no_new_privs: 'grep NoNewPrivs /proc/self/status',
};

/** The same of the command itself and of nobody below it, in Perl. */
const own: Readonly<Record<string, string>> = {
  'pending signals': 'open S, "/proc/self/status"; grep /(Sig|Shd)Pnd/, <S>',
  alarms: 'alarm(0) > 0 ? "set" : "none"',
  'machine check policy': 'syscall $prctl, 34, 0, 0, 0, 0',
  dumpable: 'syscall $prctl, 3, 0, 0, 0, 0',
  'keep capabilities': 'syscall $prctl, 7, 0, 0, 0, 0',
  'session keyring': 'syscall($keyctl, 0, -3, 0) == $ENV{KEYRING} ? "the same" : "another"',
  'child subreaper': 'my $at = pack "i"; syscall $prctl, 37, $at, 0, 0, 0; unpack "i", $at',
  'parent-death signal': 'my $at = pack "i"; syscall $prctl, 2, $at, 0, 0, 0; unpack "i", $at',
};

const names = [...Object.keys(rows), ...Object.keys(own)];

/** Where the command gets something else than unshare(1) gives it, and what. */
const others: Readonly<Record<string, RegExp>> = {
  'pending signals': /^SigPnd:\s0+\nShdPnd:\s0+$/,
  alarms: /^none$/,
  'record locks': /^free$/,
  'child subreaper': /^0$/,
  'parent-death signal': /^9$/,
  'descriptors above 2': /^$/,
  no_new_privs: /1/,
};

const place = folder(unprivileged);
const at = (name: string): string => join(place, name);
const fence = '----';

// Options and changes that a caller can have made, each different from what a login gives.
const numbers = `my ($prctl, $keyctl, $mempolicy) =
  (POSIX::uname())[4] eq "x86_64" ? (157, 250, 238) : (167, 219, 237);`;
writeFileSync(at('lock'), '', { mode: 0o666 });
chmodSync(at('lock'), 0o666);
writeFileSync(
  at('caller.pl'),
  `use Fcntl; use POSIX; ${numbers}
syscall $prctl, 41, 1, 0, 0, 0; # PR_SET_THP_DISABLE
syscall $prctl, 33, 1, 1, 0, 0; # PR_MCE_KILL, early
syscall $prctl, 36, 1, 0, 0, 0; # PR_SET_CHILD_SUBREAPER
my $node = pack "Q", 1;
syscall $mempolicy, 3, $node, 64; # MPOL_INTERLEAVE
$ENV{KEYRING} = syscall $keyctl, 1, 0; # KEYCTL_JOIN_SESSION_KEYRING
my $lock = pack "s s x4 q q i x4", F_WRLCK;
fcntl STDIN, F_SETLK, $lock;
fcntl STDIN, F_SETFL, O_NONBLOCK;
sigprocmask SIG_BLOCK, POSIX::SigSet->new(SIGUSR2);
kill USR2 => $$;
alarm 1000;
$^F = 9;
exec @ARGV;
`,
);
writeFileSync(
  at('self.pl'),
  `use POSIX; ${numbers}\n${Object.entries(own)
    .map(([name, expression]) => `print "${fence}${name}\\n", do { ${expression} }, "\\n";`)
    .join('\n')}`,
);
writeFileSync(
  at('caller.sh'),
  `ulimit -Sn 1024; ulimit -Sc 16; ulimit -Hs 65536
prlimit --pid $$ --cpu=3600:7200 --fsize=1000000000:2000000000 --data=90000000000000:91000000000000 --rss=5000000:6000000 \\
  --memlock=65536:70000 --as=92000000000000:93000000000000 --locks=100:200 --sigpending=500:600 --msgqueue=1000:2000 \\
  --rttime=7000000:8000000 --nproc=3000:4000
umask 027
trap '' HUP USR1 PIPE CHLD RTMIN+3
echo 500 > /proc/self/oom_score_adj
echo 77000 > /proc/self/timerslack_ns
echo 0x21 > /proc/self/coredump_filter
exec 7< /dev/null
cd /usr/lib
export ODD=$'v\\xfe' EMPTY= LOCKED='${at('lock')}'
exec nice -n 5 taskset 1 chrt --batch 0 ionice -c 3 setarch --addr-no-randomize \\
  perl '${at('caller.pl')}' "$@" <> '${at('lock')}'
`,
);
writeFileSync(
  at('probe.sh'),
  Object.entries(rows)
    .map(([name, script]) => `echo '${fence}${name}'; { ${script}; } 2>&1`)
    .join('\n')
    .replace('cat blocked', `cat '${at('blocked')}'`),
);

const words = (...more: string[]): string[] => [at('caller.sh'), ...more];
function asCaller(command: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('bash', words(...command), {
    encoding: 'latin1',
    input: '',
    env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` },
    ...(process.getuid?.() === 0 ? { uid: unprivileged.uid, gid: unprivileged.gid } : {}),
  });
  assert.equal(status, 0, stderr);
  return stdout;
}

/** What the probe sees below a launcher. The mask of a shell is its own, so that is asked of a program directly. */
function seen(launcher: readonly string[]): Map<string, string> {
  const status = asCaller([...launcher, 'cat', '/proc/self/status']);
  writeFileSync(at('blocked'), /^SigBlk:.*$/m.exec(status)?.[0] ?? '');
  const text =
    asCaller([...launcher, 'bash', at('probe.sh'), 'a', '', 'two\nlines', '-x']) +
    asCaller([...launcher, 'perl', at('self.pl')]);
  return new Map(
    text
      .split(fence)
      .slice(1)
      .map((part) => [part.slice(0, part.indexOf('\n')), part.slice(part.indexOf('\n') + 1).trim()]),
  );
}

const tools = lacking('bash', 'unshare', 'setpriv', 'perl', 'prlimit', 'ps');

test('the command gets what unshare(1) gives it from the same caller, row by row', {
  skip: tools,
}, async (t) => {
  const theirs = seen(['unshare', '--user', '--map-root-user', '--']);
  const ours = {
    init: seen([program, 'run', '--uid', '--quiet', '--']),
    'as-pid-1': seen([program, 'run', '--uid', '--pid', '--as-pid-1', '--quiet', '--']),
  };
  const shown = (text = ''): string => JSON.stringify(text.replace(/\s+/g, ' ')).slice(0, 44).padEnd(44);
  t.diagnostic(['attribute'.padEnd(36), ...['gontainer', '--as-pid-1', 'unshare(1)'].map(shown)].join('  '));
  for (const name of names)
    t.diagnostic(
      [name.padEnd(36), ...[ours.init, ours['as-pid-1'], theirs].map((seen) => shown(seen.get(name)))].join(
        '  ',
      ),
    );
  for (const [kind, mine] of Object.entries(ours))
    for (const name of names) {
      const [value = '', other = ''] = [mine.get(name), theirs.get(name)];
      const wanted = others[name];
      if (wanted === undefined) assert.equal(value, other, `${kind}: ${name}`);
      else {
        assert.match(value, wanted, `${kind}: ${name}`);
        assert.notEqual(value, other, `${kind}: ${name} is not different any more`);
      }
    }
});

test('the command gets every variable, whatever its name is, and no other', { skip: tools }, () => {
  const odd = ['env', '-i', 'a-b=c', 'x.y=', 'BASH_FUNC_f%%=() { :; }', '=empty', 'a b=c d', 'OLDPWD=/gone'];
  const variables = (launcher: readonly string[], ...more: readonly string[]): string[] =>
    asCaller([
      ...odd,
      `PATH=${dirname(node)}:/usr/bin:/bin`,
      ...more,
      ...launcher,
      'cat',
      '/proc/self/environ',
    ])
      .split('\0')
      .filter((text) => !text.startsWith('PS1='))
      .sort();
  const ours = [program, 'run', '--uid', '--quiet', '--'];
  const theirs = ['unshare', '--user', '--map-root-user', '--'];
  for (const more of [[], ['PWD=/not/here', `LARGE=${'x'.repeat(90_000)}`]])
    assert.deepEqual(variables(ours, ...more), variables(theirs, ...more));
});

test('the page has a row for everything that is compared, and no other', () => {
  const page = readFileSync(join(project, 'docs/what-the-command-gets.md'), 'utf8');
  const named = [...page.matchAll(/^\| ([^|]+?) +\| (?:the caller’s|not) /gm)].map(([, name]) => name);
  assert.deepEqual(named.sort(), [...names].sort());
});

for (const user of users) {
  test(`${user.name}: every byte of arguments, variables and paths arrives`, { skip: user.skip }, () => {
    const mine = folder(user);
    const script = `set -e
      cd "$1"; mkdir -p $'root\\xff/w\\xfe' $'root\\xff/proc' $'root\\xff/bin'; cp "$(command -v busybox)" $'root\\xff/bin/sh'
      run() { "$2" run --uid --quiet "\${@:3}"; }
      hex() { od -An -tx1 | tr -d ' \\n'; echo; }
      G="$2"
      "$G" run --uid --quiet -- printf %s $'a\\xff\\xe2\\x82b' | hex
      "$G" run --uid --quiet --env X=$'v\\xfe' -- printenv X | hex
      "$G" run --uid --quiet --workdir "$1/"$'root\\xff' -- pwd | tail -c 2 | hex
      export V=$'v\\xfe'  R=$'\\ufffd'
      export XDG_RUNTIME_DIR="$1"
      name=$("$G" run --detach --uid --output "$1/out" -- sh -c 'printenv V R; printf %s "$1"' sh $'a\\xff')
      "$G" wait "$name" > /dev/null; hex < "$1/out"
      cd $'root\\xff'; "$G" run --uid --pid --quiet --mnt . --workdir $'/w\\xfe' -- sh -c pwd | hex`;
    const { stdout, stderr } = spawnSync('bash', ['-c', script, 'bash', mine, program], {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` },
      ...(process.getuid?.() === 0 ? { uid: user.uid, gid: user.gid } : {}),
    });
    assert.equal(stdout, '61ffe28262\n76fe0a\nff0a\n76fe0aefbfbd0a61ff\n2f77fe0a\n', stderr);
  });
}

test('a launcher whose caller ignores SIGHUP lives on, as under nohup(1)', () => {
  const script = `trap '' HUP
    "$1" run --uid --pid --quiet -- sh -c 'echo ready; read line; echo survived' < "$2" &
    exec 9> "$2"; read -r ready < "$3"; kill -HUP $!; echo >&9; wait $!; echo $?`;
  const [input, output] = [at('input'), at('output')];
  spawnSync('mkfifo', ['-m', '666', input, output]);
  const { stdout, stderr } = spawnSync(
    'bash',
    [
      '-c',
      script.replace('< "$2" &', '< "$2" | tee "$3" &').replace('wait $!', 'wait'),
      'bash',
      program,
      input,
      output,
    ],
    {
      encoding: 'utf8',
      env: { ...process.env, PATH: `${dirname(node)}:${process.env.PATH}` },
    },
  );
  assert.match(stdout, /survived/, stderr);
});
