/** A real terminal for tests: tmux, with one window, spoken to by keys and read as a screen. */
import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { after } from 'node:test';
import { node, program, type User, unprivileged } from './gontainer.js';

/** How long a text may take to appear before the test says what is there instead, in milliseconds. */
const patience = 30_000;

export class TerminalSession {
  private readonly socket = `gontainer-${randomUUID()}`;

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
    const settings = [
      '-f',
      '/dev/null',
      'new-session',
      '-d',
      '-x',
      String(size.columns),
      '-y',
      String(size.rows),
    ];
    this.tmux(...settings, '-c', '/', shell.join(' ').replace('PS1=outside$ ', "'PS1=outside$ '"));
    this.tmux('set-option', '-g', 'history-limit', '5000');
    after(() => this.close());
    this.type(`gontainer() { '${node}' '${program}' "$@"; }; clear`);
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

  resize(columns: number, rows: number): void {
    this.tmux('resize-window', '-x', String(columns), '-y', String(rows));
  }

  /** The screen as text, without blank lines at its end; with what has scrolled away. */
  screen(): string {
    return this.tmux('capture-pane', '-p', '-S', '-').trimEnd();
  }

  /** Waits until the screen shows a text, and returns the screen. */
  async shows(expected: RegExp): Promise<string> {
    const end = Date.now() + patience;
    for (;;) {
      const screen = this.screen();
      if (expected.test(screen)) return screen;
      if (Date.now() > end) throw new Error(`${expected} does not appear; the screen shows:\n${screen}`);
      await new Promise((done) => setTimeout(done, 50));
    }
  }

  clear(): void {
    this.type('clear');
    this.tmux('clear-history');
  }

  close(): void {
    spawnSync('tmux', ['-L', this.socket, 'kill-server']);
  }

  private tmux(...words: string[]): string {
    const { status, stdout, stderr } = spawnSync('tmux', ['-L', this.socket, ...words], {
      encoding: 'utf8',
      env: { ...process.env, LANG: 'C.UTF-8', TERM: 'xterm-256color' },
    });
    if (status !== 0) throw new Error(`tmux ${words[0]}: ${stderr}`);
    return stdout;
  }
}
