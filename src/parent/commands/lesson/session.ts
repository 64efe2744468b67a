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
import { Leave } from './keyboard.js';
import { Scratch } from './scratch.js';

/**
 * Where a command's output goes: to us, as for the lesson's own; or to the terminal, with its input from there. The
 * cleanup of a lesson is captured too, and no key disturbs it.
 */
export type Streams = 'captured' | 'terminal' | 'undisturbed';

/**
 * Reads a word for the streams and a command, each ended by a NUL, runs it, and prints a message: NUL, a token, its
 * status, whether Ctrl-C interrupted it, NUL. The pipes are moved away from descriptors 3 and 4, as a lesson may use
 * those, and no command gets them. Of a mistyped command bash would say in which line of this script it was met.
 *
 * Ctrl-C and Ctrl-\\ are for the command: the traps, which a command does not inherit, keep the shell. A loop of the
 * shell's own would outlive each of its commands, so the trap returns from the function that runs it, and from every
 * function that called that one: bash(1), return. This shell alone decides what a Ctrl-C is for, as it knows in which
 * order things happened: from the moment it has read a command, for that one; before, it is told in a message, INT.
 * What came between the reading of a command and its start is kept in __interrupted.
 */
const loop = `
exec 200<&3 201>&4 3<&- 4>&-
__token=$1 __status=0 __interrupted=0 __idle=1
shift
__interrupt='
  __interrupted=1
  if [ "$__idle" ]; then printf "\\0%s INT\\0" "$__token" >&201
  elif [ "\${FUNCNAME-}" ]; then
    trap '\\''[ "\${FUNCNAME-}" ] && return 130'\\'' DEBUG
    return 130
  fi'
trap : QUIT
trap "$__interrupt" INT
__set_status() { return "$1"; }
__run() {
  if [ "$__interrupted" = 1 ]; then return 130; fi
  __set_status "$__status"
  eval "$__command"
}
command_not_found_handle() { printf '%s: command not found\\n' "$1" >&2; return 127; }
while IFS= read -r -d '' __streams <&200 && IFS= read -r -d '' __command <&200; do
  __idle=
  case $__streams in
    terminal) __run 200<&- 201>&- ;;
    undisturbed) trap '' INT QUIT; __interrupted=0; __run </dev/null >&201 2>&1 200<&- 201>&- ;;
    *) __run </dev/null >&201 2>&1 200<&- 201>&- ;;
  esac
  __status=$?
  trap - DEBUG
  trap "$__interrupt" INT
  __was_interrupted=$__interrupted __interrupted=0 __idle=1
  printf '\\0%s %s %s\\0' "$__token" "$__status" "$__was_interrupted" >&201
done
`;

/**
 * So long, milliseconds, a command that is told to stop and the lesson's cleanup may take at the end. The cleanup ends
 * containers that are not below the shell: one that is cut short leaves them.
 */
const patience = { stop: 3_000, cleanup: 30_000 };

export interface Ran {
  readonly output: string;
  readonly status: number;
  /** Whether Ctrl-C was pressed while it ran. */
  readonly interrupted: boolean;
}

export class Session {
  private readonly token = randomBytes(8).toString('hex');
  private readonly scratch: Scratch;
  private readonly shell: ChildProcess;
  private readonly ended: Promise<void>;
  private text = '';
  private runs = false;
  private onText: (() => void) | undefined;
  /** A Ctrl-C that the shell saw before it had read the command that runs, or after that one had ended. */
  private hasSeenInterrupt = false;
  private ending: Promise<string | undefined> | undefined;

  /**
   * @param script this program's own file, which `gontainer` is in the lesson
   * @param terminal whether commands that are typed may use the terminal
   * @param onInterrupt called for a Ctrl-C that came while no command ran
   */
  constructor(
    script: string,
    terminal: boolean,
    private readonly onInterrupt: () => void = () => {},
  ) {
    this.scratch = new Scratch(script);
    const standard = terminal ? 'inherit' : 'ignore';
    this.shell = spawn('bash', ['--noprofile', '--norc', '-c', loop, 'lesson', this.token], {
      cwd: this.scratch.work,
      stdio: [standard, standard, standard, 'pipe', 'pipe'],
      // Lessons look for processes of their session; a learner's terminal is one already.
      detached: !terminal,
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
      this.shell.on('exit', (_, signal) => {
        // Ctrl-C, before the shell could set its traps.
        if (signal === 'SIGINT') this.onInterrupt();
        done();
      });
    });
    (this.shell.stdio[3] as Writable).on('error', () => {});
    (this.shell.stdio[4] as Readable).setEncoding('utf8').on('data', (text: string) => this.take(text));
  }

  /**
   * Runs a command to its end.
   * @param show called with each piece of output, as it comes
   * @throws Leave when Ctrl-C ended the shell, and Failure when it is gone for another reason: the command was `exit`
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
        const [status, interrupted] = at >= 0 ? this.text.slice(at + end.length).split(/[ \0]/) : [];
        // What may be the beginning of the end is held back.
        const upTo =
          at >= 0 ? at : this.text.includes('\0', shown) ? this.text.indexOf('\0', shown) : this.text.length;
        if (upTo > shown) show(this.text.slice(shown, upTo));
        shown = Math.max(shown, upTo);
        if (at >= 0 && this.text.indexOf('\0', at + 1) > 0)
          done({
            output: this.text.slice(0, at),
            status: Number(status),
            interrupted: interrupted === '1',
          });
      };
    });
    (this.shell.stdio[3] as Writable).write(`${streams}\0${command}\0`);
    const ran = await Promise.race([finished, this.ended]);
    this.onText = undefined;
    this.runs = false;
    reapOrphans([this.shell.pid ?? 0]);
    // A signal ends the lesson: nothing comes after this command any more.
    if (this.ending !== undefined && streams !== 'undisturbed') return new Promise(() => {});
    if (this.hasSeenInterrupt && ran?.interrupted === false) this.onInterrupt();
    this.hasSeenInterrupt = false;
    if (ran === undefined && this.shell.signalCode === 'SIGINT') throw new Leave();
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
  end(cleanup: string): Promise<string | undefined> {
    this.ending ??= this.endOnce(cleanup);
    return this.ending;
  }

  private async endOnce(cleanup: string): Promise<string | undefined> {
    await this.stop();
    if (cleanup !== '' && !this.runs && this.isAlive) {
      const cleaned = this.run(cleanup, 'undisturbed').catch(() => {});
      await Promise.race([cleaned, sleep(patience.cleanup, undefined, { ref: false })]);
    }
    (this.shell.stdio[3] as Writable).end();
    endDescendants();
    await this.ended;
    return this.scratch.remove();
  }

  private take(text: string): void {
    this.text += text;
    const message = `\0${this.token} INT\0`;
    if (this.text.includes(message)) {
      this.text = this.text.replaceAll(message, '');
      if (this.runs) this.hasSeenInterrupt = true;
      else this.onInterrupt();
    }
    this.onText?.();
  }

  private get isAlive(): boolean {
    return this.shell.exitCode === null && this.shell.signalCode === null;
  }

  /** Ends what the shell runs, and what it has started, but not the shell: it knows what the cleanup needs. */
  private async stop(): Promise<void> {
    const shell = this.shell.pid ?? 0;
    const latest = performance.now() + patience.stop;
    while (this.runs && this.isAlive && performance.now() < latest) {
      process.kill(shell, 'SIGINT');
      killDescendants([shell]);
      await sleep(10);
    }
    if (!this.runs) endDescendants([shell]);
  }
}
