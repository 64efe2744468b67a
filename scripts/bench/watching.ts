/**
 * What `--watch` costs: microseconds of a watched open(2) and close(2), beside the same without a watch, under a listener
 * in C that lets everything go on, and under strace(1); the processor time of all processes together, which other work on
 * the machine disturbs less; and the time of `tar` over many files.
 *
 *   node --import tsx scripts/bench/watching.ts [--rounds N]
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readWords } from '../read-words.js';

const program = join(resolve(dirname(fileURLToPath(import.meta.url)), '../..'), 'dist/main.cjs');
const { values } = readWords({ options: { rounds: { type: 'string', default: '5' } } });
const rounds = Number(values.rounds);

/** Opens a file so many times, and prints the microseconds of one. Between runs of a launch records stay below the bound. */
const caller = `#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>
int main(int count, char **words) {
  int turns = atoi(words[1]);
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  for (int turn = 0; turn < turns; turn += 1) close(open("/etc/hostname", O_RDONLY));
  clock_gettime(CLOCK_MONOTONIC, &to);
  printf("%.2f\\n", ((to.tv_sec - from.tv_sec) * 1e9 + to.tv_nsec - from.tv_nsec) / 1e3 / turns);
}`;

/** Runs a command whose openat(2) it lets go on, and looks at nothing. execve(2) would close a listener that nobody has. */
const listener = `#define _GNU_SOURCE
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
int main(int count, char **words) {
  int told[2];
  pipe(told);
  pid_t pid = fork();
  if (pid == 0) {
    struct sock_filter code[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 1, 0),
      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_execve, 0, 1),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog filter = { sizeof code / sizeof *code, code };
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    int fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
    write(told[1], &fd, sizeof fd);
    execvp(words[1], words + 1);
    _exit(127);
  }
  close(told[1]);
  int theirs;
  read(told[0], &theirs, sizeof theirs);
  int fd = syscall(SYS_pidfd_getfd, syscall(SYS_pidfd_open, pid, 0), theirs, 0);
  ioctl(fd, _IOW('!', 4, unsigned long long), 1);
  for (;;) {
    struct pollfd polled = { fd, POLLIN, 0 };
    poll(&polled, 1, -1);
    if (!(polled.revents & POLLIN)) break;
    struct seccomp_notif call;
    memset(&call, 0, sizeof call);
    if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &call)) continue;
    struct seccomp_notif_resp answer = { call.id, 0, 0, SECCOMP_USER_NOTIF_FLAG_CONTINUE };
    ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &answer);
  }
  waitpid(pid, 0, 0);
}`;

const place = mkdtempSync(join(tmpdir(), 'gontainer-watching-'));
const turns = 15_000;
const strace = ['strace', '-f', '--seccomp-bpf', '-e', 'trace=%file,%network,%process', '-o', '/dev/null'];
const run = [process.execPath, program, 'run', '--quiet', '--uid'];
const log = join(place, 'log');

function compiled(name: string, source: string): string {
  writeFileSync(join(place, `${name}.c`), source);
  execFileSync('cc', ['-O2', '-w', '-o', join(place, name), join(place, `${name}.c`)]);
  return join(place, name);
}

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] as number;

function output(words: readonly string[]): string {
  const [file = '', ...rest] = words;
  const { stdout, status, stderr } = spawnSync(file, rest, { encoding: 'utf8', maxBuffer: 1 << 28 });
  if (status !== 0) throw new Error(`${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** Microseconds of processor time that a command and all that it starts take. */
function processorTime(words: readonly string[]): number {
  const script = 'TIMEFORMAT="%U %S"; { time "$@" >/dev/null 2>&1; } 2>&1';
  const [user = 0, system = 0] = output(['bash', '-c', script, 'bash', ...words])
    .split(' ')
    .map(Number);
  return (user + system) * 1e6;
}

/** Everything in turns, so that what disturbs the machine disturbs all of it. */
function compare(unit: string, cases: Readonly<Record<string, () => number>>): void {
  const results = new Map(Object.keys(cases).map((name) => [name, [] as number[]]));
  for (let round = 0; round < rounds; round += 1)
    for (const [name, measure] of Object.entries(cases)) results.get(name)?.push(measure());
  for (const [name, numbers] of results)
    console.log(
      `${name.padEnd(44)} ${median(numbers).toFixed(1).padStart(8)} ${unit}, least ${Math.min(...numbers).toFixed(1)}`,
    );
}

try {
  const calls = compiled('caller', caller);
  const c = compiled('listener', listener);
  const cases = (measure: (words: readonly string[]) => number) => ({
    'without a watch': () => measure([calls]),
    'a listener in C that looks at nothing': () => measure([c, calls]),
    'strace -f --seccomp-bpf': () => measure([...strace, calls]),
    'gontainer run --watch': () => measure([...run, '--watch', '--', calls]),
    'gontainer run --watch --log-file FILE': () =>
      measure([...run, '--watch', '--log-file', log, '--', calls]),
  });
  console.log(`open and close, one of ${turns}, the middle of ${rounds} rounds`);
  compare(
    'µs',
    cases((words) => Number(output([...words, String(turns)]))),
  );
  console.log('the same, processor time of all processes');
  compare(
    'µs',
    cases((words) => (processorTime([...words, String(turns)]) - processorTime([...words, '1'])) / turns),
  );
  const tree = join(place, 'tree');
  for (let folder = 0; folder < 100; folder += 1) {
    mkdirSync(join(tree, String(folder)), { recursive: true });
    for (let file = 0; file < 100; file += 1) writeFileSync(join(tree, `${folder}/${file}`), 'x');
  }
  const pack = ['sh', '-c', `tar -cf - ${tree} 2>/dev/null | cat >/dev/null`];
  const time =
    (...words: readonly string[]) =>
    () => {
      const from = performance.now();
      output(words);
      return performance.now() - from;
    };
  console.log('tar -cf - TREE | cat, over 10,000 files');
  compare('ms', {
    'without a watch': time(...run, '--', ...pack),
    'strace -f --seccomp-bpf': time(...run, '--', ...strace, ...pack),
    'gontainer run --watch': time(...run, '--watch', '--', ...pack),
  });
} finally {
  rmSync(place, { recursive: true, force: true });
}
