/**
 * The help is written by yargs, which takes three times as long to load as Node takes to start. So the build has it
 * written for the usual widths (scripts/help-texts.ts), and here it is only looked up.
 */
import { fstatSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** The widths, in columns, that help is written for: a classic terminal, no terminal, and the widest there is. */
export const helpWidths = [80, 100, 110] as const;

/** The file in dist/ with the help at one width: a text for each command by its name, `` for that of all. */
export const helpFile = (width: number): string => `help-${width}.json`;

/** How wide the help is written now. A terminal's width is only asked for where there may be one: that takes a while. */
export function helpWidth(): number {
  const columns = fstatSync(1).isCharacterDevice() ? process.stdout.columns : undefined;
  return Math.min(110, columns ?? 100);
}

/** The help that these words ask for, `--help` or `rootfs pull -h`; undefined where it has to be made. */
export function preparedHelp(words: readonly string[], folder: string): string | undefined {
  const asks = words.length === 0 || /^--?(h|help)$/.test(words.at(-1) as string);
  if (!asks) return undefined;
  try {
    const texts = JSON.parse(readFileSync(join(folder, helpFile(helpWidth())), 'utf8'));
    return texts[words.slice(0, -1).join(' ')];
  } catch {
    return undefined;
  }
}
