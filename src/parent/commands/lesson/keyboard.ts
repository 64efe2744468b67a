/** Questions to the learner, one line each, with editing and history. Ctrl-C, Ctrl-D and Ctrl-\ leave the lesson. */
import { createInterface, type Key } from 'node:readline';
import { print } from '../../../common/print.js';

/** What Ctrl-\ sends while readline has the terminal in raw mode; else it is SIGQUIT. */
const quitKey = '\u001c';

/** The learner wants to leave. */
export class Leave extends Error {
  override readonly name = 'Leave';
}

export class Keyboard {
  /** Lines that came while nobody asked, for example pasted ones. */
  private readonly typedAhead: string[] = [];
  private history: string[] = [];
  /** Ends the question that is asked. */
  private leave: (() => void) | undefined;
  private hasLeft = false;

  /** The question that is asked, or the next one, is left. */
  interrupt(): void {
    this.hasLeft = true;
    this.leave?.();
  }

  /**
   * Asks, and gives the terminal back once the answer is there.
   * @throws Leave on Ctrl-C, Ctrl-D and Ctrl-\
   */
  async ask(prompt: string): Promise<string> {
    if (this.hasLeft) throw new Leave();
    const ready = this.typedAhead.shift();
    if (ready !== undefined) {
      print(`${prompt}${ready}`);
      return ready;
    }
    const reader = createInterface({
      input: process.stdin,
      output: process.stdout,
      history: [...this.history],
    });
    const quit = (_: unknown, { sequence }: Key): void => {
      if (sequence === quitKey) this.interrupt();
    };
    const leave = (): void => this.interrupt();
    try {
      const answer = await new Promise<string>((answered, failed) => {
        this.leave = () => failed(new Leave());
        let first = true;
        reader.on('history', (history) => {
          this.history = history;
        });
        reader.on('line', (line) => {
          if (first) answered(line.trim());
          else this.typedAhead.push(line.trim());
          first = false;
        });
        process.stdin.on('keypress', quit);
        reader.on('SIGINT', leave);
        reader.on('close', leave);
        // After Ctrl-Z and fg readline has paused its input, and reads on when it asks again.
        reader.on('SIGCONT', () => reader.prompt(true));
        reader.setPrompt(prompt);
        reader.prompt();
      });
      // Such a key may be right behind the answer: what was answered is not begun then.
      if (this.hasLeft) throw new Leave();
      return answer;
    } finally {
      reader.off('close', leave);
      this.leave = undefined;
      process.stdin.off('keypress', quit);
      reader.close();
    }
  }
}
