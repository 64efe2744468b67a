/** Which machine an image is for, in the words of the OCI image specification: Go's GOOS and GOARCH. */
import { usageFailure } from '../../../../common/failure.js';

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

/** The platform of this machine. */
export const hostPlatform = (): Platform => ({
  os: 'linux',
  architecture: architectures[process.arch] ?? process.arch,
});

/**
 * Reads `linux/arm64` or `linux/arm/v7`.
 * @throws Failure (status 2) if it is neither
 */
export function parsePlatform(text: string): Platform {
  const [os, architecture, variant, ...more] = text.split('/');
  if (!os || !architecture || variant === '' || more.length > 0) {
    throw usageFailure(`--platform cannot be ${text}.`, 'Write OS/ARCHITECTURE, for example linux/arm64.');
  }
  return { os, architecture, variant };
}

export const platformName = ({ os, architecture, variant }: Platform): string =>
  [os, architecture, ...(variant ? [variant] : [])].join('/');

/** Whether what is offered runs on what is wanted; a variant counts only where one is asked for. */
export const fits = (offered: Platform, wanted: Platform): boolean =>
  offered.os === wanted.os &&
  offered.architecture === wanted.architecture &&
  (wanted.variant === undefined || offered.variant === wanted.variant);
