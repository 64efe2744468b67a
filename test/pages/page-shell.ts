/** Runs what a page shows: in a bash of a reader of that page, in a folder of his own, without a terminal or in one. */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { node, program, project, removeFolder, type User } from '../gontainer.js';
import { patience } from '../until.js';

/** What one command printed, and its exit status. */
export interface Ran {
  readonly output: string;
  readonly status: number;
}

const isRoot = process.getuid?.() === 0;
/** What Debian gives the two in /etc/login.defs. */
const paths = {
  root: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  other: '/usr/local/bin:/usr/bin:/bin:/usr/local/games:/usr/games',
};
/** Between the outputs of two commands: no command of a page prints it. */
const mark = '\u0001';

export class PageShell {
  readonly folder: string;
  private readonly env: NodeJS.ProcessEnv;

  constructor(private readonly user: User) {
    // Short, as a socket's path may have no more than 108 bytes.
    this.folder = mkdtempSync(join(tmpdir(), 'page-'));
    const commands = join(this.folder, '.bin');
    for (const path of [commands, join(this.folder, '.run')]) mkdirSync(path);
    const start = `#!/bin/sh\nexec '${node.replaceAll("'", "'\\''")}' '${program.replaceAll("'", "'\\''")}' "$@"\n`;
    writeFileSync(join(commands, 'gontainer'), start);
    chmodSync(join(commands, 'gontainer'), 0o755);
    chmodSync(this.folder, 0o755);
    chmodSync(commands, 0o755);
    chmodSync(join(this.folder, '.run'), 0o700);
    if (isRoot)
      for (const path of [this.folder, join(this.folder, '.run')]) chownSync(path, user.uid, user.gid);
    this.env = {
      PATH: `${commands}:${dirname(node)}:${user.uid === 0 ? paths.root : paths.other}`,
      HOME: this.folder,
      LANG: 'C.UTF-8',
      TERM: 'xterm',
      // In the clone: a word about a newer npm is none of the page's.
      NPM_CONFIG_UPDATE_NOTIFIER: 'false',
      XDG_RUNTIME_DIR: join(this.folder, '.run'),
    };
  }

  /** Runs the commands of a block in one shell. */
  async run(commands: readonly string[], inTheClone: boolean): Promise<Ran[]> {
    const file = join(this.folder, '.block');
    const words = commands.map((command) => `${command}\nprintf '${mark}%s${mark}' $?\n`);
    writeFileSync(file, `exec 2>&1\n${words.join('')}`);
    chmodSync(file, 0o644);
    const shell = this.spawn(['bash', '--noprofile', '--norc', file], inTheClone, 'ignore');
    const said = await this.finished(shell);
    const parts = said.split(mark);
    return commands.map((_, index) => ({
      output: parts[2 * index] ?? '',
      status: Number(parts[2 * index + 1] ?? Number.NaN),
    }));
  }

  /**
   * Runs one command in a terminal of 100 columns, and types a line (to a walk, a key) at each prompt.
   * @returns what the terminal showed, without colours
   */
  async runInTerminal(
    before: readonly string[],
    command: string,
    typed: readonly string[],
    inTheClone: boolean,
  ): Promise<Ran> {
    const file = join(this.folder, '.block');
    writeFileSync(
      file,
      `{ ${before.join('\n') || ':'}\n} >/dev/null 2>&1\nstty cols 100 rows 40\n${command}\nprintf '${mark}%s' $?\n`,
    );
    chmodSync(file, 0o644);
    this.env.PAGE_BLOCK = file;
    const words = ['script', '-qec', 'exec bash --noprofile --norc "$PAGE_BLOCK"', '/dev/null'];
    const terminal = this.spawn(words, inTheClone, 'pipe');
    const keys = [...typed];
    let seen = 0;
    terminal.stdin?.on('error', () => {});
    const said = await this.finished(terminal, (text) => {
      const asked = /(‣ |\?: help )$/.exec(stripVTControlCharacters(text));
      if (asked === null || text.length === seen || keys.length === 0) return;
      seen = text.length;
      terminal.stdin?.write(asked[1] === '‣ ' ? `${keys.shift()}\n` : (keys.shift() as string));
    });
    const [output = '', status] = stripVTControlCharacters(said)
      // npm's spinner, which it wipes away.
      .replace(/[\r\u2800-\u28ff]/g, '')
      .split(mark);
    return { output, status: Number(status ?? Number.NaN) };
  }

  /** Ends what was left running, and removes the folder. */
  async close(): Promise<void> {
    const names = "gontainer ps | tail -n +2 | cut -d ' ' -f 1";
    await this.run(
      [`for name in $(${names}); do gontainer kill "$name" KILL; gontainer wait "$name"; done`],
      false,
    );
    removeFolder(this.folder);
  }

  private spawn(words: readonly string[], inTheClone: boolean, stdin: 'ignore' | 'pipe'): ChildProcess {
    const [file = '', ...rest] = words;
    return spawn(file, rest, {
      cwd: inTheClone ? project : this.folder,
      env: inTheClone ? { ...this.env, PATH: process.env.PATH } : this.env,
      stdio: [stdin, 'pipe', 'pipe'],
      // A group of its own, so that what hangs can be ended with all its children.
      detached: true,
      ...(isRoot && !inTheClone ? { uid: this.user.uid, gid: this.user.gid } : {}),
    });
  }

  private endGroup({ pid = 0 }: ChildProcess): void {
    try {
      process.kill(-pid, 'SIGKILL');
    } catch {
      // Nothing is left of it.
    }
  }

  private async finished(child: ChildProcess, follow = (_: string): void => {}): Promise<string> {
    let text = '';
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (more) => {
        text += more;
        follow(text);
      });
    return new Promise((done, failed) => {
      const end = setTimeout(() => {
        this.endGroup(child);
        failed(new Error(`it hangs; so far it has shown:\n${text}`));
      }, 3 * patience);
      child.on('error', failed);
      // What it left in the background holds its output open.
      child.on('exit', () => this.endGroup(child));
      child.on('close', () => {
        clearTimeout(end);
        done(text);
      });
    });
  }
}
