import type { Command } from './command.js';
import { containerCommands } from './containers/commands.js';
import { reportCommand } from './report/command.js';
import { rootfsCommands } from './rootfs/commands.js';
import { runCommand } from './run.js';

/** Every command of gontainer, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  reportCommand,
  ...containerCommands,
  ...rootfsCommands,
];
