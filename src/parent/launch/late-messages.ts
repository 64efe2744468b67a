/**
 * Which messages may still come once the command runs. From here on root inside may write to the launcher in the child's
 * place (checked-message.ts). So only what the child has left to say is taken, and no more of it than the child can have
 * to say.
 */
import type { RecordMessage } from '../../common/channel.js';
import type { LaunchSpec } from '../../common/spec.js';
import { commandStep, execStep } from '../../common/steps/command.js';
import { serveStep } from '../../common/steps/serve.js';

/** The process of the first waits for the word to go on, and makes the rest of its calls after it. */
const lastSteps: readonly string[] = [commandStep.id, execStep.id, serveStep.id];
/** How many records of kernel calls the last steps can make then; they make about eight. */
const mostRecords = 64;
/** Characters of a record without the command's arguments, which several of them show. */
const recordSize = 1024;

export class LateMessages {
  private records = 0;
  private size = 0;
  /** The last step is done, and nothing of the launch is left to be told. */
  private complete = false;
  private readonly mostCharacters: number;

  constructor({ command, environment }: LaunchSpec) {
    this.mostCharacters =
      mostRecords * recordSize +
      4 * (JSON.stringify(command).length + JSON.stringify(Object.keys(environment)).length);
  }

  /** Whether the child may send this now. */
  takes(message: RecordMessage): boolean {
    switch (message.type) {
      case 'call':
      case 'executes':
        return lastSteps.includes(message.record.step) && this.hasRoomFor(message);
      case 'step': {
        const awaited = [execStep.id, serveStep.id].includes(message.result.step) && this.hasRoomFor(message);
        this.complete = true;
        return awaited;
      }
      case 'failure':
      case 'passed':
      case 'stopped':
      case 'ended':
        return true;
      default:
        return false;
    }
  }

  private hasRoomFor(message: RecordMessage): boolean {
    this.records += 1;
    this.size += JSON.stringify(message).length;
    return !this.complete && this.records <= mostRecords && this.size <= this.mostCharacters;
  }
}
