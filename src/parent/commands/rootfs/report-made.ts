/** Says what was unpacked, what could not be kept, and what to type next. */
import { defined } from '../../../common/defined.js';
import { inform } from '../../../common/print.js';
import { shownText } from '../../../common/shown-text.js';
import type { Tally } from '../../images/archive/tally.js';
import { noteRoot as note, writeRecord } from '../../images/kept/root-record.js';
import type { ImageDefaults } from '../../spec/image-defaults.js';
import { nextCommand } from './next-command.js';

/** Notes a new root file system, so that it can be listed and removed, and its image's configuration be found. */
export function noteRoot(directory: string, from: string, image?: ImageDefaults): void {
  const record = defined({ made: new Date().toISOString(), from, image });
  writeRecord(directory, record);
  note(directory, record);
}

export function reportMade(directory: string, description: string, tally: Tally): void {
  const lines = [`Made ${directory}: ${tally.contents}, from ${description}.`];
  if (tally.losses !== undefined) lines.push(tally.losses);
  inform(`${lines.map(shownText).join('\n')}\n${nextCommand(directory)}`);
}
