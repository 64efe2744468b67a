/**
 * The code blocks of the pages, and what the comments before them say. docs/writing.md describes the format:
 *
 *   <!-- not run: REASON -->          <!-- status: 0, 1 -->, <!-- status: lsns 0, 1 -->
 *   <!-- before: COMMAND -->          <!-- in the clone -->
 *   <!-- where: NAME=box -->          <!-- in a terminal: c, exit -->
 *   <!-- as root -->                  <!-- as an ordinary user -->
 *   <!-- varies: vm, /usr/bin/dash -->
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { project } from '../gontainer.js';

/** A command line and, where the page shows it, what it prints. */
export interface ShownCommand {
  readonly line: number;
  readonly command: string;
  /** Undefined where the page shows no output. */
  readonly output: readonly string[] | undefined;
}

export interface Block {
  readonly page: string;
  /** Of its first line in the page, from 1. */
  readonly line: number;
  readonly lines: readonly string[];
  readonly commands: readonly ShownCommand[];
  /** Why it cannot be run. */
  readonly notRun?: string;
  /** Commands that a reader has done before, elsewhere. */
  readonly before: readonly string[];
  /** What placeholders stand for. */
  readonly where: ReadonlyMap<string, string>;
  /** What another machine has in its place. */
  readonly varies: readonly string[];
  /** The exit statuses that a command may have. */
  readonly statuses: (command: string) => readonly number[];
  readonly inTheClone: boolean;
  /** What is typed at the prompts of a terminal; undefined where it takes none. */
  readonly typed: readonly string[] | undefined;
  readonly runBy: 'root' | 'an ordinary user' | 'both';
}

/** Every page whose blocks are commands in a shell. The lessons are run as lessons. */
export const pages: readonly string[] = [
  'README.md',
  'CONTRIBUTING.md',
  'SECURITY.md',
  'CHANGELOG.md',
  ...readdirSync(join(project, 'docs'))
    .filter((name) => name.endsWith('.md'))
    .map((name) => `docs/${name}`),
  'docs/lessons/README.md',
];

const comment =
  /^\s*<!-- (not run|before|where|varies|status|in the clone|in a terminal|as root|as an ordinary user)(?:: (.*))? -->$/;
/** The beginning of a line that a reader would type. */
const typable =
  /^(?:\w+=\S* )?(?:gontainer|npm|npx|sudo|strace|unshare|nsenter|docker|git|alias|sh|readlink|cat|grep|lsns)(?: [^ ]|$)/;
const prompt = /^([$#]) /;
/** What a root shell in a container asks with: `📦 [root@box] ~ ‣ `. */
export const containerPrompt = /^📦 \[.*?‣ ?/u;

/** The blocks of a page, in its order. */
export function blocksOf(page: string): Block[] {
  const lines = readFileSync(join(project, page), 'utf8').split('\n');
  const blocks: Block[] = [];
  let comments: string[] = [];
  for (let index = 0; index < lines.length; index += 1) {
    const line = lines[index] as string;
    const fence = /^\s*```(\w*)/.exec(line);
    if (fence !== null) {
      const end = lines.findIndex((other, later) => later > index && /^\s*```$/.test(other));
      if (fence[1] === '' || fence[1] === 'sh' || fence[1] === 'console')
        blocks.push(block(page, index + 2, lines.slice(index + 1, end), comments));
      index = end;
      comments = [];
    } else if (comment.test(line)) {
      comments.push(line);
    } else if (/^ {4,}\S/.test(line) && lines[index - 1]?.trim() === '') {
      let end = index;
      while (end < lines.length && /^( {4,}\S|\s*$)/.test(lines[end] as string)) end += 1;
      const text = lines.slice(index, end);
      while (text.at(-1)?.trim() === '') text.pop();
      blocks.push(block(page, index + 1, text, comments));
      index += text.length - 1;
      comments = [];
    } else if (line.trim() !== '') {
      comments = [];
    }
  }
  return blocks;
}

function block(page: string, line: number, text: readonly string[], comments: readonly string[]): Block {
  const indent = Math.min(...text.filter((row) => row.trim() !== '').map((row) => row.search(/\S/)));
  const lines = text.map((row) => row.slice(indent));
  const said = (word: string): string[] =>
    comments.flatMap((row) => {
      const [, key, value = ''] = comment.exec(row) ?? [];
      return key === word ? [value] : [];
    });
  const [notRun] = said('not run');
  const [typed] = said('in a terminal');
  return {
    page,
    line,
    lines,
    commands: prompt.test(lines[0] ?? '') ? transcript(line, lines) : commandList(line, lines),
    before: said('before'),
    where: new Map(
      said('where').flatMap((text) => text.split(', ').map((pair) => pair.split('=', 2) as [string, string])),
    ),
    varies: said('varies').flatMap((text) => text.split(', ')),
    statuses: statusesOf(said('status')),
    inTheClone: said('in the clone').length > 0,
    typed: typed?.split(', ').filter(Boolean),
    runBy: runBy(lines, said),
    ...(notRun === undefined ? {} : { notRun }),
  };
}

/** `0, 1` holds for every command of a block, `lsns 0, 1` for those that begin with this word. */
function statusesOf(said: readonly string[]): Block['statuses'] {
  const rules = said.map((text) => /^(?:(\S*[^\d\s,]) )?([\d, ]+)$/.exec(text));
  return (command) => {
    const rule = rules.find((found) => command.startsWith(found?.[1] ?? ''));
    return (rule?.[2] ?? '0').split(', ').map(Number);
  };
}

function runBy(lines: readonly string[], said: (word: string) => string[]): Block['runBy'] {
  if (lines[0]?.startsWith('# ') || said('as root').length > 0) return 'root';
  return said('as an ordinary user').length > 0 ? 'an ordinary user' : 'both';
}

/** What stands behind a command as an explanation, three blanks or more away. */
const withoutExplanation = (row: string): string => row.replace(/ {3,}\S.*$/, '').trim();

function transcript(line: number, lines: readonly string[]): ShownCommand[] {
  const starts = lines.flatMap((row, index) => (prompt.test(row) ? [index] : []));
  return starts.map((start, place) => ({
    line: line + start,
    command: withoutExplanation((lines[start] as string).slice(2)),
    output: lines.slice(start + 1, starts[place + 1]),
  }));
}

function commandList(line: number, lines: readonly string[]): ShownCommand[] {
  if (!typable.test(lines[0] ?? '')) return [];
  return lines.flatMap((row, index) =>
    row.trim() === '' ? [] : [{ line: line + index, command: withoutExplanation(row), output: undefined }],
  );
}

/** Lines of a block that is taken for a listing, and that a reader would take for commands all the same. */
export const forgotten = ({ commands, lines }: Block): string[] =>
  commands.length > 0 ? [] : lines.filter((row) => typable.test(row) || /^[$#] (gontainer|npm) /.test(row));

/** The commands that the sentences and tables of a page name: `gontainer enter NAME`, `npm run check`. */
export const namedInSentences = (page: string): string[] =>
  readFileSync(join(project, page), 'utf8')
    .split('\n')
    .filter((row) => !row.startsWith('    '))
    .flatMap((row) => [...row.matchAll(/`((?:gontainer|npm run|unshare) [^`]+)`/g)])
    .map(([, text = '']) => text);
