/** The subcommands of `gontainer rootfs`. What they need is loaded when one is run, not before. */
import type { Subcommand } from '../../command-line/subcommand.js';
import { createCommand } from './create-command.js';
import { exportCommand } from './export-command.js';
import { importCommand } from './import-command.js';
import { listCommand } from './list-command.js';
import { pruneCommand } from './prune-command.js';
import { pullCommand } from './pull-command.js';
import { removeCommand } from './remove-command.js';

export const rootfsCommands: readonly Subcommand[] = [
  createCommand,
  importCommand,
  pullCommand,
  listCommand,
  exportCommand,
  removeCommand,
  pruneCommand,
];
