/**
 * What is written down of a running container: one file, NAME.ndjson in the state folder. It comes into being at once,
 * with its first line in it, and lines are added as the launch goes on; later fields take the place of earlier ones.
 */
import { readFileSync } from 'node:fs';
import { namespaceId } from '../../common/evidence.js';
import { areOverlays, type HeldOverlay } from '../changes/layers.js';
import type { LeftMountPoints } from './left-mount-points.js';
import { isIdentity, type ProcessIdentity } from './process-identity.js';

/** The first line. */
export interface Beginning {
  readonly format: 1;
  readonly name: string;
  readonly command: readonly string[];
  /** Milliseconds since 1970. */
  readonly started: number;
  /** The process that made the container, and stays on the host. */
  readonly launcher: ProcessIdentity;
  /** The file of --log-file, an absolute path. */
  readonly log?: string;
  /** The file that the command writes to, an absolute path, where the container was let go (--detach). */
  readonly output?: string;
  /** The folder that its root is made from, an absolute path. */
  readonly root?: string;
  /** What ends the command in order, where that is not SIGTERM. */
  readonly stopSignal?: string;
  /** The command is the container's first process itself. */
  readonly asPid1?: true;
  /** Where process IDs and start times hold: they differ by PID and time namespace. */
  readonly seenFrom: string;
}

/** A line added after a step of the launch. */
export interface Progress {
  /** The last step that is done. */
  readonly step: string;
  /** The process that is in the new namespaces: P, and from the step `child` on the child. */
  readonly process: ProcessIdentity;
}

/** A line added when the launch has made mount points, which it removes at its end. */
export interface Made {
  readonly mountPoints: LeftMountPoints;
}

/** A line added before the launch makes placeholders, of which the last launch that uses one removes it. */
export interface Placed {
  /** Absolute paths. */
  readonly placeholders: readonly string[];
}

/** A line added before the launch makes its control groups, which it removes at its end. */
export interface Grouped {
  /** Their folders. */
  readonly groups: readonly string[];
}

/** A line added when the command is about to run, where there are overlays. */
export interface Layered {
  readonly overlays: readonly HeldOverlay[];
}

/** The last line. */
export interface End {
  /** The command's exit status, as gontainer run returns it. */
  readonly status: number;
}

export type Entry = Beginning &
  Partial<Progress> &
  Partial<Made> &
  Partial<Placed> &
  Partial<Grouped> &
  Partial<Layered> &
  Partial<End>;

/** The name of an entry's file ends with this. */
export const entryExtension = '.ndjson';
/** The name of the file with its command's output, in the same folder, with this. */
export const outputExtension = '.output';

/** A container may be named so. Not by digits alone: those are a process ID. */
export const isContainerName = (name: string): boolean =>
  /^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$/.test(name) && !/^\d+$/.test(name);

/** The PID and time namespaces of this process. */
export const viewpoint = (): string => `${namespaceId('self', 'pid')} ${namespaceId('self', 'time')}`;

/**
 * Reads an entry from a path or an open file. A last line that is still being written does not count.
 * @throws an error when it is no entry
 */
export function readEntry(file: string | number): Entry {
  const lines = readFileSync(file, 'utf8').split('\n').slice(0, -1);
  const entry = Object.assign({}, ...lines.map((text) => JSON.parse(text))) as Entry;
  const whole =
    entry.format === 1 &&
    isContainerName(String(entry.name)) &&
    Array.isArray(entry.command) &&
    Number.isFinite(entry.started) &&
    isIdentity(entry.launcher) &&
    (entry.process === undefined || isIdentity(entry.process)) &&
    (entry.placeholders === undefined || areTexts(entry.placeholders)) &&
    (entry.groups === undefined || areTexts(entry.groups)) &&
    (entry.overlays === undefined || areOverlays(entry.overlays)) &&
    (entry.mountPoints === undefined || areMountPoints(entry.mountPoints));
  if (!whole) throw new Error('not an entry');
  return entry;
}

const areMountPoints = ({ folder, paths }: LeftMountPoints): boolean =>
  typeof folder === 'string' && areTexts(paths);

const areTexts = (list: unknown): boolean =>
  Array.isArray(list) && list.every((one) => typeof one === 'string');
