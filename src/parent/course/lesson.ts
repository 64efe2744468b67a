/** What a lesson is once its Markdown has been read (read-lesson.ts). The format is described in docs/lessons/README.md. */
import type { Token } from 'marked';

/** One command of a ```console block and the output that is claimed for it. */
export interface LessonCommand {
  /** As typed, without `$ `; several lines where the block continues it with `> `. */
  readonly text: string;
  /** The lines below it, in which patterns stand for what differs (expectation.ts). */
  readonly expected: readonly string[];
  /** The line of the file on which it stands, from 1. */
  readonly line: number;
}

/** What a section is made of, in its order. */
export type Part =
  | { readonly kind: 'text'; readonly token: Token }
  | { readonly kind: 'console'; readonly commands: readonly LessonCommand[] }
  | WrongAnswers
  | Prediction
  | Exercise;

/** Why each wrong choice of a prediction is wrong. */
interface WrongAnswers {
  readonly kind: 'wrong answers';
  /** All of them, as a list for a page. */
  readonly token: Token;
  /** Each by the number of its choice, from 1. */
  readonly reasons: ReadonlyMap<number, readonly Token[]>;
}

/** A question that is answered before the evidence is shown. */
export interface Prediction {
  readonly kind: 'prediction';
  readonly choices: readonly string[];
  /** The number of the right choice, from 1. */
  readonly answer: number;
  /** The evidence and the explanation. */
  readonly reveal: readonly Part[];
}

export interface Exercise {
  readonly kind: 'exercise';
  readonly hints: readonly (readonly Part[])[];
  readonly solution: readonly Part[];
  /** A script for the lesson's shell: status 0 when the exercise is done; what it prints says what is missing. */
  readonly check: string;
  readonly line: number;
}

export interface Section {
  readonly title: string;
  readonly parts: readonly Part[];
}

export interface Lesson {
  /** From the file's name: 3 and `uts` for 03-uts.md. */
  readonly number: number;
  readonly name: string;
  readonly file: string;
  readonly title: string;
  readonly minutes: number;
  /** Options of `gontainer run` that must work here: `uid`, `uts`, … */
  readonly namespaces: readonly string[];
  /** Further options of `gontainer run` that must work here: `memory=64m`, `watch=identity`, … */
  readonly options: readonly string[];
  /** Programs that must be installed. */
  readonly commands: readonly string[];
  /** Whether it needs the one tree of cgroup version 2. */
  readonly cgroup2: boolean;
  /** What the lesson's shell runs at the end, however it ends. */
  readonly cleanup: string;
  /** What stands before the first section. */
  readonly introduction: readonly Part[];
  readonly sections: readonly Section[];
}

/** Every command in these parts, in the order in which they are run; a prediction's in its place. */
export const commandsOf = (parts: readonly Part[]): LessonCommand[] =>
  parts.flatMap((part) => {
    if (part.kind === 'console') return part.commands;
    if (part.kind === 'prediction') return commandsOf(part.reveal);
    return part.kind === 'exercise' ? commandsOf(part.solution) : [];
  });
