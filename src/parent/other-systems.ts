/** What works where gontainer cannot launch: on another system than Linux, or with a processor that is not known here. */
import { Failure } from '../common/failure.js';
import type { Line } from './command-line/read-line.js';

const names: Partial<Record<NodeJS.Platform, string>> = { darwin: 'macOS', win32: 'Windows' };

const works = 'Here work: gontainer replay LOG, report LOG, present LOG and lesson NAME (to read)';

/** Why nothing can be launched here, whatever the machine allows; undefined where it can. */
export function otherSystem(): Pick<Failure, 'message' | 'next'> | undefined {
  const { platform, arch } = process;
  if (platform !== 'linux') {
    const name = names[platform];
    return {
      message: `namespaces are a part of Linux, and this is ${platform}${name === undefined ? '' : ` (${name})`}`,
      next: `${works}. For the rest use a Linux machine or a virtual one.`,
    };
  }
  if (!['x64', 'arm64'].includes(arch))
    return {
      message: `the ${arch} processor is not known here`,
      next: `${works}. For the rest use a machine with x86-64 (x64) or aarch64 (arm64).`,
    };
  return undefined;
}

/**
 * @param line what is asked for, where only some of that needs the kernel of Linux
 * @throws Failure where there is another
 */
export function checkSystem(words: readonly string[] = [], line?: Line): void {
  const other = otherSystem();
  if (other === undefined) return;
  const needsNone =
    line?.asks === 'run' ? line.subcommand.anywhere?.(line.values) : line !== undefined && words.length > 0;
  if (!needsNone) throw new Failure(other.message, { next: other.next });
}
