import { hostname } from 'node:os';
import { bytesOf } from '../byte-text.js';
import { shellWord } from '../shell-word.js';
import type { Step } from '../step.js';

export const hostnameStep: Step = {
  id: 'hostname',
  stage: 'child',
  title: () => 'set the host name',
  why: 'A new UTS namespace starts with a copy of the host’s name. From here on it has its own.',
  man: 'sethostname(2), uts_namespaces(7)',
  shell: ({ hostname = '' }) => `hostname ${shellWord(hostname)}`,
  applies: (spec) => spec.hostname !== undefined,
  run: ({ spec, kernel }) => {
    if (spec.hostname === undefined) return;
    kernel.call('sethostname', { name: spec.hostname, len: bytesOf(spec.hostname).length });
  },
  evidence: () => ({ hostname: hostname() }),
  summary: (before, after) => {
    const onHost = after['hostname on the host'];
    const host = onHost === undefined ? '' : ` (the host is still ${onHost})`;
    return `${before.hostname} → ${after.hostname}${host}`;
  },
  onHost: () => ({ 'hostname on the host': hostname() }),
  shortfall: (_, after, spec) =>
    after.hostname === bytesOf(spec.hostname ?? '').toString()
      ? undefined
      : `the host name is ${after.hostname}`,
};
