/**
 * The rehearsal: takes the calls that steps make like the recorder, and makes none of them. It notes them, and answers
 * as the kernel does when all goes well, so that a step's own `run` goes through to its end.
 *
 * What only the kernel can know, process IDs and file descriptors, has a stand-in: a number that no process and no
 * descriptor can have. Where one is used it is noted by its name, `<pid of P>`, `<report[1]>`: pipefd[1] is the write
 * end in pipe(2).
 */
import {
  type Argument,
  type Arguments,
  type CallName,
  type Chain,
  type ChainCall,
  cloneOf,
  type Memory,
  shownArguments,
} from './calls.js';
import { constants, type Flags, numberOf } from './constants.js';
import type { Execution, Kernel, Running } from './kernel.js';
import type { ProcessChange } from './processes.js';
import { newTerminal } from './terminal-modes.js';

/** A call that would be made. */
export interface RehearsedCall {
  /** Who would make it: parent, P, G, child or command. */
  readonly actor: string;
  readonly step: string;
  readonly call: string;
  readonly args: Record<string, unknown>;
}

/** Stand-ins count down from here. Process IDs and descriptors are never negative, and 32 bits hold it. */
const firstStandIn = -1_000_000_000;

/** What stands in the place of something that is not known yet. */
const placeholder = (name: string): string => `<${name}>`;

export class Rehearsal implements Kernel {
  step = '';
  /** The child inherits it from this process. */
  private readonly mask = process.umask();
  readonly calls: RehearsedCall[];
  private readonly standIns: string[];
  /** What the processes that wait in read(2) go on with. */
  private waiting: { readonly actor: string; readonly calls: readonly ChainCall[] }[] = [];

  /** @param beside the rehearsal of the other stage, which notes in the same list and knows the same stand-ins */
  constructor(
    readonly actor: string,
    readonly root = '/',
    beside?: Rehearsal,
  ) {
    this.calls = beside?.calls ?? [];
    this.standIns = beside?.standIns ?? [];
  }

  clock(): number {
    return 0;
  }

  /** The number that stands for this, the same for the same name. */
  standIn(name: string): number {
    const known = this.standIns.indexOf(name);
    return firstStandIn - (known >= 0 ? known : this.standIns.push(name) - 1);
  }

  call<Name extends CallName>(name: Name, args: Arguments<Name>): number {
    const answer = this.answer(name, args as Record<string, Argument>);
    this.note(this.actor, this.step, name, shownArguments(name, args));
    if (name === 'write') for (const chain of this.waiting.splice(0)) this.run(chain);
    return answer;
  }

  execute(args: Arguments<'execve'>, { before }: Execution): void {
    for (const one of before) this.note(this.actor, this.step, one.call, shownArguments(one.call, one.args));
    this.note(this.actor, this.step, 'execve', shownArguments('execve', args));
  }

  writeFile(path: string, content: string): void {
    const file = { fd: path };
    this.note(this.actor, this.step, 'open', { pathname: path, flags: 'O_WRONLY|O_CLOEXEC', mode: '00' });
    this.note(this.actor, this.step, 'write', { ...file, buf: content, count: Buffer.byteLength(content) });
    this.note(this.actor, this.step, 'close', file);
  }

  wait(pid: number): ProcessChange {
    this.note(this.actor, this.step, 'waitpid', { pid, wstatus: 'status', options: 0 });
    return { pid, status: 0 };
  }

  until(): boolean {
    return true;
  }

  clone(chain: Chain): Running {
    this.note(this.actor, this.step, 'clone', shownArguments('clone', cloneOf(chain)));
    this.run(chain);
    return {
      pid: this.standIn(`pid of ${chain.actor}`),
      pidOf: (actor) => this.standIn(`pid of ${actor}`),
      record: () => {},
      throwFailure: () => {},
      release: () => {},
    };
  }

  /** What the call returns, and leaves in memory, when it succeeds. */
  private answer(name: CallName, args: Record<string, Argument>): number {
    switch (name) {
      case 'pipe2':
      case 'socketpair': {
        const { bytes, name: pair } = (args.pipefd ?? args.sv) as Memory;
        for (const end of [0, 1]) bytes?.writeInt32LE(this.standIn(`${pair}[${end}]`), end * 4);
        return 0;
      }
      case 'open':
        return this.standIn(`descriptor of ${args.pathname}`);
      case 'pidfd_open':
        return this.standIn('pidfd');
      case 'umask':
        return this.mask;
      case 'socket':
        return this.standIn('socket');
      case 'pidfd_getfd':
        return this.standIn('master');
      case 'seccomp':
        return this.standIn('listener');
      case 'ioctl':
        // A new network namespace has the interface lo, and it is down: bytes 16 and 17 of struct ifreq, netdevice(7).
        if (args.request === 'SIOCGIFFLAGS')
          (args.argp as Memory).bytes?.writeInt16LE(constants.IFF_LOOPBACK, 16);
        // A new terminal edits lines and shows them.
        if (args.request === 'TCGETS') newTerminal((args.argp as Memory).bytes);
        return 0;
      case 'read':
        if ((args.buf as Memory).name === 'end-of-file') return 0;
        return numberOf(args.count as Flags);
      case 'write':
        return numberOf(args.count as Flags);
      default:
        return 0;
    }
  }

  /**
   * Notes the calls of a process up to where it waits for a word, and the rest once somebody writes; up to its execve,
   * because what comes after is for the case that it fails.
   */
  private run({ actor, calls }: { readonly actor: string; readonly calls: readonly ChainCall[] }): void {
    const cloned: Chain[] = [];
    for (const [index, { step, call, args }] of calls.entries()) {
      this.note(actor, step, call, shownArguments(call, args));
      if (call === 'clone' && 'actor' in args.arg) cloned.push(args.arg);
      const forWord = call === 'read' && (args.buf as Memory).name !== 'end-of-file';
      if (forWord) this.waiting.push({ actor, calls: calls.slice(index + 1) });
      if (call === 'read' || call === 'execve') break;
    }
    for (const chain of cloned) this.run(chain);
  }

  private note(actor: string, step: string, call: string, args: Record<string, unknown>): void {
    this.calls.push({ actor, step, call, args: this.named(args) as Record<string, unknown> });
  }

  /** The same with names in the place of stand-ins. */
  private named(value: unknown): unknown {
    if (typeof value === 'number') {
      const name = this.standIns[firstStandIn - value];
      return name === undefined ? value : placeholder(name);
    }
    if (typeof value === 'string')
      return value.replace(/(?<=^|^\/proc\/|\/fd\/)-10\d{8}(?=\/|$)/g, (digits) =>
        String(this.named(Number(digits))),
      );
    if (Array.isArray(value)) return value.map((item) => this.named(item));
    if (value !== null && typeof value === 'object')
      return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, this.named(item)]));
    return value;
  }
}
