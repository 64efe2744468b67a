/** What a learner can type beside commands: the words that every question of a lesson understands. */

/** What people type when they mean Enter; `yes` as a command would never end. */
const enter = new Set(['', 'y', 'yes', 'ok', 'n', 'next', 'run']);
/** `exit` would end the shell of the lesson. */
const leave = /^(q|quit|logout|exit( \d+)?)$/;

export const meansEnter = (typed: string): boolean => enter.has(typed);
export const meansLeave = (typed: string): boolean => leave.test(typed);
export const meansHelp = (typed: string): boolean => typed === '?' || typed === 'help';

/** What each word does, for `help`. */
export const wordsOfLesson: readonly (readonly [word: string, does: string])[] = [
  ['Enter', 'runs the command that is shown, or goes on'],
  ['skip', 'passes over a command or an exercise'],
  ['back', 'goes to the section before this one'],
  ['again', 'starts this section again, in a fresh folder'],
  ['list', 'lists the sections, and where you are'],
  ['quit', 'leaves; next time you go on where you were. Ctrl-C at a prompt does the same'],
];

/** The same for an exercise. */
export const wordsOfExercise: readonly (readonly [word: string, does: string])[] = [
  ['Enter', 'checks what you have done'],
  ['hint', 'helps a little'],
  ['solution', 'shows one way, and runs it if you like'],
];

/** The learner wants to go to another section. */
export class Turn extends Error {
  override readonly name = 'Turn';

  constructor(readonly to: 'back' | 'again') {
    super(to);
  }
}

/** @throws Turn for a word that means another section */
export function turnFor(typed: string): void {
  if (typed === 'back' || typed === 'again') throw new Turn(typed);
}
