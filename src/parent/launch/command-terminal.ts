/**
 * A terminal of its own for a command of an open container: pty(7). Its master is opened here, in the container's devpts, and
 * passes on to the program's pipes and from them what is written and typed. Nobody inside ever holds it.
 */
import { closeSync, fstatSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { ReadStream } from 'node:tty';
import { Failure } from '../../common/failure.js';
import { memory } from '../../common/kernel/calls.js';
import { numberOf } from '../../common/kernel/constants.js';
import type { Kernel } from '../../common/kernel/kernel.js';
import { openPeer, setWindowSize, type WindowSize } from '../../common/kernel/terminal-modes.js';

/** The device numbers of /dev/ptmx, 5 and 2, as stat(3type) has them: pty(7). */
const ptmx = 0x502;
/** VEOF of a new terminal, Ctrl-D: termios(3). */
const endOfInput = Buffer.of(4);
/** Bytes that a terminal holds at most and more: what comes after them somebody inside has written since. */
const mostLeft = 256 * 1024;
const lineEnds: readonly (number | undefined)[] = [10, 13];

export class CommandTerminal {
  /** What becomes the command's standard streams; closed by whoever starts it. */
  readonly slave: number;
  /** A second descriptor of the master, for as long as the first is the stream's. */
  private readonly master: number;
  private readonly stream: ReadStream;
  private readonly output: Socket;
  private readonly input: Socket;
  private lineComplete = true;
  private over = false;

  /**
   * @param root the container's, a descriptor
   * @param pipes what the program writes is read from `input`, and what it reads is written to `output`
   * @throws KernelError or Failure where there is none to be had
   */
  constructor(kernel: Kernel, root: number, window: WindowSize, pipes: { input: number; output: number }) {
    const master = openMaster(kernel, root);
    let slave: number | undefined;
    try {
      kernel.call('ioctl', { fd: master, request: 'TIOCSPTLCK', argp: memory(Buffer.alloc(4), 0) });
      setWindowSize(master, window);
      slave = openPeer(master);
      this.slave = slave;
      this.master = kernel.call('fcntl', { fd: master, cmd: 'F_DUPFD_CLOEXEC', arg: 0 });
    } catch (error) {
      closeSync(master);
      if (slave !== undefined) closeSync(slave);
      throw error;
    }
    this.stream = new ReadStream(master);
    this.output = new Socket({ fd: pipes.output, readable: false, writable: true });
    this.input = new Socket({ fd: pipes.input, readable: true, writable: false });
    this.stream.on('data', (bytes: Buffer) => passOn(bytes, this.stream, this.output));
    // EIO: no process has the terminal open any more.
    this.stream.on('error', () => {});
    this.stream.on('close', () => this.finish());
    // The program has stopped reading: the terminal is hung up, and the command gets SIGHUP.
    this.output.on('error', () => this.end());
    this.input.on('data', (bytes: Buffer) => {
      this.lineComplete = lineEnds.includes(bytes.at(-1));
      passOn(bytes, this.input, this.stream);
    });
    this.input.on('error', () => {});
    this.input.on('end', () => this.typedAll());
  }

  resize(window: WindowSize): void {
    if (!this.over) setWindowSize(this.master, window);
  }

  /** Hangs up. */
  end(): void {
    this.stream.destroy();
    this.output.destroy();
  }

  /** As Ctrl-D does: ends the line if it is not complete, and then the input. */
  private typedAll(): void {
    if (this.stream.destroyed) return;
    if (!this.lineComplete) this.stream.write(endOfInput);
    this.stream.write(endOfInput);
  }

  /** A poll of a pseudo-terminal reports its end before all that was written is read: the rest is read here. */
  private finish(): void {
    if (this.over) return;
    this.over = true;
    const buffer = Buffer.alloc(64 * 1024);
    try {
      for (
        let left = mostLeft, length = 1;
        length > 0 && left > 0 && !this.output.destroyed;
        left -= length
      ) {
        length = readSync(this.master, buffer);
        this.output.write(Buffer.from(buffer.subarray(0, length)));
      }
    } catch {
      // EIO: that was all. EAGAIN: somebody has it open still, and it was hung up.
    }
    this.output.end();
    this.input.destroy();
    closeSync(this.master);
  }
}

/** The container may have put anything in its place; whatever it is, it is looked for inside. */
function openMaster(kernel: Kernel, root: number): number {
  const how = Buffer.alloc(24);
  how.writeBigUInt64LE(BigInt(numberOf(['O_RDWR', 'O_NOCTTY', 'O_NONBLOCK', 'O_CLOEXEC'])), 0);
  how.writeBigUInt64LE(BigInt(numberOf(['RESOLVE_IN_ROOT', 'RESOLVE_NO_MAGICLINKS'])), 16);
  const pathname = '/dev/pts/ptmx';
  const master = kernel.call('openat2', { dirfd: root, pathname, how: memory(how, 'how'), size: how.length });
  const file = fstatSync(master);
  if (file.isCharacterDevice() && file.rdev === ptmx) return master;
  closeSync(master);
  throw new Failure(`${pathname} of the container is not what terminals are opened by`, {
    next: 'Something else was mounted there.',
  });
}

/** Waits for the one that is slower. */
function passOn(bytes: Buffer, from: Socket, to: Socket): void {
  if (to.destroyed || to.write(bytes)) return;
  from.pause();
  to.once('drain', () => from.resume());
}
