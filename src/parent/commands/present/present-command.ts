import type { Subcommand } from '../../command-line/subcommand.js';

export const presentCommand: Subcommand = {
  name: 'present',
  summary: 'show launches live in a browser, for the projector',
  positionals: [
    {
      name: 'LESSON',
      describe: 'show this lesson beside the picture; its name or number',
      takes: 'optional',
    },
  ],
  options: [
    {
      name: 'port',
      kind: 'number',
      value: 'N',
      describe: 'serve the page on this port of 127.0.0.1; a free one by default',
      group: 'Presenter',
    },
  ],
  examples: [
    ['gontainer present', 'print the address of the page; then launch with --step in another terminal'],
    ['gontainer present uts', 'the same, with the lesson on UTS namespaces beside the picture'],
  ],
  run: async (values) => (await import('./present.js')).present(values, process.argv[1] as string),
};
