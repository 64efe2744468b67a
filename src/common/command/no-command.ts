import type { CommandProcess } from '../steps/command-context.js';

/** A launch that starts no command itself (--control-fd): the child stays as the init, and the launcher starts what is asked for. */
export class NoCommand implements CommandProcess {
  readonly pid = 0;
  readonly path = '';
  readonly known = {};

  constructor(
    /** Called when everything is ready; returns when the child may go on. */
    private readonly whenReady: () => void,
  ) {}

  make(): void {}

  execute(): void {
    this.whenReady();
  }
}
