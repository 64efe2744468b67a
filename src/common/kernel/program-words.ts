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

/** In bytes from the beginning of the memory. */
const vectorRoom = 1024 * 1024;
const textRoom = 3 * 1024 * 1024;
const places = {
  directory: mostPaths * pathRoom,
  argv: (mostPaths + 1) * pathRoom,
  argvTexts: (mostPaths + 1) * pathRoom + vectorRoom,
  envp: (mostPaths + 1) * pathRoom + vectorRoom + textRoom,
  envpTexts: (mostPaths + 1) * pathRoom + 2 * vectorRoom + textRoom,
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
  private written: Pick<Words, 'environment'> & { paths: number } = { environment: [], paths: mostPaths };

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

  /** Whether there is room for them: execve(2) has limits too. */
  hasRoomFor({ paths, directory, argv, environment }: Words): boolean {
    const fits = (texts: readonly string[]): boolean =>
      (texts.length + 1) * 8 <= vectorRoom &&
      texts.reduce((sum, text) => sum + 3 * text.length + 1, 0) <= textRoom;
    return [...paths, directory].every(isPath) && fits(argv) && fits(environment);
  }

  /** Writes them for the next run. What is not used is empty. */
  write({ paths, directory, argv, environment }: Words): void {
    for (let index = 0; index < Math.max(paths.length, this.written.paths); index += 1)
      this.poke(index * pathRoom, bytesOf(`${paths[index] ?? ''}\0`));
    this.poke(places.directory, bytesOf(`${directory}\0`));
    this.writeTexts(places.argv, places.argvTexts, argv);
    if (environment !== this.written.environment) this.writeTexts(places.envp, places.envpTexts, environment);
    this.written = { environment, paths: paths.length };
  }

  release(): void {
    this.arena.release();
  }

  private writeTexts(vectorAt: number, textsAt: number, texts: readonly string[]): void {
    const vector = Buffer.alloc((texts.length + 1) * 8);
    const bytes = texts.map((text) => bytesOf(`${text}\0`));
    let at = this.arena.base + BigInt(textsAt);
    bytes.forEach(({ length }, index) => {
      vector.writeBigUInt64LE(at, index * 8);
      at += BigInt(length);
    });
    this.poke(textsAt, Buffer.concat(bytes));
    this.poke(vectorAt, vector);
  }

  private poke(place: number, content: Buffer): void {
    if (content.length > 0) poke(this.arena.base + BigInt(place), content);
  }

  private placed(shows: string, place: number): Memory {
    return { ...memory(null, shows), at: this.arena.base + BigInt(place) };
  }
}

export const isPath = (text: string): boolean => bytesOf(text).length < pathRoom;
