/** From the word of a command line to the container, or the process, that it names. */
import { statSync } from 'node:fs';
import { Failure, usageFailure } from '../../common/failure.js';
import { inform } from '../../common/print.js';
import { shownText } from '../../common/shown-text.js';
import { type EndedContainer, endedContainers } from './ended.js';
import { type Container, listing } from './listing.js';
import { identify, type ProcessIdentity } from './process-identity.js';

/** What `gontainer enter` and `gontainer ns` look at: a process, and the container whose init it is, if it is one. */
export interface Target {
  /** The container's name, or the process ID. */
  readonly name: string;
  readonly process: ProcessIdentity;
  readonly container: Container | undefined;
}

/** The containers that run; what stands in the way is said on standard error. */
export function runningContainers(): readonly Container[] {
  const { containers, complaints } = listing();
  for (const complaint of complaints) inform(`gontainer: ${shownText(complaint)}\n`);
  return containers;
}

/**
 * The container of this name, or the only one whose name begins so.
 * @throws Failure with status 2 when there is none, or several; 125 when it has ended
 */
export function findContainer(word: string): Container {
  const found = findContainerOrEnd(word);
  if (!('ended' in found)) return found;
  const { name, status } = found;
  throw new Failure(
    status === null
      ? `${name} has ended; its exit status is not known, as its launcher was killed`
      : `${name} has ended, with status ${status}`,
    { next: 'See gontainer ps, and gontainer ps --ended.' },
  );
}

/**
 * The same, or what is kept of one that has ended. One that runs comes first, unless only the other has this very name.
 * @throws Failure with status 2 when there is none, or several
 */
export function findContainerOrEnd(word: string): Container | EndedContainer {
  const containers = runningContainers();
  const over = endedContainers();
  const exact = [...containers, ...over].find(({ name }) => name === word);
  if (exact !== undefined) return exact;
  const [first, second] = word === '' ? [] : containers.filter(({ name }) => name.startsWith(word));
  if (first !== undefined && second === undefined) return first;
  if (first !== undefined) {
    const names = containers.map(({ name }) => name).filter((name) => name.startsWith(word));
    throw usageFailure(
      `“${word}” may be ${new Intl.ListFormat('en-GB', { type: 'disjunction' }).format(names)}`,
      'Write more of the name.',
    );
  }
  const [last, another] = word === '' ? [] : over.filter(({ name }) => name.startsWith(word));
  if (last !== undefined && another === undefined) return last;
  throw usageFailure(
    `no container named “${word}” is running`,
    another !== undefined
      ? 'Several that have ended begin so: see gontainer ps --ended.'
      : containers.length === 0
        ? 'No containers are running.'
        : `Running: ${containers.map(({ name }) => name).join(', ')}.`,
  );
}

/**
 * A container by its name, or any process by its ID.
 * @throws Failure with status 2 when there is none, 125 when it is not ours to look at
 */
export function findTarget(word: string): Target {
  const pid = /^\d{1,10}$/.test(word) ? Number(word) : undefined;
  if (pid === undefined) {
    const container = findContainer(word);
    return { name: container.name, process: container.process, container };
  }
  const process = identify(pid);
  if (process === undefined) {
    throw usageFailure(`there is no process ${pid}, or it has ended`, 'See gontainer ps, or ps -e.');
  }
  const container = runningContainers().find(({ process: { pid: init } }) => init === pid);
  const target = { name: word, process, container };
  checkAccess(target);
  return target;
}

/** Whether /proc lets us see the namespaces of a process: proc_pid_ns(5), ptrace(2) PTRACE_MODE_READ_FSCREDS. */
function checkAccess({ process: { pid } }: Target): void {
  try {
    statSync(`/proc/${pid}/ns/mnt`);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT')
      throw new Failure(`process ${pid} has no namespaces any more: it has just ended`);
    throw new Failure(`process ${pid} is not yours: the kernel does not show you its namespaces`, {
      next: 'Choose one of your own (gontainer ps), or do it as root.',
    });
  }
}
