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
import type { Renderer } from './render.js';
import type { Session } from './session.js';

/** What people type when they mean Enter; `yes` as a command would never end. */
const meansEnter = ['', 'y', 'yes', 'ok', 'n', 'next', 'run'];
/** `exit` would end the lesson's shell under our feet. */
const meansLeave = (typed: string): boolean => /^(q|quit|logout|exit( \d+)?)$/.test(typed);
const meansHelp = ['?', 'help'];

const help =
  'Enter runs the command that is shown, or goes on. Anything else that you type is run as a command, in the same shell: variables and folders stay. “skip” passes over a command or an exercise, “quit” or Ctrl-C leaves; you go on later where you were.';

export class LessonRun {
  private bindings: Bindings = new Map();
  private readonly predictions = { asked: 0, right: 0 };

  constructor(
    private readonly lesson: Lesson,
    private readonly session: Session,
    private readonly keyboard: Keyboard,
    private readonly renderer: Renderer,
    private readonly progress: Progress,
  ) {}

  /** @returns whether the learner came to the end, and did not leave before */
  async toTheEnd(next: Lesson | undefined): Promise<boolean> {
    const { number, name, title, minutes, sections, introduction } = this.lesson;
    try {
      this.say(`\n${this.renderer.heading(`Lesson ${number} · ${title}`)}  (about ${minutes} minutes)\n`);
      this.say(
        `${this.renderer.wrap(this.dim(`Enter runs the command shown, or goes on. Type your own commands whenever you like. Ctrl-C leaves. More: help`))}\n`,
      );
      await this.parts(introduction);
      for (let at = await this.beginning(); at < sections.length; at += 1) {
        const { title: heading, parts } = sections[at] as (typeof sections)[number];
        this.say(this.renderer.heading(`${at + 1}/${sections.length}  ${heading}\n`));
        await this.parts(parts);
        const warning = this.progress.set(
          name,
          at + 1 < sections.length
            ? { sections: at + 1, done: this.progress.of(name).done }
            : { sections: 0, done: true },
        );
        if (warning !== undefined) this.say(warning);
        if (at + 1 < sections.length && parts.at(-1)?.kind !== 'exercise')
          await this.enter('Enter: next section');
      }
    } catch (error) {
      if (!(error instanceof Leave)) throw error;
      const { sections: done } = this.progress.of(name);
      this.say(
        done === 0
          ? `\nUntil later: gontainer lesson ${name}`
          : `\nSection ${done + 1} of ${sections.length} is next. Go on there with: gontainer lesson ${name}`,
      );
      return false;
    }
    const { asked, right } = this.predictions;
    this.say(
      `${this.renderer.paint('green', `✓ Lesson ${number} is done.`)}${asked > 0 ? ` You predicted ${right} of ${asked}.` : ''}`,
    );
    this.say(
      next === undefined ? 'That was the last one.' : `Next: ${next.title}. gontainer lesson ${next.name}`,
    );
    return true;
  }

  /** Where to begin. What earlier sections did is done again without a word, as later ones build on it. */
  private async beginning(): Promise<number> {
    const { sections } = this.progress.of(this.lesson.name);
    const all = this.lesson.sections;
    if (sections === 0 || sections >= all.length) return 0;
    const { title } = all[sections] as (typeof all)[number];
    for (;;) {
      const answer = await this.keyboard.ask(
        `You were at section ${sections + 1} of ${all.length}, “${title}”. Enter goes on there, 1 begins again ‣ `,
      );
      if (answer === '1') return 0;
      if (meansLeave(answer)) throw new Leave();
      if (meansEnter.includes(answer)) break;
    }
    this.say(this.dim('Doing again what the sections before it did …'));
    const earlier = all
      .slice(0, sections)
      .flatMap(({ parts }) => parts.filter(({ kind }) => kind !== 'exercise'));
    for (const command of commandsOf(earlier)) {
      const { output } = await this.session.run(command.text);
      this.bindings = matchOutput(command.expected, outputLines(output), this.bindings) ?? this.bindings;
    }
    this.say('');
    return sections;
  }

  private async parts(parts: readonly Part[]): Promise<void> {
    for (const part of parts) {
      if (part.kind === 'text') this.say(`${filledIn(this.renderer.block(part.token), this.bindings)}\n`);
      else if (part.kind === 'prediction') await this.predict(part);
      else if (part.kind === 'exercise') await this.exercise(part);
      else for (const command of part.commands) await this.command(command);
    }
  }

  /** Shows a command, runs it when the learner says so, and says if this machine answers otherwise than the lesson. */
  private async command(command: LessonCommand): Promise<void> {
    const { text, expected } = command;
    this.say(this.renderer.command(text));
    if (!(await this.enter('Enter runs it', text))) return;
    let interrupted = false;
    const interrupt = (): void => {
      interrupted = true;
    };
    process.on('SIGINT', interrupt);
    const ran = await this.session.run(text, 'captured', this.output());
    process.off('SIGINT', interrupt);
    if (ran.output !== '' && !ran.output.endsWith('\n')) this.say('');
    // Enter pressed once more in impatience is no answer to the next question.
    discardInput();
    if (interrupted) {
      this.say(this.dim('\n  (Interrupted. Here it is again; “skip” passes over it.)'));
      return this.command(command);
    }
    const found = matchOutput(expected, outputLines(ran.output), this.bindings);
    if (found !== undefined) this.bindings = found;
    else {
      this.say(this.dim('  The lesson expects something else here; it may be this machine:'));
      for (const line of expected) this.say(this.dim(`  ┊ ${filledIn(line, this.bindings)}`));
    }
    this.say('');
  }

  private async predict({ choices, answer, reveal }: Prediction): Promise<void> {
    const numbers = choices.map((_, index) => String(index + 1));
    let guess = '';
    for (;;) {
      guess = await this.keyboard.ask(`  What do you think: ${numbers.join(', ')}? (Enter: just show me) ‣ `);
      if (meansLeave(guess)) throw new Leave();
      if (guess === '' || numbers.includes(guess)) break;
      this.say(
        this.dim(
          `  Type ${numbers.slice(0, -1).join(', ')} or ${numbers.at(-1)}, or Enter to see it without a guess.`,
        ),
      );
    }
    this.say('');
    const right = guess === String(answer);
    if (guess !== '') {
      this.predictions.asked += 1;
      if (right) this.predictions.right += 1;
    }
    for (const part of reveal) {
      if (part.kind === 'text' && part.token.raw.startsWith(`**${answer}.**`) && guess !== '') {
        this.say(
          right
            ? this.renderer.paint('green', `  You said ${guess}, and so it is.`)
            : this.renderer.paint('yellow', `  You said ${guess}; it is ${answer}.`),
        );
      }
      await this.parts([part]);
    }
  }

  private async exercise({ hints, solution, check }: Exercise): Promise<void> {
    const left = [...hints];
    this.say(
      `${this.renderer.wrap(this.dim('Type commands. Enter alone checks what you have done. There are also: hint, solution, skip.'))}\n`,
    );
    for (;;) {
      const typed = await this.keyboard.ask('  your turn $ ');
      if (meansLeave(typed)) throw new Leave();
      if (typed === 'skip') break;
      if (typed === 'hint') {
        const hint = left.shift();
        if (hint === undefined) this.say(this.dim('  That was the last hint. There is also: solution'));
        else await this.parts(hint);
      } else if (typed === 'solution') {
        await this.parts(solution);
      } else if (meansHelp.includes(typed)) {
        this.say(
          this.renderer.wrap(
            'Type commands until the exercise is done; Enter alone checks. “hint” helps, “solution” shows one, “skip” goes on.',
          ),
        );
      } else if (typed !== '') {
        await this.own(typed);
      } else {
        const { status, output } = await this.session.run(`(${check}\n)`);
        for (const line of outputLines(output)) this.say(`  ${line}`);
        if (status === 0) {
          this.say(this.renderer.paint('green', '  ✓ That is it.\n'));
          return;
        }
        this.say(this.renderer.paint('yellow', '  Not yet. (hint, solution and skip are there too.)'));
      }
    }
    this.say('');
  }

  /**
   * Waits for Enter, or for `shown` typed out; runs other commands meanwhile.
   * @returns false when the learner skips
   */
  private async enter(what: string, shown?: string): Promise<boolean> {
    for (;;) {
      const typed = await this.keyboard.ask(`  ${what} ‣ `);
      if (meansEnter.includes(typed) || (shown !== undefined && evened(typed) === evened(shown))) {
        if (shown === undefined) this.say('');
        return true;
      }
      if (meansLeave(typed)) throw new Leave();
      if (typed === 'skip') {
        this.say('');
        return false;
      }
      if (meansHelp.includes(typed)) this.say(`${this.renderer.wrap(help)}\n`);
      else await this.own(typed);
    }
  }

  /** A command of the learner's own has the terminal, so that it can be a shell or an editor. */
  private async own(command: string): Promise<void> {
    const { status } = await this.session.run(command, 'terminal');
    if (status !== 0) this.say(this.dim(`  (exit status ${status})`));
  }

  /** Prints pieces of output with a bar before each line. */
  private output(): (text: string) => void {
    let fresh = true;
    return (text) => {
      const bar = `  ${this.dim('│')} `;
      const lines = text.replace(/\n(?!$)/g, `\n${bar}`);
      write(`${fresh ? bar : ''}${lines}`);
      fresh = text.endsWith('\n');
    };
  }

  private dim(text: string): string {
    return this.renderer.paint('dim', text);
  }

  private say(text: string): void {
    print(text);
  }
}

const evened = (text: string): string => text.trim().replace(/\s+/g, ' ');
