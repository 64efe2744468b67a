/** The subcommands of `gontainer rootfs`. What they need is loaded when one is run, not before. */
import type { Subcommand } from '../../command-line/subcommand.js';
import { createCommand } from './create-command.js';
import { importCommand } from './import-command.js';
import { pullCommand } from './pull-command.js';

export const rootfsCommands: readonly Subcommand[] = [createCommand, importCommand, pullCommand];
