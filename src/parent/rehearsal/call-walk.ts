/** --watch --step: stops at each watched call of the command, shows it and which namespace answers, and waits for a key. */
import { constants } from 'node:os';
import { Failure } from '../../common/failure.js';
import { errnoName } from '../../common/kernel/errno.js';
import { shownText } from '../../common/shown-text.js';
import type { LaunchSpec } from '../../common/spec.js';
import type { CallPauses } from '../launch/companions.js';
import type { ProcessHandOver } from '../launch/process-hand-over.js';
import { refusalWords } from '../recorded/launch-log.js';
import { controllingTerminal, interruptKey, WalkTerminal } from '../terminal/walk-terminal.js';
import { indented } from '../text/columns.js';
import { coloured, painter } from '../text/paint.js';
import { stepIndent } from '../text/step-indent.js';
import type { CallRead } from '../watch/call-reader.js';
import type { Decider, Errno } from '../watch/decider.js';
import { entryLines, inspection, processesOf } from './inspect.js';
import { givenUpStatus } from './walk.js';

/** What the key for it has a call fail with. */
const refused: Errno = constants.errno.EPERM;

/** The longest that fits into the window is shown. */
const prompts = [
  'Enter: let it go on · r: refuse · m: more · c: run on · i: inspect · e: enter · q: quit · ?: help',
  'Enter: let it go on · r: refuse · m: more · c: run on · q: quit · ?: help',
  'Enter: go on · r: refuse · ?: help',
];
const help = [
  'Enter  lets the call that is shown go on, and stops at the next',
  `r      has it fail with ${errnoName(refused)}: the kernel never sees it`,
  'm      shows more of it: who makes it, its paths, and whose namespace answers',
  'c      lets it and all that follow go on, without stopping',
  'i      inspects the container as it is now: processes, namespaces, ID maps, mounts',
  'e      prints commands to look at it, and to go in, from a second terminal',
  'q      gives up: the command is killed, and nothing is left',
  '?, h   prints this',
];

/** Undefined where it was given up. */
type Decided = Errno | undefined;

export class CallWalk implements Decider, CallPauses {
  readonly name = 'terminal';
  /** The launch's last step was that. */
  readonly decidesOnStart = false;
  private terminal: WalkTerminal | undefined;
  private readonly paint = painter(coloured({ isTTY: true }));
  private stops = true;
  private over = false;
  /** Calls are shown one after the other. */
  private turn: Promise<unknown> = Promise.resolve();
  private breaks: (reason: Error) => void = () => {};
  private lend: Parameters<CallPauses['attach']>[0] = (work) => work();
  private handOver: ProcessHandOver | undefined;
  private ended: () => void = () => {};
  private readonly untilEnd = new Promise<undefined>((done) => {
    this.ended = () => done(undefined);
  });

  constructor(private readonly spec: LaunchSpec) {}

  attach(lend: typeof this.lend, handOver: ProcessHandOver): void {
    this.lend = lend;
    this.handOver = handOver;
  }

  begin(breaks: (reason: Error) => void): void {
    this.breaks = breaks;
  }

  decide(call: CallRead): Promise<Errno> {
    const decided = this.turn.then((): Decided | Promise<Decided> => {
      if (this.over) return undefined;
      return this.stops ? this.lend(() => this.stop(call)) : 0;
    });
    this.turn = decided.catch(this.breaks);
    // One that was given up waits for the end.
    return decided.then((errno) => errno ?? new Promise(() => {}));
  }

  end(): void {
    this.over = true;
    this.ended();
    this.terminal?.release();
  }

  /** From one stop to the next nothing reads the terminal here: what is typed then is for the command. */
  private async stop(call: CallRead): Promise<Decided> {
    this.terminal = new WalkTerminal(controllingTerminal('--step'));
    try {
      return await this.ask(call, this.terminal);
    } finally {
      this.terminal.release();
    }
  }

  private async ask(call: CallRead, terminal: WalkTerminal): Promise<Decided> {
    this.show(['', ...this.summary(call)]);
    for (;;) {
      const key = await Promise.race([
        terminal.key(this.paint('inverse', terminal.fitting(prompts))),
        this.untilEnd,
      ]);
      if (key === undefined || this.over) return undefined;
      if (key === '\r' || key === '\n') return 0;
      if (key === 'c') return this.runOn();
      if (key === 'r') return this.refuse();
      if (key === 'q' || key === interruptKey) return this.giveUp(call);
      this.show(this.answer(key, call).map((line) => `${stepIndent}${line}`));
    }
  }

  private runOn(): Errno {
    this.stops = false;
    return 0;
  }

  private refuse(): Errno {
    this.show([`${this.paint('red', '✗')}${stepIndent.slice(1)}it fails with ${errnoName(refused)}`]);
    return refused;
  }

  private giveUp({ record: { watched, process } }: CallRead): undefined {
    this.over = true;
    const where = `${watched}(2) of ${shownText(process.name)} ${process.inside}`;
    this.breaks(new Failure(`given up at ${where}, and nothing is left of it`, { status: givenUpStatus }));
  }

  /** The call and who answers, in as few lines as it can be said. */
  private summary({ record }: CallRead): string[] {
    const { process, watched, args, answer, refusal, architecture } = record;
    const other = architecture === undefined ? '' : ` [${architecture}]`;
    const made = `${watched}(${args.join(', ')})${other}`;
    const [first = '', ...more] = this.lines(`${process.name} ${process.inside}: ${made}`);
    return [
      `${this.paint('cyan', '▸')}${this.paint('bold', first.slice(1))}`,
      ...more.map((line) => this.paint('bold', line)),
      ...this.lines(answer.means),
      ...(refusal === undefined
        ? []
        : this.lines(`will be refused: ${refusalWords(refusal)}`).map((line) => this.paint('yellow', line))),
    ];
  }

  private details({ record, pid }: CallRead): string[] {
    const { watched, kind, process, paths = [], answer } = record;
    const thread = process.thread === undefined ? '' : `, thread ${process.thread}`;
    const whose = { container: 'the container’s', host: 'the host’s', nested: 'one made inside' };
    const inside =
      process.inside === pid ? `${pid}` : `${process.inside}${thread} inside, and ${pid} on the host`;
    return [
      `${process.name} is process ${inside}`,
      ...paths.map((path) => `path: ${path}`),
      `answered by the namespace /proc/${pid}/ns/${answer.namespace}: ${whose[answer.whose]}`,
      `watched as one of ${kind}; its manual page is ${watched}(2)`,
    ].flatMap((text) => this.lines(text).map((line) => line.slice(stepIndent.length)));
  }

  private answer(key: string, call: CallRead): string[] {
    const { first = 0, second = 0 } = this.handOver ?? {};
    if (key === 'm') return this.details(call);
    if (key === 'i') return inspection(processesOf(first, second), this.paint);
    return key === 'e' ? entryLines(this.spec, first, second) : help;
  }

  private lines(text: string): string[] {
    return indented(shownText(text), this.terminal?.textColumns ?? 79, stepIndent);
  }

  /** With a terminal of its own the command has put the caller's into raw mode: there is no other carriage return. */
  private show(lines: readonly string[]): void {
    this.terminal?.write(lines.map((line) => `${line}\r\n`).join(''));
  }
}
