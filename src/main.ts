/** One script, two stages: it picks the parent or the child. What needs neither is answered at once. */
import './common/supported-node.js';
import { basename } from 'node:path';
import { callerWords } from './common/caller-text.js';
import { childFile, loader } from './common/compiled-code.js';
import { preparedHelp } from './common/help-text.js';
import { inform, print } from './common/print.js';
import { otherSystem } from './parent/other-systems.js';

declare const VERSION: string;

/** Loads a stage: `import()` of it, as elsewhere, but from the code that is kept for it. */
function stage<Exports>(name: string): Exports {
  try {
    return loader(__dirname)(name) as Exports;
  } catch (error) {
    const { code, message, path } = error as NodeJS.ErrnoException;
    const [sentence] = message.split('\n');
    inform(
      code === 'ENOENT' && path === `${__dirname}/${name}`
        ? `gontainer: ${path} is missing: ${basename(__filename)} was copied without the files beside it. Make a link to it instead: ln -s.\n`
        : `gontainer: it cannot be loaded: ${sentence}. Install it again.\n`,
    );
    process.exit(125);
  }
}

const words = callerWords();
if (words[0] === 'child') {
  stage<typeof import('./child/main.js')>(childFile).child();
} else {
  const answer =
    words.length === 1 && /^--?(v|version)$/.test(words[0] as string)
      ? `gontainer ${VERSION}`
      : // Elsewhere the first thing to say is what works there.
        words.length > 0 || otherSystem() === undefined
        ? preparedHelp(words, __dirname)
        : undefined;
  const load = () => stage<typeof import('./parent/main.js')>('parent-main.cjs');
  // Whatever goes wrong outside the awaited work, such as a stream that fails later, is said as everything else is.
  process.on('uncaughtException', (error) => process.exit(load().unexpected(error, words)));
  if (answer !== undefined) process.exit(print(answer));
  const { parent, background } = load();
  const ended = words[0] === 'detached' ? background(words.slice(1)) : parent(words);
  ended.then((status) => process.exit(status));
}
