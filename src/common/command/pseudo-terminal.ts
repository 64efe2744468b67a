import { memory } from '../kernel/calls.js';
import type { Kernel } from '../kernel/kernel.js';
import type { LaunchSpec } from '../spec.js';
import type { TerminalOfCommand } from '../steps/command-context.js';

/** The command's terminal as the child opens it: pty(7). */
export class PseudoTerminal implements TerminalOfCommand {
  path = '';

  constructor(
    private readonly spec: LaunchSpec,
    private readonly kernel: Kernel,
    /** Called with the descriptor and number of the master; returns when the parent has it. */
    private readonly handOut: (descriptor: number, number: number) => void,
  ) {}

  open(): void {
    const { spec, kernel } = this;
    const flags = ['O_RDWR', 'O_NOCTTY', 'O_CLOEXEC'] as const;
    const fd = kernel.call('open', { pathname: '/dev/pts/ptmx', flags, mode: 0 });
    // unlockpt(3) and ptsname(3).
    kernel.call('ioctl', { fd, request: 'TIOCSPTLCK', argp: memory(Buffer.alloc(4), 0) });
    const word = Buffer.alloc(4);
    const number = () => word.readUInt32LE(0);
    kernel.call('ioctl', { fd, request: 'TIOCGPTN', argp: memory(word, number) });
    const path = `/dev/pts/${number()}`;
    // So that the command can open it again by its name.
    if (spec.becomesUser) kernel.call('chown', { pathname: path, owner: spec.user.uid, group: -1 });
    this.handOut(fd, number());
    kernel.call('close', { fd });
    this.path = path;
  }
}
