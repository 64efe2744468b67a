import { closeSync, read, write } from 'node:fs';
import { promisify } from 'node:util';
import { type ControlMessage, Lines, line, type RecordMessage } from '../common/channel.js';

const readBytes = promisify(read);
const writeBytes = promisify(write);

/** The parent's ends of the two pipes to the child. Neither blocks: signals are handled while it waits. */
export class ParentChannel {
  private readonly lines = new Lines<RecordMessage>();
  private sent: Promise<void> = Promise.resolve();

  constructor(
    private readonly control: number,
    private readonly records: number,
  ) {}

  /** Sends a message after those before it. That the child is gone is noticed elsewhere, by end-of-file. */
  send(message: ControlMessage): void {
    const bytes = Buffer.from(line(message));
    this.sent = this.sent.then(() => this.deliver(bytes)).catch(() => {});
  }

  /** What the child says, until it is gone: the messages that came together. */
  async *messages(): AsyncGenerator<readonly RecordMessage[]> {
    const buffer = Buffer.alloc(64 * 1024);
    for (;;) {
      const { bytesRead } = await readBytes(this.records, buffer, 0, buffer.length, null);
      if (bytesRead === 0) return;
      yield this.lines.take(buffer.subarray(0, bytesRead));
    }
  }

  close(): void {
    closeSync(this.control);
    closeSync(this.records);
  }

  private async deliver(bytes: Buffer): Promise<void> {
    for (let done = 0; done < bytes.length; ) {
      done += (await writeBytes(this.control, bytes, done, bytes.length - done, null)).bytesWritten;
    }
  }
}
