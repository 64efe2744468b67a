/**
 * The recorder: every kernel call of the launch goes through it, in both stages. It makes the call, takes the time,
 * turns -1 into a KernelError, and hands a record of it to the log.
 */
import { bytesOf } from '../byte-text.js';
import { defined } from '../defined.js';
import { pause } from '../pause.js';
import { isParentOf } from '../process-files.js';
import { Arena, withSignalMask } from './arena.js';
import { CallChain } from './call-chain.js';
import {
  type Argument,
  type Arguments,
  type CallName,
  type Chain,
  cloneOf,
  type FilterProgram,
  type Kind,
  type Memory,
  memory,
  parametersOf,
  shownArguments,
  systemCallNumber,
} from './calls.js';
import { type Flags, numberOf } from './constants.js';
import { errnoName } from './errno.js';
import type { CallRecord, Execution, Kernel, Running } from './kernel.js';
import { failedWith, KernelError } from './kernel-error.js';
import { bytes, int, invoke, type Passed, pointer, text } from './libc.js';
import { type ProcessChange, processChange } from './processes.js';

/** CLOCK_MONOTONIC in nanoseconds. */
const now = (): bigint => process.hrtime.bigint();

/** Milliseconds between two looks at what another process is about to do. */
const between = 5;

export class Recorder implements Kernel {
  step = '';
  readonly root = '/';

  /**
   * @param actor who makes the calls: `parent` or `child`
   * @param origin when the launch began, by this process's CLOCK_MONOTONIC
   * @param sink takes each record
   */
  constructor(
    readonly actor: string,
    private readonly origin: bigint,
    private readonly sink: (record: CallRecord) => void,
  ) {}

  clock(): number {
    return this.since(now());
  }

  private since(time: bigint): number {
    return Number(time - this.origin) / 1000;
  }

  /** @param instead what the log shows in the place of some arguments */
  call<Name extends CallName>(
    name: Name,
    args: Arguments<Name>,
    instead: Readonly<Record<string, unknown>> = {},
  ): number {
    const passed = parametersOf(name).map(([parameter, kind]) =>
      pass(kind, (args as Record<string, Argument>)[parameter] as Argument),
    );
    const number = systemCallNumber(name);
    const make = () =>
      number === undefined ? invoke(name, passed) : invoke('syscall', [pointer(BigInt(number)), ...passed]);
    const began = now();
    // From the background this one stops the caller with SIGTTOU, unless that is blocked: tcsetpgrp(3).
    const takesTerminal = 'request' in args && args.request === 'TIOCSPGRP';
    const { value, errno } = takesTerminal ? withSignalMask('all', make) : make();
    const ended = now();
    return this.finish(
      name,
      { ...shownArguments(name, args), ...instead },
      value,
      value === -1 ? errnoName(errno) : undefined,
      began,
      ended,
    );
  }

  execute(
    args: Arguments<'execve'>,
    { blocked, before }: Execution,
    foretold: (record: CallRecord) => void,
  ): void {
    const arena = new Arena();
    const variables = Object.entries(args.envp).map(([name, value]) => `${name}=${value}`);
    const strings = [
      arena.text(args.pathname as string),
      arena.texts(args.argv as readonly string[]),
      arena.texts(variables),
    ];
    const earlier = before.map(({ call, args: { resource, rlim } }) => ({
      call,
      words: [int(numberOf(resource)), pointer(arena.put((rlim as Memory).bytes as Buffer))],
      shown: shownArguments(call, { resource, rlim }),
    }));
    arena.commit();
    const shown = shownArguments('execve', args);
    const record = { actor: this.actor, pid: process.pid, step: this.step, ret: 0 };
    for (const { call, shown: args } of earlier) this.sink({ ...record, call, args, at: this.clock() });
    foretold({ ...record, call: 'execve', args: shown, at: this.clock() });
    for (const { call, words, shown: args } of earlier) {
      const { value, errno } = invoke(call, words);
      if (value === -1) throw new KernelError({ step: this.step, call, args, errno: errnoName(errno) });
    }
    const began = now();
    // A program inherits the signal mask.
    const { value, errno } = withSignalMask(blocked, () => invoke('execve', strings.map(pointer)));
    const ended = now();
    arena.release();
    this.finish('execve', shown, value, errnoName(errno), began, ended);
  }

  writeFile(path: string, content: string): void {
    const fd = this.call('open', { pathname: path, flags: ['O_WRONLY', 'O_CLOEXEC'], mode: 0 });
    try {
      const bytes = bytesOf(content);
      // The log shows the file where a descriptor's number would say nothing, as strace(1) does with -y.
      uninterrupted(() =>
        this.call('write', { fd, buf: memory(bytes, content), count: bytes.length }, { fd: path }),
      );
    } finally {
      this.call('close', { fd }, { fd: path });
    }
  }

  wait(pid: number): ProcessChange {
    const wstatus = Buffer.alloc(4);
    const waited = this.call('waitpid', { pid, wstatus: memory(wstatus, 'status'), options: 0 });
    return processChange(waited, wstatus.readInt32LE(0));
  }

  until(holds: () => boolean, patience: number): boolean {
    for (const end = performance.now() + patience; !holds(); ) {
      if (performance.now() > end) return false;
      pause(between);
    }
    return true;
  }

  clone(chain: Chain): Running {
    return this.startOf(new CallChain(chain), chain);
  }

  private startOf(prepared: CallChain, chain: Chain): Running {
    const began = now();
    const { ret, errno } = prepared.start();
    const args = shownArguments('clone', cloneOf(chain));
    try {
      this.finish('clone', args, ret, ret === -1 ? errnoName(errno) : undefined, began, now());
    } catch (error) {
      prepared.release();
      throw error;
    }
    return this.follow(prepared, ret);
  }

  /**
   * Starts a process whose chain has no end.
   * @throws KernelError
   */
  cloneLoop(chain: Chain): { readonly running: Running; readonly chain: CallChain } {
    const prepared = new CallChain(chain);
    return { running: this.startOf(prepared, chain), chain: prepared };
  }

  private follow(chain: CallChain, pid: number): Running {
    const recorded = new Set<unknown>();
    let failure: KernelError | undefined;
    return {
      pid,
      // The number lies in memory that another process could have written: only a child of this one is believed.
      pidOf: (actor) => {
        const found = chain.pidOf(actor);
        return found !== 0 && isParentOf(found) ? found : 0;
      },
      record: (executed = []) => {
        for (const { call, actor, pid, errno, ret, began, ended } of chain.results()) {
          if (recorded.has(call) || (ended === undefined && !executed.includes(actor))) continue;
          recorded.add(call);
          const args = shownArguments(call.call, call.args);
          const name = errno === 0 ? undefined : errnoName(errno);
          if (name !== undefined && !call.mayFail)
            failure ??= new KernelError({ step: call.step, call: call.call, args, errno: name });
          const us = ended === undefined ? undefined : Number(ended - began) / 1000;
          const at = this.since(began);
          this.sink(
            defined({ actor, pid, step: call.step, call: call.call, args, ret, errno: name, at, us }),
          );
        }
      },
      throwFailure: () => {
        if (failure !== undefined) throw failure;
      },
      release: () => chain.release(),
    };
  }

  private finish(
    call: CallName,
    args: Record<string, unknown>,
    ret: number,
    errno: string | undefined,
    began: bigint,
    ended: bigint,
  ): number {
    const { actor, step } = this;
    const [at, us] = [this.since(began), Number(ended - began) / 1000];
    const made = { actor, pid: process.pid, step, call, args, ret };
    this.sink(errno === undefined ? { ...made, at, us } : { ...made, errno, at, us });
    if (errno !== undefined) throw new KernelError({ step: this.step, call, args, errno });
    return ret;
  }
}

/** An argument of a call that this process makes itself. */
function pass(kind: Kind, argument: Argument): Passed {
  switch (kind) {
    case 'int':
    case 'mode':
      return int(numberOf(argument as Flags));
    case 'long':
      return pointer(BigInt(numberOf(argument as Flags)));
    case 'text':
      if (typeof argument === 'string') return text(argument);
      return argument === null ? pointer(0n) : bytes((argument as Memory).bytes as Buffer);
    case 'memory': {
      const { bytes: content } = argument as Memory;
      return content === null ? pointer(0n) : bytes(content);
    }
    case 'program': {
      // Its memory goes with the program of this process, which is about to be another.
      const arena = new Arena();
      const at = arena.program((argument as FilterProgram).instructions);
      arena.commit();
      return pointer(at);
    }
    default:
      throw new Error(`an argument of kind ${kind} can only be passed in a call chain`);
  }
}

/**
 * Makes a call again where a signal came first: the files of control groups that limit memory say EINTR then, whatever the
 * handler of the signal says of restarting.
 */
function uninterrupted(call: () => void): void {
  for (;;) {
    try {
      call();
      return;
    } catch (error) {
      if (!failedWith(error, 'EINTR')) throw error;
    }
  }
}
