import type { Subcommand } from '../command-line/subcommand.js';
import { completionCommand } from './completion/completion-command.js';
import { containerCommands } from './containers/container-commands.js';
import { doctorCommand } from './doctor/doctor-command.js';
import { enterCommand } from './enter/enter-command.js';
import { learnCommand } from './learn/learn-command.js';
import { lessonCommand } from './lesson/lesson-command.js';
import { presentCommand } from './present/present-command.js';
import { replayCommand } from './replay/replay-command.js';
import { reportCommand } from './report/report-command.js';
import { rootfsCommands } from './rootfs/rootfs-commands.js';
import { runCommand } from './run/run-command.js';

/** Every command of gontainer, in the order of the help. */
export const commands: readonly Subcommand[] = [
  runCommand,
  ...containerCommands,
  enterCommand,
  learnCommand,
  lessonCommand,
  doctorCommand,
  replayCommand,
  reportCommand,
  presentCommand,
  ...rootfsCommands,
  completionCommand,
];
