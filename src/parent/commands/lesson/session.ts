/**
 * The shell of a lesson: one bash for the whole of it, so that variables, folders and background jobs carry over.
 * Commands come to it over one pipe; their output, and then their status, come back over another.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { Failure } from '../../../common/failure.js';
import { endDescendants, killDescendants, reapOrphans } from './descendants.js';
import { Scratch } from './scratch.js';

/** Where a command's output goes: to us, as for the lesson's own; or to the terminal, with its input from there. */
export type Streams = 'captured' | 'terminal';

/**
 * Reads a word for the streams and a command, each ended by a NUL, runs it, and prints NUL, a token, its status, NUL.
 * The pipes are moved away from descriptors 3 and 4, as a lesson may use those, and no command gets them. Ctrl-C and
 * Ctrl-\\ are for the command: the traps, which a command does not inherit, keep the shell. A loop of the shell's own
 * would outlive each of its commands, so the trap returns from the function that runs it: bash(1), return. Of a mistyped
 * command bash would say in which line of this script it was met.
 */
const loop = `
exec 200<&3 201>&4 3<&- 4>&-
trap : INT QUIT
__token=$1
shift
__set_status() { return "$1"; }
__run() { __set_status "$__status"; eval "$__command"; }
command_not_found_handle() { printf '%s: command not found\\n' "$1" >&2; return 127; }
__status=0
while IFS= read -r -d '' __streams <&200 && IFS= read -r -d '' __command <&200; do
  trap 'return 130' INT
  if [ "$__streams" = terminal ]; then
    __run 200<&- 201>&-
  else
    __run </dev/null >&201 2>&1 200<&- 201>&-
  fi
  __status=$?
  trap : INT
  printf '\\0%s %s\\0' "$__token" "$__status" >&201
done
`;

/** So long, milliseconds, a command that is told to stop, and the lesson's cleanup, may take at the end. */
const patience = 3000;

export interface Ran {
  readonly output: string;
  readonly status: number;
}

export class Session {
  private readonly token = randomBytes(8).toString('hex');
  private readonly scratch: Scratch;
  private readonly shell: ChildProcess;
  private readonly ended: Promise<void>;
  private text = '';
  private runs = false;
  private onText: (() => void) | undefined;

  /**
   * @param script this program's own file, which `gontainer` is in the lesson
   * @param terminal whether commands that are typed may use the terminal
   */
  constructor(script: string, terminal: boolean) {
    this.scratch = new Scratch(script);
    const standard = terminal ? 'inherit' : 'ignore';
    this.shell = spawn('bash', ['--noprofile', '--norc', '-c', loop, 'lesson', this.token], {
      cwd: this.scratch.work,
      stdio: [standard, standard, standard, 'pipe', 'pipe'],
      env: {
        ...process.env,
        // For the lesson that loads a package of this program.
        GONTAINER_SCRIPT: script,
        PATH: `${this.scratch.programs}:${process.env.PATH}`,
        // What the lessons show is in English.
        LC_ALL: 'C.UTF-8',
      },
    });
    this.ended = new Promise((done) => {
      this.shell.on('error', () => done());
      this.shell.on('exit', () => done());
    });
    (this.shell.stdio[3] as Writable).on('error', () => {});
    (this.shell.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => {
      this.text += text;
      this.onText?.();
    });
  }

  /**
   * Runs a command to its end.
   * @param show called with each piece of output, as it comes
   * @throws Failure when the shell is gone, for example because the command was `exit`
   */
  async run(
    command: string,
    streams: Streams = 'captured',
    show: (text: string) => void = () => {},
  ): Promise<Ran> {
    this.text = '';
    this.runs = true;
    const end = `\0${this.token} `;
    let shown = 0;
    const finished = new Promise<Ran>((done) => {
      this.onText = () => {
        const at = this.text.indexOf(end);
        const complete = at >= 0 && this.text.indexOf('\0', at + 1) > 0;
        // What may be the beginning of the end is held back.
        const upTo =
          at >= 0 ? at : this.text.includes('\0', shown) ? this.text.indexOf('\0', shown) : this.text.length;
        if (upTo > shown) show(this.text.slice(shown, upTo));
        shown = Math.max(shown, upTo);
        if (complete)
          done({
            output: this.text.slice(0, at),
            status: Number.parseInt(this.text.slice(at + end.length), 10),
          });
      };
    });
    (this.shell.stdio[3] as Writable).write(`${streams}\0${command}\0`);
    const ran = await Promise.race([finished, this.ended]);
    this.onText = undefined;
    this.runs = false;
    reapOrphans([this.shell.pid ?? 0]);
    if (ran === undefined) {
      throw new Failure('the shell of the lesson has ended', {
        status: 0,
        next: 'Your progress is kept; go on with the same command.',
      });
    }
    return ran;
  }

  /**
   * Ends every process that the lesson started, runs its cleanup, and removes the folder.
   * @returns what could not be removed, as a sentence
   */
  async end(cleanup: string): Promise<string | undefined> {
    await this.stop();
    if (cleanup !== '' && !this.runs && this.isAlive)
      await Promise.race([this.run(cleanup).catch(() => {}), sleep(patience, undefined, { ref: false })]);
    (this.shell.stdio[3] as Writable).end();
    endDescendants();
    await this.ended;
    return this.scratch.remove();
  }

  private get isAlive(): boolean {
    return this.shell.exitCode === null && this.shell.signalCode === null;
  }

  /** Ends what the shell runs, and what it has started, but not the shell: it knows what the cleanup needs. */
  private async stop(): Promise<void> {
    const shell = this.shell.pid ?? 0;
    const latest = performance.now() + patience;
    while (this.runs && this.isAlive && performance.now() < latest) {
      process.kill(shell, 'SIGINT');
      killDescendants([shell]);
      await sleep(10);
    }
    if (!this.runs) endDescendants([shell]);
  }
}
