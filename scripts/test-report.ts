/**
 * What a person wants to see of a run: a line for each file, failures with the command that repeats just that test, what
 * was skipped and what to install for it, and the count.
 */

import { relative } from 'node:path';
import { styleText } from 'node:util';
import { counted } from '../src/common/counted.js';

interface Event {
  readonly type: string;
  readonly data: {
    readonly name?: string;
    readonly nesting?: number;
    readonly file?: string;
    readonly message?: string;
    readonly skip?: string | boolean;
    readonly details?: { readonly duration_ms?: number; readonly error?: Error };
  };
}

interface Failure {
  readonly file: string;
  /** The names of the test and of those that it is part of, outermost first. */
  readonly path: readonly string[];
  readonly error: Error | undefined;
}

interface File {
  readonly name: string;
  passed: number;
  skipped: number;
  failed: number;
  milliseconds: number;
  /** What it printed outside of its tests' results. */
  output: string;
}

const colour = process.stdout.isTTY && process.env.NO_COLOR === undefined;
const print = (text: string): boolean => process.stdout.write(text);
const paint = (style: 'red' | 'green' | 'yellow' | 'dim' | 'bold', text: string): string =>
  colour ? styleText(style, text) : text;
const seconds = (milliseconds: number): string => `${(milliseconds / 1000).toFixed(1)} s`;

/**
 * Prints the events of node:test's run() as they come; returns how many tests failed, and the line that says so.
 * @param verbose whether what tests say of themselves is shown too
 */
export async function report(
  events: AsyncIterable<Event>,
  verbose = false,
): Promise<{ readonly failed: number; readonly closing: string }> {
  const files = new Map<string, File>();
  const failures: Failure[] = [];
  const skips = new Map<string, number>();
  const began = Date.now();
  let current: File | undefined;
  /** Failed subtests whose own test has not ended yet. */
  let inner: { readonly nesting: number; readonly failure: Failure }[] = [];

  for await (const { type, data } of events) {
    const { name = '', nesting = 0, details = {}, skip } = data;
    if (data.file === undefined) continue;
    const file = fileOf(data.file);
    if (type === 'test:stdout' || type === 'test:stderr') file.output += data.message ?? '';
    if (verbose && type === 'test:diagnostic') print(`     ${data.message}\n`);
    if (type !== 'test:pass' && type !== 'test:fail') continue;
    if (skip === notWanted) continue;
    if (current !== undefined && current !== file) print(line(current));
    current = file;
    if (nesting === 0) file.milliseconds += details.duration_ms ?? 0;
    if (skip !== undefined) {
      file.skipped += 1;
      const reason = typeof skip === 'string' ? skip : 'for no reason that is given';
      skips.set(reason, (skips.get(reason) ?? 0) + 1);
    } else if (type === 'test:pass') file.passed += 1;
    else failed(file, name, nesting, details.error);
    if (colour) print(progress(file));
  }
  if (current !== undefined) print(line(current));
  for (const failure of failures) print(`\n${describe(failure, files.get(failure.file)?.output ?? '')}`);
  if (skips.size > 0) print(`\n${skipList(skips)}`);
  return { failed: failures.length, closing: closing() };

  function fileOf(path: string): File {
    const name = relative(process.cwd(), path);
    const file = files.get(name) ?? {
      name,
      passed: 0,
      skipped: 0,
      failed: 0,
      milliseconds: 0,
      output: '',
    };
    files.set(name, file);
    return file;
  }

  /** Subtests end before the test that they are part of; one that fails only of them has nothing to add. */
  function failed(file: File, name: string, nesting: number, error: Error | undefined): void {
    const own = isOfSubtests(error) ? [] : [{ file: file.name, path: [name], error }];
    file.failed += own.length;
    const deeper = inner
      .filter((one) => one.nesting > nesting)
      .map(({ failure }) => ({ ...failure, path: [name, ...failure.path] }));
    const all = [...deeper, ...own];
    inner = inner.filter((one) => one.nesting <= nesting);
    if (nesting === 0) failures.push(...all);
    else inner.push(...all.map((failure) => ({ nesting, failure })));
  }

  function closing(): string {
    const sum = (field: 'passed' | 'failed' | 'skipped'): number =>
      [...files.values()].reduce((total, file) => total + file[field], 0);
    const counts = `${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`;
    return `\n${counted(files.size, 'file')} in ${seconds(Date.now() - began)}\n${counts}\n`;
  }
}

/** What node:test gives as the reason for a test that --test-name-pattern leaves out. */
const notWanted = 'test name does not match pattern';

const isOfSubtests = (error: Error | undefined): boolean => /subtests? failed/.test(error?.message ?? '');

/** What a terminal shows until the file's own line takes its place. */
const progress = (file: File): string =>
  `\r\x1b[K${`  … ${file.name}: ${file.passed + file.failed}`.slice(0, (process.stdout.columns ?? 80) - 1)}`;

function line({ name, passed, failed, skipped, milliseconds }: File): string {
  const counts = [
    `${passed} passed`,
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(skipped > 0 ? [`${skipped} skipped`] : []),
  ].join(', ');
  const mark = failed > 0 ? paint('red', 'FAIL') : paint('green', 'ok  ');
  const text = `${mark} ${name}  ${paint('dim', `${counts}, ${seconds(milliseconds)}`)}\n`;
  return colour ? `\r\x1b[K${text}` : text;
}

/** A failure, with the command that runs that test and no other. */
function describe({ file, path, error }: Failure, output: string): string {
  const cause = error?.cause instanceof Error ? error.cause : error;
  const isFile = path[0] === file || path[0]?.endsWith(`/${file}`);
  const pattern = `^${path[0]?.replaceAll(/[.*+?^${}()|[\]\\/]/g, '\\$&')}$`;
  const repeat = `npm test -- ${quoted(file)}${isFile ? '' : ` ${quoted(`--test-name-pattern=${pattern}`)}`}`;
  return [
    paint('red', `FAIL ${file}`),
    `  ${paint('bold', path.join(' › '))}`,
    indent(withoutNode(String(cause?.stack ?? error?.cause ?? error?.message ?? 'no reason is given'))),
    ...(isFile && output !== '' ? [indent(output.trimEnd())] : []),
    `  to repeat it: ${repeat}`,
    '',
  ].join('\n');
}

/** A stack without Node's own functions. */
const withoutNode = (stack: string): string =>
  stack.replaceAll(/^ +at .*node:internal\/.*\n?/gm, '').trimEnd();
const indent = (text: string): string => text.replaceAll(/^(?=.)/gm, '    ');
const quoted = (word: string): string =>
  /^[\w./=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;

/** Every reason with how often it was given, and one command that installs all that is lacking. */
function skipList(skips: ReadonlyMap<string, number>): string {
  const rows = [...skips].sort(([, one], [, other]) => other - one);
  const packages = rows.flatMap(([reason]) => /\(apt-get install (.+)\)/.exec(reason)?.[1]?.split(' ') ?? []);
  return [
    paint('yellow', 'Skipped:'),
    ...rows.map(([reason, count]) => `  ${String(count).padStart(3)}  ${reason}`),
    ...(packages.length > 0 ? [`To run them: apt-get install ${[...new Set(packages)].join(' ')}`] : []),
    '',
  ].join('\n');
}
