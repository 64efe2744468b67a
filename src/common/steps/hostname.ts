import { hostname } from 'node:os';
import { shellWord } from '../shell-word.js';
import type { Step } from '../step.js';

export const hostnameStep: Step = {
  id: 'hostname',
  stage: 'child',
  title: (spec) => `set the host name to ${spec.hostname}`,
  why: 'A new UTS namespace starts with a copy of the host’s name. From here on it has its own.',
  man: 'sethostname(2), uts_namespaces(7)',
  shell: ({ hostname = '' }) => `hostname ${shellWord(hostname)}`,
  applies: (spec) => spec.hostname !== undefined,
  run: ({ spec, kernel }) => {
    if (spec.hostname === undefined) return;
    kernel.call('sethostname', { name: spec.hostname, len: Buffer.byteLength(spec.hostname) });
  },
  evidence: () => ({ hostname: hostname() }),
  onHost: () => ({ 'hostname outside': hostname() }),
  shortfall: (_, after, spec) =>
    after.hostname === spec.hostname ? undefined : `the host name is ${after.hostname}`,
};
