/** Makes a record of a call that waits: its arguments, who makes it, who answers, and what will come of it. */
import { defined } from '../../common/defined.js';
import type { Notification } from '../../common/kernel/listener.js';
import type { LaunchSpec } from '../../common/spec.js';
import {
  type Architecture,
  architectures,
  architecturesOf,
  changesMounts,
  changesProcess,
  type WatchedCall,
  watchedNumbers,
  watchKinds,
} from '../../common/watch/watched-calls.js';
import { Answers } from './answers.js';
import { Foresight } from './foresight.js';
import { ProcessView } from './process-view.js';
import { RemoteMemory } from './remote-memory.js';
import { type ReadCall, readArguments } from './shown-arguments.js';
import { WatchedProcesses } from './watched-processes.js';
import type { WatchedRecord } from './watched-record.js';

/** A call by the table, and which programs make it by that number. */
export interface NamedCall extends WatchedCall {
  readonly architecture: Architecture;
}

/** What was read of a call. */
export interface CallRead {
  readonly record: WatchedRecord;
  /** The process that makes it, as the host numbers it. */
  readonly pid: number;
}

export class CallReader {
  private readonly changesProcess = changesProcess();
  private readonly changesMounts = changesMounts();
  private readonly memory = new RemoteMemory();
  private readonly processes = new WatchedProcesses();
  private readonly view: ProcessView;
  private readonly answers: Answers;
  private readonly foresight: Foresight;
  private readonly calls = new Map<number, ReadonlyMap<number, NamedCall>>();

  /** @param pid the command's process, which has not been executed yet */
  constructor(spec: LaunchSpec, pid: number) {
    this.view = new ProcessView(pid);
    this.answers = new Answers(spec, this.processes, this.view, pid);
    this.foresight = new Foresight(spec, this.processes, this.view, this.answers);
    for (const architecture of architecturesOf(process.arch))
      this.calls.set(
        architectures[architecture],
        new Map(
          [...watchedNumbers(architecture, watchKinds)].map(([number, call]) => [
            number,
            { ...call, architecture },
          ]),
        ),
      );
  }

  /** The call by the table; undefined for one that the filter does not name. */
  callOf({ architecture, number }: Notification): NamedCall | undefined {
    return this.calls.get(architecture)?.get(number);
  }

  /** @returns `nothing` for a call that asks for nothing, as one that sends without an address */
  read(notification: Notification, call: NamedCall): CallRead | 'nothing' {
    const { thread } = notification;
    const { architecture } = call;
    const read = readArguments(this.memory, notification, call, architecture);
    if (read.asksNothing) return 'nothing';
    const process = this.processes.of(thread);
    const paths = this.absolutePaths(thread, read);
    const asked = { call, read, thread, process, paths };
    const answer = this.answers.to(asked);
    const refusal = this.foresight.refusal(asked);
    const { pid, shown } = process;
    const record: WatchedRecord = defined({
      watched: call.name,
      kind: call.kind,
      args: read.args,
      paths: paths.length > 0 ? paths : undefined,
      address: read.address,
      process: shown,
      answer,
      known: refusal === undefined ? ('asked' as const) : ('foreseen' as const),
      refusal,
      architecture: architecture === 'i386' ? architecture : undefined,
    });
    return { record, pid };
  }

  /** A pipe or a socket that is looked at by its descriptor has none. */
  private absolutePaths(thread: number, read: ReadCall): string[] {
    const found: string[] = [];
    for (const path of read.paths) {
      const shown = this.view.absolute(thread, path) ?? path.path;
      if (shown !== '') found.push(shown);
    }
    return found;
  }

  /** The call goes on: what it changes is looked up again. */
  goesOn(notification: Notification, call: WatchedCall): void {
    const { thread } = notification;
    const { name } = call;
    if (this.changesProcess.has(name)) {
      // By another thread than the first the process takes over the number of the first.
      this.processes.forget(this.processes.of(thread).pid);
      this.processes.forget(thread);
    }
    // After a vfork(2) the old memory is the parent's, and lives on.
    if (name.startsWith('execve')) this.memory.forgetAll();
    if (this.changesMounts.has(name)) this.view.changes(notification, call);
  }

  release(): void {
    this.memory.forgetAll();
  }
}
