/**
 * Where makecontext(3) puts what it is given, learned by asking it once: it is given marks, and the bytes it leaves are
 * searched for them. Further contexts are then bytes that JavaScript writes, for the two hundred of a launch, without a
 * call into the C library for each. Nothing is assumed about the registers of a processor or the version of glibc.
 */

/** Room for a ucontext_t of glibc: 968 bytes on x86-64, 4560 on aarch64. The fields named below are alike on both. */
export const contextSize = process.arch === 'arm64' ? 5120 : 1024;
const offsetOf = { uc_link: 8, uc_stack_ss_sp: 16, uc_stack_ss_size: 32 };

/** The most arguments of a function: those that travel in registers on both processors, as in clone(2) and syscall(2). */
const mostArguments = 6;
/** What makecontext(3) may write at the top of a stack: where the function returns to, and `uc_link`. */
const stackedSize = 64;

/** Memory as words of 64 bits; both processors put the low byte first, as a typed array does on them. */
export type Words = BigUint64Array;
const mark = (number: number): bigint => 0x6d61726b00000000n + BigInt(number);
const marks = {
  function: mark(0),
  next: mark(1),
  arguments: Array.from({ length: mostArguments }, (_, index) => mark(2 + index)),
};

/** What makecontext(3) is asked to do with a context that getcontext(3) has filled in. */
export interface Model {
  /** The context's bytes before, with its stack and successor in them. */
  readonly bytes: Buffer;
  readonly function: bigint;
  readonly arguments: readonly bigint[];
}

/** A context to learn from, whose stack ends at `top`. */
export function model(captured: Buffer, top: bigint): Model {
  const bytes = Buffer.from(captured);
  bytes.writeBigUInt64LE(marks.next, offsetOf.uc_link);
  bytes.writeBigUInt64LE(top - BigInt(stackedSize), offsetOf.uc_stack_ss_sp);
  bytes.writeBigUInt64LE(BigInt(stackedSize), offsetOf.uc_stack_ss_size);
  return { bytes, function: marks.function, arguments: marks.arguments };
}

/** Words, counted from the beginning of the context, or from the lowest of what is stacked. */
interface Places {
  readonly function: readonly number[];
  readonly next: readonly number[];
  readonly arguments: readonly (readonly number[])[];
  /** Addresses in the stack, with how far below its top they are. */
  readonly stack: readonly { readonly at: number; readonly below: bigint }[];
  /** What makecontext(3) puts there in every context: where a function returns to, on a stack or in a register. */
  readonly constant: readonly { readonly at: number; readonly word: bigint }[];
}

/** A context to write: a C function, its arguments, the address of the next context, and the end of its stack. */
export interface Context {
  readonly function: bigint;
  readonly arguments: readonly bigint[];
  readonly next: bigint;
  readonly top: bigint;
}

export class ContextLayout {
  /** How much of the top of a stack belongs to a context before it runs. */
  static readonly stackedSize = stackedSize;
  private readonly inContext: Places;
  private readonly onStack: Places;

  /**
   * @param captured what getcontext(3) gave
   * @param context the model after makecontext(3)
   * @param stacked what lies at the top of its stack
   * @param top the end of that stack
   * @throws Error where a mark is not found, as the C library does it in a way that is not known
   */
  constructor(captured: Words, context: Words, stacked: Words, top: bigint) {
    this.inContext = find(captured, context, top);
    this.onStack = find(new BigUint64Array(stacked.length), stacked, top);
    const found = (which: (places: Places) => readonly number[]): boolean =>
      which(this.inContext).length + which(this.onStack).length > 0;
    if (
      !found((places) => places.function) ||
      !found((places) => places.next) ||
      !marks.arguments.every((_, index) => found((places) => places.arguments[index] ?? []))
    )
      throw new Error('makecontext(3) of this C library leaves a context that is not understood');
  }

  /**
   * The words of a context that hold an argument.
   * @throws Error where it does not travel in a register
   */
  wordsOf(argument: number): readonly number[] {
    const words = this.inContext.arguments[argument] ?? [];
    if (words.length === 0) throw new Error(`argument ${argument} of a context is not in the context itself`);
    return words;
  }

  /**
   * Writes a context.
   * @param memory has at word `at` a copy of what getcontext(3) gave
   * @param stacks has from word `stackedAt` on what will lie at the top of its stack
   */
  write(memory: Words, at: number, stacks: Words, stackedAt: number, context: Context): void {
    if (context.arguments.length > mostArguments)
      throw new Error(`a call chain passes at most ${mostArguments} arguments`);
    put(memory, at, this.inContext, context);
    put(stacks, stackedAt, this.onStack, context);
  }
}

/** What differs from the words `before`. */
function find(before: Words, words: Words, top: bigint): Places {
  const places = {
    function: [] as number[],
    next: [] as number[],
    arguments: marks.arguments.map(() => [] as number[]),
    stack: [] as { at: number; below: bigint }[],
    constant: [] as { at: number; word: bigint }[],
  };
  for (const [at, word] of words.entries()) {
    if (word === before[at]) continue;
    const argument = marks.arguments.indexOf(word);
    if (word === marks.function) places.function.push(at);
    else if (word === marks.next) places.next.push(at);
    else if (argument >= 0) places.arguments[argument]?.push(at);
    else if (word <= top && word >= top - BigInt(stackedSize)) places.stack.push({ at, below: top - word });
    else places.constant.push({ at, word });
  }
  return places;
}

/** A typed array takes the low 64 bits of what is put into it. */
function put(words: Words, base: number, places: Places, context: Context): void {
  for (const at of places.function) words[base + at] = context.function;
  for (const at of places.next) words[base + at] = context.next;
  for (let index = 0; index < context.arguments.length; index += 1)
    for (const at of places.arguments[index] ?? []) words[base + at] = context.arguments[index] ?? 0n;
  for (const { at, below } of places.stack) words[base + at] = context.top - below;
  for (const { at, word } of places.constant) words[base + at] = word;
}
