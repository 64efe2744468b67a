/**
 * A folder that is open. What is in it is looked at by its one name, so neither a link nor whoever renames the folders above
 * it leads anywhere else.
 */
import {
  type BigIntStats,
  closeSync,
  fstatSync,
  lstatSync,
  constants as modes,
  opendirSync,
  openSync,
  rmdirSync,
  unlinkSync,
} from 'node:fs';
import { constants } from '../../common/kernel/constants.js';

/** Whoever may pass through a folder may take hold of it, also where he cannot read it: open(2). */
const toHold = constants.O_PATH | modes.O_DIRECTORY;

export class OpenFolder {
  private constructor(private readonly descriptor: number) {}

  /** @throws an error of the system where there is no folder, or no way to it */
  static at(path: string): OpenFolder {
    return new OpenFolder(openSync(path, toHold));
  }

  /** The path of something in it, for calls that do not follow a link at its end. */
  pathOf(name: Buffer): Buffer {
    return Buffer.concat([Buffer.from(`/proc/self/fd/${this.descriptor}/`), name]);
  }

  /** Undefined where there is nothing of that name. @throws an error of the system where it cannot be looked at */
  look(name: Buffer): BigIntStats | undefined {
    return lstatSync(this.pathOf(name), { bigint: true, throwIfNoEntry: false });
  }

  /** Itself. */
  get stats(): BigIntStats {
    return fstatSync(this.descriptor, { bigint: true });
  }

  /** @throws an error of the system where there is no folder of that name, or no way to it */
  folder(name: Buffer): OpenFolder {
    return new OpenFolder(openSync(this.pathOf(name), toHold | modes.O_NOFOLLOW));
  }

  /** @throws an error of the system where it is neither a file nor an empty folder, or may not be removed */
  remove(name: Buffer): void {
    if (this.look(name)?.isDirectory()) rmdirSync(this.pathOf(name));
    else unlinkSync(this.pathOf(name));
  }

  /**
   * Opens a file to read it. It is taken hold of before that: something else may have been put in its place, and to open a
   * device may do something.
   * @returns a descriptor, or undefined where it is no file
   * @throws an error of the system where it cannot be read
   */
  file(name: Buffer): number | undefined {
    const held = openSync(this.pathOf(name), constants.O_PATH | modes.O_NOFOLLOW);
    try {
      return fstatSync(held).isFile() ? openSync(`/proc/self/fd/${held}`, modes.O_RDONLY) : undefined;
    } finally {
      closeSync(held);
    }
  }

  /**
   * The names in it, one after the other, in the kernel's order.
   * @throws an error of the system where it cannot be read
   */
  *names(): Generator<Buffer> {
    const encoding = 'buffer' as BufferEncoding; // Its type lacks this one.
    const folder = opendirSync(`/proc/self/fd/${this.descriptor}`, { encoding });
    try {
      for (let entry = folder.readSync(); entry !== null; entry = folder.readSync())
        yield entry.name as unknown as Buffer;
    } finally {
      folder.closeSync();
    }
  }

  close(): void {
    closeSync(this.descriptor);
  }
}
