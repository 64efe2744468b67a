/** `gontainer ps`: the containers that run, or with --ended those that have ended. */

import { print } from '../../../common/print.js';
import { shellWord } from '../../../common/shell-word.js';
import { shownJson } from '../../../common/shown-text.js';
import { endedContainers, kept } from '../../state/ended.js';
import { runningContainers } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { table } from '../../text/table.js';

export function ps(json: boolean): number {
  const containers = runningContainers();
  if (json) {
    print(shownJson(JSON.stringify(containers.map(asData), null, 2)));
    return 0;
  }
  if (containers.length === 0) {
    print('No containers are running.');
    return 0;
  }
  const rows = containers.map(({ name, process, pidInside, state, step, started, own, command }) => [
    name,
    String(process.pid),
    String(pidInside),
    state === 'running' ? 'running' : `being set up: ${step} done`,
    wallClock(started),
    Object.keys(own).join(','),
    command.map(shellWord).join(' '),
  ]);
  const headings = ['NAME', 'PID', 'INSIDE', 'STATE', 'STARTED', 'NAMESPACES OF ITS OWN', 'COMMAND'];
  print(table(headings, rows, window(headings)));
  return 0;
}

export function psEnded(json: boolean): number {
  // Those whose launcher was killed are found to have ended when they are looked for.
  runningContainers();
  const over = endedContainers();
  if (json) {
    const data = over.map(({ started, ended, ...container }) => ({
      ...container,
      started: new Date(started).toISOString(),
      ended: new Date(ended).toISOString(),
    }));
    print(shownJson(JSON.stringify(data, null, 2)));
    return 0;
  }
  if (over.length === 0) {
    print(`No containers have ended in the last ${kept.hours} hours.`);
    return 0;
  }
  const headings = ['NAME', 'STATUS', 'STARTED', 'ENDED', 'COMMAND'];
  const rows = over.map(({ name, status, started, ended, command }) => [
    name,
    status === null ? 'not known' : String(status),
    wallClock(new Date(started)),
    wallClock(new Date(ended)),
    command.map(shellWord).join(' '),
  ]);
  print(table(headings, rows, window(headings)));
  return 0;
}

/** What may be cut to fit into a terminal: a program that reads the table gets all of it. */
const window = (headings: readonly string[]) => ({
  // Undefined in a pipe, 0 in a terminal that does not know.
  columns: process.stdout.columns || Number.POSITIVE_INFINITY,
  cut: [headings.indexOf('COMMAND'), headings.indexOf('NAMESPACES OF ITS OWN')].filter((index) => index >= 0),
});

function asData({ process, launcher, started, path: _, ...container }: Container) {
  return {
    ...container,
    pid: process.pid,
    launcher: launcher.pid,
    started: started.toISOString(),
    process: undefined,
  };
}

/** `2026-01-31 09:05:00`, in the time zone of the reader. */
function wallClock(time: Date): string {
  const minutes = time.getTimezoneOffset();
  return new Date(time.getTime() - minutes * 60_000).toISOString().slice(0, 19).replace('T', ' ');
}
