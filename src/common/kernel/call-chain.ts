/**
 * A call chain: C library calls that run one after the other in a process of their own, without JavaScript.
 *
 * unshare(CLONE_NEWUSER) is refused in a process with more than one thread (unshare(2), EINVAL), and Node always has
 * several. A process cloned from it has one, but cannot run JavaScript: V8's heap is not in it. So what it has to do is
 * prepared beforehand as a list of contexts (makecontext(3)), each of which calls one C function and has the next as
 * its successor (`uc_link`); clone(2) then starts a process at the first. See docs/call-chain.md.
 *
 * What happens is recorded in the memory that both share: after each call its errno and the time.
 */
import { defined } from '../defined.js';
import { stringsArea } from '../process-files.js';
import { Arena, errnoAddress, withSignalMask } from './arena.js';
import {
  type Argument,
  type CallName,
  type Chain,
  type ChainCall,
  cloneOf,
  type FilterProgram,
  type Kind,
  type Memory,
  type Place,
  parametersOf,
  systemCallNumber,
} from './calls.js';
import { constants, type Flags, numberOf } from './constants.js';
import { ContextLayout, contextSize } from './context-layout.js';
import { capturedContext, learnedLayout } from './learned-layout.js';
import { address, int, invoke, pointer, poke, withoutFunction } from './libc.js';

/** What each call leaves behind: errno (4 bytes, padded to 8) and the time it ended (struct timespec). */
const slotSize = 24;

/**
 * The stacks of a chain. Only one context of a chain runs at a time, so they share one stretch: each starts 256 bytes
 * above the one that runs before it, and what it uses below its start belongs to contexts that are done.
 */
const stack = { size: 512 * 1024, first: 96 * 1024, apart: 256, forClone: 64 * 1024 };

/** What is known of one call of a chain once it ran. */
export interface ChainResult {
  readonly call: ChainCall;
  readonly actor: string;
  /** The process that made it, as its parent sees it. */
  readonly pid: number;
  /** 0 when it succeeded. */
  readonly errno: number;
  /** What it returned: 0 or a count, -1 on failure, a process ID for clone. */
  readonly ret: number;
  /** CLOCK_MONOTONIC, nanoseconds. `ended` is absent for a call that does not return. */
  readonly began: bigint;
  readonly ended: bigint | undefined;
}

interface Prepared {
  readonly chain: Chain;
  /** The address of the first context. */
  first: bigint;
  /** Where clone(2) puts the process ID. */
  readonly pid: bigint;
  /** One slot for the moment the chain began, then one for each call. */
  readonly slots: bigint;
  /** What lies on its stacks before it runs. */
  tops: StackTops | undefined;
}

/** A C function and its arguments. */
interface FunctionCall {
  readonly function: string;
  readonly args: readonly bigint[];
  /** What its context is a copy of. */
  readonly context?: Buffer;
  /** The call of the chain that it makes. */
  readonly call?: ChainCall;
}

/** What lies at the tops of the stacks of a chain before it runs. */
interface StackTops {
  readonly at: bigint;
  readonly bytes: Buffer;
}

/**
 * What a chain without an end needs beside its calls. A context is used up by running, so two of them put back the stacks
 * of the others and of each other: one where the loop begins, all that follow it, and one where it ends, that of the first.
 */
class Loop {
  first = 0;

  begin(plan: FunctionCall[]): void {
    this.first = plan.length;
    plan.push({ function: 'memcpy', args: [] });
  }

  end(plan: FunctionCall[]): void {
    plan.push({ function: 'memcpy', args: [] });
  }

  /**
   * @param top the end of the stack of the chain's first context
   * @param pristine where a copy of all stacks lies
   */
  restore(plan: FunctionCall[], top: bigint, pristine: bigint): void {
    const { first } = this;
    const copy = (from: number, length: number): FunctionCall => {
      const offset = BigInt(from * stack.apart);
      const lowest = top - BigInt(ContextLayout.stackedSize);
      return { function: 'memcpy', args: [lowest + offset, pristine + offset, BigInt(length)] };
    };
    plan[first] = copy(first + 1, (plan.length - first - 1) * stack.apart);
    plan[plan.length - 1] = copy(first, ContextLayout.stackedSize);
  }
}

export class CallChain {
  private readonly arena = new Arena();
  private readonly prepared: Prepared[] = [];
  private readonly placed = new Map<Memory, bigint>();
  /** Where the context of each call is. */
  private readonly contexts = new Map<ChainCall, bigint>();
  /** What was put into words of contexts, by their addresses: it is not put there twice. */
  private readonly given = new Map<bigint, bigint>();
  private readonly errno = errnoAddress();
  private readonly zero: bigint;
  /**
   * The context that all others are copies of. The signal mask is part of it: every call runs with all signals blocked,
   * or a handler of this process would run in the copy; but a program inherits the mask (execve(2)), and is started with
   * none blocked or with what its caller had blocked.
   */
  private readonly blocked: Buffer;
  private open: Buffer | undefined;
  private readonly layout: ContextLayout;
  private readonly outermost: Prepared;

  /**
   * Prepares the calls; nothing runs yet.
   * @throws Failure where the C library lacks one of them
   */
  constructor(chain: Chain) {
    this.blocked = this.capture('all');
    this.layout = learnedLayout(this.blocked, this.arena.reserve(contextSize), this.stackTop(0, 0));
    this.zero = this.arena.reserve(16);
    this.outermost = this.prepare(chain);
    this.arena.commit();
    for (const { tops } of this.prepared) if (tops !== undefined) poke(tops.at, tops.bytes);
  }

  /** Prepares one more chain, for a clone(2) that `aim` aims at it. */
  add(chain: Chain): void {
    const from = this.arena.size;
    const { tops } = this.prepare(chain);
    this.arena.commit(from);
    if (tops !== undefined) poke(tops.at, tops.bytes);
  }

  /** Makes a chain that has run ready to run again, by the next clone(2) that this call makes. */
  aim(call: ChainCall<'clone'>, chain: Chain): void {
    const prepared = this.preparedFor(chain);
    const { first, pid, slots, tops } = prepared;
    this.set(call, 'stack', this.cloneStack(this.prepared.indexOf(prepared)));
    this.set(call, 'arg', first);
    this.set(call, 'parent_tid', pid);
    // A context is used up by running: what it returns to lies on its stack, and is overwritten there.
    if (tops !== undefined) poke(tops.at, tops.bytes);
    // The one lies in front of the others.
    poke(pid, Buffer.alloc(Number(slots - pid) + (chain.calls.length + 1) * slotSize));
  }

  /** Gives a call another argument for when it runs next: a number or an address. */
  set(call: ChainCall, parameter: string, value: bigint): void {
    const context = this.contexts.get(call);
    if (context === undefined) throw new Error(`${call.call} is in no chain`);
    const place = parametersOf(call.call).findIndex(([name]) => name === parameter);
    const word = Buffer.alloc(8);
    word.writeBigUInt64LE(BigInt.asUintN(64, value));
    for (const index of this.layout.wordsOf(place + (throughSystemCall(call.call)?.length ?? 0))) {
      const at = context + BigInt(index * 8);
      if (this.given.get(at) !== value) poke(at, word);
      this.given.set(at, value);
    }
  }

  /** Puts other bytes where this memory lies. */
  put(memory: Memory, content: Buffer): void {
    const at = memory.at ?? this.placed.get(memory);
    if (at === undefined || content.length > (memory.bytes?.length ?? 0))
      throw new Error('there is no room for it in the memory of the chain');
    poke(at, content);
  }

  /** getcontext(3) while these signals are blocked. Its memory stays: copies point to the floating-point state in it. */
  private capture(signals: readonly number[] | 'all'): Buffer {
    const at = this.arena.reserve(contextSize);
    const context = capturedContext(at, signals);
    this.arena.overwrite(at, context);
    return context;
  }

  /**
   * Starts the first process: clone(2), SIGCHLD when it ends.
   * @returns its process ID, or -1 and the errno.
   */
  start(): { ret: number; errno: number } {
    const { value, errno } = withSignalMask('all', () =>
      invoke('clone', [
        pointer(address('setcontext')),
        pointer(this.cloneStack(0)),
        int(numberOf(cloneOf(this.outermost.chain).flags)),
        pointer(this.outermost.first),
        pointer(this.outermost.pid),
      ]),
    );
    return { ret: value, errno: value === -1 ? errno : 0 };
  }

  /** The calls that have run so far, in order, first the outer chain's, then those of chains cloned in it. */
  results(): ChainResult[] {
    return this.prepared.flatMap((prepared) => this.resultsOf(prepared));
  }

  /** The same of one chain. */
  resultsIn(chain: Chain): ChainResult[] {
    return this.resultsOf(this.preparedFor(chain));
  }

  /** Whether a call has returned since its chain was last made ready. */
  hasReturned(chain: Chain, call: ChainCall): boolean {
    const { slots } = this.preparedFor(chain);
    const time = slots + BigInt((chain.calls.indexOf(call) + 1) * slotSize + 8);
    return this.arena.read(time, 8).readBigInt64LE() !== 0n;
  }

  private preparedFor(chain: Chain): Prepared {
    const found = this.prepared.find((prepared) => prepared.chain === chain);
    if (found === undefined) throw new Error(`there is no such chain of ${chain.actor}`);
    return found;
  }

  /** The process ID of a chain's process, 0 while there is none. */
  pidOf(actor: string | Chain): number {
    const found = this.prepared.find(({ chain }) => chain === actor || chain.actor === actor);
    return found === undefined ? 0 : this.arena.read(found.pid, 4).readInt32LE(0);
  }

  /** Gives the memory back; processes that still run keep theirs. */
  release(): void {
    this.arena.release();
  }

  private resultsOf({ chain, slots }: Prepared): ChainResult[] {
    const left = this.arena.read(slots, (chain.calls.length + 1) * slotSize);
    const time = (slot: number): bigint =>
      left.readBigInt64LE(slot * slotSize + 8) * 1_000_000_000n + left.readBigInt64LE(slot * slotSize + 16);
    const pid = this.pidOf(chain);
    const results: ChainResult[] = [];
    let shift = chain.clockShift ?? 0n;
    let from = time(0);
    for (const [index, call] of chain.calls.entries()) {
      if (from === 0n) break;
      const began = from - shift;
      const ended = time(index + 1);
      const errno = left.readInt32LE((index + 1) * slotSize);
      const ret = errno === 0 ? (call.returns ?? this.returned(call, pid)) : -1;
      if (errno === 0) shift += call.shiftsClock ?? 0n;
      results.push({
        call,
        actor: chain.actor,
        pid,
        errno,
        ret,
        began,
        ended: ended === 0n ? undefined : ended - shift,
      });
      from = ended;
    }
    return results;
  }

  /** Return values are not kept by a context; they follow from the call. */
  private returned(call: ChainCall, pid: number): number {
    switch (call.call) {
      case 'setsid':
        return pid;
      case 'clone':
        return 'actor' in call.args.arg ? this.pidOf(call.args.arg.actor) : 0;
      case 'read':
      case 'write':
        return numberOf(call.args.count);
      case 'dup2':
        return numberOf(call.args.newfd);
      default:
        return call.returns ?? 0;
    }
  }

  private prepare(chain: Chain): Prepared {
    const number = this.prepared.length;
    const prepared: Prepared = {
      chain,
      first: 0n,
      pid: this.arena.reserve(8),
      slots: this.arena.reserve((chain.calls.length + 1) * slotSize),
      tops: undefined,
    };
    const slotOf = (call: number): bigint => prepared.slots + BigInt((call + 1) * slotSize);
    this.prepared.push(prepared);
    const monotonic = BigInt(constants.CLOCK_MONOTONIC);
    const plan: FunctionCall[] = [{ function: 'clock_gettime', args: [monotonic, slotOf(-1) + 8n] }];
    const loop = chain.again === undefined ? undefined : new Loop();
    const firstExecve = chain.calls.findIndex(({ call }) => call === 'execve');
    chain.calls.forEach((call, index) => {
      if (index === chain.again) loop?.begin(plan);
      // Where one failure is to spoil execve(2), errno is left as it is until then: a call that succeeds does not touch it.
      const keeps = chain.spoils !== undefined && index > 0 && index <= firstExecve;
      if (index === firstExecve && chain.spoils !== undefined)
        plan.push({ function: 'memcpy', args: [chain.spoils, this.errno, 1n] });
      if (!keeps || index === firstExecve || chain.calls[index - 1]?.mayFail)
        plan.push({ function: 'memcpy', args: [this.errno, this.zero, 4n] });
      plan.push(
        this.functionFor(call, prepared),
        { function: 'memcpy', args: [slotOf(index), this.errno, 4n] },
        { function: 'clock_gettime', args: [monotonic, slotOf(index) + 8n] },
      );
    });
    loop?.end(plan);
    if (this.stackTop(number, plan.length) > this.stackBase(number) + BigInt(stack.size))
      throw new Error(`a call chain of ${chain.calls.length} calls is longer than its stacks`);
    const pristine = loop === undefined ? undefined : this.arena.reserve(plan.length * stack.apart);
    if (pristine !== undefined) loop?.restore(plan, this.stackTop(number, 0), pristine);
    const { first, tops } = this.layOut(number, plan, loop?.first);
    if (pristine !== undefined) this.arena.overwrite(pristine, tops.bytes);
    return Object.assign(prepared, { first, tops });
  }

  /** The C function of a call with its arguments. */
  private functionFor(call: ChainCall, prepared: Prepared): FunctionCall {
    const args = this.argumentsOf(call, prepared);
    if (call.call === 'execve') {
      const { blocked = [] } = call;
      if (blocked.length === 0) this.open ??= this.capture([]);
      const context = blocked.length === 0 ? this.open : this.capture(blocked);
      return { function: call.call, args, call, ...defined({ context }) };
    }
    const before = throughSystemCall(call.call);
    return before === undefined
      ? { function: call.call, args, call }
      : { function: 'syscall', args: [...before, ...args], call };
  }

  /**
   * Writes the contexts of a chain, one behind the other.
   * @param again the one that follows the last, in a chain without an end
   */
  private layOut(
    chain: number,
    plan: readonly FunctionCall[],
    again: number | undefined,
  ): { first: bigint; tops: StackTops } {
    const size = BigInt(contextSize);
    const first = this.arena.reserve(plan.length * contextSize);
    const lowest = this.stackTop(chain, 0) - BigInt(ContextLayout.stackedSize);
    const stacks = new BigUint64Array((plan.length * stack.apart) / 8);
    const memory = this.arena.words(first, (plan.length * contextSize) / 8);
    const last = again === undefined ? 0n : first + BigInt(again) * size;
    plan.forEach(({ function: name, args, context = this.blocked, call }, index) => {
      const at = first + BigInt(index) * size;
      if (call !== undefined) this.contexts.set(call, at);
      this.arena.overwrite(at, context);
      this.layout.write(memory, (index * contextSize) / 8, stacks, (index * stack.apart) / 8, {
        function: address(name),
        arguments: args,
        next: index + 1 < plan.length ? at + size : last,
        top: this.stackTop(chain, index),
      });
    });
    return { first, tops: { at: lowest, bytes: Buffer.from(stacks.buffer) } };
  }

  /** Stacks lie at the far end of the memory, those of chain 0 last. */
  private stackBase = (chain: number): bigint =>
    this.arena.base + BigInt(Arena.size - (chain + 1) * stack.size);

  private stackTop = (chain: number, context: number): bigint =>
    this.stackBase(chain) + BigInt(stack.first + context * stack.apart);

  private cloneStack = (chain: number): bigint =>
    this.stackBase(chain) + BigInt(stack.first - stack.forClone / 2);

  private argumentsOf({ call, args }: ChainCall, prepared: Prepared): bigint[] {
    return parametersOf(call as CallName).map(([parameter, kind]) =>
      this.word(kind, (args as Record<string, Argument>)[parameter] as Argument, prepared),
    );
  }

  /** One argument as the 64-bit word that a register holds. */
  private word(kind: Kind, argument: Argument, prepared: Prepared): bigint {
    switch (kind) {
      case 'int':
      case 'mode':
      case 'long':
        return BigInt(numberOf(argument as Flags));
      case 'text':
        if (typeof argument === 'string') return this.arena.text(argument);
        return argument === null ? 0n : this.shared(argument as Memory);
      case 'texts':
        return 'shows' in (argument as object)
          ? this.shared(argument as Memory)
          : this.arena.texts(argument as readonly string[]);
      case 'environment':
        if ('shows' in (argument as object)) return this.shared(argument as Memory);
        return this.arena.texts(
          Object.entries(argument as object).map(([name, value]) => `${name}=${value}`),
        );
      case 'program':
        return this.arena.program((argument as FilterProgram).instructions);
      case 'memory': {
        if ('place' in (argument as object)) return this.place((argument as Place).place, prepared);
        return this.shared(argument as Memory);
      }
      case 'chain':
        return 'place' in (argument as object)
          ? this.place((argument as Place).place, prepared)
          : this.prepare(argument as Chain).first;
    }
  }

  /** The same memory, given to two calls, is in one place: what the first reads the second uses. */
  private shared(memory: Memory): bigint {
    if (memory.at !== undefined) return memory.at;
    if (memory.bytes === null) return 0n;
    const at = this.placed.get(memory) ?? this.arena.put(memory.bytes);
    this.placed.set(memory, at);
    return at;
  }

  /**
   * Places by name: `errno of CALL` of this chain, `own process ID`, the `stack` and `process ID` of the chain that
   * this call clones, the `arguments` and `environment` that this process was started with, or else a C function.
   */
  private place(name: string, { chain, slots, pid }: Prepared): bigint {
    const errnoOf = /^errno of (\w+)$/.exec(name)?.[1];
    if (errnoOf !== undefined) {
      return slots + BigInt((chain.calls.findIndex(({ call }) => call === errnoOf) + 1) * slotSize);
    }
    const nextChain = this.prepared.length;
    switch (name) {
      case 'stack':
        return this.cloneStack(nextChain);
      case 'process ID':
        return this.prepared.at(-1)?.pid ?? 0n;
      case 'own process ID':
        return pid;
      case 'arguments':
        return BigInt(stringsArea().arguments.start);
      case 'environment':
        return BigInt(stringsArea().environment.start);
      default:
        return address(name);
    }
  }
}

/** What syscall(2) is given before the arguments of a call that has no function of its own here. */
function throughSystemCall(name: CallName): readonly bigint[] | undefined {
  const number = systemCallNumber(name);
  return number === undefined ? withoutFunction(name) : [BigInt(number)];
}
