/**
 * Every lesson from its beginning to its end, as somebody at a terminal goes through it. What is pressed follows from
 * what the screen asks; the lesson's Markdown is read for the right predictions and the solution of its exercise.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { findLessons } from '../../../../src/parent/course/find-lessons.js';
import {
  commandsOf,
  type Exercise,
  type Lesson,
  type Prediction,
} from '../../../../src/parent/course/lesson.js';
import { lacking, program, root, type User, unprivileged } from '../../../gontainer.js';
import { TerminalSession } from '../../../terminal-session.js';
import { until } from '../../../until.js';
import { home, leftIn, sharedBy } from './learner.js';

/** What the lesson asks, or the prompt of the learner's own shell, where a lesson is begun and ends. */
const question = '(?:Enter runs it ‣|next section ‣|show me\\) ‣|begins again ‣|your turn \\$|^outside\\$)';
const questions = new RegExp(question, 'gm');
/** A screen that waits for an answer. */
const asking = new RegExp(`${question}$(?![^])`, 'm');

/** What no learner should meet: a stack trace, a value that is none, an output that is not the lesson's. */
const defects = /^\s+at .+:\d+:\d+\)?$|undefined|\bNaN\b|\[object |The lesson expects something else|^Error/m;

const isRoot = process.getuid?.() === 0;

/**
 * Who takes a lesson. Where the tests are run by root every lesson has a user to itself, so that whatever this user has
 * afterwards is of the lesson; but limits can be set by root on every machine, and by others only on some.
 */
function taker({ number, options }: Lesson): User {
  if (isRoot && options.some((option) => /^(memory|pids-limit|cpus)=/.test(option))) return root;
  return isRoot ? { ...unprivileged, uid: unprivileged.uid + number } : unprivileged;
}

class Learner {
  readonly env: Record<string, string>;
  private readonly terminal: TerminalSession;
  /** Every other lesson is taken in a narrow window. */
  private readonly columns: number;
  /** How many questions there have been; a screen with more of them asks a new one. */
  private asked = 0;
  private section = 0;
  private predicted = { inSection: 0, all: 0, right: 0 };
  private hasLeft = false;
  private hasTyped = false;

  constructor(
    private readonly lesson: Lesson,
    user: User,
  ) {
    this.env = home(user);
    this.columns = lesson.number % 2 === 1 ? 60 : 160;
    this.terminal = new TerminalSession(user, { columns: this.columns, rows: 50 });
  }

  /** @returns why the lesson cannot be walked through on this machine, in its own words; undefined when it was */
  async walk(): Promise<string | undefined> {
    const { TMPDIR, XDG_STATE_HOME } = this.env;
    this.terminal.type(`export TMPDIR=${TMPDIR} XDG_STATE_HOME=${XDG_STATE_HOME}; clear; echo ready`);
    this.asked = (await this.terminal.shows(/^ready\noutside\$$/)).match(questions)?.length ?? 0;
    let screen = await this.begin();
    const obstacle = /cannot\s+run\s+on\s+this\s+machine:\s+([\s\S]*?)\s*status 1\noutside\$$/.exec(
      screen,
    )?.[1];
    if (obstacle !== undefined) return obstacle;
    while (!screen.endsWith('outside$')) screen = await this.next(screen);

    const { number, name } = this.lesson;
    const { all, right } = this.predicted;
    const score = all > 0 ? ` You predicted ${right} of ${all}.` : '';
    assert.ok(screen.includes(`✓ Lesson ${number} is done.${score}\n`), screen);
    assert.match(screen, /\nstatus 0\noutside\$$/);
    assert.ok(this.hasLeft && this.hasTyped, 'the lesson was left, and a command of one’s own was typed');
    const typed = /^outside\$|your turn \$/;
    const broken = this.terminal.broken().filter((line) => !typed.test(line));
    assert.deepEqual(broken, [], 'no line was broken by the terminal');
    assert.match(await this.answer('gontainer lesson'), new RegExp(`^✓ +${number} +${name} `, 'm'));
    return undefined;
  }

  private begin(): Promise<string> {
    return this.answer(`gontainer lesson ${this.lesson.name}; echo "status $?"`);
  }

  /** Does what is asked at the end of the screen. */
  private async next(screen: string): Promise<string> {
    const { sections } = this.lesson;
    const section = Number([...screen.matchAll(/^(\d+)\/\d+ {2}\S/gm)].at(-1)?.[1] ?? 0);
    if (section !== this.section) this.predicted.inSection = 0;
    this.section = section;
    const within = !screen.endsWith('next section ‣');
    if (!this.hasLeft && within && section > sections.length / 2) return this.leaveAndComeBack();
    if (screen.endsWith('your turn $')) return this.solve();
    if (screen.endsWith('show me) ‣')) return this.predict();
    if (!this.hasTyped && screen.endsWith('Enter runs it ‣')) {
      this.hasTyped = true;
      return this.answer(
        'echo it is $((6 * 7)); nosuchcommand',
        /^it is 42\n.*not found\n +\(exit status 127\)\n/m,
      );
    }
    return this.answer('');
  }

  private async leaveAndComeBack(): Promise<string> {
    this.hasLeft = true;
    const { section } = this;
    const { name, sections } = this.lesson;
    this.terminal.press('C-c');
    await this.asks(
      new RegExp(
        `Section ${section} of ${sections.length} is next\\. Go on there with:\\s+gontainer\\s+lesson\\s+${name}\nstatus 0\noutside\\$$`,
      ),
    );
    assert.deepEqual(leftIn(this.env), [], 'nothing is left while the learner is away');
    assert.match(await this.answer('gontainer lesson'), new RegExp(`^◐ +\\d+ +${name} `, 'm'));
    await this.begin();
    this.predicted = { inSection: 0, all: 0, right: 0 };
    const again = new RegExp(
      `You were at section ${section} of ${sections.length}[\\s\\S]*\n${section}/${sections.length} `,
    );
    return this.answer('', again);
  }

  /** Predicts, now rightly and now wrongly. */
  private predict(): Promise<string> {
    const here = this.lesson.sections[this.section - 1]?.parts.filter(
      (part): part is Prediction => part.kind === 'prediction',
    );
    const prediction = here?.[this.predicted.inSection];
    assert.ok(prediction, `section ${this.section} asks for more predictions than it has`);
    const { answer, choices } = prediction;
    const right = (this.lesson.number + this.predicted.all) % 2 === 0;
    const guess = right ? answer : (answer % choices.length) + 1;
    this.predicted.inSection += 1;
    this.predicted.all += 1;
    if (right) this.predicted.right += 1;
    return this.answer(String(guess));
  }

  /** Checks before anything is done, takes the hints, tries what is wrong, and then solves the exercise. */
  private async solve(): Promise<string> {
    const exercise = this.lesson.sections[this.section - 1]?.parts.find(
      (part): part is Exercise => part.kind === 'exercise',
    );
    assert.ok(exercise);
    // A sentence that says what is missing comes before it.
    const notYet = /\n {2}\S[^\n]*\.\n +Not yet\.[^\n]*\n +your turn \$$/;
    await this.answer('', notYet);
    for (const _ of exercise.hints) await this.answer('hint');
    await this.answer('hint', /That was the last hint[^\n]*\n +your turn \$$/);
    const solution = commandsOf(exercise.solution).map(({ text }) => text);
    const files = solution.flatMap((text) => />\s*([\w/]+)$/.exec(text)?.[1] ?? []);
    await this.answer(`echo a guess | tee ${[...new Set(['answer', ...files])].join(' ')}`);
    await this.answer('', notYet);
    for (const command of solution) await this.answer(command);
    return this.answer('', /✓ That is it\.\n/);
  }

  /** Types a line, or only Enter; waits for the next question, and for what the screen is to show then. */
  private answer(line: string, shows?: RegExp): Promise<string> {
    this.terminal.type(line);
    return this.asks(shows);
  }

  private async asks(shows = asking): Promise<string> {
    let screen = '';
    const count = (): number => screen.match(questions)?.length ?? 0;
    await until(
      () => `nothing new is asked; the screen shows:\n${screen}`,
      () => {
        screen = this.terminal.screen();
        return asking.test(screen) && count() > this.asked;
      },
    );
    this.asked = count();
    assert.doesNotMatch(screen, defects);
    assert.match(screen, shows);
    return screen;
  }
}

test('a learner goes through every lesson at a terminal', {
  skip: lacking('tmux', 'setpriv'),
  concurrency: 2,
}, async (context) => {
  const lessons = await findLessons(program);
  await Promise.all(
    lessons.map((lesson) =>
      context.test(`${lesson.number} ${lesson.name}`, async (context) => {
        const user = taker(lesson);
        const learner = new Learner(lesson, user);
        const obstacle = await learner.walk();
        if (obstacle !== undefined) return context.skip(obstacle);
        assert.deepEqual(leftIn(learner.env), [], 'no folder and no process is left');
        if (isRoot && user !== root)
          assert.deepEqual(sharedBy(user), [], 'no shared memory, semaphore or queue is left');
      }),
    ),
  );
});
