/**
 * Tells a signal that was sent to this process alone from one that came to its whole process group, as Ctrl-C at a
 * terminal does: the command in the same group has had the second already, and must get the first. Node does not say who
 * sent a signal (si_code of sigaction(2)). So a process without Node stays in the group, with every signal blocked: what
 * came to the group is pending there.
 */
import { readFileSync } from 'node:fs';
import { NULL } from '../../common/kernel/calls.js';
import type { Running } from '../../common/kernel/kernel.js';
import { endChild, signalNumber } from '../../common/kernel/processes.js';
import { Recorder } from '../../common/kernel/recorder.js';
import { deathSignal } from '../../common/steps/chain-calls.js';

export class KeyWitness {
  private running = begun();

  /** Whether this signal came to the whole group. It is forgotten then: the next is another. */
  saw(signal: NodeJS.Signals): boolean {
    const seen = (pending(this.running.pid) >> BigInt(signalNumber(signal) - 1)) & 1n;
    if (seen === 0n) return false;
    this.end();
    this.running = begun();
    return true;
  }

  end(): void {
    endChild(this.running.pid);
    this.running.release();
  }
}

/** Not part of what is logged: the command runs already. */
function begun(): Running {
  const step = '';
  return new Recorder('parent', 0n, () => {}).clone({
    actor: 'witness',
    calls: [
      deathSignal(step),
      { step, call: 'close_range', args: { first: 0, last: 'UINT_MAX', flags: 0 } },
      // Returns for no signal, as all are blocked: poll(2).
      { step, call: 'poll', args: { fds: NULL, nfds: 0, timeout: -1 } },
      { step, call: '_exit', args: { status: 0 } },
    ],
  });
}

/** The signals that wait for a process: proc_pid_status(5). */
function pending(pid: number): bigint {
  const [, mask = '0'] = /^ShdPnd:\s*([0-9a-f]+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return BigInt(`0x${mask}`);
}
