/** Says what was unpacked, what could not be kept, and what to type next. */
import { inform } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import type { Tally } from './archive/tally.js';
import { nextCommand } from './next-command.js';
import { readableSize } from './readable-size.js';

export function reportMade(directory: string, description: string, tally: Tally): void {
  const lines = [
    `Made ${directory}: ${tally.files} files, ${readableSize(tally.size)}, from ${description}.`,
  ];
  if (tally.losses !== undefined) lines.push(tally.losses);
  inform(`${lines.map(shownText).join('\n')}\n${nextCommand(directory)}`);
}
