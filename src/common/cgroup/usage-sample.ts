/** What a container uses at one moment, read often: the files are looked up once, and no more of them than it takes. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A field is missing where the kernel does not count it. */
export interface UsageSample {
  /** Microseconds since the launch began. */
  readonly at: number;
  /** Bytes. */
  readonly memory?: number;
  /** Processes and threads. */
  readonly processes?: number;
  /** Microseconds of processor time so far. */
  readonly cpuTime?: number;
}

type SampledField = Exclude<keyof UsageSample, 'at'>;

interface Source {
  readonly file: string;
  readonly value: (text: string) => number;
}

/** Where each is counted; the first that is there is read. The cpu.stat of version 1 has no processor time. */
const sources: Readonly<Record<SampledField, readonly Source[]>> = {
  memory: [
    { file: 'memory.current', value: Number },
    { file: 'memory.usage_in_bytes', value: Number },
  ],
  processes: [{ file: 'pids.current', value: Number }],
  cpuTime: [
    { file: 'cpuacct.usage', value: (nanoseconds) => Math.round(Number(nanoseconds) / 1000) },
    { file: 'cpu.stat', value: (text) => Number(/^usage_usec (\d+)$/m.exec(text)?.[1]) },
  ],
};

/**
 * @param paths the groups of a container
 * @returns reads what they use now; what cannot be read is missing
 */
export function sampleReader(paths: readonly string[]): () => Omit<UsageSample, 'at'> {
  const places = Object.entries(sources).flatMap(([field, candidates]) => {
    const found = candidates.flatMap(({ file, value }) =>
      paths
        .map((path) => join(path, file))
        .filter((path) => existsSync(path))
        .map((path) => ({ field, path, value })),
    );
    return found.slice(0, 1);
  });
  return () =>
    Object.fromEntries(
      places.flatMap(({ field, path, value }) => {
        const number = numberIn(path, value);
        return number === undefined ? [] : [[field, number]];
      }),
    );
}

function numberIn(path: string, value: Source['value']): number | undefined {
  try {
    const number = value(readFileSync(path, 'utf8'));
    return Number.isSafeInteger(number) ? number : undefined;
  } catch {
    // Somebody else has removed the group.
    return undefined;
  }
}
