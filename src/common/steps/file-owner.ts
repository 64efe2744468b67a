import { procLines } from '../evidence.js';
import type { Step } from '../step.js';

export const fileOwnerStep: Step = {
  id: 'file-owner',
  stage: 'child',
  title: () => 'choose the owner of new files',
  why:
    'The maps leave out the user who started this. In the container that is a user without an ID, who cannot own a file. ' +
    'New files belong to the file-system user ID, so that is set to one that is mapped.',
  man: 'setfsuid(2), user_namespaces(7)',
  shell: ({ fileOwner }) => `setpriv --reuid=${fileOwner?.uid} --regid=${fileOwner?.gid} --inh-caps=+all …`,
  prepares: true,
  applies: ({ root, fileOwner }) => root !== undefined && fileOwner !== undefined,
  run: ({ spec: { fileOwner }, kernel }) => {
    if (fileOwner === undefined) return;
    kernel.call('setfsgid', { fsgid: fileOwner.gid });
    kernel.call('setfsuid', { fsuid: fileOwner.uid });
    // A change of these IDs clears it (PR_SET_PDEATHSIG(2const)).
    kernel.call('prctl', { option: 'PR_SET_PDEATHSIG', arg2: 'SIGKILL', arg3: 0, arg4: 0, arg5: 0 });
  },
  evidence: () => {
    // Real, effective, saved and file-system ID: proc_pid_status(5).
    const last = (name: string) =>
      procLines('/proc/thread-self/status')
        .find((line) => line.startsWith(`${name}:`))
        ?.split(' ')
        .at(-1);
    return { 'file-system user': last('Uid'), 'file-system group': last('Gid') };
  },
  summary: (_, after) =>
    `files belong to user ${after['file-system user']}, group ${after['file-system group']}`,
  shortfall: (_, after, { fileOwner }) =>
    after['file-system user'] === String(fileOwner?.uid) &&
    after['file-system group'] === String(fileOwner?.gid)
      ? undefined
      : `files belong to ${after['file-system user']}`,
};
