/**
 * The terminals behind the standard streams, which are left as they were found, whatever the command did to them. Node does
 * that at the end of an orderly exit, and it is done here for a launcher that ends at once.
 */
import { withSignalMask } from '../../common/kernel/arena.js';
import { foundTerminal, putBack } from '../../common/kernel/terminal-modes.js';

export class StandardTerminals {
  /** As they are now. */
  private readonly found = [0, 1, 2].map(foundTerminal);

  putBack(): void {
    // The kernel stops a process that does this from the background with SIGTTOU, unless that is blocked (tcsetattr(3)).
    if (this.found.some(Boolean))
      withSignalMask('all', () => {
        for (const [fd, terminal] of this.found.entries()) if (terminal !== undefined) putBack(fd, terminal);
      });
  }
}
