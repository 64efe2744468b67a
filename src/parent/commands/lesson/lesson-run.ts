/** One lesson with one learner: shows, asks, runs, compares, and remembers how far they came. */
import { discardInput } from '../../../common/kernel/processes.js';
import { print, write } from '../../../common/print.js';
import {
  commandsOf,
  type Exercise,
  type Lesson,
  type LessonCommand,
  type Part,
  type Prediction,
} from '../../course/lesson.js';
import type { Progress } from '../../course/progress.js';
import { type Bindings, filledIn, matchOutput, outputLines } from './expectation.js';
import { type Keyboard, Leave } from './keyboard.js';
import { OutputBar } from './output-bar.js';
import type { Renderer } from './render.js';
import type { Ran, Session } from './session.js';
import { meansEnter, meansHelp, meansLeave, Turn, turnFor, wordsOfExercise, wordsOfLesson } from './words.js';

/** A command that runs for longer is waited for, milliseconds: then it is said what for. */
const longWait = 5000;

export class LessonRun {
  private bindings: Bindings = new Map();
  private session: Session;
  /** Where the learner is, from 0; -1 before the first section. */
  private section = -1;
  /** Whether each prediction was right, when it was asked for the first time. */
  private readonly predictions = new Map<Prediction, boolean>();
  /** Whether later commands may lack what a skipped one would have made. */
  private hasSkipped = false;
  private isOver = false;

  /** @param open begins a session of the lesson: a shell in a fresh folder */
  constructor(
    private readonly lesson: Lesson,
    private readonly open: () => Session,
    private readonly keyboard: Keyboard,
    private readonly renderer: Renderer,
    private readonly progress: Progress,
  ) {
    this.session = open();
  }

  /** @returns whether the learner came to the end, and did not leave before */
  async toTheEnd(next: Lesson | undefined): Promise<boolean> {
    const { number, name, title, minutes, sections } = this.lesson;
    print(`\n${this.renderer.heading(`Lesson ${number} · ${title}`)}`);
    this.tell(`About ${minutes} minutes. Enter runs the command shown, or goes on.`, 'dim');
    this.tell('Type your own commands whenever you like. Ctrl-C leaves. More: help\n', 'dim');
    try {
      let at = await this.firstSection();
      while (at < sections.length) at = await this.sectionAt(at);
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      this.sayWhereToGoOn();
      return false;
    }
    const right = [...this.predictions.values()].filter(Boolean).length;
    const score = this.predictions.size > 0 ? ` You predicted ${right} of ${this.predictions.size}.` : '';
    print(this.renderer.wrap(`${this.renderer.paint('green', `✓ Lesson ${number} is done.`)}${score}`, ''));
    print(
      this.renderer.wrap(
        next === undefined ? 'That was the last one.' : `Next: ${next.title}. gontainer lesson ${next.name}`,
        '',
      ),
    );
    this.progress.set(name, { sections: 0, done: true });
    return true;
  }

  /** @returns what the lesson could not remove, a sentence */
  end(): Promise<string | undefined> {
    this.isOver = true;
    return this.session.end(this.lesson.cleanup);
  }

  /** The introduction, and where the learner goes on. */
  private async firstSection(): Promise<number> {
    try {
      await this.parts(this.lesson.introduction);
      return await this.whereToBegin();
    } catch (error) {
      if (error instanceof Turn) return this.sectionAfter(error);
      throw error;
    }
  }

  private async whereToBegin(): Promise<number> {
    const { sections } = this.progress.of(this.lesson.name);
    const all = this.lesson.sections;
    if (sections === 0 || sections >= all.length) return 0;
    const { title } = all[sections] as (typeof all)[number];
    this.tell(`You were at section ${sections + 1} of ${all.length}, “${title}”.`);
    for (;;) {
      const answer = await this.ask('  Enter goes on there, 1 begins again ‣ ');
      if (answer === '1') return 0;
      if (meansEnter(answer)) break;
    }
    await this.doAgain(sections);
    return sections;
  }

  /** @returns the section that comes after it */
  private async sectionAt(at: number): Promise<number> {
    const { name, sections } = this.lesson;
    const { title, parts } = sections[at] as (typeof sections)[number];
    this.section = at;
    print(`${this.renderer.heading(`${at + 1}/${sections.length}  ${title}`)}\n`);
    try {
      await this.parts(parts);
      const done = { sections: at + 1, done: this.progress.of(name).done };
      const warning = this.progress.set(
        name,
        done.sections < sections.length ? done : { sections: 0, done: true },
      );
      if (warning !== undefined) this.tell(warning);
      if (at + 1 < sections.length && parts.at(-1)?.kind !== 'exercise')
        await this.enter('Enter: next section');
      return at + 1;
    } catch (error) {
      if (error instanceof Turn) return this.sectionAfter(error);
      throw error;
    }
  }

  /** A section that is done again begins with a fresh folder, as the first time. */
  private async sectionAfter({ to }: Turn): Promise<number> {
    const at = Math.max(0, this.section - (to === 'back' ? 1 : 0));
    const left = await this.session.end(this.lesson.cleanup);
    // A signal that came meanwhile ends the lesson: there is to be no other shell.
    if (this.isOver) throw new Leave();
    if (left !== undefined) this.tell(left);
    this.session = this.open();
    this.bindings = new Map();
    this.hasSkipped = false;
    const { name } = this.lesson;
    this.progress.set(name, { sections: at, done: this.progress.of(name).done });
    print('');
    if (at > 0) await this.doAgain(at);
    return at;
  }

  /** Does what earlier sections did, without showing it, as later ones build on it. */
  private async doAgain(sections: number): Promise<void> {
    this.tell('Doing again what the sections before it did …', 'dim');
    const earlier = this.lesson.sections
      .slice(0, sections)
      .flatMap(({ parts }) => parts.filter(({ kind }) => kind !== 'exercise'));
    for (const command of commandsOf(earlier)) {
      const { output, interrupted } = await this.run(command.text);
      if (interrupted) throw new Leave();
      this.bindings = matchOutput(command.expected, outputLines(output), this.bindings) ?? this.bindings;
    }
    print('');
  }

  private sayWhereToGoOn(): void {
    const { name, sections } = this.lesson;
    const { sections: done } = this.progress.of(name);
    print('');
    print(
      this.renderer.wrap(
        done === 0
          ? `Until later: gontainer lesson ${name}`
          : `Section ${done + 1} of ${sections.length} is next. Go on there with: gontainer lesson ${name}`,
        '',
      ),
    );
  }

  private async parts(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      if (part.kind === 'text') print(`${filledIn(this.renderer.block(part.token), this.bindings)}\n`);
      else if (part.kind === 'prediction') await this.predict(part);
      else if (part.kind === 'exercise') await this.exercise(part);
      else if (part.kind === 'console') await this.commands(part.commands);
    }
  }

  private async commands(commands: readonly LessonCommand[]): Promise<void> {
    let skipped = false;
    for (const command of commands) {
      if (skipped && waitedFor(command.text) !== undefined) {
        this.tell('What comes next only waits for what you skipped, and is passed over too.\n', 'dim');
        continue;
      }
      skipped = !(await this.command(command));
      this.hasSkipped ||= skipped;
    }
  }

  /**
   * Shows a command, runs it when the learner says so, and says if this machine answers otherwise than the lesson.
   * @returns false when the learner skips it
   */
  private async command(command: LessonCommand): Promise<boolean> {
    const { text, expected } = command;
    print(this.renderer.command(text));
    if (!(await this.enter('Enter runs it', text))) return false;
    const bar = new OutputBar(this.renderer, write);
    const ran = await this.run(text, (output) => bar.take(output));
    bar.finish();
    // Enter pressed once more in impatience is not an answer to the next question.
    discardInput();
    if (ran.interrupted) {
      this.tell('(Interrupted. Here it is again; “skip” passes over it.)', 'dim');
      return this.command(command);
    }
    this.compare(expected, ran.output);
    print('');
    return true;
  }

  private compare(expected: readonly string[], output: string): void {
    const found = matchOutput(expected, outputLines(output), this.bindings);
    if (found !== undefined) {
      this.bindings = found;
      return;
    }
    const reason = this.hasSkipped ? 'what was skipped, or this machine' : 'this machine';
    this.tell(`The lesson expects something else here; it may be because of ${reason}:`, 'dim');
    for (const line of expected) {
      const shown = this.renderer.brokenLine(filledIn(line, this.bindings), '  ┊ '.length);
      for (const piece of shown) print(this.renderer.paint('dim', `  ┊ ${piece}`));
    }
  }

  /** Runs a command of the lesson. What takes long says what it waits for. */
  private async run(text: string, show?: (output: string) => void): Promise<Ran> {
    const what = waitedFor(text);
    const timer = setTimeout(() => {
      this.tell(
        what === undefined
          ? '(It still runs. Ctrl-C stops it.)'
          : `(Still waiting until ${what}. Ctrl-C stops it.)`,
        'dim',
      );
    }, longWait);
    try {
      return await this.session.run(text, 'captured', show);
    } finally {
      clearTimeout(timer);
    }
  }

  private async predict(prediction: Prediction): Promise<void> {
    const { choices, answer, reveal } = prediction;
    const numbers = choices.map((_, index) => String(index + 1));
    let guess = '';
    for (;;) {
      guess = await this.ask(`  What do you think: ${numbers.join(', ')}? (Enter: just show me) ‣ `);
      if (guess === '' || numbers.includes(guess)) break;
      this.tell(
        `Type ${numbers.slice(0, -1).join(', ')} or ${numbers.at(-1)}, or Enter to see it without a guess.`,
        'dim',
      );
    }
    print('');
    if (guess !== '' && !this.predictions.has(prediction))
      this.predictions.set(prediction, guess === String(answer));
    for (const part of reveal) {
      if (guess !== '' && part.kind === 'text' && part.token.raw.startsWith(`**${answer}.**`))
        this.judge(Number(guess), prediction);
      await this.parts([part]);
    }
  }

  private judge(guess: number, { answer, reveal }: Prediction): void {
    if (guess === answer) {
      this.tell(`You said ${guess}, and so it is.`, 'green');
      return;
    }
    this.tell(`You said ${guess}; it is ${answer}.`, 'yellow');
    const reasons = reveal.find((part) => part.kind === 'wrong answers')?.reasons.get(guess) ?? [];
    for (const token of reasons) print(filledIn(this.renderer.block(token), this.bindings));
    print('');
  }

  private async exercise({ hints, solution, check }: Exercise): Promise<void> {
    const left = [...hints];
    this.tell(
      'Type commands. Enter alone checks what you have done. There are also: hint, solution, skip.\n',
      'dim',
    );
    for (;;) {
      const typed = await this.ask('  your turn $ ', wordsOfExercise);
      if (typed === 'skip') break;
      if (typed === 'hint') {
        const hint = left.shift();
        if (hint === undefined) this.tell('That was the last hint. There is also: solution', 'dim');
        else await this.parts(hint);
      } else if (typed === 'solution') {
        await this.parts(solution);
      } else if (typed !== '') {
        await this.own(typed);
      } else if (await this.isDone(check)) return;
    }
    print('');
  }

  private async isDone(check: string): Promise<boolean> {
    const { status, output, interrupted } = await this.run(`(${check}\n)`);
    const bar = new OutputBar(this.renderer, write);
    bar.take(output);
    bar.finish();
    if (interrupted) this.tell('(Interrupted. Enter checks again.)', 'dim');
    else if (status === 0) this.tell('✓ That is it.\n', 'green');
    else this.tell('Not yet. (hint, solution and skip are there too.)', 'yellow');
    return status === 0 && !interrupted;
  }

  /**
   * Waits for Enter, or for `shown` typed out; runs other commands meanwhile.
   * @returns false when the learner skips
   */
  private async enter(what: string, shown?: string): Promise<boolean> {
    for (;;) {
      const typed = await this.ask(`  ${what} ‣ `);
      if (meansEnter(typed) || (shown !== undefined && evened(typed) === evened(shown))) {
        if (shown === undefined) print('');
        return true;
      }
      if (typed === 'skip') {
        print('');
        return false;
      }
      await this.own(typed);
    }
  }

  /**
   * Asks until the answer is none of the words that mean the same everywhere.
   * @throws Leave and Turn
   */
  private async ask(prompt: string, words: typeof wordsOfLesson = []): Promise<string> {
    for (;;) {
      const typed = await this.keyboard.ask(prompt);
      if (meansLeave(typed)) throw new Leave();
      turnFor(typed);
      if (typed === 'list') this.list();
      else if (meansHelp(typed)) this.help(words);
      else return typed;
    }
  }

  private help(words: typeof wordsOfLesson): void {
    const others = wordsOfLesson.filter(([word]) => words.every(([same]) => same !== word));
    for (const [word, does] of [...words, ...others])
      print(this.renderer.wrap(`${word.padEnd(8)}  ${does}`, '  ', ' '.repeat(12)));
    this.tell(
      'Anything else that you type is run as a command, in the same shell: variables and folders stay.\n',
    );
  }

  private list(): void {
    for (const [index, { title }] of this.lesson.sections.entries()) {
      const here = index === this.section;
      print(this.renderer.wrap(`${index + 1}  ${title}`, here ? '  ▸ ' : '    ', '       '));
    }
    this.tell('back: the section before · again: this one from its start\n', 'dim');
  }

  /** A command of the learner's own has the terminal, so that it can be a shell or an editor. */
  private async own(command: string): Promise<void> {
    const { status } = await this.session.run(command, 'terminal');
    if (status !== 0) this.tell(`(exit status ${status})`, 'dim');
  }

  /** A sentence of this program. */
  private tell(text: string, style?: 'dim' | 'green' | 'yellow'): void {
    const end = /\n*$/.exec(text)?.[0] ?? '';
    const sentence = text.slice(0, text.length - end.length);
    print(this.renderer.wrap(style === undefined ? sentence : this.renderer.paint(style, sentence)) + end);
  }
}

const evened = (text: string): string => text.trim().replace(/\s+/g, ' ');

/** What a loop waits for, in the words of the comment at its end: `until [ -s pid ]; do …; done   # until it is there`. */
const waitedFor = (text: string): string | undefined =>
  /^until .*\s# until (.+)$/s.exec(text)?.[1] ?? /^until (.+?); do/s.exec(text)?.[1];
