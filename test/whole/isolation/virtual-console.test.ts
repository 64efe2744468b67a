/** Virtual consoles, the only terminals that can be pasted into by a call: ioctl_console(2), TIOCLINUX. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { release } from 'node:os';
import { test } from 'node:test';
import { lacking, node, program, root, type User, unprivileged } from '../../gontainer.js';
import { asRoot, probe } from './attempts.js';

const skip =
  asRoot ||
  lacking('setsid') ||
  (!existsSync('/dev/tty0') && 'there are no virtual consoles on this machine');

function said(...words: string[]): string {
  return spawnSync(node, [...probe.slice(1), ...words], { encoding: 'utf8' }).stdout.trim();
}

/**
 * What the probe says in a container whose caller has a console for its terminal, one that nobody uses. Nothing is
 * written to it, and nothing is selected on the one that is shown.
 */
function pasted(options: readonly string[], { uid, gid }: User): string {
  const console = openSync(`/dev/tty${said('free-console')}`, 'r+');
  const launch = [node, program, 'run', '--quiet', ...options, '--', ...probe, 'paste'];
  const { stdout, stderr } = spawnSync('setsid', ['--ctty', '--wait', ...launch], {
    stdio: [console, 'pipe', 'pipe'],
    encoding: 'utf8',
    ...{ cwd: '/', uid, gid },
  });
  closeSync(console);
  return stdout.trim() || stderr;
}

/** Since Linux 6.7 it takes CAP_SYS_ADMIN in the first user namespace; before, that the console is the own terminal. */
const [major = 0, minor = 0] = release().split('.').map(Number);
const shared = major > 6 || (major === 6 && minor >= 7) ? 'held: EPERM' : 'got out';

test('an ordinary user’s container pastes into no console', { skip }, () => {
  assert.equal(pasted(['--all', '--new-session'], unprivileged), 'held: EPERM');
  // A pseudo-terminal has no such call.
  assert.equal(pasted(['--all', '--pty'], unprivileged), 'held: ENOTTY');
  assert.equal(pasted(['--all'], unprivileged), shared);
});

test('root’s container pastes into no console', { skip }, () => {
  assert.equal(pasted(['--pid', '--new-session'], root), 'held: EPERM');
  assert.equal(pasted(['--pid', '--pty'], root), 'held: ENOTTY');
  assert.equal(pasted(['--pid'], root), shared);
  assert.equal(pasted(['--pid', '--cap-keep=all'], root), 'got out');
});
