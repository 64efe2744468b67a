/**
 * What ends the container when the launcher is killed and cannot: a process on the host, the guard, waits for the end of a
 * pipe whose other end the launcher holds, and then kills the container's first process. It runs a call chain: there is no
 * Node in it. Then it becomes a Node that removes what the launcher would have: mount points, and the container's entry.
 *
 * The signal that the kernel sends at the death of the parent (PR_SET_PDEATHSIG) is not enough. A process that changes its
 * user gives it up, as su(1) and many a daemon do, and whoever traces a process can have it give that up. Without a PID
 * namespace the child has given it up itself, so that it lives long enough to end the rest; but there it can be stopped.
 */
import { closeSync } from 'node:fs';
import { dirname } from 'node:path';
import { defined } from '../../common/defined.js';
import { Failure, nextAfterKill } from '../../common/failure.js';
import { type Chain, type ChainCall, memory, NULL } from '../../common/kernel/calls.js';
import type { Kernel, Running } from '../../common/kernel/kernel.js';
import { drop, pipe } from '../../common/kernel/pipe.js';
import { waitForProcess } from '../../common/kernel/processes.js';
import { childStep } from '../../common/steps/hand-over.js';

/** Where the guard puts what it needs; everything else is closed, the caller's pipes with it. */
const descriptors = { life: 0, target: 1, report: 2 } as const;

const POLLIN = 1; // poll(2)
/**
 * Milliseconds for the child to end the rest, each time after it has been continued: who is left when it is killed is left
 * on the host. On a quiet machine it takes one or two, on a busy one it may get no processor for seconds.
 */
const turns = [1_000, 4_000, 15_000];
/** Milliseconds for the kernel to end the child. */
const patience = 60_000;

/** What tells a Node where the containers are written down: state-folder.ts, and os.tmpdir() of Node. */
const wayToState = ['XDG_RUNTIME_DIR', 'TMPDIR', 'TMP', 'TEMP', 'LD_LIBRARY_PATH'];

export class Guard {
  private readonly running: Running;
  private readonly life: number;
  private hasEnded = false;

  /**
   * @param pid the container's first process, a child of this one
   * @param endsAll whether the kernel ends everything inside with it
   * @param script this program's own file
   */
  constructor(kernel: Kernel, pid: number, endsAll: boolean, script: string) {
    const target = kernel.call('pidfd_open', { pid, flags: 0 });
    const [life, held] = pipe(kernel, 'life');
    this.life = held;
    const [reportRead, report] = pipe(kernel, 'guarded');
    this.running = kernel.clone(chain({ life, target, report }, endsAll, script));
    drop(kernel, target, life, report);
    const word = memory(Buffer.alloc(8), 'guarded');
    const heard = kernel.call('read', { fd: reportRead, buf: word, count: 7 });
    drop(kernel, reportRead);
    try {
      this.running.record();
      this.running.throwFailure();
      if (heard === 0) throw new Failure('step child: the guard was killed', { next: nextAfterKill() });
    } catch (error) {
      // One that could not close the pipe would wait for itself.
      this.release();
      throw error;
    }
  }

  /** Its last calls, as it may have been kept waiting after its word: the end of the launch is the log's last record. */
  record(): void {
    this.running.record();
  }

  /** Whether it is the process that was found ended, by somebody's doing. */
  notes(pid: number): boolean {
    if (pid !== this.running.pid) return false;
    this.hasEnded = true;
    return true;
  }

  /** There is nothing left to guard. */
  release(): void {
    const { pid } = this.running;
    try {
      if (!this.hasEnded) process.kill(pid, 'SIGKILL');
    } catch {
      // It sees the end of its pipe then, finds nobody, and ends by itself.
    }
    try {
      closeSync(this.life);
    } catch {
      // It is gone whatever close(2) returns, and how the command ended is what counts.
    }
    // While it ends on another core.
    this.running.record();
    this.running.release();
    try {
      if (!this.hasEnded) waitForProcess(pid, true);
    } catch {
      // Whoever inherits it waits for it.
    }
  }
}

function chain(
  given: Readonly<Record<keyof typeof descriptors, number>>,
  endsAll: boolean,
  script: string,
): Chain {
  const step = childStep.id;
  const names = ['life', 'target', 'report'] as const;
  return {
    actor: 'guard',
    calls: [
      // What is sent to the whole process group of the parent must not end it too.
      { step, call: 'setpgid', args: { pid: 0, pgid: 0 } },
      // One that is not replaced is then closed: no word for the parent goes to the caller's standard error.
      { step, call: 'close_range', args: { first: 0, last: descriptors.report, flags: 0 } },
      ...names.map(
        (name) => ({ step, call: 'dup2', args: { oldfd: given[name], newfd: descriptors[name] } }) as const,
      ),
      { step, call: 'close_range', args: { first: 3, last: 'UINT_MAX', flags: 0 } },
      {
        step,
        call: 'write',
        args: { fd: descriptors.report, buf: memory(Buffer.from('guarded'), 'guarded'), count: 7 },
      },
      { step, call: 'close', args: { fd: descriptors.report } },
      {
        step,
        call: 'read',
        args: { fd: descriptors.life, buf: memory(Buffer.alloc(8), 'end-of-file'), count: 1 },
      },
      ...(endsAll ? [] : timeToEndTheRest(step)),
      send(step, 'SIGKILL'),
      untilItEnds(step, patience),
      ...removal(step, script),
      { step, call: '_exit', args: { status: 0 } },
    ],
  };
}

const send = (step: string, sig: 'SIGCONT' | 'SIGKILL'): ChainCall => ({
  step,
  call: 'pidfd_send_signal',
  args: { pidfd: descriptors.target, sig, info: NULL, flags: 0 },
});

/** Without a PID namespace the child ends the rest, which takes that it runs. */
const timeToEndTheRest = (step: string): ChainCall[] =>
  turns.flatMap((time) => [send(step, 'SIGCONT'), untilItEnds(step, time)]);

/** Of a pidfd poll(2) returns when its process has ended. */
function untilItEnds(step: string, timeout: number): ChainCall {
  const pollfd = Buffer.alloc(8);
  pollfd.writeInt32LE(descriptors.target, 0);
  pollfd.writeInt16LE(POLLIN, 4);
  const fds = memory(pollfd, { fd: descriptors.target, events: 'POLLIN' });
  return { step, call: 'poll', args: { fds, nfds: 1, timeout } };
}

/**
 * Whoever lists the containers removes what is left of launches that were killed. It is started as a user would, as the
 * shell at the head of the script looks first whether there may be as many processes as Node needs; and not for ever.
 */
function removal(step: string, script: string): ChainCall[] {
  const environment = wayToState.map((name) => [name, process.env[name]]);
  const path = dirname(process.execPath);
  return [
    { step, call: 'close_range', args: { first: 0, last: 'UINT_MAX', flags: 0 } },
    { step, call: 'alarm', args: { seconds: patience / 1_000 } },
    {
      step,
      call: 'execve',
      args: {
        pathname: '/bin/sh',
        argv: ['sh', script, 'ps'],
        envp: { ...defined(Object.fromEntries(environment)), PATH: path },
      },
    },
  ];
}
