/**
 * `--watch` against strace(1): strace runs inside, so both look at the same calls of the same processes. Each call of the
 * watched kinds that strace shows is in the log, and each in the log is one that strace shows: by name, with the same
 * arguments and in the same order in each thread.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { namesOf, watchedNumbers, watchKinds } from '../../src/common/watch/watched-calls.js';
import { numberOf } from '../call-numbers.js';
import { folder, lacking, node, records, root, run, type User, users } from '../gontainer.js';
import { readTrace, type SystemCall } from './strace-output.js';

interface Watched {
  readonly watched: string;
  readonly args: string[];
  readonly process: { readonly inside: number; readonly thread?: number };
}

/** The letters of a call's parameters. */
const letters = new Map(
  (process.arch === 'x64' ? (['x64', 'i386'] as const) : (['arm64'] as const))
    .toReversed()
    .flatMap((architecture) => [...watchedNumbers(architecture, watchKinds).values()])
    .map(({ name, parameters }) => [name as string, parameters]),
);

const sorted = (flags: string): string =>
  flags
    .replace(/^flags=/, '')
    .split('|')
    .sort()
    .join('|');

/** The flags of struct clone_args, or of clone(2). */
const cloneFlags = (args: readonly string[]): string =>
  sorted(/flags=([A-Z0-9_|x]+)/.exec(args.join(', '))?.[1] ?? '0');

/** The addresses of messages. */
const names = (messages: string): string =>
  [...messages.matchAll(/msg_name=(NULL|\{[^}]*\}), msg_namelen=\d+/g)].join(' ');

/** Whether an argument is the same, where strace writes it after the call and the log before it. */
function sameArgument(letter: string, logged: string, traced: string): boolean {
  switch (letter) {
    case 'p':
    case 'l':
      return true;
    case 'x':
    case 'i':
      return !/^(0x)?[0-9a-f]+$/.test(traced) || Number(traced) === Number(logged);
    case 'e':
      // What strace says of how many variables there are, its reader here leaves out.
      return logged.replace(/ \/\*.*/, '') === traced;
    case 's':
    case 't':
    case 'n':
    case 'v':
    case 'd':
      return logged === traced;
    case 'H':
    case 'G':
      return names(logged) === names(traced);
    case 'a':
      return traced
        .replace(/, sin6_(flowinfo|scope_id)=(htonl\()?\d+\)?/g, '')
        .startsWith(logged.slice(0, -1));
    default:
      return sorted(logged) === sorted(traced);
  }
}

function same({ watched, args }: Watched, call: SystemCall): boolean {
  if (watched !== call.name) return false;
  if (/^clone3?$/.test(watched)) return cloneFlags(args) === cloneFlags(call.args);
  const kinds = [...(letters.get(watched) ?? '')];
  return args.every((argument, index) =>
    sameArgument(kinds[index] ?? 'p', argument, call.args[index] ?? argument),
  );
}

const shown = (name: string, args: readonly string[]): string => `${name}(${args.join(', ')})`;

let matched = 0;
after(() => console.log(`watched calls against strace: ${matched} of ${matched} the same both ways`));

/** Watches a command that strace traces, and compares. */
async function compare(command: readonly string[], user: User): Promise<string> {
  const place = folder(user);
  const [trace, log] = [join(place, 'trace'), join(place, 'log')];
  // A name that this strace does not know is left out.
  const expression = `trace=${watchKinds
    .flatMap(namesOf)
    .map((name) => `?${name}`)
    .join(',')}`;
  const strace = ['strace', '-f', '-s', '4096', '-e', 'signal=none', '-e', expression, '-o', trace];
  const words = [
    'run',
    '--quiet',
    '--uid',
    '--pid',
    '--watch',
    '--log-file',
    log,
    '--',
    ...strace,
    ...command,
  ];
  const finished = await run(words, { user });
  assert.equal(finished.status, 0, finished.stderr);
  const all = records(log);
  const summary = all.find(({ watch }) => watch !== undefined)?.watch as Record<string, number>;
  assert.equal(summary.unread, 0);
  assert.equal(summary.notKept, 0);
  const watched = all.filter((record) => record.watched !== undefined) as unknown as Watched[];
  const threads = threadsOf(trace);
  assert.ok(threads.size > 0, 'strace wrote nothing');
  let count = 0;
  for (const [thread, calls] of threads) {
    const of = watched.filter(({ process }) => (process.thread ?? process.inside) === thread);
    // Until its execve(2) the first process is strace's own.
    const first = thread === [...threads.keys()][0] ? of.findIndex((call) => call.watched === 'execve') : 0;
    const own = of.slice(Math.max(first, 0));
    for (const [index, call] of calls.entries()) {
      const record = own[index];
      assert.ok(record !== undefined, `${thread}: not in the log: ${shown(call.name, call.args)}`);
      const both = `${shown(record.watched, record.args)} in the log, ${shown(call.name, call.args)} in strace`;
      assert.ok(same(record, call), `${thread}: ${both}`);
      count += 1;
    }
    const more = own.slice(calls.length).map((record) => shown(record.watched, record.args));
    assert.deepEqual(more, [], `${thread}: not in strace`);
  }
  matched += count;
  return `${count} calls of ${threads.size} threads, the same both ways`;
}

/** Without an address it works on an open descriptor, and is not watched. */
const isWatched = ({ name, args }: SystemCall): boolean =>
  name === 'sendto' ? args[4] !== 'NULL' : !/^sendm?msg$/.test(name) || /msg_name=[^N]/.test(args[1] ?? '');

/** The calls of a trace by their threads. Of each thread strace's reader makes a process where no thread is known. */
function threadsOf(trace: string): Map<number, SystemCall[]> {
  const found = new Map<number, SystemCall[]>();
  const ids = new Set(
    readFileSync(trace, 'utf8')
      .split('\n')
      .map((line) => Number.parseInt(line, 10)),
  );
  for (const id of [...ids].filter(Number.isFinite)) {
    const own = join(folder(), 'thread');
    const lines = readFileSync(trace, 'utf8')
      .split('\n')
      .filter((line) => Number.parseInt(line, 10) === id);
    writeFileSync(own, lines.join('\n'));
    const calls = [...readTrace(own).values()].flatMap((process) => process.calls).filter(isWatched);
    found.set(id, calls);
  }
  return found;
}

/** Opens a file and asks for the host name, by the calls of 32-bit programs; without a C library. */
const assembly = `.globl _start
_start:
 movl $5, %eax
 movl $path, %ebx
 movl $0, %ecx
 int $0x80
 movl $122, %eax
 movl $room, %ebx
 int $0x80
 movl $1, %eax
 movl $0, %ebx
 int $0x80
.data
path: .asciz "/etc/hostname"
.bss
room: .skip 400
`;

const messages =
  'use Socket; socket(R, AF_INET, SOCK_DGRAM, 0); bind(R, sockaddr_in(0, INADDR_LOOPBACK));' +
  'socket(S, AF_INET, SOCK_DGRAM, 0); my $lo = getsockname R;' +
  'send(S, "one", 0, $lo); send(S, "two", MSG_NOSIGNAL, $lo);' +
  'my $data = pack("PQ", "four", 4); my $to = pack("PLx4PQQQLx4", $lo, length $lo, $data, 1, 0, 0, 0);' +
  'my $none = pack("QLx4PQQQLx4", 0, 0, $data, 1, 0, 0, 0); my $two = $to . pack("x8") . $none . pack("x8");' +
  `sub message { syscall(${numberOf('sendmsg')}, fileno(S), $_[0], MSG_NOSIGNAL) == 4 or die "$!" }` +
  `sub messages { syscall(${numberOf('sendmmsg')}, fileno(S), $two, 2, 0) == $_[0] or die "$!" }` +
  'message($to); messages(1); connect(S, $lo); send(S, "three", 0); message($none); messages(2);';

/** Calls that few programs make, each of which fails here. */
const rare = [
  ['name_to_handle_at', '-100, $nowhere, 0, 0, 0x400'],
  ['open_by_handle_at', '-1, 0, 0'],
  ['acct', '$nowhere'],
  ['swapon', '$nowhere, 0'],
  ['swapoff', '$nowhere'],
  ['quotactl', '0, $nowhere, 0, 0'],
  ['fanotify_mark', '-1, 1, 8, -100, $nowhere'],
  ['fspick', '-100, $nowhere, 0'],
  ['rt_sigqueueinfo', '0x7fffffff, 10, 0'],
  ['rt_tgsigqueueinfo', '0x7fffffff, 0x7fffffff, 10, 0'],
  ['process_vm_readv', '0x7fffffff, 0, 0, 0, 0, 0'],
  ['process_vm_writev', '0x7fffffff, 0, 0, 0, 0, 0'],
  ['pidfd_getfd', '-1, 0, 0'],
  ['adjtimex', '0'],
  ['clock_adjtime', '0, 0'],
]
  .map(([name = '', args]) => `syscall(${numberOf(name)}, ${args});`)
  .join('');

const threaded = `const { Worker } = require('node:worker_threads');
const code = "for (let turn = 0; turn < 20; turn += 1) require('node:fs').readFileSync('/etc/hostname')";
for (let turn = 0; turn < 3; turn += 1) new Worker(code, { eval: true });`;

/** In a file, as of longer arguments the log has the beginning. */
function scriptOf(text: string): string {
  const file = join(folder(), 'script');
  writeFileSync(file, text);
  return file;
}

/** The program in `assembly`, or why it cannot be made here. */
function program32(): { path: string; skip: string | false } {
  const place = folder();
  const [source, path] = [join(place, 'program.S'), join(place, 'program')];
  writeFileSync(source, assembly);
  if (process.arch !== 'x64') return { path, skip: 'programs of 32 bits are watched on x86-64 alone' };
  if (lacking('gcc')) return { path, skip: lacking('gcc') };
  const made = spawnSync('gcc', ['-m32', '-nostdlib', '-static', '-o', path, source], { encoding: 'utf8' });
  if (made.status !== 0) return { path, skip: `gcc makes no program of 32 bits: ${made.stderr}` };
  const ran = spawnSync(path);
  return { path, skip: ran.status === 0 ? false : 'this kernel runs no programs of 32 bits' };
}

const { path: small, skip: notSmall } = program32();

const commands: readonly (readonly [title: string, command: readonly string[], skip?: string | false])[] = [
  ['a shell with three programs', ['sh', '-c', 'ls; hostname; id'], lacking('hostname')],
  ['a program of Node', [node, '-e', 'require("node:fs").readdirSync("/etc")']],
  ['a program with threads', [node, '-e', threaded]],
  ['a program of 32 bits', [small], notSmall],
  [
    'a program that makes rare calls',
    ['perl', scriptOf(`my $nowhere = "/nowhere"; ${rare}`)],
    lacking('perl'),
  ],
  ['a program that sends messages', ['perl', scriptOf(messages)], lacking('perl')],
];

for (const user of users)
  for (const [title, command, skip = false] of commands)
    test(`${user.name}: ${title}, as strace shows it`, {
      skip: user.skip || skip || lacking('strace'),
    }, async (t) => {
      t.diagnostic(await compare(command, user));
    });

test('git status, as strace shows it', { skip: lacking('strace', 'git') }, async (t) => {
  const place = folder();
  execFileSync('git', ['init', '--quiet', place]);
  t.diagnostic(await compare(['git', '-C', place, 'status'], root));
});

/** It comes with Node, and not as a package of Debian's beside it; the machines of docs/machines.md have a node alone. */
const npmIsMissing = spawnSync('npm', ['--version']).status === 0 ? false : 'needs npm';

test('npm --version, as strace shows it', { skip: lacking('strace', 'sh') || npmIsMissing }, async (t) => {
  t.diagnostic(await compare(['npm', '--version'], root));
});
