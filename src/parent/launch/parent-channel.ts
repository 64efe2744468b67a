import { read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { type ControlMessage, line, otherEndIsClosed, type RecordMessage } from '../../common/channel.js';
import { LineSplitter } from '../../common/line-splitter.js';
import { checkedMessage, notBelieved } from './checked-message.js';

const readBytes = promisify(read);
const writeBytes = promisify(write);

/** Bytes. The longest line is a record of execve(2), which takes 6 MiB of arguments at most (execve(2)). */
const longestLine = 16 * 1024 * 1024;

/** The parent's end of the channel to the child. It does not wait for it, and so can handle signals meanwhile. */
export class ParentChannel {
  private readonly lines = new LineSplitter(longestLine);
  private sent: Promise<void> = Promise.resolve();
  private underWay = 0;

  constructor(private readonly descriptor: number) {}

  /** Sends a message after those before it. That the child is gone is noticed elsewhere, by end-of-file. */
  send(message: ControlMessage): void {
    const bytes = Buffer.from(line(message));
    this.underWay += 1;
    this.sent = this.sent
      .then(() => this.deliver(bytes))
      .catch(() => {})
      .then(() => {
        this.underWay -= 1;
      });
  }

  /** Lets the child go on, which waits for that: unless something is under way to it, there is room in the socket. */
  goOn(): void {
    const message = { type: 'continue' } as const;
    if (this.underWay > 0) {
      this.send(message);
      return;
    }
    try {
      writeSync(this.descriptor, line(message));
    } catch (error) {
      // A child that is gone is noticed elsewhere; one that is there would wait for ever.
      if (!otherEndIsClosed(error)) throw error;
    }
  }

  /**
   * What the child says, until it is gone: the messages that came together.
   * @throws Failure when they are none of a child's
   */
  async *messages(): AsyncGenerator<readonly RecordMessage[]> {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const bytesRead = await this.read(buffer);
      if (bytesRead === 0) return;
      yield this.lines.take(buffer.subarray(0, bytesRead)).map(checkedMessage);
      if (this.lines.isTooLong) throw notBelieved();
    }
  }

  /** How many bytes came; 0 when the child is gone. */
  private async read(buffer: Buffer): Promise<number> {
    try {
      return (await readBytes(this.descriptor, buffer, 0, buffer.length, null)).bytesRead;
    } catch (error) {
      if (otherEndIsClosed(error)) return 0;
      throw error;
    }
  }

  private async deliver(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await writeBytes(this.descriptor, bytes, done, bytes.length - done, null)).bytesWritten;
    }
  }
}
