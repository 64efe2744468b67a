/** A real terminal for tests: tmux, with one window, spoken to by keys and read as a screen. */

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after } from 'node:test';
import { pause } from '../src/common/pause.js';
import { isStopped, processStatOrNone } from '../src/common/process-files.js';
import { folder, node, program, root, type User, unprivileged } from './gontainer.js';
import { patience, until } from './until.js';

/**
 * Starts tmux's server as a child that ends with this process, however that ends; a server that tmux starts itself would
 * outlive a test that is killed.
 */
function startServer(socket: string) {
  const words = ['--pdeathsig', 'TERM', '--', 'tmux', '-D', '-f', '/dev/null', '-S', socket];
  const server = spawn('setpriv', words, { stdio: 'ignore', env: environment() });
  server.unref();
  for (let tries = 0; tries < 2000 && !existsSync(socket); tries += 1) pause(5);
  return server;
}

const environment = (): NodeJS.ProcessEnv => ({ ...process.env, LANG: 'C.UTF-8', TERM: 'xterm-256color' });

export class TerminalSession {
  private readonly socket = join(folder(root), 'tmux');
  private readonly server = startServer(this.socket);

  /** Opens a terminal in which this user's bash runs, with `gontainer` as a command. */
  constructor(user: User = unprivileged, size = { columns: 120, rows: 40 }) {
    const drop =
      process.getuid?.() === 0
        ? // A terminal belongs to whoever sits at it.
          [
            `chown ${user.uid} $(tty);`,
            'exec',
            'setpriv',
            `--reuid=${user.uid}`,
            `--regid=${user.gid}`,
            '--clear-groups',
            '--',
          ]
        : [];
    const shell = [...drop, 'env', 'PS1=outside$ ', 'HOME=/', 'bash', '--norc', '--noprofile'];
    const [x, y] = [String(size.columns), String(size.rows)];
    const command = shell.join(' ').replace('PS1=outside$ ', "'PS1=outside$ '");
    this.tmux('new-session', '-d', '-x', x, '-y', y, '-c', '/', command);
    this.tmux('set-option', '-g', 'history-limit', '5000');
    after(() => this.close());
    this.type(`gontainer() { '${node}' '${program}' "$@"; }; clear`);
  }

  /** The session of this terminal: setsid(2). */
  get session(): number {
    return Number(this.tmux('display-message', '-p', '#{pane_pid}'));
  }

  /** Types a line and Enter. */
  type(line: string): void {
    this.tmux('send-keys', '-l', line);
    this.tmux('send-keys', 'Enter');
  }

  /** Types a text, and not Enter. */
  write(text: string): void {
    this.tmux('send-keys', '-l', text);
  }

  /** Presses keys by tmux's names: `C-c`, `Enter`. */
  press(...keys: string[]): void {
    this.tmux('send-keys', ...keys);
  }

  /** Returns when the terminal has the size: tmux waits with the second of two changes. */
  resize(columns: number, rows: number): void {
    this.tmux('resize-window', '-x', String(columns), '-y', String(rows));
    const terminal = this.tmux('display-message', '-p', '#{pane_tty}').trim();
    for (const end = Date.now() + patience; ; pause(20)) {
      const { stdout } = spawnSync('stty', ['-F', terminal, 'size'], { encoding: 'utf8' });
      if (stdout.trim() === `${rows} ${columns}`) return;
      if (Date.now() > end) throw new Error(`the terminal is ${stdout.trim()}, not ${rows} ${columns}`);
    }
  }

  /** The screen as text, without blank lines at its end; with what has scrolled away. */
  screen(): string {
    return this.tmux('capture-pane', '-p', '-S', '-').trimEnd();
  }

  /** What is in sight, and nothing that has scrolled away. */
  inSight(): string {
    return this.tmux('capture-pane', '-p').trimEnd();
  }

  /** The lines that the terminal itself had to break, as they were wider than the window, joined again. */
  broken(): string[] {
    const lines = (text: string) => text.split('\n').map((line) => line.trimEnd());
    const written = lines(this.tmux('capture-pane', '-p', '-S', '-'));
    return lines(this.tmux('capture-pane', '-p', '-J', '-S', '-')).filter((line) => !written.includes(line));
  }

  /** Waits until the screen shows a text, and returns the screen. */
  async shows(expected: RegExp): Promise<string> {
    let screen = '';
    return until(
      () => `${expected} does not appear; the screen shows:\n${screen}`,
      () => {
        screen = this.screen();
        return expected.test(screen) && screen;
      },
    );
  }

  /** Leaves nothing but the prompt, so that what is looked for next is new. */
  async clear(): Promise<void> {
    const [first, second] = this.inSight().split('\n');
    this.type('clear');
    // tmux moves what is cleared into the history, and the shell clears when its turn comes.
    if (second !== undefined)
      await until(
        () => `the terminal is not cleared; the screen shows:\n${this.screen()}`,
        () => !this.inSight().startsWith(`${first}\n${second}`),
      );
    this.tmux('clear-history');
  }

  /** Hangs up; returns when the shell, and what runs in the foreground, has been told. */
  async close(): Promise<void> {
    if (this.server.exitCode !== null || this.server.signalCode !== null) return;
    this.server.ref();
    const gone = once(this.server, 'exit');
    this.server.kill();
    await gone;
  }

  private tmux(...words: string[]): string {
    const { status, stdout, stderr } = spawnSync('tmux', ['-S', this.socket, ...words], {
      encoding: 'utf8',
      env: environment(),
    });
    if (status !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`);
    return stdout;
  }
}

/** Waits until a command runs with its terminal, and can hear its keys: field `tpgid` of proc_pid_stat(5). */
export async function inForeground(command: string): Promise<void> {
  const has = (pid: number): boolean => {
    const stat = processStatOrNone(pid);
    return stat !== undefined && stat.foreground === stat.group && !isStopped(stat);
  };
  const running = (): number[] =>
    readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name))
      .map(Number)
      .filter((pid) => {
        try {
          return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim() === command;
        } catch {
          return false; // It has ended.
        }
      });
  await until(`${command} does not run in the foreground`, () => running().some(has));
}
