/**
 * The capabilities that the command keeps (capabilities(7)). The child limits the bounding set, which nothing executed
 * later gets beyond; the other four sets are the command's process's own, set in its chain after it has become its user.
 */
import { procLines } from '../evidence.js';
import { type ChainCall, type Memory, memory } from '../kernel/calls.js';
import {
  type CapabilityOrNumber,
  capabilitiesIn,
  capabilityNames,
  capabilityNumber,
} from '../kernel/capability-numbers.js';
import type { LaunchSpec } from '../spec.js';
import type { Step } from '../step.js';

type Kept = Pick<LaunchSpec, 'capabilities' | 'user' | 'keepsCapabilities'>;
type CapabilitySets = Record<'effective' | 'permitted' | 'inheritable', readonly CapabilityOrNumber[]>;

/** What the child's own steps need. */
const childCapabilities: readonly CapabilityOrNumber[] = [
  'CAP_CHOWN',
  'CAP_DAC_OVERRIDE',
  'CAP_KILL',
  'CAP_SETGID',
  'CAP_SETUID',
  'CAP_SETPCAP',
  'CAP_NET_ADMIN',
  'CAP_SYS_CHROOT',
  'CAP_SYS_ADMIN',
  'CAP_SYS_RESOURCE',
];

export const capabilitiesStep: Step = {
  id: 'capabilities',
  stage: 'child',
  title: () => 'limit the capabilities',
  why:
    'Root’s power is divided into capabilities. No program executed later, root or not, can regain what is dropped from ' +
    'the bounding set. Dropped is what the container does not need and could use against the host.',
  man: 'capabilities(7), PR_CAPBSET_DROP(2const)',
  shell: ({ capabilities }) => `setpriv ${setprivOptions(capabilities)} …`,
  applies: ({ capabilities }) => capabilities !== undefined && capabilities.dropped.length > 0,
  run: ({ spec, kernel }) => {
    for (const { call, args } of boundingSetCalls(capabilitiesStep.id, spec)) kernel.call(call, args);
  },
  evidence: () => ({ 'bounding set': words(capabilitySets('thread-self').bounding) }),
  summary: (before, after) => {
    const [old, left] = [before, after].map((evidence) => String(evidence['bounding set']).split(' '));
    if (left?.join() === 'empty') return `${old?.length} → none`;
    return `${old?.length} → ${left?.length}: ${left?.map((name) => name.replace(/^CAP_(?!\d)/, '')).join(' ')}`;
  },
  shortfall: (_, after, { capabilities }) => {
    const left = String(after['bounding set']).split(' ');
    const still = capabilities?.dropped.find((capability) => left.includes(nameOf(capability)));
    return still === undefined ? undefined : `${nameOf(still)} is still in the bounding set`;
  },
};

/** Drops from the bounding set what is not kept. */
export const boundingSetCalls = (step: string, { capabilities: kept }: Pick<LaunchSpec, 'capabilities'>) =>
  (kept?.dropped ?? []).map((capability) => ({
    step,
    call: 'prctl' as const,
    args: { option: 'PR_CAPBSET_DROP', arg2: capability, arg3: 0, arg4: 0, arg5: 0 } as const,
  }));

/** Before a change to a user that is not root: without it that clears the permitted set. */
export const keepOverUserChange = (step: string, spec: Kept): ChainCall[] =>
  spec.capabilities?.ambient
    ? [{ step, call: 'prctl', args: { option: 'PR_SET_KEEPCAPS', arg2: 1, arg3: 0, arg4: 0, arg5: 0 } }]
    : [];

/** Sets the other four sets; after the change of user. */
export function commandCapabilityCalls(step: string, spec: Kept): ChainCall[] {
  const sets = commandSets(spec);
  if (sets === undefined) return [];
  return [
    capset(step, sets),
    ...(spec.capabilities?.ambient ? raiseAmbient(step, spec.capabilities.kept) : []),
  ];
}

/**
 * Carries capabilities over an execve(2) as a user who is not root inside: those that the child needs, and those that
 * the command is to have.
 */
export function childCapabilityCalls(step: string, spec: Kept): ChainCall[] {
  if (!spec.keepsCapabilities) return [];
  const commands = spec.capabilities?.kept ?? (spec.user.uid === 0 ? capabilityNames : []);
  const wanted = new Set([...childCapabilities, ...commands]);
  const carried = capabilityNames.filter((name) => wanted.has(name));
  return [
    capset(step, { effective: carried, permitted: carried, inheritable: carried }),
    ...raiseAmbient(step, carried),
  ];
}

/** Undefined where the command has what execve(2) gives it. */
function commandSets({ capabilities: kept, user }: Kept): CapabilitySets | undefined {
  if (kept === undefined) return undefined;
  const own = user.uid === 0 || kept.ambient ? kept.kept : [];
  return { effective: own, permitted: own, inheritable: kept.ambient ? own : [] };
}

/** What the sets of the command's process lack or have too much; undefined when they are as they should be. */
export function commandSetsShortfall(pid: number, spec: Kept): string | undefined {
  const expected = commandSets(spec);
  if (expected === undefined) return undefined;
  const found = capabilitySets(pid);
  const sets = {
    ...expected,
    bounding: spec.capabilities?.kept ?? [],
    ambient: spec.capabilities?.ambient ? expected.permitted : [],
  };
  const other = (Object.keys(sets) as (keyof typeof sets)[]).find(
    (set) => words(found[set]) !== words(sets[set]),
  );
  return other && `its ${other} set is: ${words(found[other])}`;
}

/** The five sets of a process: proc_pid_status(5). */
function capabilitySets(process: number | 'thread-self') {
  const lines = procLines(`/proc/${process}/status`);
  const set = (name: string) =>
    capabilitiesIn(lines.find((line) => line.startsWith(`${name}:`))?.split(' ')[1] ?? '0');
  return {
    bounding: set('CapBnd'),
    permitted: set('CapPrm'),
    effective: set('CapEff'),
    inheritable: set('CapInh'),
    ambient: set('CapAmb'),
  };
}

/**
 * Whether this process may look into a copy of itself that hides (PR_SET_DUMPABLE(2const)): it is root, and has
 * CAP_SYS_PTRACE in the user namespace that its own program was started in.
 */
export const looksIntoCopies = (): boolean =>
  process.geteuid?.() === 0 && capabilitySets('thread-self').effective.includes('CAP_SYS_PTRACE');

const nameOf = (capability: CapabilityOrNumber): string =>
  typeof capability === 'number' ? `CAP_${capability}` : capability;

/** A set in words, in the order of the numbers. */
const words = (set: readonly CapabilityOrNumber[]): string =>
  [...set]
    .sort((a, b) => capabilityNumber(a) - capabilityNumber(b))
    .map(nameOf)
    .join(' ') || 'empty';

/** _LINUX_CAPABILITY_VERSION_3 of capset(2), whose data come in two parts of 32 bits. */
const version = 0x20080522;

function capset(step: string, sets: CapabilitySets): ChainCall {
  const header = Buffer.alloc(8);
  header.writeUInt32LE(version, 0);
  const data = Buffer.alloc(24);
  for (const [place, set] of [sets.effective, sets.permitted, sets.inheritable].entries()) {
    const bits = set.reduce<bigint>((all, name) => all | (1n << BigInt(capabilityNumber(name))), 0n);
    data.writeUInt32LE(Number(bits & 0xffffffffn), place * 4);
    data.writeUInt32LE(Number(bits >> 32n), 12 + place * 4);
  }
  const hdrp = memory(header, { version: '_LINUX_CAPABILITY_VERSION_3', pid: 0 });
  return { step, call: 'capset', args: { hdrp, datap: memory(data, sets) } satisfies Record<string, Memory> };
}

const raiseAmbient = (step: string, raised: readonly CapabilityOrNumber[]): ChainCall[] =>
  raised.map((capability) => ({
    step,
    call: 'prctl',
    args: { option: 'PR_CAP_AMBIENT', arg2: 'PR_CAP_AMBIENT_RAISE', arg3: capability, arg4: 0, arg5: 0 },
  }));

/** The options by which setpriv(1) sets the same; it names capabilities without CAP_. */
export function setprivOptions(kept: LaunchSpec['capabilities']): string {
  const only = (set: readonly CapabilityOrNumber[]) =>
    [
      '-all',
      ...set.map(
        (capability) =>
          `+${nameOf(capability)
            .replace(/^CAP_(?!\d)/, '')
            .toLowerCase()}`,
      ),
    ].join();
  if (kept === undefined) return '';
  const own = kept.ambient ? kept.kept : [];
  return [
    ...(kept.dropped.length > 0 ? [`--bounding-set=${only(kept.kept)}`] : []),
    `--inh-caps=${only(own)}`,
    ...(kept.ambient ? [`--ambient-caps=${only(own)}`] : []),
  ].join(' ');
}
