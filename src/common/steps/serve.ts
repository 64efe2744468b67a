/** The child's last step where the launch has no command of its own: --control-fd. */
import { defined } from '../defined.js';
import type { Step } from '../step.js';
import { ownExecutable } from './command.js';
import type { CommandContext } from './command-context.js';
import { keyringRefusals, leaveSessionKeyring } from './session-keyring.js';

export const serveStep: Step<CommandContext> = {
  id: 'serve',
  stage: 'child',
  title: () => 'wait for commands',
  why:
    'No command is started yet. This process stays as the init of the container, which lives as long as it does. The ' +
    'launcher starts in its namespaces whatever a program asks for.',
  man: 'pid_namespaces(7), setns(2)',
  shell: () => 'exec sleep infinity',
  applies: ({ controlDescriptor }) => controlDescriptor !== undefined,
  run: ({ spec, kernel, command }) => {
    if (spec.root !== undefined) leaveSessionKeyring(kernel);
    command.execute();
  },
  refusals: ({ root }) => (root === undefined ? [] : keyringRefusals),
  evidence: ({ spec }) =>
    defined({
      init: process.pid,
      'file of node': spec.readOnlyExecutable === undefined ? undefined : ownExecutable(),
    }),
  summary: (_, { init }) => `PID ${init} is the init`,
  shortfall: (_, after, spec) =>
    spec.readOnlyExecutable !== undefined && after['file of node'] === 'writable'
      ? `${spec.readOnlyExecutable} can be written through /proc/self/exe`
      : undefined,
};
