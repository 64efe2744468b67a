/**
 * Which machine an image is for, in the words of the OCI image specification: Go's GOOS and GOARCH, and a variant that
 * says what the processor must be able to do ("Platform Variants" of image-index.md).
 */
import { readFileSync } from 'node:fs';
import { usageFailure } from '../../../common/failure.js';

export interface Platform {
  readonly os: string;
  readonly architecture: string;
  /** For example `v7` of `arm`. */
  readonly variant?: string | undefined;
}

/** Node's names that differ from Go's: process.arch, and the values of $GOARCH in Go's documentation. */
const architectures: Partial<Record<NodeJS.Architecture, string>> = {
  x64: 'amd64',
  ia32: '386',
  ppc64: 'ppc64le',
  mipsel: 'mipsle',
};

/** What a platform without a variant means, where there are variants: that of containerd and docker. */
const plainVariants: Readonly<Record<string, number>> = { amd64: 1, arm: 7, arm64: 8 };

/**
 * What each level of amd64 adds to the one before, in the words of /proc/cpuinfo: the System V ABI for x86-64, table
 * "Micro-Architecture Levels".
 */
const amd64Levels: readonly (readonly string[])[] = [
  [],
  ['cx16', 'lahf_lm', 'popcnt', 'pni', 'ssse3', 'sse4_1', 'sse4_2'],
  ['abm', 'avx', 'avx2', 'bmi1', 'bmi2', 'f16c', 'fma', 'movbe', 'xsave'],
  ['avx512f', 'avx512bw', 'avx512cd', 'avx512dq', 'avx512vl'],
];

/**
 * The highest variant that a processor can run.
 * @param cpuinfo what /proc/cpuinfo says: proc_cpuinfo(5)
 */
export function highestVariant(architecture: string, cpuinfo: string): number | undefined {
  const field = (name: string): string => new RegExp(`^${name}\\s*:\\s*(.*)$`, 'm').exec(cpuinfo)?.[1] ?? '';
  const plain = plainVariants[architecture];
  switch (architecture) {
    case 'amd64': {
      const flags = new Set(field('flags').split(' '));
      const first = amd64Levels.findIndex((level) => !level.every((flag) => flags.has(flag)));
      return first === -1 ? amd64Levels.length : first;
    }
    case 'arm':
      return Number.parseInt(field('CPU architecture'), 10) || plain;
    case 'arm64':
      // SVE2 came with Armv9.0, and is not in Linux's words on any processor before.
      return field('Features').split(' ').includes('sve2') ? 9 : plain;
    default:
      return plain;
  }
}

/** The platform of this machine, with the highest variant that its processor can run. */
export function hostPlatform(): Platform {
  const architecture = architectures[process.arch] ?? process.arch;
  const highest = highestVariant(architecture, cpuinfo());
  return { os: 'linux', architecture, variant: highest === undefined ? undefined : `v${highest}` };
}

function cpuinfo(): string {
  try {
    return readFileSync('/proc/cpuinfo', 'utf8');
  } catch {
    return ''; // What every processor of its kind can run is then the highest.
  }
}

/**
 * Reads `linux/arm64` or `linux/arm/v7`. Without a variant, one for this machine's kind means what its processor can run.
 * @throws Failure (status 2) if it is neither
 */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...more] = text.split('/');
  if (!os || !architecture || variant === '' || more.length > 0) {
    throw usageFailure(`--platform cannot be ${text}.`, 'Write OS/ARCHITECTURE, for example linux/arm64.');
  }
  const host = hostPlatform();
  if (variant === undefined && os === host.os && architecture === host.architecture) return host;
  return { os, architecture, variant };
}

export const platformName = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** Where a variant stands among those of its architecture; undefined where it is none that is known. */
function rank({ architecture, variant }: Platform): number | undefined {
  const plain = plainVariants[architecture];
  if (plain === undefined) return variant === undefined ? 0 : undefined;
  if (variant === undefined) return plain;
  return /^v\d+(\.\d+)?$/.test(variant) ? Number(variant.slice(1)) : undefined;
}

/** Whether what is offered runs on what is wanted: a processor runs its own variant, and every lower one. */
export function fits(offered: Platform, wanted: Platform): boolean {
  if (offered.os !== wanted.os || offered.architecture !== wanted.architecture) return false;
  const [needed, able] = [rank(offered), rank(wanted)];
  return needed === undefined || able === undefined ? offered.variant === wanted.variant : needed <= able;
}

/** Sorts what fits by what it makes of the processor, the best first. */
export const better = (one: Platform, other: Platform): number => (rank(other) ?? 0) - (rank(one) ?? 0);
