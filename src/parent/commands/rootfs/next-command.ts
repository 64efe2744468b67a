/** What to type when a root file system is ready. */
import { shellWord } from '../../../common/shell-word.js';

/** One line, with its newline. */
export const nextCommand = (directory: string): string =>
  `Next: gontainer run --uid --mnt ${shellWord(directory)} --pid --uts --ipc\n`;
