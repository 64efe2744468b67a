/** Opens a library that the system itself unpacks its packages with, and calls its functions. */
import { Failure } from '../../failure.js';
import { load, open, typeOf } from '../ffi.js';
import { address, type Passed } from '../libc.js';

/** What a function returns: a C int, a 64-bit word, or a C string. */
interface Returned {
  int: number;
  word: bigint;
  text: string;
}

export class SystemLibrary {
  private readonly files: readonly string[];
  private readonly debian: string;
  private opened: string | undefined;

  /**
   * @param debian the package of Debian that has it
   * @param files names for dlopen(3), tried in order: distributions differ
   */
  constructor(debian: string, ...files: readonly string[]) {
    this.files = files;
    this.debian = debian;
  }

  /**
   * Calls one of its functions.
   * @param passed numbers and addresses only
   * @throws Failure when the system does not have the library
   */
  call<As extends keyof Returned>(name: string, returns: As, ...passed: readonly Passed[]): Returned[As] {
    const value = load({
      library: this.open(),
      funcName: name,
      retType: typeOf(returns),
      paramsType: passed.map(({ as }) => typeOf(as === 'bytes' ? 'word' : as)),
      paramsValue: passed.map((one) => one.value),
      errno: false,
      freeResultMemory: false,
    });
    return (returns === 'word' ? BigInt(value as bigint) : value) as Returned[As];
  }

  private open(): string {
    if (this.opened !== undefined) return this.opened;
    for (const file of this.files) {
      try {
        open({ library: file, path: file });
      } catch {
        continue; // Under the next name, perhaps.
      }
      this.opened = file;
      return file;
    }
    throw new Failure(`This system has no ${this.files.join(' or ')}, which decompresses this format.`, {
      next: `Install it (Debian and Ubuntu: apt install ${this.debian}), or decompress the archive first.`,
    });
  }
}

/** Opens the C library, whose memory the others work in. @throws Failure where it is not glibc */
export const loadCLibrary = (): void => void address('calloc');
