/** Writes the help of every command, at the usual widths, into dist/ (src/common/help-text.ts reads it). */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { helpFile, helpWidths } from '../src/common/help-text.js';
import { help } from '../src/parent/command-line/help.js';
import { commands } from '../src/parent/commands/index.js';

export async function writeHelpTexts(folder: string): Promise<void> {
  for (const width of helpWidths) {
    const texts: Record<string, string> = { '': await help(undefined, commands, undefined, width) };
    for (const command of commands) texts[command.name] = await help(command, commands, undefined, width);
    writeFileSync(join(folder, helpFile(width)), JSON.stringify(texts));
  }
}
