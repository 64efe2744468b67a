/**
 * `gontainer present`: a page for the projector that follows what happens in this user's terminals. Launches keep their
 * logs while somebody follows (state/followed-log.ts). The presenter reads these as they grow, draws them as the report
 * does, and sends them to every browser that listens.
 */

import { existsSync } from 'node:fs';
import { inform, print } from '../../../common/print.js';
import type { Values } from '../../command-line/subcommand.js';
import { findLessons, lessonNamed } from '../../course/find-lessons.js';
import type { Lesson } from '../../course/lesson.js';
import { checkSystem } from '../../other-systems.js';
import { Audience } from '../../presenter/audience.js';
import { type Fragments, launchFragments, launchList, otherLaunches } from '../../presenter/fragments.js';
import { lessonPlace, lessonText } from '../../presenter/lesson-text.js';
import { portNumber } from '../../presenter/port.js';
import { presenterPage } from '../../presenter/present-page.js';
import { PresenterServer } from '../../presenter/server.js';
import { Following } from './following.js';
import { Launches } from './launches.js';

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
  const { LESSON: given } = positionals;
  const lessons = given === undefined ? [] : await findLessons(script);
  if (given !== undefined && isLog(given, lessons)) {
    const { playInBrowser } = await import('../../presenter/play.js');
    return playInBrowser(given, port);
  }
  checkSystem();
  return presentLaunches(port, given === undefined ? undefined : lessonNamed(given, lessons));
}

/** @param lesson what stands beside the picture */
async function presentLaunches(port: number, lesson: Lesson | undefined): Promise<number> {
  const page = presenterPage({ lesson: lesson && (await lessonText(lesson)) });
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

/** A word that names no lesson is a file where it looks like one, or is one. */
const isLog = (word: string, lessons: readonly Lesson[]): boolean =>
  !lessons.some(({ name, number }) => name === word || number === Number(word)) &&
  (/[./\\]/.test(word) || existsSync(word));

const hints = (unseen: readonly string[]): string =>
  [
    'Open this address in a browser, and launch in another terminal: gontainer run --all --step',
    'Ctrl-C ends the presenter.',
    ...(unseen.length > 0
      ? [`Not shown, because they started earlier and without --log-file: ${unseen.join(', ')}`]
      : []),
    '',
  ].join('\n');
