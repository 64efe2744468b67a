/** The kernel calls that failed without ending the step they belong to: what was done instead has to be said. */
import type { CallRecord } from '../../common/kernel/kernel.js';

export class RefusedCalls {
  private readonly records: CallRecord[] = [];

  note(record: CallRecord): void {
    if (record.errno !== undefined) this.records.push(record);
  }

  in(step: string): readonly CallRecord[] {
    return this.records.filter((record) => record.step === step);
  }
}
