import { read, readSync, writeSync } from 'node:fs';
import {
  type ControlMessage,
  channelDescriptor,
  line,
  otherEndIsClosed,
  type RecordMessage,
} from '../common/channel.js';
import { LineSplitter } from '../common/line-splitter.js';

/** How many characters of records are worth a write(2): about ten calls. */
const together = 2048;

/** The child's end of the channel. It waits for words of the parent until the command runs, and listens after that. */
export class ChildChannel {
  private readonly lines = new LineSplitter();
  private readonly buffer = Buffer.alloc(64 * 1024);
  private readonly waiting: ControlMessage[] = [];
  /** The calls of the step under way. */
  private held = '';

  /**
   * Sends a message. Records of calls wait for the next message of another kind, at the latest that of their step, or
   * until there are some: each write wakes the parent, which takes longer than most calls, but what it gets earlier it
   * writes to the log while this process goes on. A child that is killed takes along what waits.
   */
  send(message: RecordMessage): void {
    const text = this.held + line(message);
    const waits = message.type === 'call' && text.length < together;
    this.held = waits ? text : '';
    if (waits) return;
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(channelDescriptor, bytes, done);
  }

  /**
   * Sends where nobody can be told that it failed: the parent notices by end-of-file, and by the exit status.
   * @returns whether it was sent
   */
  tell(message: RecordMessage): boolean {
    try {
      this.send(message);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The next message, waiting for it. Signals are for later: the command is not there yet.
   * @throws when the parent is gone
   */
  wait<Type extends ControlMessage['type']>(type: Type): Extract<ControlMessage, { type: Type }> {
    for (;;) {
      const index = this.waiting.findIndex((message) => message.type === type);
      if (index >= 0) return this.waiting.splice(index, 1)[0] as Extract<ControlMessage, { type: Type }>;
      const length = this.read();
      if (length === 0) throw new Error('the parent is gone');
      this.waiting.push(...this.taken(length));
    }
  }

  /** How many bytes came; 0 when the parent is gone. */
  private read(): number {
    try {
      return readSync(channelDescriptor, this.buffer);
    } catch (error) {
      if (otherEndIsClosed(error)) return 0;
      throw error;
    }
  }

  /** The messages that are complete now that the buffer holds so many more bytes. */
  private taken(length: number): ControlMessage[] {
    return this.lines.take(this.buffer.subarray(0, length)).map((text) => JSON.parse(text));
  }

  /** Returns when the parent is gone, or ends this process before that. */
  waitForEnd(): void {
    try {
      while (this.read() > 0);
    } catch {
      // The channel itself may be what failed (dup2(2) before the execve of this stage): then there is nothing to wait on.
    }
  }

  /** Calls `take` with each message from now on, and with those that came too early; `gone` when the parent is. */
  listen(take: (message: ControlMessage) => void, gone: () => void): void {
    // Nothing else waits for a file here, and libuv would start four threads for the first read.
    process.env.UV_THREADPOOL_SIZE = '1';
    for (const message of this.waiting.splice(0)) take(message);
    read(channelDescriptor, this.buffer, 0, this.buffer.length, null, (error, length) => {
      if (error !== null || length === 0) return gone();
      for (const message of this.taken(length)) take(message);
      this.listen(take, gone);
    });
  }
}
