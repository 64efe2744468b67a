/**
 * Calls that run one after the other in this thread, in one crossing from JavaScript to C and back, which takes longer
 * than most calls (docs/call-chain.md). They are contexts, as in a call chain:
 * swapcontext(3) leaves this one for the first, and the last has this one as its successor.
 */
import { ContextLayout, contextSize } from './context-layout.js';
import { nativeMemory, sameCall } from './ffi.js';
import { capturedContext, learnedLayout } from './learned-layout.js';
import { address } from './libc.js';

/** A function of the C library and its arguments. What it returns is lost. */
export interface CrossingCall {
  readonly function: string;
  readonly args: readonly bigint[];
}

/** Their stacks are one stretch, as in a call chain: each begins a little above the one that is used before it. */
const stack = { depth: 64 * 1024, apart: 256 };

export class Crossing {
  private readonly memory: ReturnType<typeof nativeMemory>;
  private readonly captured: Buffer;
  private readonly layout: ContextLayout;
  private readonly contexts: number;
  /** Where the stack of the first call begins. */
  private readonly top: number;

  /** @param count of the calls. Their arguments may lie in one another, so they are given when it is known where that is. */
  constructor(private readonly count: number) {
    // In front of the calls: what getcontext(3) gave, and where this context is kept meanwhile.
    this.contexts = 2 * contextSize;
    this.top = this.contexts + count * contextSize + stack.depth;
    this.memory = nativeMemory(this.top + count * stack.apart);
    const { address: base } = this.memory;
    // Every signal is blocked: a handler would run on one of these stacks.
    this.captured = capturedContext(base, 'all');
    this.layout = learnedLayout(this.captured, base + BigInt(this.contexts), base + BigInt(this.top));
  }

  /** Where an argument of one of the calls lies, until that call is made. */
  argument(call: number, index: number): bigint {
    const [word = 0, ...more] = this.layout.wordsOf(index);
    if (more.length > 0) throw new Error(`argument ${index} of a context lies in several places`);
    return this.memory.address + BigInt(this.contexts + call * contextSize + word * 8);
  }

  /**
   * Lays the calls out.
   * @returns gives a function that makes them, from one of them on
   */
  prepare(calls: readonly CrossingCall[]): (from: number) => () => void {
    const { bytes, address: base } = this.memory;
    const kept = base + BigInt(contextSize);
    const first = base + BigInt(this.contexts);
    const contexts = new BigUint64Array((this.count * contextSize) / 8);
    const stacks = new BigUint64Array((this.count * stack.apart) / 8);
    const captured = new BigUint64Array(new Uint8Array(this.captured).buffer);
    const lowest = this.top - ContextLayout.stackedSize;
    calls.forEach(({ function: name, args }, index) => {
      const at = (index * contextSize) / 8;
      contexts.set(captured, at);
      this.layout.write(contexts, at, stacks, (index * stack.apart) / 8, {
        function: address(name),
        arguments: args,
        next: index + 1 < this.count ? first + BigInt((index + 1) * contextSize) : kept,
        top: base + BigInt(this.top + index * stack.apart),
      });
    });
    bytes.set(new Uint8Array(contexts.buffer), this.contexts);
    const used = bytes.subarray(lowest, lowest + stacks.byteLength);
    const unused = new Uint8Array(stacks.buffer);
    return (from) => {
      const { here } = sameCall('swapcontext', ['word', 'word'], [kept, first + BigInt(from * contextSize)]);
      return () => {
        // What a context returns to lies on its stack, and is used up by running.
        used.set(unused);
        here();
      };
    };
  }
}
