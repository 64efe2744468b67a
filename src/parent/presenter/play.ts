/** A recorded launch in the browser, step by step: each browser goes through it with keys of its own. */
import { basename } from 'node:path';
import { inform, print } from '../../common/print.js';
import { logText } from '../recorded/log-text.js';
import { readLog } from '../recorded/read-log.js';
import { Audience } from './audience.js';
import { type Fragments, launchFragments } from './fragments.js';
import { type LaunchState, launchState, type ShownLaunch } from './launch-state.js';
import { momentsOf } from './moments.js';
import { presenterPage } from './present-page.js';
import { PresenterServer } from './server.js';

/**
 * Serves the page until a signal ends it.
 * @param file the log
 * @returns the exit status
 * @throws Failure with status 2 when the log cannot be read or is not a log, 125 when the port cannot be listened on
 */
export async function playInBrowser(file: string, port: number): Promise<number> {
  const log = readLog(logText(file), file);
  const moments = momentsOf(log);
  const name = basename(file);
  const shown = (moment: string | undefined): Fragments => {
    const number = Math.min(Math.max(Math.trunc(Number(moment)) || 1, 1), moments.length);
    const at = moments[number - 1] ?? log;
    const followed = { log: at, cutOff: false, complaint: undefined };
    const launch: ShownLaunch = {
      ...followed,
      name,
      state: recorded(launchState(followed)),
      lacks: at.lacks,
    };
    return launchFragments(launch);
  };
  const server = new PresenterServer(presenterPage({ moments: moments.length }), new Audience(shown));
  try {
    print(await server.listen(port));
    inform('Open this address in a browser: there → and ← go through the steps. Ctrl-C here ends it.\n');
    return await new Promise((done) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done(0));
    });
  } finally {
    server.close();
  }
}

/** Nobody waits in a recorded launch, and nothing runs. */
function recorded({ kind, words }: LaunchState): LaunchState {
  if (kind === 'waits') return { kind, words: words.replace('waits for a key ', '') };
  return kind === 'works' ? { kind: 'failed', words: 'here the log ends' } : { kind, words };
}
