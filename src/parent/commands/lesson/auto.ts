/** Runs lessons without a terminal and compares every output with what the lesson shows. */
import { relative } from 'node:path';
import { endingSignals } from '../../../common/passed-signals.js';
import { commandsOf, type Exercise, type Lesson, type LessonCommand } from '../../course/lesson.js';
import { endWith } from './ending-signals.js';
import { type Bindings, filledIn, matchOutput, outputLines } from './expectation.js';
import { obstacle } from './requirements.js';
import { Session } from './session.js';

/** A command of a lesson may take this long; then it is taken to hang. */
const patienceMilliseconds = 60_000;

/** More lines than this of an output help nobody. */
const mostLines = 40;

/** What a lesson claims and this machine does not show. */
interface Untrue {
  readonly command: string;
  readonly line: number;
  readonly expected: readonly string[];
  readonly got: readonly string[];
}

/**
 * Runs each lesson and prints one line for it, and what was expected and got where something is no longer true.
 * @returns 0, or 1 when any lesson says what is not so
 */
export async function runAll(
  lessons: readonly Lesson[],
  script: string,
  print: (text: string) => void,
): Promise<number> {
  const count = { true: 0, untrue: 0, skipped: 0 };
  for (const lesson of lessons) {
    const began = performance.now();
    const reason = obstacle(lesson, script);
    if (reason !== undefined) {
      count.skipped += 1;
      print(`skipped  ${lesson.number} ${lesson.name}: ${reason}`);
      continue;
    }
    const untrue = await check(lesson, script);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    if (untrue === undefined) {
      count.true += 1;
      const commands = [lesson.introduction, ...lesson.sections.map(({ parts }) => parts)].flatMap(
        commandsOf,
      );
      print(`true     ${lesson.number} ${lesson.name}: ${commands.length} commands, ${seconds} s`);
    } else {
      count.untrue += 1;
      print(`untrue   ${lesson.number} ${lesson.name}: ${described(untrue, lesson)}`);
    }
  }
  print(`${count.true} lessons are true here, ${count.untrue} untrue, ${count.skipped} skipped`);
  return count.untrue > 0 ? 1 : 0;
}

function described({ command, line, expected, got }: Untrue, { file }: Lesson): string {
  const block = (lines: readonly string[]) =>
    [
      ...(lines.length === 0 ? ['(nothing)'] : lines.slice(0, mostLines)),
      ...(lines.length > mostLines ? [`(and ${lines.length - mostLines} more lines)`] : []),
    ]
      .map((text) => `    ${text}`)
      .join('\n');
  return `${relative(process.cwd(), file)}:${line}: $ ${command}\n  expected:\n${block(expected)}\n  got:\n${block(got)}`;
}

/** The first thing in a lesson that is not so; undefined when all is. */
async function check(lesson: Lesson, script: string): Promise<Untrue | undefined> {
  // Before there is anything to be removed.
  endWith(endingSignals, () => session.end(lesson.cleanup));
  const session = new Session(script, false);
  try {
    let bindings: Bindings = new Map();
    for (const part of [...lesson.introduction, ...lesson.sections.flatMap(({ parts }) => parts)]) {
      if (part.kind === 'exercise') {
        const done = await checked(session, part);
        if (done.status === 0) {
          return {
            command: part.check,
            line: part.line,
            got: ['status 0'],
            expected: ['a check that fails before the exercise is done'],
          };
        }
      }
      for (const command of commandsOf([part])) {
        const result = await compare(session, command, bindings);
        if ('untrue' in result) return result.untrue;
        bindings = result.bindings;
      }
      if (part.kind === 'exercise') {
        const done = await checked(session, part);
        if (done.status !== 0) {
          return {
            command: part.check,
            line: part.line,
            expected: ['status 0 after the solution'],
            got: [`status ${done.status}`, ...outputLines(done.output)],
          };
        }
      }
    }
    return undefined;
  } finally {
    await session.end(lesson.cleanup);
  }
}

const checked = (session: Session, { check: script }: Exercise) => patiently(session, `(${script}\n)`);

async function compare(
  session: Session,
  { text, expected, line }: LessonCommand,
  bindings: Bindings,
): Promise<{ bindings: Bindings } | { untrue: Untrue }> {
  const ran = await patiently(session, text);
  const got = outputLines(ran.output);
  const found = ran.status === undefined ? undefined : matchOutput(expected, got, bindings);
  return found === undefined
    ? { untrue: { command: text, line, expected: expected.map((shown) => filledIn(shown, bindings)), got } }
    : { bindings: found };
}

/** Runs a command; one that hangs has no status, and its output says so. */
async function patiently(
  session: Session,
  command: string,
): Promise<{ readonly output: string; readonly status?: number }> {
  let timer: NodeJS.Timeout | undefined;
  const hangs = new Promise<{ output: string }>((done) => {
    timer = setTimeout(
      () => done({ output: `(it did not end in ${patienceMilliseconds / 1000} seconds)` }),
      patienceMilliseconds,
    );
  });
  try {
    return await Promise.race([session.run(command), hangs]);
  } finally {
    clearTimeout(timer);
  }
}
