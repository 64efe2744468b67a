/** `gontainer ps`: the containers that run. */

import { print } from '../../../common/print.js';
import { shellWord } from '../../../common/shell-word.js';
import { shownJson } from '../../../common/shown-text.js';
import { runningContainers } from '../../state/find.js';
import type { Container } from '../../state/listing.js';
import { table } from '../../text/table.js';

export function ps(json: boolean): number {
  const containers = runningContainers();
  if (json) {
    print(shownJson(JSON.stringify(containers.map(asData), null, 2)));
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
  print(table(['NAME', 'PID', 'INSIDE', 'STATE', 'STARTED', 'NAMESPACES OF ITS OWN', 'COMMAND'], rows));
  return 0;
}

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
