/** Reads a lesson's Markdown. Mistakes of its author are said with the file's name and what to write instead. */
import { basename } from 'node:path';
import type { marked, Token, Tokens } from 'marked';
import { Failure } from '../../common/failure.js';
import type { Exercise, Lesson, LessonCommand, Part, Section } from './lesson.js';

/** A token and the line of the file on which it begins. */
interface Placed {
  readonly token: Token;
  readonly line: number;
}

/** A <details> element: what can be opened, and what is in it. */
interface Details {
  readonly summary: string;
  readonly content: readonly Placed[];
  readonly line: number;
}

/**
 * @param file its path, of the form NN-name.md
 * @param text its content
 * @param lexer marked's, which cannot be imported statically from CommonJS
 * @throws Failure when it does not have the form that docs/lessons/README.md describes
 */
export function readLesson(file: string, text: string, lexer: typeof marked.lexer): Lesson {
  const [, number, name] = /^(\d+)-([a-z-]+)\.md$/.exec(basename(file)) ?? [];
  if (number === undefined || name === undefined) throw mistake(file, 1, 'is not named like 03-uts.md');
  const [, front = '', body = ''] = /^---\n(.*?)\n---\n(.*)$/s.exec(text) ?? [];
  const matter = new Map(front.split('\n').map((line) => line.split(/:\s*(.*)/s) as [string, string]));
  const words = (key: string): string[] => (matter.get(key) ?? '').split(' ').filter(Boolean);
  const title = matter.get('title');
  const minutes = Number(matter.get('minutes'));
  if (title === undefined || !(minutes > 0))
    throw mistake(file, 1, 'needs front matter with title and minutes');

  const tokens = placed(lexer(body), text.slice(0, text.length - body.length).split('\n').length);
  const starts = tokens.flatMap(({ token }, index) =>
    token.type === 'heading' && token.depth === 2 ? [index] : [],
  );
  const sections = starts.map((start, index): Section => {
    const heading = tokens[start] as Placed;
    return {
      title: (heading.token as Tokens.Heading).text,
      parts: partsOf(file, tokens.slice(start + 1, starts[index + 1])),
    };
  });
  if (sections.length === 0) throw mistake(file, 1, 'has no section: ## …');
  return {
    number: Number(number),
    name,
    file,
    title,
    minutes,
    namespaces: words('namespaces'),
    options: words('options'),
    commands: words('commands'),
    cgroup2: matter.get('cgroup') === '2',
    cleanup: matter.get('cleanup') ?? '',
    introduction: partsOf(
      file,
      tokens.slice(0, starts[0]).filter(({ token }) => token.type !== 'heading'),
    ),
    sections,
  };
}

function placed(tokens: readonly Token[], first: number): Placed[] {
  let line = first;
  return tokens.map((token) => {
    const at = line;
    line += token.raw.split('\n').length - 1;
    return { token, line: at };
  });
}

function partsOf(file: string, tokens: readonly Placed[]): Part[] {
  const parts: Part[] = [];
  let hints: Part[][] = [];
  let solution: Part[] = [];
  const rest = [...tokens];
  for (let next = rest.shift(); next !== undefined; next = rest.shift()) {
    const { token, line } = next;
    const details = token.type === 'html' ? takeDetails(file, next, rest) : undefined;
    if (details !== undefined) {
      const inside = partsOf(
        file,
        details.content.filter(({ token: { type } }) => type !== 'code' || details.summary !== 'Check'),
      );
      if (details.summary === 'Hint') hints.push(inside);
      else if (details.summary === 'Solution') solution = inside;
      else if (details.summary === 'Check') {
        parts.push(exercise(file, details, hints, solution));
        hints = [];
        solution = [];
      } else parts.push(prediction(file, details, parts, inside));
    } else if (isWrongAnswers(token)) {
      parts.push(wrongAnswers(token));
    } else if (token.type === 'code' && token.lang === 'console') {
      parts.push({ kind: 'console', commands: commandsIn(file, token.text, line + 1) });
    } else if (token.type !== 'space' && !(token.type === 'html' && token.raw.startsWith('<!--'))) {
      parts.push({ kind: 'text', token });
    }
  }
  if (hints.length > 0 || solution.length > 0) {
    throw mistake(file, tokens[0]?.line ?? 1, 'has a Hint or a Solution without a Check after it');
  }
  return parts;
}

/** <details><summary>…</summary>, blocks of Markdown with empty lines around them, </details>. */
function takeDetails(file: string, { token, line }: Placed, rest: Placed[]): Details | undefined {
  const summary = /<details>\s*<summary>(.*?)<\/summary>/s.exec(token.raw)?.[1];
  if (summary === undefined) return undefined;
  const end = rest.findIndex((later) => later.token.raw.includes('</details>'));
  if (end < 0) throw mistake(file, line, 'has <details> without an empty line and </details>');
  const content = rest.splice(0, end + 1).slice(0, -1);
  return { summary, content, line };
}

/** The numbered list before <details> has the choices; what is revealed begins its text with the right number. */
function prediction(file: string, { line }: Details, before: Part[], reveal: Part[]): Part {
  const list = before.at(-1);
  const choices =
    list?.kind === 'text' && list.token.type === 'list' ? (list.token as Tokens.List).items : [];
  const answer = reveal
    .map((part) => (part.kind === 'text' ? /^\*\*(\d+)\.\*\*/.exec(part.token.raw)?.[1] : undefined))
    .find((number) => number !== undefined);
  if (choices.length < 2 || answer === undefined || Number(answer) > choices.length) {
    throw mistake(
      file,
      line,
      'has <details> that is no Hint, Solution or Check, nor a prediction: a numbered list before it, and in it a paragraph that begins with the right number, **2.**',
    );
  }
  const wrong = choices.map((_, index) => index + 1).filter((number) => number !== Number(answer));
  const reasons = reveal.find((part) => part.kind === 'wrong answers')?.reasons;
  const unsaid = wrong.find((number) => !reasons?.has(number));
  if (unsaid !== undefined) {
    throw mistake(
      file,
      line,
      `has a prediction that does not say why ${unsaid} is wrong: a list item that begins with **${unsaid}?**`,
    );
  }
  return {
    kind: 'prediction',
    choices: choices.map(({ text }) => text),
    answer: Number(answer),
    reveal,
  };
}

/** A list whose items begin with the number of a wrong choice: - **1?** … */
const isWrongAnswers = (token: Token): token is Tokens.List =>
  token.type === 'list' && (token as Tokens.List).items.every(({ text }) => wrongAnswer.test(text));

const wrongAnswer = /^\*\*(\d+)\?\*\*/;

const wrongAnswers = (token: Tokens.List): Part => ({
  kind: 'wrong answers',
  token,
  reasons: new Map(token.items.map(({ text, tokens }) => [Number(wrongAnswer.exec(text)?.[1]), tokens])),
});

function exercise(file: string, details: Details, hints: Part[][], solution: Part[]): Exercise {
  const script = details.content.find(({ token }) => token.type === 'code' && token.lang === 'sh');
  if (script === undefined) throw mistake(file, details.line, 'has a Check without a ```sh block');
  if (hints.length === 0 || solution.length === 0)
    throw mistake(file, details.line, 'has a Check without a Hint and a Solution before it');
  return {
    kind: 'exercise',
    hints,
    solution,
    check: (script.token as Tokens.Code).text,
    line: details.line,
  };
}

/** `$ command`, `> its next line`, and the output. */
function commandsIn(file: string, text: string, first: number): LessonCommand[] {
  const commands: { text: string; expected: string[]; line: number }[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    const last = commands.at(-1);
    if (line.startsWith('$ ')) commands.push({ text: line.slice(2), expected: [], line: first + index });
    else if (last === undefined)
      throw mistake(file, first + index, 'has a console block that does not begin with “$ command”');
    else if (line.startsWith('> ') && last.expected.length === 0) last.text += `\n${line.slice(2)}`;
    else last.expected.push(line.trimEnd());
  }
  return commands;
}

const mistake = (file: string, line: number, what: string): Failure =>
  new Failure(`the lesson ${file}, line ${line}, ${what}`, { next: 'See docs/lessons/README.md.' });
