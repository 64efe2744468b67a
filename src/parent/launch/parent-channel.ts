import { read, write, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import { type ControlMessage, line, type RecordMessage } from '../../common/channel.js';
import { LineSplitter } from '../../common/line-splitter.js';
import { checkedMessage, notBelieved } from './checked-message.js';

const readBytes = promisify(read);
const writeBytes = promisify(write);

/** Bytes. The longest line is a record of execve(2), which takes 6 MiB of arguments at most (execve(2)). */
const longestLine = 16 * 1024 * 1024;

/** The parent's ends of the two pipes to the child. It waits for neither, and so can handle signals meanwhile. */
export class ParentChannel {
  private readonly lines = new LineSplitter(longestLine);
  private sent: Promise<void> = Promise.resolve();
  private underWay = 0;

  constructor(
    private readonly control: number,
    private readonly records: number,
  ) {}

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

  /** Lets the child go on, which waits for that: unless something is under way to it, there is room in the pipe. */
  goOn(): void {
    const message = { type: 'continue' } as const;
    if (this.underWay > 0) {
      this.send(message);
      return;
    }
    try {
      writeSync(this.control, line(message));
    } catch (error) {
      // A child that is gone is noticed elsewhere; one that is there would wait for ever.
      if ((error as NodeJS.ErrnoException).code !== 'EPIPE') throw error;
    }
  }

  /**
   * What the child says, until it is gone: the messages that came together.
   * @throws Failure when they are none of a child's
   */
  async *messages(): AsyncGenerator<readonly RecordMessage[]> {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await readBytes(this.records, buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield this.lines.take(buffer.subarray(0, bytesRead)).map(checkedMessage);
      if (this.lines.isTooLong) throw notBelieved();
    }
  }

  private async deliver(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await writeBytes(this.control, bytes, done, bytes.length - done, null)).bytesWritten;
    }
  }
}
