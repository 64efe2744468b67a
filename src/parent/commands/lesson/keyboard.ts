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

  /**
   * Asks, and gives the terminal back once the answer is there.
   * @throws Leave on Ctrl-C, Ctrl-D and Ctrl-\
   */
  async ask(prompt: string): Promise<string> {
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
    let quit = (_: unknown, __: Key): void => {};
    try {
      return await new Promise<string>((answered, failed) => {
        quit = (_, { sequence }) => {
          if (sequence === quitKey) failed(new Leave());
        };
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
        reader.on('SIGINT', () => failed(new Leave()));
        reader.on('close', () => failed(new Leave()));
        reader.setPrompt(prompt);
        reader.prompt();
      });
    } finally {
      process.stdin.off('keypress', quit);
      reader.close();
    }
  }
}
