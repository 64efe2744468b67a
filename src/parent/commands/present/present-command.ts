import type { Subcommand } from '../../command-line/subcommand.js';
import { portOption } from '../../presenter/port.js';

export const presentCommand: Subcommand = {
  name: 'present',
  summary: 'show launches live in a browser, for the projector',
  positionals: [
    {
      name: 'LESSON',
      describe: 'show this lesson beside the picture, by its name or number; or a LOG: play that launch',
      takes: 'optional',
    },
  ],
  options: [portOption],
  examples: [
    ['gontainer present', 'print the address of the page; then launch with --step in another terminal'],
    ['gontainer present uts', 'the same, with the lesson on UTS namespaces beside the picture'],
    ['gontainer present run.ndjson', 'play a recorded launch: gontainer replay --present'],
  ],
  anywhere: ({ positionals }) => positionals.LESSON !== undefined,
  run: async (values) => (await import('./present.js')).present(values, process.argv[1] as string),
};
