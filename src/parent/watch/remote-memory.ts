/**
 * Reads the memory of processes that wait for an answer: /proc/TID/mem (proc_pid_mem(5)). What stands there is hostile: it
 * may be unmapped, endless, or be changed by another thread while it is read.
 */
import { closeSync, openSync, readSync } from 'node:fs';

/** PATH_MAX: longer the kernel takes none. */
const longestText = 4096;
/** Most texts are shorter than this, and read at once. */
const usual = 256;
/** More files than this are not kept open. */
const mostFiles = 64;

export class RemoteMemory {
  /** To open one takes ten times as long as to read from it. */
  private readonly files = new Map<number, number>();
  private readonly room = Buffer.alloc(longestText);

  /**
   * The bytes at an address, up to the first page that is not there; none where nothing may be read. They are good until
   * the next reading.
   */
  read(thread: number, address: bigint, length: number): Buffer {
    for (const again of [false, true]) {
      try {
        const file = this.fileOf(thread);
        const got = readSync(file, this.room, 0, Math.min(length, longestText), Number(address));
        // Nothing: that memory is gone, as of a process that has ended while another got its number.
        if (got > 0 || again) return this.room.subarray(0, got);
        this.forget(thread);
      } catch {
        break; // Not mapped, or a program that may not be looked into.
      }
    }
    return this.room.subarray(0, 0);
  }

  /**
   * The bytes of a C string without its end.
   * @returns undefined where there is none; `cut` where it is longer than `most`
   */
  text(thread: number, address: bigint, most = longestText): { bytes: Buffer; cut: boolean } | undefined {
    let found = this.read(thread, address, Math.min(usual, most));
    let end = found.indexOf(0);
    if (end < 0 && found.length === usual && most > usual) {
      found = this.read(thread, address, most);
      end = found.indexOf(0);
    }
    if (end >= 0) return { bytes: found.subarray(0, end), cut: false };
    return found.length === most ? { bytes: found, cut: true } : undefined;
  }

  /** A thread has another memory from now on, or none. */
  forget(thread: number): void {
    const file = this.files.get(thread);
    if (file !== undefined) closeSync(file);
    this.files.delete(thread);
  }

  forgetAll(): void {
    for (const thread of [...this.files.keys()]) this.forget(thread);
  }

  private fileOf(thread: number): number {
    const known = this.files.get(thread);
    if (known !== undefined) return known;
    if (this.files.size >= mostFiles) this.forgetAll();
    const file = openSync(`/proc/${thread}/mem`, 'r');
    this.files.set(thread, file);
    return file;
  }
}
