import type { Command } from './command.js';
import { completionCommand } from './completion/command.js';
import { containerCommands } from './containers/commands.js';
import { doctorCommand } from './doctor/command.js';
import { lessonCommand } from './lesson/command.js';
import { presentCommand } from './present/command.js';
import { reportCommand } from './report/command.js';
import { rootfsCommands } from './rootfs/commands.js';
import { runCommand } from './run.js';

/** Every command of gontainer, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  ...containerCommands,
  lessonCommand,
  doctorCommand,
  reportCommand,
  presentCommand,
  ...rootfsCommands,
  completionCommand,
];
