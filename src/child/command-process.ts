import { closeSync, readFileSync, readSync, writeSync } from 'node:fs';
import { exitStatus, Failure } from '../common/failure.js';
import type { Kernel, Running } from '../common/kernel/kernel.js';
import { pipe } from '../common/kernel/pipe.js';
import { waitForProcess } from '../common/kernel/processes.js';
import { locateProgram } from '../common/program.js';
import type { LaunchSpec } from '../common/spec.js';
import { type CommandProcess, commandChain } from '../common/steps/command.js';

/** The command as the child makes it: a process that runs a call chain up to execve(2) (steps/command.ts). */
export class HeldCommand implements CommandProcess {
  pid = 0;
  private process: Running | undefined;
  private readonly searchPath: string;
  private report = -1;
  private gate = -1;

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
    /** Called when the process stands ready; returns when it may go on. */
    private readonly whenReady: () => void,
  ) {
    this.searchPath = spec.environment.PATH ?? '/bin:/usr/bin';
  }

  get path(): string {
    return locateProgram(this.spec.command[0] as string, this.searchPath, '/', process.cwd());
  }

  make(): void {
    const [reportRead, reportWrite] = pipe(this.kernel);
    const [gateRead, gateWrite] = pipe(this.kernel);
    const environment = { ...this.spec.environment, PS1: this.spec.prompt ?? prompt(this.spec.user.uid) };
    const chain = commandChain(this.spec, this.path, environment, { report: reportWrite, wait: gateRead });
    this.process = this.kernel.clone(chain);
    this.pid = this.process.pid;
    this.report = reportRead;
    this.gate = gateWrite;
    // Only the new process may hold these ends, or its end would never be seen.
    closeSync(reportWrite);
    closeSync(gateRead);
    const ready = readSync(reportRead, Buffer.alloc(5));
    this.process.record();
    this.process.throwFailure();
    if (ready === 0)
      throw new Failure('step command: the process for the command was killed before it could start');
  }

  execute(): void {
    this.whenReady();
    writeSync(this.gate, 'x');
    const failed = readSync(this.report, Buffer.alloc(4)) > 0;
    // After its report it ends; then what it did is complete.
    if (failed) waitForProcess(this.pid, true);
    this.process?.record(failed ? [] : ['command']);
    closeSync(this.gate);
    closeSync(this.report);
    try {
      this.process?.throwFailure();
    } catch (error) {
      throw new Failure((error as Error).message, {
        status: exitStatus.notExecutable,
        next: `${this.spec.command[0]} or the interpreter that it names (#! line, dynamic loader) cannot be executed here; check with: file ${this.path}`,
        cause: error,
      });
    }
    if (failed) throw new Failure('step exec: execve(2) returned, which it does only when it fails');
    this.process?.release();
  }
}

/**
 * Gontainer's prompt. The user's name is looked up once, here: `whoami` at every prompt complains where the root file
 * system has no passwd entry. The host name is read anew each time, with what every sh has built in.
 */
function prompt(uid: number): string {
  return `📦 [${userName(uid)}@$(read -r name </proc/sys/kernel/hostname && echo "$name")] ~$PWD ‣ `;
}

/** The name in /etc/passwd (passwd(5)), or `root` for 0, or the number. */
function userName(uid: number): string {
  try {
    for (const entry of readFileSync('/etc/passwd', 'utf8').split('\n')) {
      const [name, , id] = entry.split(':');
      if (name && id !== undefined && Number(id) === uid) return name;
    }
  } catch {
    // No such file in this root: the number says enough.
  }
  return uid === 0 ? 'root' : String(uid);
}
