/**
 * `gontainer present`: a page for the projector that follows what happens in this user's terminals. Launches keep their
 * logs while somebody follows (state/followed-log.ts). The presenter reads these as they grow, draws them as the report
 * does, and sends them to every browser that listens.
 */
import { usageFailure } from '../../../common/failure.js';
import { inform, print } from '../../../common/print.js';
import type { Values } from '../../command-line/subcommand.js';
import { findLessons, lessonNamed } from '../../course/find-lessons.js';
import { Audience } from './audience.js';
import { Following } from './following.js';
import { type Fragments, launchFragments, launchList, otherLaunches } from './fragments.js';
import { Launches } from './launches.js';
import { lessonPlace, lessonText } from './lesson-text.js';
import { presenterPage } from './present-page.js';
import { PresenterServer } from './server.js';

/** No event tells whether a launcher lives, or how far the learner is: milliseconds between two looks. */
const lookEvery = 250;
/** A launch writes many records at once. They are shown together, after this many milliseconds. */
const together = 25;

/**
 * Presents until a signal ends it.
 * @param script this program's own file
 * @returns the exit status
 * @throws Failure with status 2 for an unknown lesson or a number that is not a port, 125 when the port cannot be
 *   listened on or the state folder cannot be used
 */
export async function present({ options, positionals }: Values, script: string): Promise<number> {
  const port = portNumber(options.port as number | undefined);
  const lesson =
    positionals.LESSON === undefined ? undefined : lessonNamed(positionals.LESSON, await findLessons(script));
  const page = presenterPage(lesson && (await lessonText(lesson)));

  let planned: NodeJS.Timeout | undefined;
  let fail: (error: unknown) => void = () => {};
  const launches = new Launches(new Following(), () => {
    if (planned === undefined) planned = setTimeout(lookOrFail, together);
  });
  const audience = new Audience((id) => shown(id));
  const server = new PresenterServer(page, audience);
  try {
    const address = await server.listen(port);
    look();
    const unseen = launches.takeRunning();
    launches.look();
    print(address);
    inform(hints(unseen));
    return await new Promise((done, failed) => {
      for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => done(0));
      fail = failed;
      setInterval(lookOrFail, lookEvery);
    });
  } finally {
    server.close();
    launches.end();
  }

  /** The state folder may be taken away, and another be in its place. */
  function lookOrFail(): void {
    try {
      look();
    } catch (error) {
      fail(error);
    }
  }

  function look(): void {
    planned = undefined;
    const changed = launches.look();
    if (changed || lesson !== undefined) audience.update();
    // What is over and looked at by nobody is read again when somebody does.
    const watched = audience.watched;
    for (const launch of launches.all)
      if (launch.over && launch !== launches.followed && !watched.has(launch.found.id)) launch.forget();
  }

  function shown(id: string | undefined): Fragments {
    const launch = id === undefined ? launches.followed : launches.byId(id);
    if (launch?.log === undefined) launch?.look();
    return {
      ...launchFragments(launch),
      ...launchList(launches.all, id),
      ...otherLaunches(id === undefined ? launches.others : []),
      ...(lesson && lessonPlace(lesson)),
    };
  }
}

function portNumber(given: number | undefined): number {
  if (given === undefined) return 0;
  if (!Number.isInteger(given) || given < 1 || given > 65_535)
    throw usageFailure(
      `--port ${given} is not a port`,
      'Ports go from 1 to 65535; leave --port out for a free one.',
    );
  return given;
}

const hints = (unseen: readonly string[]): string =>
  [
    'Open this address in a browser, and launch in another terminal: gontainer run --all --step',
    'Ctrl-C ends the presenter.',
    ...(unseen.length > 0
      ? [`Not shown, because they started earlier and without --log-file: ${unseen.join(', ')}`]
      : []),
    '',
  ].join('\n');
