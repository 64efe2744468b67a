/** Questions to the learner, one line each, with editing and history; Ctrl-C and Ctrl-D leave the lesson. */
import { createInterface } from 'node:readline';
import { print } from '../../../common/print.js';

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
   * @throws Leave on Ctrl-C and Ctrl-D
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
    try {
      return await new Promise<string>((answered, failed) => {
        let first = true;
        reader.on('history', (history) => {
          this.history = history;
        });
        reader.on('line', (line) => {
          if (first) answered(line.trim());
          else this.typedAhead.push(line.trim());
          first = false;
        });
        reader.on('SIGINT', () => failed(new Leave()));
        reader.on('close', () => failed(new Leave()));
        reader.setPrompt(prompt);
        reader.prompt();
      });
    } finally {
      reader.close();
    }
  }
}
