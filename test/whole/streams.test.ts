/** However its standard streams are broken, no subcommand ends in a stack trace, or calls that a defect of its own. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { commands } from '../../src/parent/commands/index.js';
import { folder, lacking, node, program } from '../gontainer.js';

const place = folder();

interface Row {
  /** The subcommand; the empty word for none. */
  readonly of: string;
  readonly words: string;
  /** Whether it answers on standard output. */
  readonly answers: boolean;
  /** The exit status where all streams can be written. */
  readonly status: number;
}

const rows: readonly Row[] = [
  { of: '', words: '--help', answers: true, status: 0 },
  { of: '', words: '--version', answers: true, status: 0 },
  { of: '', words: 'help rootfs', answers: true, status: 0 },
  { of: '', words: '-x', answers: false, status: 2 },
  { of: 'run', words: 'run --uid -- true', answers: false, status: 0 },
  { of: 'run', words: 'run --uid --log-format pretty -- true', answers: false, status: 0 },
  { of: 'run', words: 'run --uid -- /no/such', answers: false, status: 127 },
  { of: 'run', words: 'run --uid --dry-run', answers: true, status: 0 },
  { of: 'run', words: 'run --uid --detach -- true', answers: true, status: 0 },
  { of: 'ps', words: 'ps', answers: true, status: 0 },
  { of: 'stats', words: 'stats', answers: true, status: 0 },
  { of: 'stats', words: 'stats nobody', answers: false, status: 2 },
  { of: 'learn', words: 'learn -- true', answers: true, status: 0 },
  { of: 'ns', words: `ns ${process.pid}`, answers: true, status: 0 },
  { of: 'diff', words: 'diff nobody', answers: false, status: 2 },
  { of: 'kill', words: 'kill nobody', answers: false, status: 2 },
  { of: 'wait', words: 'wait nobody', answers: false, status: 2 },
  { of: 'logs', words: 'logs nobody', answers: false, status: 2 },
  { of: 'enter', words: 'enter nobody', answers: false, status: 2 },
  { of: 'lesson', words: 'lesson', answers: true, status: 0 },
  { of: 'lesson', words: 'lesson uid', answers: false, status: 2 },
  { of: 'doctor', words: 'doctor', answers: true, status: 0 },
  { of: 'report', words: `report ${join(place, 'none')}`, answers: false, status: 2 },
  { of: 'replay', words: `replay ${join(place, 'none')}`, answers: false, status: 2 },
  { of: 'present', words: 'present --port 99999', answers: false, status: 2 },
  { of: 'rootfs create', words: 'rootfs create /proc/none', answers: false, status: 125 },
  {
    of: 'rootfs import',
    words: `rootfs import ${join(place, 'none')} /proc/none`,
    answers: false,
    status: 125,
  },
  { of: 'rootfs pull', words: 'rootfs pull ::: /proc/none', answers: false, status: 2 },
  { of: 'rootfs list', words: 'rootfs list', answers: true, status: 0 },
  { of: 'rootfs export', words: `rootfs export ${join(place, 'none')} -`, answers: false, status: 2 },
  { of: 'rootfs remove', words: `rootfs remove ${join(place, 'none')}`, answers: false, status: 2 },
  { of: 'rootfs prune', words: 'rootfs prune', answers: false, status: 0 },
  { of: 'completion', words: 'completion bash', answers: true, status: 0 },
];

const redirections = ['| true', '>/dev/full', '>&-', '2>/dev/full', '2>&-', '>/dev/full 2>&1'];

/** Runs a line with a redirection. @returns its exit status, and what could still be said */
function broken(words: string, redirection: string): { status: number; text: string } {
  const status = join(place, 'status');
  writeFileSync(status, '');
  const script = `{ '${node}' '${program}' ${words}; echo $? >'${status}'; } ${redirection}; cat '${status}' >&3`;
  const { output } = spawnSync('sh', ['-c', script], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH, HOME: place },
  });
  return { status: Number(output[3]), text: `${output[1]}${output[2]}` };
}

test('every subcommand is tried', () => {
  assert.deepEqual(
    commands.map(({ name }) => name).filter((name) => !rows.some(({ of }) => of === name)),
    [],
  );
});

for (const { words, answers, status: whole } of rows) {
  test(`${words.replace(place, '…').replace(String(process.pid), 'PID')}: with any stream broken it ends in order`, () => {
    const working = broken(words, '');
    // What a machine lacks, such as a processor's emulation, is a finding of the doctor's and no failure.
    const expected = words.startsWith('doctor') ? working.status : whole;
    assert.equal(working.status, expected, working.text);
    for (const redirection of redirections) {
      const { status, text } = broken(words, redirection);
      assert.doesNotMatch(text, /^\s+at |defect of gontainer|node:internal/m, redirection);
      const full = answers && redirection.startsWith('>/dev/full');
      assert.equal(status, full ? 125 : expected, `${redirection}: ${text}`);
      if (full && !redirection.includes('2>'))
        assert.match(
          text,
          /^gontainer: standard output cannot be written: no space left on device \(ENOSPC\)\./m,
        );
    }
  });
}

test('a pipe that somebody made non-blocking, and that is full, gets the whole answer', {
  skip: lacking('python3'),
}, () => {
  const script = `
import fcntl, os, subprocess, sys, time
r, w = os.pipe()
fcntl.fcntl(w, 1031, 4096)  # F_SETPIPE_SZ
os.set_blocking(w, False)
p = subprocess.Popen(sys.argv[1:], stdout=w)
os.close(w)
while fcntl.ioctl(r, 0x541B, b'\\0\\0\\0\\0') != b'\\0\\x10\\0\\0': time.sleep(0.01)  # FIONREAD: until it is full
while data := os.read(r, 65536): sys.stdout.buffer.write(data)
sys.exit(p.wait())`;
  const words = [node, program, 'completion', 'fish'];
  const { status, stdout, stderr } = spawnSync('python3', ['-c', script, ...words], { encoding: 'utf8' });
  assert.deepEqual([status, stderr], [0, '']);
  const plain = spawnSync(node, words.slice(1), { encoding: 'utf8' }).stdout;
  assert.ok(plain.length > 4096);
  assert.equal(stdout, plain);
});

test('a status descriptor that cannot be written ends the launch with its reason', () => {
  const script = `'${node}' '${program}' run --uid --quiet --status-fd 5 -- true 5>/dev/full`;
  const { status, stderr } = spawnSync('sh', ['-c', script], { encoding: 'utf8' });
  assert.match(
    stderr,
    /^gontainer: --status-fd=5 cannot be written: no space left on device \(ENOSPC\)\.\n$/,
  );
  assert.equal(status, 125);
});
