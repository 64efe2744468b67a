/** `gontainer diff`: what a container has changed in its overlays, as their upper folders tell it. */
import { readFileSync } from 'node:fs';
import type { ChangeList } from '../../../common/change-list.js';
import { Failure, usageFailure } from '../../../common/failure.js';
import { errnoWords } from '../../../common/kernel/kernel-error.js';
import { inform, print } from '../../../common/print.js';
import { shownJson, shownText } from '../../../common/shown-text.js';
import { areOverlays, type HeldOverlay, reached } from '../../changes/layers.js';
import { listChanges } from '../../changes/list-changes.js';
import { findContainerOrEnd } from '../../state/find.js';
import { isAlive, isIdentity, type ProcessIdentity } from '../../state/process-identity.js';

/** The list is not complete. */
const incomplete = 1;

/** A container, as far as its changes are concerned. */
interface Changing {
  /** What it is called in a sentence. */
  readonly name: string;
  readonly launcher: ProcessIdentity;
  readonly overlays: readonly HeldOverlay[];
}

/**
 * Prints a line for each change, A, C or D and the path, and says what could not be looked at.
 * @param word a container
 * @param status in its place the file that its --status-fd wrote
 * @returns 0, or 1 where something could not be looked at
 * @throws Failure when there is no such container, it has ended, or has no overlay
 */
export function diff(word: string | undefined, status: string | undefined, json: boolean): number {
  if ((word === undefined) === (status === undefined))
    throw usageFailure('gontainer diff takes the NAME of a container, or --status=FILE', 'See gontainer ps.');
  const list = changesOf(status === undefined ? named(word ?? '') : toldIn(status));
  if (json) print(shownJson(JSON.stringify(list, null, 2)));
  else if (list.changes.length > 0)
    print(list.changes.map(({ kind, path }) => `${kind} ${shownText(path)}`).join('\n'));
  for (const { path, why } of list.unread)
    inform(`gontainer: the changes in ${shownText(path)} are not all listed: ${why}\n`);
  return list.unread.length === 0 ? 0 : incomplete;
}

function changesOf({ name, launcher, overlays }: Changing): ChangeList {
  if (overlays.length === 0)
    throw new Failure(`${name} has no overlay, so what it changes is changed on the host`, {
      next: 'Start it with --ephemeral, --overlay CHANGES or --bind SRC:DST:overlay.',
    });
  const list = listChanges(overlays.map((overlay) => reached(overlay, launcher.pid)));
  // Its descriptors are gone, and another process may have its ID since then.
  if (!isAlive(launcher)) throw over(name);
  return list;
}

function named(word: string): Changing {
  const found = findContainerOrEnd(word);
  if ('ended' in found) throw over(found.name);
  if (found.state === 'set-up')
    throw new Failure(`${found.name} is still being set up`, { next: 'Ask again when its command runs.' });
  return found;
}

function toldIn(file: string): Changing {
  const name = 'the container';
  const [first = ''] = textOf(file).split('\n');
  const started = parsed(first);
  if (started?.state !== 'started')
    throw usageFailure(`--status=${file} is not what --status-fd writes when a command starts`);
  const { launcher, overlays = [] } = started;
  if (!areOverlays(overlays) || (overlays.length > 0 && !isIdentity(launcher)))
    throw usageFailure(`--status=${file} was written by another version of gontainer`);
  return { name, launcher: launcher as ProcessIdentity, overlays };
}

function textOf(file: string): string {
  try {
    return readFileSync(file === '-' ? 0 : file, 'utf8');
  } catch (error) {
    throw usageFailure(`--status=${file} cannot be read: ${errnoWords(error)}`);
  }
}

function parsed(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(line) ?? undefined;
  } catch {
    return undefined;
  }
}

const over = (name: string): Failure =>
  new Failure(`${name} has ended, and what it changed in memory is gone with it`, {
    next: 'What a folder keeps (--overlay CHANGES, --bind SRC:DST:overlay=CHANGES) is in CHANGES/upper.',
  });
