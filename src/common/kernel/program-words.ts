/**
 * What a program is executed with: where it is looked for, its arguments and environment, and the directory it starts in.
 * A call chain that runs again and again finds them at the same addresses, and they are written anew each time.
 */
import { bytesOf } from '../byte-text.js';
import { Arena } from './arena.js';
import { type Memory, memory } from './calls.js';
import { poke } from './libc.js';

/** PATH_MAX of limits.h, with the zero byte. */
const pathRoom = 4096;
/** How many places a program can be looked for in at a time. */
export const mostPaths = 16;

/** Bytes for the addresses of the arguments, or of the variables, and for themselves. */
const vectorRoom = 1024 * 1024;
const textRoom = 3 * 1024 * 1024;
/** In bytes from the beginning of the memory. */
const places = {
  directory: mostPaths * pathRoom,
  argv: (mostPaths + 1) * pathRoom,
  envp: (mostPaths + 1) * pathRoom + vectorRoom + textRoom,
} as const;

export interface Words {
  /** Tried one after the other, as execvp(3) does. */
  readonly paths: readonly string[];
  readonly directory: string;
  readonly argv: readonly string[];
  /** `NAME=VALUE`. The same list is not written twice. */
  readonly environment: readonly string[];
}

export class ProgramWords {
  private readonly arena = new Arena();
  readonly paths: readonly Memory[];
  readonly directory: Memory;
  readonly argv: Memory;
  readonly envp: Memory;
  /** What is there now. */
  private written: Words = { environment: [], argv: [], paths: Array(mostPaths).fill(' '), directory: '' };

  constructor() {
    this.paths = Array.from({ length: mostPaths }, (_, index) => this.placed('path', index * pathRoom));
    this.directory = this.placed('directory', places.directory);
    this.argv = this.placed('argv', places.argv);
    this.envp = this.placed('envp', places.envp);
  }

  /**
   * A byte of the address of the first argument. Addresses of memory have 47 bits, and this is above them: with something
   * in it the address is that of nothing, and execve(2) fails with EFAULT.
   */
  get spoiled(): bigint {
    return this.arena.base + BigInt(places.argv + 6);
  }

  /** Writes them for the next run. What is not used is empty. */
  write(words: Words): void {
    const { written } = this;
    for (let index = 0; index < Math.max(words.paths.length, written.paths.length); index += 1)
      if (words.paths[index] !== written.paths[index])
        this.poke(index * pathRoom, bytesOf(`${words.paths[index] ?? ''}\0`));
    if (words.directory !== written.directory) this.poke(places.directory, bytesOf(`${words.directory}\0`));
    // Always, as the address of the first may be spoiled.
    this.writeTexts(places.argv, words.argv);
    if (words.environment !== written.environment) this.writeTexts(places.envp, words.environment);
    this.written = words;
  }

  release(): void {
    this.arena.release();
  }

  /** The addresses, and behind them what is there. */
  private writeTexts(place: number, texts: readonly string[]): void {
    const vector = Buffer.alloc((texts.length + 1) * 8);
    const bytes = texts.map((text) => bytesOf(`${text}\0`));
    let at = this.arena.base + BigInt(place + vector.length);
    bytes.forEach(({ length }, index) => {
      vector.writeBigUInt64LE(at, index * 8);
      at += BigInt(length);
    });
    this.poke(place, Buffer.concat([vector, ...bytes]));
  }

  private poke(place: number, content: Buffer): void {
    poke(this.arena.base + BigInt(place), content);
  }

  private placed(shows: string, place: number): Memory {
    return { ...memory(null, shows), at: this.arena.base + BigInt(place) };
  }
}

/** Whether there is room for arguments or variables. execve(2) may take less: a quarter of what the stack may have. */
export const fit = (texts: readonly string[]): boolean =>
  (texts.length + 1) * 8 <= vectorRoom &&
  texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, 0) <= textRoom;

export const isPath = (text: string): boolean => bytesOf(text).length < pathRoom;
